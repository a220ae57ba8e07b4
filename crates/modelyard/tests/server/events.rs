//! The stream of changes.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use modelyard_testkit::Server;
use serde_json::{Value, json};

use crate::{create_run, log_metric, server};

/// A client that listens.
struct Listener(BufReader<TcpStream>);

impl Listener {
    /// Connects, and waits until the server listens too.
    fn open(server: &Server, query: &str) -> Self {
        let mut stream = server.connect();
        let request =
            format!("GET /api/modelyard/v1/events{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("send the request");
        let mut listener = Self(BufReader::new(stream));
        let head: Vec<String> = std::iter::from_fn(|| listener.line())
            .take_while(|line| !line.is_empty())
            .map(|line| line.to_ascii_lowercase())
            .collect();
        assert!(head.iter().any(|line| line == "content-type: text/event-stream"), "{head:?}");
        while listener.line().expect("a line") != "retry: 2000" {}
        listener
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).expect("read a line");
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event's name and data; `None` at the end.
    fn event(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some(name) = self.line()?.strip_prefix("event: ") {
                let name = name.to_owned();
                let data = self.line()?;
                let data = data.strip_prefix("data: ").expect("data");
                return Some((name, serde_json::from_str(data).expect("JSON")));
            }
        }
    }

    fn change(&mut self) -> Value {
        let (name, data) = self.event().expect("an event");
        assert_eq!(name, "change");
        data
    }
}

#[test]
fn a_change_is_told_to_those_who_asked_for_it() {
    let server = server();
    let run = create_run(&server, "0");
    let other = create_run(&server, "0");
    let mut all = Listener::open(&server, "");
    let mut one = Listener::open(&server, &format!("?run_id={run}"));
    let mut elsewhere = Listener::open(&server, "?experiment_id=1");
    log_metric(&server, &other, "loss", &json!(1), 0);
    log_metric(&server, &run, "loss", &json!(1), 0);
    let change = |run: &str| json!({"experiment_id": "0", "run_id": run, "kind": "metrics"});
    assert_eq!(one.change(), change(&run));
    let mut told = [all.change(), all.change()].map(|it| it["run_id"].to_string());
    told.sort();
    let mut expected = [json!(run).to_string(), json!(other).to_string()];
    expected.sort();
    assert_eq!(told, expected);
    let name = json!({"name": "other"});
    assert_eq!(server.post("/api/2.0/mlflow/experiments/create", &name).status, 200);
    assert_eq!(elsewhere.change(), json!({"experiment_id": "1", "kind": "experiment"}));
}

#[test]
fn artifacts_are_told_too() {
    let server = server();
    let run = create_run(&server, "0");
    let mut listener = Listener::open(&server, "?experiment_id=0");
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/a.txt");
    assert_eq!(server.send("PUT", &path, &[], b"text").status, 200);
    let change = json!({"experiment_id": "0", "run_id": run, "kind": "artifacts"});
    assert_eq!(listener.change(), change);
    let upload = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=b.txt");
    assert_eq!(server.send("POST", &upload, &[], b"text").status, 200);
    assert_eq!(listener.change(), change);
}

#[test]
fn many_changes_of_a_kind_become_few_events() {
    let server = server();
    let run = create_run(&server, "0");
    let mut listener = Listener::open(&server, &format!("?run_id={run}"));
    let changes = 200;
    for step in 0..changes {
        log_metric(&server, &run, "loss", &json!(step), step);
    }
    let tag = json!({"run_id": run, "key": "done", "value": "yes"});
    assert_eq!(server.post("/api/2.0/mlflow/runs/set-tag", &tag).status, 200);
    let mut metrics = 0;
    while listener.change()["kind"] != "tags" {
        metrics += 1;
    }
    assert!((1..changes).contains(&metrics), "{metrics} events for {changes} changes");
}

#[test]
fn streams_end_when_the_server_stops() {
    let mut server = server();
    let mut listener = Listener::open(&server, "");
    let began = std::time::Instant::now();
    assert!(server.terminate().success());
    assert_eq!(listener.event(), None);
    assert!(began.elapsed().as_secs() < 15);
}

#[test]
fn a_filter_that_cannot_be_read_is_refused() {
    let answer = server().get("/api/modelyard/v1/events?experiment_id=abc");
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error_code"], "INVALID_PARAMETER_VALUE");
}
