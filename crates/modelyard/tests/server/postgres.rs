//! The same server over PostgreSQL.

use modelyard_testkit::{drop_postgres, postgres_url};
use serde_json::json;

use crate::{create_run, log_metric, setup};

#[test]
fn runs_survive_a_restart() {
    let Some(url) = postgres_url() else { return };
    // As SQLAlchemy's users write it.
    let uri = url.replace("postgresql://postgres@", "postgresql+psycopg2://postgres:hunter2@");
    let mut server = setup(&["--backend-store-uri", &uri]).start();
    assert_eq!(server.get("/ready").status, 200);
    assert_eq!(server.get("/api/modelyard/v1/server").json()["store"], "postgresql");
    let run = create_run(&server, "0");
    for step in 0..10 {
        log_metric(&server, &run, "loss", &json!(step), step);
    }
    assert!(server.terminate().success());
    assert!(!server.log().contains("hunter2"), "{}", server.log());
    server.restart();
    let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=loss");
    assert_eq!(server.get(&path).json()["metrics"].as_array().expect("points").len(), 10);
}

#[test]
fn two_servers_share_a_database() {
    let Some(url) = postgres_url() else { return };
    let [one, other] = [(); 2].map(|()| setup(&["--backend-store-uri", &url]).start());
    let run = create_run(&one, "0");
    log_metric(&other, &run, "loss", &json!(1.5), 0);
    let read = one.get(&format!("/api/2.0/mlflow/runs/get?run_id={run}")).json();
    assert_eq!(read["run"]["data"]["metrics"][0]["value"], 1.5);
}

#[test]
fn a_database_that_goes_away_is_no_end_of_the_server() {
    let Some(url) = postgres_url() else { return };
    let server = setup(&["--backend-store-uri", &url]).start();
    let run = create_run(&server, "0");
    drop_postgres(&url);
    let tag = json!({"run_id": run, "key": "a", "value": "b"}).to_string();
    let headers = [("content-type", "application/json"), ("x-request-id", "request-7")];
    let answer = server.send("POST", "/api/2.0/mlflow/runs/set-tag", &headers, tag.as_bytes());
    assert!(matches!(answer.status, 500 | 503), "{}", answer.text());
    // The client is told where to look, the log what happened.
    let message = answer.json()["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("request-7"), "{message}");
    let line = server.log_line("request-7");
    assert!(line.contains("ERROR") && line.contains("/runs/set-tag"), "{line}");
    assert_eq!(server.get("/ready").status, 503);
    assert_eq!(server.get("/health").status, 200);
}
