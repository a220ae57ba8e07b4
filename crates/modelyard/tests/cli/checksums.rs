//! What `modelyard artifacts` compares, on ways that damage bytes and with servers that know no checksums.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use modelyard_protocol::digest::Digest;
use modelyard_testkit::{Break, FaultyProxy, Server, Setup, s3_bucket};
use serde_json::json;

use crate::buckets::write_large;
use crate::stub::{Answer, Request, Stub};
use crate::support::{BINARY, Cli, finished_run};

/// More often than anything is tried.
const ALWAYS: u32 = 1_000;
const WANT: &str = "want-repr-digest";
const PROXIED: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// A server, and a command line that reaches it by a proxy only.
struct World {
    server: Server,
    proxy: FaultyProxy,
    cli: Cli,
    run: String,
}

fn world() -> World {
    let server = Server::start(BINARY);
    let proxy = FaultyProxy::before(server.url());
    let (cli, run) = (Cli::to(proxy.url()), finished_run(&server, "0", "run", 1));
    World { server, proxy, cli, run }
}

impl World {
    fn log(&self, file: &str) -> Vec<String> {
        ["artifacts", "log-artifact", "-l", file, "-r", &self.run].map(str::to_owned).to_vec()
    }

    fn listed(&self) -> String {
        Cli::to(self.server.url()).ok(&["artifacts", "list", "-r", &self.run])
    }

    fn requests(&self, method: &str, part: &str) -> usize {
        let all = self.proxy.seen();
        all.iter().filter(|it| it.starts_with(method) && it.contains(part)).count()
    }
}

fn args(owned: &[String]) -> Vec<&str> {
    owned.iter().map(String::as_str).collect()
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn what_is_damaged_on_the_way_up_is_not_stored() {
    let world = world();
    for size in [1, 100_000, 900_000] {
        fs::write(world.cli.path().join("f.bin"), vec![b'x'; size]).expect("written");
        world.proxy.break_next(1, "PUT", "f.bin", Break::DamagedRequest(size as u64 / 2));
        let text = world.cli.fails(1, &args(&world.log("f.bin")));
        assert!(text.contains("cannot upload f.bin"), "{text}");
        assert!(text.contains("What arrived is not what was announced"), "{text}");
        assert_eq!(world.listed(), "[]\n");
    }
    let done = world.cli.run(&args(&world.log("f.bin")));
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.stderr.ends_with("; its checksum was compared on arrival.\n"), "{done:?}");
}

#[test]
fn a_damaged_part_is_not_stored() {
    let world = world();
    let data = write_large(&world.cli.path().join("large.bin"));
    world.proxy.break_next(ALWAYS, "PUT", "/3", Break::DamagedRequest(1 << 20));
    let text = world.cli.fails(1, &args(&world.log("large.bin")));
    assert!(text.contains("What arrived is not what was announced"), "{text}");
    assert_eq!(world.listed(), "[]\n");
    world.proxy.heal();
    let done = world.cli.run(&args(&world.log("large.bin")));
    assert!(done.stderr.ends_with("; its checksum was compared on arrival.\n"), "{done:?}");
    assert!(world.requests("PUT", "/mpu/part/") >= 5 + 3, "{:?}", world.proxy.seen());
    let out = world.cli.run(&["artifacts", "download", "-r", &world.run, "-d", "out"]);
    assert_eq!(out.stderr, "Downloaded 1 file (65.00 MiB); its checksum was compared.\n");
    assert!(fs::read(world.cli.path().join("out/large.bin")).expect("there") == data);
}

