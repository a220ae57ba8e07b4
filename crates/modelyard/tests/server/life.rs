//! Stopping, being killed, and coming back.

use std::io::{Read, Write};

use serde_json::json;

use crate::{create_run, log_metric, server};

#[test]
fn a_request_that_was_accepted_is_finished_before_the_end() {
    let mut server = server();
    let run = create_run(&server, "0");
    let body = json!({"run_id": run, "key": "a", "value": "b"}).to_string();
    let mut stream = server.connect();
    let head = format!(
        "POST /api/2.0/mlflow/runs/set-tag HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let (first, second) = body.as_bytes().split_at(10);
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(first)).expect("send half");
    // Only once the server works on it is the request accepted.
    while !server.get("/metrics").text().contains("modelyard_http_in_flight 2") {
        std::thread::yield_now();
    }
    server.signal_stop();
    server.log_line("stopping");
    stream.write_all(second).expect("send the rest");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read the answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(server.wait().success());
    server.restart();
    let run = server.get(&format!("/api/2.0/mlflow/runs/get?run_id={run}")).json();
    assert!(
        run["run"]["data"]["tags"]
            .as_array()
            .expect("tags")
            .contains(&json!({"key": "a", "value": "b"}))
    );
}

#[test]
fn idle_connections_do_not_hold_the_end_up() {
    let mut server = server();
    let _idle = server.connect();
    server.get("/health");
    let began = std::time::Instant::now();
    assert!(server.terminate().success());
    // Far below the time that requests may take to finish.
    assert!(began.elapsed().as_secs() < 15);
}

/// Who copies the database of a stopped server copies all of it.
#[test]
fn a_clean_stop_leaves_the_database_in_one_file() {
    for _ in 0..5 {
        let mut server = server();
        let run = create_run(&server, "0");
        log_metric(&server, &run, "loss", &json!(1), 0);
        let _listener = server.connect();
        assert!(server.terminate().success());
        let files = std::fs::read_dir(server.data()).expect("the data folder");
        let names = files.map(|file| file.expect("a file").file_name());
        assert!(names.into_iter().all(|name| !name.to_string_lossy().ends_with("-wal")));
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let mut server = server();
    let run = create_run(&server, "0");
    for step in 0..20 {
        log_metric(&server, &run, "loss", &json!(step), step);
    }
    server.kill();
    server.restart();
    let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=loss");
    let points = server.get(&path).json();
    assert_eq!(points["metrics"].as_array().expect("points").len(), 20);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = server();
    let mut stream = server.connect();
    let head = "POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/json\r\nContent-Length: 10\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("send the head");
    while !server.get("/metrics").text().contains("modelyard_http_in_flight 2") {
        std::thread::yield_now();
    }
    server.signal_stop();
    server.log_line("stopping");
    assert_eq!(server.terminate().code(), Some(1));
}

#[test]
fn a_server_without_its_artifact_folder_is_alive_but_not_ready() {
    let server = server();
    assert_eq!((server.get("/health").status, server.get("/ready").status), (200, 200));
    let folder = server.data().join("artifacts");
    std::fs::rename(&folder, server.data().join("moved")).expect("move the folder");
    assert_eq!((server.get("/health").status, server.get("/ready").status), (200, 503));
    std::fs::create_dir(&folder).expect("make another");
    assert_eq!(server.get("/ready").status, 503);
    std::fs::remove_dir(&folder).expect("remove it");
    std::fs::rename(server.data().join("moved"), &folder).expect("move the folder back");
    assert_eq!(server.get("/ready").status, 200);
}
