//! Downloads from servers that are hostile or falter.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::stub::{Answer, Request, Stub};
use crate::support::Cli;

/// A stub with one run, whose artifacts are at `uri`; the rest of the requests go to `answer`.
fn with_run(
    uri: &'static str,
    answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static,
) -> Stub {
    Stub::start(move |request, before| {
        if request.line.starts_with("GET /api/2.0/mlflow/runs/get?") {
            let info = json!({"run_id": "r", "experiment_id": "0", "artifact_uri": uri});
            return Answer::json(&json!({"run": {"info": info}}));
        }
        answer(request, before)
    })
}

const PROXIED: &str = "mlflow-artifacts:/0/r/artifacts";
const LISTING: &str = "GET /api/2.0/mlflow-artifacts/artifacts?path=";

fn listing(files: &Value) -> Answer {
    Answer::json(&json!({"files": files}))
}

#[test]
fn names_that_lead_elsewhere_are_refused_before_anything_is_written() {
    for name in [
        "../evil",
        "..",
        ".",
        "",
        "/etc/evil",
        "a/../../evil",
        "a\\evil",
        "..\\evil",
        "C:\\evil",
        "a/b",
        "%2e%2e",
        "%252e%252e/evil",
        "evil\u{0}",
        "evil\n",
    ] {
        let stub = with_run(PROXIED, move |request, _| {
            assert!(request.line.starts_with(LISTING), "{name:?}: {}", request.line);
            listing(&json!([{"path": "good", "is_dir": false, "file_size": 1},
                            {"path": name, "is_dir": false, "file_size": 1}]))
        });
        let cli = Cli::to(&stub.url);
        let text = cli.fails(1, &["artifacts", "download", "-r", "r", "-d", "out"]);
        assert!(text.contains("nothing is downloaded"), "{name:?}: {text}");
        assert_eq!(fs::read_dir(cli.path()).expect("a folder").count(), 0, "{name:?}");
    }
}

#[test]
fn folders_are_checked_at_every_depth_and_have_an_end() {
    let stub = with_run(PROXIED, |request, _| {
        let is_top = request.line.ends_with("artifacts");
        let inside = json!([{"path": "..", "is_dir": true}]);
        listing(&if is_top { json!([{"path": "a", "is_dir": true}]) } else { inside })
    });
    let cli = Cli::to(&stub.url);
    cli.fails(1, &["artifacts", "download", "-r", "r", "-d", "out"]);
    assert!(!cli.path().join("out").exists());

    let stub = with_run(PROXIED, |_, _| listing(&json!([{"path": "a", "is_dir": true}])));
    let text = Cli::to(&stub.url).fails(1, &["artifacts", "download", "-r", "r", "-d", "out"]);
    assert!(text.contains("levels"), "{text}");
}

/// Answers listings of a run with one file, or asks `content` for that file.
fn one_file(
    size: usize,
    content: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> impl Fn(&Request, usize) -> Answer + Send + Sync + 'static {
    move |request, _| {
        let file = json!({"path": "model.bin", "is_dir": false, "file_size": size});
        match request.line.strip_prefix(LISTING) {
            Some(path) if path.ends_with("model.bin") => listing(&json!([])),
            Some(_) => listing(&json!([file])),
            None => content(request),
        }
    }
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let whole: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
    let content = whole.clone();
    let answer = move |request: &Request| {
        let answer = Answer::new(200, content.clone()).header("etag", "\"v1\"");
        match request.header("range") {
            None => Answer { cut: Some(150_000), ..answer },
            Some(range) => {
                assert_eq!(request.header("if-range"), Some("\"v1\""));
                let start = range.strip_prefix("bytes=").and_then(|r| r.strip_suffix('-'));
                let start: usize = start.expect("a range").parse().expect("a number");
                let last = content.len() - 1;
                let range = format!("bytes {start}-{last}/{}", content.len());
                let rest = Answer::new(206, &content[start..]).header("etag", "\"v1\"");
                rest.header("content-range", &range)
            }
        }
    };
    let stub = with_run(PROXIED, one_file(whole.len(), answer));
    let cli = Cli::to(&stub.url);
    let here = cli.ok(&["artifacts", "download", "-r", "r", "-a", "model.bin", "-d", "out"]);
    assert!(fs::read(here.trim_end()).expect("there") == whole);
    let gets = stub.lines().into_iter().filter(|line| line.ends_with("model.bin")).count();
    assert!(gets >= 2);
}