#[test]
fn what_is_damaged_on_the_way_down_is_fetched_again_or_removed() {
    let world = world();
    let folder = world.cli.path().join("in");
    fs::create_dir(&folder).expect("a folder");
    let data = vec![b'x'; 1_500_000];
    fs::write(folder.join("f.bin"), &data).expect("written");
    fs::write(folder.join("g.bin"), "untouched").expect("written");
    let log = world.cli.run(&["artifacts", "log-artifacts", "-l", "in", "-r", &world.run]);
    assert!(log.stderr.ends_with("; all checksums were compared on arrival.\n"), "{log:?}");

    world.proxy.break_next(2, "GET", "/f.bin", Break::DamagedResponse(1_000_000));
    let out = world.cli.run(&["artifacts", "download", "-r", &world.run, "-d", "out"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(out.stderr, "Downloaded 2 files (1.43 MiB); all checksums were compared.\n");
    assert!(fs::read(world.cli.path().join("out/f.bin")).expect("there") == data);
    assert_eq!((world.proxy.broken(), world.requests("GET", "/f.bin")), (2, 3));

    world.proxy.break_next(ALWAYS, "GET", "/f.bin", Break::DamagedResponse(0));
    let one = ["artifacts", "download", "-r", &world.run, "-a", "f.bin", "-d", "bad"];
    let text = world.cli.fails(1, &one);
    assert!(text.contains("cannot download f.bin: what arrived is not what the server"), "{text}");
    assert!(text.contains(&Digest::of(&data).to_string()), "{text}");
    assert_eq!(world.requests("GET", "/f.bin"), 6);
    assert_eq!(entries(&world.cli.path().join("bad")), 0, "no temporary file stays");
}

#[test]
fn a_file_that_broke_off_is_compared_as_a_whole() {
    let world = world();
    let data = vec![b'y'; 900_000];
    fs::write(world.cli.path().join("f.bin"), &data).expect("written");
    world.cli.ok(&args(&world.log("f.bin")));
    world.proxy.break_next(2, "GET", "/f.bin", Break::Response(300_000));
    let out = world.cli.run(&["artifacts", "download", "-r", &world.run, "-d", "out"]);
    assert!(out.stderr.ends_with("; its checksum was compared.\n"), "{out:?}");
    assert!(fs::read(world.cli.path().join("out/f.bin")).expect("there") == data);
    assert_eq!(world.requests("GET", "/f.bin"), 3);
}

/// A stub with a run `r`; the rest goes to `answer`.
fn with_run(answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Stub {
    Stub::start(move |request, before| {
        if request.line.starts_with("GET /api/2.0/mlflow/runs/get?") {
            let info = json!({"run_id": "r", "experiment_id": "0",
                              "artifact_uri": "mlflow-artifacts:/0/r/artifacts"});
            return Answer::json(&json!({"run": {"info": info}}));
        }
        if request.line.contains("artifacts?path=") {
            let file = json!({"path": "f", "is_dir": false, "file_size": 5});
            return Answer::json(&json!({"files": [file]}));
        }
        answer(request, before)
    })
}

fn of_file(stub: &Stub, method: &str) -> Vec<Request> {
    let start = format!("{method} {PROXIED}/");
    stub.seen().into_iter().filter(|request| request.line.starts_with(&start)).collect()
}

/// MLflow's own server takes the fields for nothing and answers with none.
#[test]
fn a_server_without_checksums_works_and_nothing_is_claimed() {
    let stub = with_run(|request, _| match request.line.starts_with("GET") {
        true => Answer::new(200, "hello"),
        false => Answer::new(200, "{}"),
    });
    let cli = Cli::to(&stub.url);
    fs::write(cli.path().join("f"), "hello").expect("written");
    let up = cli.run(&["artifacts", "log-artifact", "-l", "f", "-r", "r"]);
    let said =
        "Uploaded f (5 B) to the run r; the server does not say that it compares checksums.\n";
    assert_eq!((up.code, up.stderr.as_str()), (0, said));
    let put = &of_file(&stub, "PUT")[0];
    assert_eq!(put.header("repr-digest"), Some(Digest::of(b"hello").field().as_str()));
    assert_eq!(put.header("content-digest"), None);
    let down = cli.run(&["artifacts", "download", "-r", "r", "-d", "out"]);
    let said = "Downloaded 1 file (5 B); complete, but the server gave no checksum to compare.\n";
    assert_eq!((down.code, down.stderr.as_str()), (0, said));
    assert_eq!(of_file(&stub, "GET")[0].header(WANT), Some("sha-256=10"));

    let short = with_run(|_, _| Answer { stall: true, cut: Some(5), ..Answer::new(200, "hello") });
    let text = Cli::to(&short.url).fails(1, &["artifacts", "download", "-r", "r", "-d", "out"]);
    assert!(text.contains("cannot download f"), "{text}");
}

#[test]
fn a_version_that_appears_in_between_is_asked_for_its_own_digest() {
    let counted = AtomicUsize::new(0);
    let stub = with_run(move |request, _| {
        let told = |text: &str| Digest::of(text.as_bytes()).field();
        match (request.header("range"), counted.fetch_add(1, Ordering::Relaxed)) {
            (None, 0) => Answer {
                cut: Some(5),
                ..Answer::new(200, "0123456789")
                    .header("etag", "\"1\"")
                    .header("repr-digest", &told("0123456789"))
            },
            (Some(_), 1) => Answer::new(200, "new").header("etag", "\"2\""),
            _ => {
                Answer::new(200, "new").header("etag", "\"2\"").header("repr-digest", &told("new"))
            }
        }
    });
    let cli = Cli::to(&stub.url);
    let out = cli.run(&["artifacts", "download", "-r", "r", "-d", "out"]);
    assert_eq!(out.stderr, "Downloaded 1 file (3 B); its checksum was compared.\n");
    assert_eq!(fs::read_to_string(cli.path().join("out/f")).expect("there"), "new");
    let asked: Vec<_> =
        of_file(&stub, "GET").iter().map(|request| request.header(WANT).is_some()).collect();
    assert_eq!(asked, [true, false, true], "not with the rest of a file");
}

#[test]
fn a_file_that_changes_between_its_checksum_and_its_sending_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(&path, "before").expect("written");
    let target = path.clone();
    let stub = with_run(move |_, _| {
        fs::write(&target, "behind").expect("written");
        Answer::new(503, "").header("retry-after", "0")
    });
    let file = path.to_str().expect("UTF-8");
    let text = Cli::to(&stub.url).fails(1, &["artifacts", "log-artifact", "-l", file, "-r", "r"]);
    assert!(text.contains("it changed while it was uploaded"), "{text}");
    assert_eq!(of_file(&stub, "PUT").len(), 1, "the second time it does not arrive whole");
}

/// Parts that go to a store carry `Content-MD5`, unless the signature of the URL forbids it.
#[test]
fn parts_that_go_to_a_store_have_its_own_checksum() {
    for (query, is_sent) in
        [("X-Amz-Signature=s", true), ("AWSAccessKeyId=a&Signature=s", false), ("sig=s", true)]
    {
        let stub = with_run(move |request, _| {
            let line = &request.line;
            let host = request.header("host").unwrap_or_default();
            if line.ends_with("/server-info") {
                return Answer::json(&json!({"multipart_uploads_enabled": true}));
            }
            if line.contains("/mpu/create/") {
                let part = |number: usize| {
                    let url = format!("http://{host}/bucket/f?{query}&partNumber={number}");
                    json!({"part_number": number, "url": url})
                };
                let parts: Vec<_> = (1..=5).map(part).collect();
                return Answer::json(&json!({"upload_id": "u", "credentials": parts}));
            }
            if line.starts_with("PUT /bucket/") {
                let hex: String =
                    Md5::digest(&request.body).iter().map(|byte| format!("{byte:02x}")).collect();
                return Answer::new(200, "").header("etag", &format!("\"{hex}\""));
            }
            Answer::json(&json!({}))
        });
        let cli = Cli::to(&stub.url);
        write_large(&cli.path().join("large.bin"));
        let up = cli.run(&["artifacts", "log-artifact", "-l", "large.bin", "-r", "r"]);
        assert!(up.stderr.ends_with("; its checksum was compared on arrival.\n"), "{up:?}");
        let parts: Vec<Request> =
            stub.seen().into_iter().filter(|it| it.line.starts_with("PUT /bucket/")).collect();
        assert_eq!(parts.len(), 5);
        for part in parts {
            let expected = STANDARD.encode(Md5::digest(&part.body));
            let sent = part.header("content-md5");
            assert_eq!(sent, is_sent.then_some(expected.as_str()), "{query}");
            assert_eq!(part.header("content-digest"), None);
        }
    }
}

/// The server of the tests names the MD5 of what it got, and compares it with nothing: a store that does not
/// compare is not said to.
#[test]
fn a_store_that_does_not_show_the_right_checksum_is_not_praised() {
    let Some(bucket) = s3_bucket() else { return };
    let proxy = FaultyProxy::before(&bucket.server);
    let place = format!("{}/x", bucket.location);
    let setup = Setup::new(BINARY).args(&["--artifacts-destination", &place]);
    let through = bucket.through(proxy.url());
    let server = through.variables.iter().fold(setup, |it, (name, value)| it.env(name, value));
    let server = server.start();
    let cli = Cli::to(server.url());
    let run = finished_run(&server, "0", "run", 1);
    write_large(&cli.path().join("large.bin"));
    let log = ["artifacts", "log-artifact", "-l", "large.bin", "-r", &run];
    let up = cli.run(&log);
    assert!(up.stderr.ends_with("; its checksum was compared on arrival.\n"), "{up:?}");
    proxy.break_next(1, "PUT", "partNumber=2", Break::DamagedRequest(1 << 20));
    let up = cli.run(&log);
    assert!(!up.stderr.contains("was compared"), "{up:?}");
}
