//! How the commands cope with servers, proxies and networks that are not at their best.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use serde_json::json;

use crate::stub::{Answer, Request, Stub};
use crate::support::Cli;

const SEARCH: [&str; 2] = ["experiments", "search"];

fn one_experiment(_: &Request, _: usize) -> Answer {
    Answer::json(&json!({"experiments": [{"experiment_id": "1", "name": "stubbed"}]}))
}

#[test]
fn credentials_come_from_the_environment_or_the_address() {
    let stub = Stub::start(one_experiment);
    let with_user = stub.url.replace("http://", "http://ann:p%40w@");
    Cli::to(&stub.url).ok(&SEARCH);
    Cli::to(&stub.url).env("MLFLOW_TRACKING_TOKEN", "t0k").ok(&SEARCH);
    let pair = Cli::to(&stub.url).env("MLFLOW_TRACKING_USERNAME", "u");
    pair.env("MLFLOW_TRACKING_PASSWORD", "p").ok(&SEARCH);
    Cli::to(&with_user).ok(&SEARCH);
    let sent: Vec<_> =
        stub.seen().iter().map(|r| r.header("authorization").map(str::to_owned)).collect();
    let basic = |text: &str| Some(format!("Basic {text}"));
    assert_eq!(sent, [None, Some("Bearer t0k".into()), basic("dTpw"), basic("YW5uOnBAdw==")]);
    assert!(
        stub.seen()[0].header("user-agent").is_some_and(|agent| agent.starts_with("modelyard/"))
    );
}

#[test]
fn mlflows_file_of_credentials_is_read() {
    let stub = Stub::start(one_experiment);
    let cli = Cli::to(&stub.url);
    let home = cli.path().to_str().expect("UTF-8").to_owned();
    std::fs::create_dir(cli.path().join(".mlflow")).expect("a folder");
    let file = "[mlflow]\nmlflow_tracking_username = u\nmlflow_tracking_password = q\n";
    std::fs::write(cli.path().join(".mlflow/credentials"), file).expect("written");
    let cli = cli.env("HOME", &home);
    cli.ok(&SEARCH);
    cli.env("MLFLOW_TRACKING_PASSWORD", "p").ok(&SEARCH);
    let sent: Vec<_> =
        stub.seen().iter().map(|r| r.header("authorization").map(str::to_owned)).collect();
    assert_eq!(sent, [Some("Basic dTpx".into()), Some("Basic dTpw".into())]);
}

#[test]
fn the_workspace_is_named_to_servers_that_have_several() {
    let stub = Stub::start(one_experiment);
    Cli::to(&stub.url).ok(&SEARCH);
    Cli::to(&stub.url).env("MLFLOW_WORKSPACE", "team-a").ok(&SEARCH);
    let sent: Vec<_> =
        stub.seen().iter().map(|r| r.header("x-mlflow-workspace").map(str::to_owned)).collect();
    assert_eq!(sent, [None, Some("team-a".into())]);
}

#[test]
fn the_flag_goes_before_the_environment() {
    let stub = Stub::start(one_experiment);
    let cli = Cli::to("http://127.0.0.1:1");
    assert!(cli.ok(&["experiments", "--tracking-uri", &stub.url, "search"]).contains("stubbed"));
    assert!(cli.ok(&["experiments", "search", "--tracking-uri", &stub.url]).contains("stubbed"));
}

#[test]
fn settings_that_cannot_be_obeyed_are_refused_before_anything_is_sent() {
    let stub = Stub::start(one_experiment);
    for (name, value) in [
        ("MLFLOW_TRACKING_USERNAME", "only"),
        ("MLFLOW_TRACKING_AWS_SIGV4", "true"),
        ("MLFLOW_TRACKING_AUTH", "plugin"),
        ("MLFLOW_TRACKING_INSECURE_TLS", "perhaps"),
        ("MLFLOW_TRACKING_SERVER_CERT_PATH", "/no/such/file"),
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "many"),
    ] {
        let text = Cli::to(&stub.url).env(name, value).fails(2, &SEARCH);
        assert!(text.contains(name), "{text}");
    }
    for uri in ["databricks", "sqlite:///mlflow.db", "ftp://ann:hunter2@host", "http://h/?a=b"] {
        let text = Cli::to(uri).fails(2, &SEARCH);
        assert!(text.contains("the tracking URI") && !text.contains("hunter2"), "{text}");
    }
    assert_eq!(stub.lines(), [""; 0]);
}

