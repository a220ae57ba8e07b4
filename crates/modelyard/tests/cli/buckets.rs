//! `modelyard artifacts …` where the server keeps them in a bucket; and large files, which go in parts.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use modelyard_testkit::{Break, FaultyProxy, Server, Setup, TestBucket, azure_bucket, s3_bucket};

use serde_json::json;

use crate::artifacts::{awkward_tree, content};
use crate::stub::{Answer, Stub};
use crate::support::{BINARY, Cli, finished_run};

/// More than goes up whole: five parts.
const LARGE: usize = (65 << 20) + 7;

fn start(bucket: &TestBucket) -> Server {
    let place = format!("{}/x", bucket.location);
    let setup = Setup::new(BINARY).args(&["--artifacts-destination", &place]);
    bucket.variables.iter().fold(setup, |it, (name, value)| it.env(name, value)).start()
}

pub(crate) fn write_large(path: &Path) -> Vec<u8> {
    let data: Vec<u8> =
        (0..LARGE as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect();
    fs::write(path, &data).expect("written");
    data
}

#[test]
fn a_folder_comes_back_from_a_bucket_as_it_was() {
    for bucket in [s3_bucket(), azure_bucket()].into_iter().flatten() {
        let server = start(&bucket);
        let cli = Cli::to(server.url());
        let run = finished_run(&server, "0", "run", 1);
        awkward_tree(&cli.path().join("in"));
        cli.ok(&["artifacts", "log-artifacts", "-l", "in", "-r", &run]);
        cli.ok(&["artifacts", "download", "-r", &run, "-d", "out"]);
        let same = content(&cli.path().join("in")) == content(&cli.path().join("out"));
        assert!(same, "{}", bucket.location);
        let one = cli.ok(&["artifacts", "download", "-r", &run, "-a", "a/100%25.txt", "-d", "one"]);
        assert_eq!(fs::read_to_string(one.trim_end()).expect("there"), "percent");
    }
}

#[test]
fn a_large_file_goes_in_parts_past_the_server_and_each_is_repeated() {
    let Some(bucket) = s3_bucket() else { return };
    let proxy = FaultyProxy::before(&bucket.server);
    let server = start(&bucket.through(proxy.url()));
    let cli = Cli::to(server.url());
    let run = finished_run(&server, "0", "run", 1);
    let data = write_large(&cli.path().join("large é.bin"));
    proxy.break_next(2, "PUT", "partNumber=2", Break::Answer(503, "SlowDown"));
    proxy.break_next(1, "PUT", "partNumber=4", Break::Request(1 << 20));
    cli.ok(&["artifacts", "log-artifact", "-l", "large é.bin", "-r", &run]);
    assert_eq!(proxy.broken(), 3);
    let seen = proxy.seen();
    for number in 1..=5 {
        let part = format!("partNumber={number}&");
        assert!(seen.iter().any(|it| it.starts_with("PUT") && it.contains(&part)), "{seen:?}");
    }
    cli.ok(&["artifacts", "download", "-r", &run, "-d", "out"]);
    assert!(fs::read(cli.path().join("out/large é.bin")).expect("there") == data);

    proxy.break_next(1_000, "PUT", "partNumber=3", Break::Answer(403, "AccessDenied"));
    fs::rename(cli.path().join("large é.bin"), cli.path().join("other.bin")).expect("renamed");
    let said = cli.fails(4, &["artifacts", "log-artifact", "-l", "other.bin", "-r", &run]);
    assert!(said.contains("HTTP 403: a part of the file is not taken"), "{said}");
    assert!(!said.contains("X-Amz-Signature"), "{said}");
    let listed = cli.ok(&["artifacts", "list", "-r", &run]);
    assert!(!listed.contains("other.bin"), "{listed}");
    assert!(proxy.seen().iter().any(|it| it.starts_with("DELETE") && it.contains("uploadId=")));
}

#[test]
fn a_large_file_goes_in_parts_to_a_folder_too() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let run = finished_run(&server, "0", "run", 1);
    let data = write_large(&cli.path().join("large.bin"));
    cli.ok(&["artifacts", "log-artifact", "-l", "large.bin", "-r", &run, "-a", "a b/c"]);
    cli.ok(&["artifacts", "download", "-r", &run, "-d", "out"]);
    assert!(fs::read(cli.path().join("out/a b/c/large.bin")).expect("there") == data);
    let stored = server.data().join("artifacts/0").join(&run).join("artifacts/a b/c/large.bin");
    assert_eq!(fs::metadata(stored).expect("there").len(), LARGE as u64);
    let metrics = server.get("/metrics");
    let parts = metrics.text().lines().filter(|it| it.contains("mpu/part") && it.contains("2xx"));
    assert!(parts.count() > 0, "{}", metrics.text());
}

#[test]
fn where_only_the_server_reaches_the_store_the_file_goes_through_it() {
    let closed =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
    let stub = Stub::start(move |request, _| {
        let part = |number: usize| json!({"part_number": number, "url": format!("http://{closed}/{number}")});
        if request.line.starts_with("GET /api/2.0/mlflow/runs/get?") {
            let info = json!({"run_id": "r", "experiment_id": "0",
                              "artifact_uri": "mlflow-artifacts:/0/r/artifacts"});
            return Answer::json(&json!({"run": {"info": info}}));
        }
        match request.line.rsplit('/').next() {
            Some("server-info") => Answer::json(&json!({"multipart_uploads_enabled": true})),
            _ if request.line.contains("/mpu/create/") => {
                let parts: Vec<_> = (1..=5).map(part).collect();
                Answer::json(&json!({"upload_id": "u", "credentials": parts}))
            }
            _ => Answer::json(&json!({})),
        }
    });
    let cli = Cli::to(&stub.url);
    let data = write_large(&cli.path().join("large.bin"));
    cli.ok(&["artifacts", "log-artifact", "-l", "large.bin", "-r", "r"]);
    let seen = stub.seen();
    let last = seen.last().expect("requests");
    assert!(last.line.starts_with("PUT /api/2.0/mlflow-artifacts/artifacts/0/r/"), "{}", last.line);
    assert!(last.body == data);
    assert!(stub.lines().iter().any(|line| line.contains("/mpu/abort/0/r/artifacts")));
}
