//! The server in front of a bucket: what clients see of the store, of its faults, and of nothing else.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use modelyard_testkit::{
    Answer, Break, Client, FaultyProxy, S3_SECRET, Server, Setup, TestBucket, azure_bucket,
    s3_bucket,
};
use serde_json::json;

use crate::{PROXY, assert_refused, get, names, new_run, pattern, put};

const LARGE: usize = (11 << 20) + 7;

fn setup(bucket: &TestBucket, args: &[&str]) -> Setup {
    let setup = Setup::new(env!("CARGO_BIN_EXE_modelyard")).args(args);
    bucket.variables.iter().fold(setup, |setup, (name, value)| setup.env(name, value))
}

/// A server whose proxied artifacts are in a folder of the bucket.
fn start(bucket: &TestBucket) -> Server {
    let place = format!("{}/team x", bucket.location);
    setup(bucket, &["--artifacts-destination", &place]).start()
}

/// How many multipart uploads are neither complete nor called off, once there are none or the patience is at its
/// end.
fn unfinished(bucket: &TestBucket) -> usize {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let listing = Client::default().send("GET", &format!("{}?uploads", bucket.url), &[], b"");
        let count = listing.text().matches("<Upload>").count();
        if count == 0 || Instant::now() > deadline {
            return count;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn files_go_up_and_come_down_in_every_store() {
    for bucket in [s3_bucket(), azure_bucket()].into_iter().flatten() {
        let server = start(&bucket);
        let large = pattern(LARGE);
        put(&server, "1/a/large.bin", &large);
        put(&server, "1/a/100%25%20%C3%A9.txt", b"odd");
        put(&server, "1/a/empty", b"");
        put(&server, "1/ab", b"neighbour");
        assert!(get(&server, "1/a/large.bin").body == large, "{}", bucket.location);
        assert_eq!(get(&server, "1/a/100%25%20%C3%A9.txt").text(), "odd");
        assert_eq!(get(&server, "1/a/empty").body, b"");
        let listing = server.get(&format!("{PROXY}?path=1/a"));
        assert_eq!(names(&listing), ["100% é.txt", "empty", "large.bin"]);
        let range = [("range", "bytes=5242870-5242890")];
        let part = server.send("GET", &format!("{PROXY}/1/a/large.bin"), &range, b"");
        assert_eq!((part.status, &part.body[..]), (206, &large[5_242_870..5_242_891]));
        assert_refused(&get(&server, "1/a/none"), 404, "No such artifact");
        assert_refused(&get(&server, "1/a"), 400, "directory");
        assert_refused(&get(&server, "1/%2e%2e/x"), 400, "Invalid path");
        let long = format!("{PROXY}/{}", vec!["long".repeat(60); 5].join("/"));
        assert_refused(&server.send("PUT", &long, &[], b"x"), 400, "which takes 1024");
        assert_eq!(server.send("DELETE", &format!("{PROXY}/1/a"), &[], b"").status, 200);
        assert_eq!(names(&server.get(&format!("{PROXY}?path=1"))), ["ab"]);
        assert!(!server.log().contains(S3_SECRET));
    }
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let Some(bucket) = s3_bucket() else { return };
    let server = start(&bucket);
    for sent in [10, LARGE] {
        let mut client = server.connect();
        let head =
            format!("PUT {PROXY}/a/cut HTTP/1.1\r\nhost: x\r\ncontent-length: 30000000\r\n\r\n");
        client.write_all(head.replace("host: x", "host: 127.0.0.1").as_bytes()).expect("sent");
        client.write_all(&pattern(sent)).expect("sent");
        client.shutdown(std::net::Shutdown::Write).expect("broken off");
        let mut answer = String::new();
        // The server may as well say nothing.
        let _ = client.read_to_string(&mut answer);
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(unfinished(&bucket), 0);
    assert_eq!(get(&server, "a/cut").status, 404);
    assert_eq!(names(&server.get(&format!("{PROXY}?path=a"))), [""; 0]);
}

#[test]
fn faults_of_the_store_are_told_as_such() {
    let Some(bucket) = s3_bucket() else { return };
    let proxy = FaultyProxy::before(&bucket.server);
    let server = start(&bucket.through(proxy.url()));
    put(&server, "a/f", &pattern(LARGE));
    // Parts fail and are sent again.
    proxy.break_next(2, "PUT", "partNumber=1", Break::Answer(503, "SlowDown"));
    proxy.break_next(1, "PUT", "partNumber=2", Break::Request(1 << 20));
    put(&server, "a/g", &pattern(LARGE));
    assert_eq!(proxy.broken(), 3);

    proxy.break_next(1_000, "PUT", "partNumber=2", Break::Answer(500, "InternalError"));
    let refused = server.send("PUT", &format!("{PROXY}/a/h"), &[], &pattern(LARGE));
    assert_refused(&refused, 503, &format!("The artifact store {}/team x cannot", bucket.location));
    proxy.heal();
    assert_eq!(names(&server.get(&format!("{PROXY}?path=a"))), ["f", "g"]);
    assert_eq!(unfinished(&bucket), 0);

    // A download that breaks ends before the length that was announced: no client takes that for the file.
    proxy.break_next(1_000, "GET", "/a/f", Break::Response(1_000));
    let url = format!("{}{PROXY}/a/f", server.url());
    let broken = Client::default().try_send("GET", &url, &[], b"");
    assert!(
        broken.as_ref().map_or(true, |it| it.status >= 500),
        "{:?}",
        broken.map(|it| it.status)
    );
    proxy.heal();
    assert!(get(&server, "a/f").body == pattern(LARGE));

    proxy.break_next(1_000, "PUT", "/a/", Break::Answer(403, "AccessDenied"));
    let denied = server.send("PUT", &format!("{PROXY}/a/i"), &[], b"x");
    assert_refused(&denied, 403, "does not give this server's credentials the right");
    proxy.heal();
    proxy.break_next(1_000, "GET", "list-type", Break::Answer(403, "InvalidAccessKeyId"));
    assert_refused(&server.get("/ready"), 503, "The bucket for artifacts cannot be reached");
    proxy.heal();
    assert_eq!(server.get("/ready").status, 200);
    assert!(!server.log().contains(S3_SECRET), "{}", server.log());
}

#[test]
fn parts_and_downloads_go_to_the_store_by_signed_urls() {
    let Some(bucket) = s3_bucket() else { return };
    let server = start(&bucket);
    let info = server.get("/api/3.0/mlflow/server-info").json();
    assert_eq!(info["multipart_uploads_enabled"], true);
    assert_eq!(info["multipart_downloads_enabled"], true);
    let mpu = "/api/2.0/mlflow-artifacts/mpu";
    let data = pattern(LARGE);
    let begun = server.post(&format!("{mpu}/create/1/r"), &json!({"path": "f", "num_parts": 3}));
    let begun = begun.json();
    let mut parts = Vec::new();
    for (number, piece) in (1..).zip(data.chunks(5 << 20)) {
        let url = begun["credentials"][number - 1]["url"].as_str().expect("a URL");
        assert!(url.starts_with(&bucket.server) && url.contains("X-Amz-Signature="), "{url}");
        let sent = Client::default().send("PUT", url, &[], piece);
        assert_eq!(sent.status, 200, "{}", sent.text());
        parts.push(json!({"part_number": number, "etag": sent.header("etag"), "url": url}));
    }
    assert_eq!(get(&server, "1/r/f").status, 404);
    let list = json!({"path": "f", "upload_id": begun["upload_id"], "parts": parts});
    for _ in 0..2 {
        let done = server.post(&format!("{mpu}/complete/1/r"), &list);
        assert_eq!((done.status, done.text()), (200, "{}"));
    }
    assert!(get(&server, "1/r/f").body == data);
    let signed = server.get("/api/2.0/mlflow-artifacts/presigned/1/r/f").json();
    assert_eq!(signed["file_size"], LARGE);
    let url = signed["url"].as_str().expect("a URL");
    assert!(Client::default().send("GET", url, &[], b"").body == data);
    assert!(!url.contains(S3_SECRET));
    let none = server.get("/api/2.0/mlflow-artifacts/presigned/1/r/none");
    assert_refused(&none, 404, "No such artifact");

    let begun = server.post(&format!("{mpu}/create/1/r"), &json!({"path": "g", "num_parts": 1}));
    let abort = json!({"path": "g", "upload_id": begun.json()["upload_id"]});
    assert_eq!(server.post(&format!("{mpu}/abort/1/r"), &abort).status, 200);
    assert_eq!(unfinished(&bucket), 0);
    let wrong = json!({"path": "f", "upload_id": "no such", "parts": []});
    assert_eq!(server.post(&format!("{mpu}/complete/1/r"), &wrong).status, 404);
}

#[test]
fn azure_takes_files_as_a_whole() {
    let Some(bucket) = azure_bucket() else { return };
    let server = start(&bucket);
    let info = server.get("/api/3.0/mlflow/server-info").json();
    assert_eq!(info["multipart_uploads_enabled"], false);
    let create = json!({"path": "f", "num_parts": 3});
    let refused = server.post("/api/2.0/mlflow-artifacts/mpu/create/1", &create);
    assert_refused(&refused, 501, "not supported");
    put(&server, "1/f", b"whole");
    let signed = server.get("/api/2.0/mlflow-artifacts/presigned/1/f").json();
    // Azurite does not take it: it has the account in the path, which is not what Azure signs.
    let url = signed["url"].as_str().expect("a URL");
    assert!(url.starts_with(&bucket.url) && url.contains("/1/f?") && url.contains("sig="), "{url}");
}

/// Clients go to the root by themselves; the server reads it, and no other bucket.
#[test]
fn a_root_in_a_bucket_is_read_and_no_other_bucket_is() {
    let (Some(bucket), Some(other)) = (s3_bucket(), s3_bucket()) else { return };
    let root = format!("{}/direct", bucket.location);
    let server = setup(&bucket, &["--default-artifact-root", &root]).start();
    let (run, location) = new_run(&server, &json!({"name": "own"}));
    assert!(location.starts_with(&root), "{location}");
    let asked = json!({"run_id": run, "path": "m/x.txt"});
    let signed = server.post("/api/2.0/mlflow/artifacts/presigned-upload-url", &asked).json();
    let headers: Vec<(&str, &str)> = signed["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value.as_str().expect("a text")))
        .collect();
    let url = signed["presigned_url"].as_str().expect("a URL");
    assert_eq!(Client::default().send("PUT", url, &headers, b"abc").status, 200);
    let listing = server.get(&format!("/api/2.0/mlflow/artifacts/list?run_id={run}&path=m")).json();
    assert_eq!(listing["files"][0]["path"], "m/x.txt");
    let read =
        |run: &str| -> Answer { server.get(&format!("/get-artifact?run_id={run}&path=m/x.txt")) };
    assert_eq!(read(&run).text(), "abc");

    let elsewhere = json!({"name": "elsewhere", "artifact_location": other.location});
    let (run, location) = new_run(&server, &elsewhere);
    assert!(location.starts_with(&other.location), "{location}");
    assert_refused(&read(&run), 400, "are not served");
    let allowed = ["--default-artifact-root", &root, "--allow-artifact-location", &other.location];
    let server = setup(&bucket, &allowed).start();
    let (run, _) = new_run(&server, &elsewhere);
    let read = server.get(&format!("/get-artifact?run_id={run}&path=m/x.txt"));
    assert_refused(&read, 404, "No such artifact");
}

#[test]
fn what_cannot_be_obeyed_is_said_at_the_start() {
    let Some(bucket) = s3_bucket() else { return };
    let missing = ["--artifacts-destination", "s3://not-there/x"];
    let (status, said) = setup(&bucket, &missing).fail();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("s3://not-there/x does not exist"), "{said}");
    let place = ["--artifacts-destination", bucket.location.as_str()];
    for (name, value, told) in [
        ("AWS_PROFILE", "team", "AWS_PROFILE: profiles"),
        ("MLFLOW_S3_IGNORE_TLS", "perhaps", "MLFLOW_S3_IGNORE_TLS: use true or false"),
        ("MLFLOW_S3_UPLOAD_EXTRA_ARGS", r#"{"ACL": "x"}"#, "only ServerSideEncryption"),
        ("MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE", "odd", "use auto, path or virtual"),
        ("MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS", "0", "use a number of seconds"),
        ("AWS_CA_BUNDLE", "/not/there.pem", "AWS_CA_BUNDLE: "),
    ] {
        let (status, said) = setup(&bucket, &place).env(name, value).fail();
        assert_eq!(status.code(), Some(2), "{name}: {said}");
        assert!(said.contains(told) && !said.contains(S3_SECRET), "{name}: {said}");
    }
    let odd = [("AWS_MAX_ATTEMPTS", "9"), ("AWS_BUCKET", "x"), ("MLFLOW_S3_NEW", "1")];
    let with_odd = odd.iter().fold(setup(&bucket, &place), |it, (name, value)| it.env(name, value));
    // Of another store, which is not in use.
    let server = with_odd.env("AZURE_ODD", "1").start();
    server.log_line("AWS_BUCKET, AWS_MAX_ATTEMPTS, MLFLOW_S3_NEW: ignored");
    assert!(!server.log().contains("AWS_DEFAULT_REGION"), "{}", server.log());
    let Some(azure) = azure_bucket() else { return };
    let place = ["--artifacts-destination", azure.location.as_str()];
    let name = "AZURE_STORAGE_CONNECTION_STRING";
    for (value, told) in [
        ("AccountName=other;AccountKey=c2VjcmV0", "it is not of the account devstoreaccount1"),
        ("AccountKey", "write it as Name=value"),
        ("AccountKey=c2VjcmV0;Colour=red", "its field Colour is not known"),
        ("EndpointSuffix=core.chinacloudapi.cn", "give a BlobEndpoint"),
    ] {
        let (status, said) = setup(&azure, &place).env(name, value).fail();
        assert_eq!(status.code(), Some(2), "{value}: {said}");
        assert!(said.contains(told) && !said.contains("c2VjcmV0"), "{value}: {said}");
    }
}