#[test]
fn a_busy_server_is_asked_again() {
    let stub = Stub::start(|request, before| match before {
        0 => Answer::new(503, "{}").header("retry-after", "0"),
        1 => Answer::new(429, r#"{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"slow"}"#),
        2 => Answer::nothing(),
        _ => one_experiment(request, before),
    });
    assert!(Cli::to(&stub.url).ok(&SEARCH).contains("stubbed"));
    assert_eq!(stub.lines(), ["POST /api/2.0/mlflow/experiments/search"; 4]);
}

#[test]
fn the_pause_that_a_server_asks_for_is_kept_and_told() {
    let stub = Stub::start(|request, before| match before {
        0 => Answer::new(503, "").header("retry-after", "1"),
        _ => one_experiment(request, before),
    });
    let start = Instant::now();
    let outcome = Cli::to(&stub.url).run(&SEARCH);
    assert!(start.elapsed().as_millis() >= 1000);
    assert_eq!(outcome.code, 0);
    let told = format!("modelyard: {} is busy (HTTP 503); next try in 1 s\n", stub.url);
    assert_eq!(outcome.stderr, told);
}

#[test]
fn a_server_that_stays_busy_is_given_up() {
    let body = r#"{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"too many"}"#;
    let stub = Stub::start(move |_, _| Answer::new(429, body).header("retry-after", "0"));
    let cli = Cli::to(&stub.url).env("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2");
    let text = cli.fails(5, &SEARCH);
    assert!(text.contains("is busy (HTTP 429): too many; it was asked 3 times"), "{text}");
    assert_eq!(stub.lines().len(), 3);

    let stub = Stub::start(|_, _| Answer::new(503, "").header("retry-after", "86400"));
    Cli::to(&stub.url).fails(5, &SEARCH);
    assert_eq!(stub.lines().len(), 1, "nobody waits for a day");
}

#[test]
fn what_may_have_happened_is_not_done_twice() {
    let stub = Stub::start(|_, _| Answer::nothing());
    let cli = Cli::to(&stub.url).env("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2");
    let text = cli.fails(5, &["experiments", "create", "-n", "x"]);
    assert!(text.contains(&format!("the connection to {} broke", stub.url)), "{text}");
    assert_eq!(stub.lines(), ["POST /api/2.0/mlflow/experiments/create"]);
}

#[test]
fn a_server_that_is_not_there_is_named_with_a_hint() {
    let text =
        Cli::to("http://127.0.0.1:1").env("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0").fails(5, &SEARCH);
    assert!(text.contains("cannot reach http://127.0.0.1:1: Connection refused"), "{text}");
    assert!(text.contains("Is the server running? Start one with `modelyard server`"), "{text}");
}

#[test]
fn answers_of_something_else_are_told_from_answers_of_the_server() {
    let fails = |code, answer: fn() -> Answer| {
        let stub = Stub::start(move |_, _| answer());
        let text = Cli::to(&stub.url).fails(code, &SEARCH);
        assert_eq!(stub.lines().len(), 1, "{text}");
        text
    };
    let text = fails(1, || Answer::new(301, "").header("location", "https://elsewhere.example/"));
    assert!(text.contains("redirects to https://elsewhere.example/"), "{text}");
    let text = fails(1, || Answer::new(404, "<html>Not Found</html>"));
    assert!(
        text.contains("Is this the address of an MLflow-compatible tracking server?"),
        "{text}"
    );
    let text = fails(4, || Answer::new(401, "who are you"));
    assert!(text.contains("MLFLOW_TRACKING_TOKEN"), "{text}");
    let denied = || Answer::new(403, r#"{"error_code":"PERMISSION_DENIED","message":"not you"}"#);
    assert_eq!(fails(4, denied), "modelyard: not you (PERMISSION_DENIED)\n");
    let text = fails(1, || Answer::new(200, "<html>hello</html>"));
    assert!(text.contains("does not answer like an MLflow tracking server"), "{text}");
    let text = fails(1, || Answer::new(500, r#"{"error_code":"INTERNAL_ERROR","message":"oh"}"#));
    assert_eq!(text, "modelyard: oh (INTERNAL_ERROR)\n");
}

#[test]
fn a_server_cannot_command_the_terminal() {
    let hostile = "x\u{1b}]0;owned\u{7}\u{202e}\r\n";
    let found = json!({"experiments": [{"experiment_id": "1", "name": hostile}]});
    let stub = Stub::start(move |_, _| Answer::json(&found));
    let cli = Cli::to(&stub.url);
    let table = cli.ok(&SEARCH);
    assert!(table.contains("x\\u{1b}]0;owned\\u{7}\\u{202e}\\r\\n"), "{table:?}");
    assert!(!table.contains('\u{1b}'), "{table:?}");
    let json = cli.json(&["experiments", "search", "--output", "json"]);
    assert_eq!(json["experiments"][0]["name"], hostile, "programs get what there is");

    let error = json!({"error_code": "BAD_REQUEST", "message": hostile}).to_string();
    let stub = Stub::start(move |_, _| Answer::new(400, error.clone()));
    let text = Cli::to(&stub.url).fails(1, &SEARCH);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let many: Vec<_> = (0..20_000)
        .map(|number| json!({"experiment_id": number.to_string(), "name": "n".repeat(50)}))
        .collect();
    let stub = Stub::start(move |_, _| Answer::json(&json!({"experiments": many})));
    let cli = Cli::to(&stub.url);
    let mut command = cli.command(&SEARCH);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("run the binary");
    let mut first = String::new();
    let stdout = child.stdout.take().expect("stdout is piped");
    BufReader::new(stdout).read_line(&mut first).expect("a line");
    assert!(first.starts_with("Experiment Id"), "{first}");
    let output = child.wait_with_output().expect("wait for the binary");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