#[test]
fn a_file_that_changes_meanwhile_is_fetched_anew() {
    let answer = |request: &Request| match request.header("range") {
        None => Answer { cut: Some(5), ..Answer::new(200, "0123456789").header("etag", "\"1\"") },
        Some(_) => Answer::new(200, "new").header("etag", "\"2\""),
    };
    let stub = with_run(PROXIED, one_file(10, answer));
    let cli = Cli::to(&stub.url);
    let here = cli.ok(&["artifacts", "download", "-r", "r", "-a", "model.bin", "-d", "out"]);
    assert_eq!(fs::read_to_string(here.trim_end()).expect("there"), "new");
}

#[test]
fn half_a_file_never_gets_its_name() {
    // Without a version there is no asking for the rest, so it never gets further than this.
    let answer = |_: &Request| Answer { cut: Some(5), ..Answer::new(200, "0123456789") };
    let stub = with_run(PROXIED, one_file(10, answer));
    let cli = Cli::to(&stub.url);
    fs::create_dir(cli.path().join("out")).expect("a folder");
    fs::write(cli.path().join("out/model.bin"), "what was there").expect("written");
    let text = cli.fails(1, &["artifacts", "download", "-r", "r", "-d", "out"]);
    assert!(text.contains("cannot download model.bin"), "{text}");
    let left: Vec<_> = fs::read_dir(cli.path().join("out")).expect("a folder").collect();
    assert_eq!(left.len(), 1, "no temporary file stays");
    let kept = fs::read_to_string(cli.path().join("out/model.bin")).expect("there");
    assert_eq!(kept, "what was there");
}

#[test]
fn a_person_who_gives_up_leaves_no_half_files() {
    let answer = |_: &Request| Answer { stall: true, ..Answer::new(200, "0123456789") };
    let stub = with_run(PROXIED, one_file(20, answer));
    let cli = Cli::to(&stub.url);
    let out = cli.path().join("out");
    let count = || fs::read_dir(&out).map_or(0, Iterator::count);
    let mut command = cli.command(&["artifacts", "download", "-r", "r", "-d", "out"]);
    let mut child = command.spawn().expect("run the binary");
    while count() == 0 {
        assert!(child.try_wait().expect("a status").is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    interrupt(child.id());
    assert_eq!(child.wait().expect("a status").code(), Some(130));
    assert_eq!(count(), 0);
}

#[expect(clippy::disallowed_methods, reason = "tests send signals")]
fn interrupt(pid: u32) {
    let sent = Command::new("kill").args(["-INT", &pid.to_string()]).status();
    assert!(sent.expect("run kill").success());
}

#[test]
fn credentials_do_not_follow_artifacts_to_another_server() {
    let other = Stub::start(one_file(1, |_| Answer::new(200, "x")));
    let uri: &'static str = format!("mlflow-artifacts://{}/0/r/artifacts", &other.url[7..]).leak();
    let stub = with_run(uri, |_, _| Answer::new(500, ""));
    let cli = Cli::to(&stub.url).env("MLFLOW_TRACKING_TOKEN", "secret");
    cli.ok(&["artifacts", "download", "-r", "r", "-d", "out"]);
    assert_eq!(stub.seen()[0].header("authorization"), Some("Bearer secret"));
    assert!(other.seen().len() > 1);
    assert!(other.seen().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn uploads_are_repeated_whole_when_the_server_is_busy() {
    let stub = with_run(PROXIED, |_, before| match before {
        1 => Answer::new(503, "").header("retry-after", "0"),
        _ => Answer::new(200, ""),
    });
    let cli = Cli::to(&stub.url);
    fs::write(cli.path().join("a b%.txt"), "content").expect("written");
    cli.ok(&["artifacts", "log-artifact", "-l", "a b%.txt", "-r", "r"]);
    let puts: Vec<Request> =
        stub.seen().into_iter().filter(|request| request.line.starts_with("PUT")).collect();
    assert_eq!(puts.len(), 2);
    for put in puts {
        assert_eq!(put.line, "PUT /api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/a%20b%25.txt");
        assert_eq!(put.body, b"content");
    }
}

#[test]
fn a_proxy_that_is_switched_off_is_not_waited_for() {
    let stub = with_run(PROXIED, |_, _| {
        Answer::new(503, "Endpoint: /api/2.0/mlflow-artifacts/artifacts is disabled because …")
    });
    let text = Cli::to(&stub.url).fails(1, &["artifacts", "list", "-r", "r"]);
    assert!(text.contains("is disabled because"), "{text}");
    assert_eq!(stub.lines().len(), 2);
}
