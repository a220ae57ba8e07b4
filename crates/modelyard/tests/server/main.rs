//! The built binary as a tracking server: what it does at start and stop, at its doors, and for
//! every endpoint alike.

#![expect(clippy::disallowed_methods, reason = "tests start the program they test")]

mod config_file;
mod doors;
mod endpoints;
mod events;
mod history;
mod life;
mod pages;
mod postgres;
mod registry;
mod start;
mod v1;
mod webhooks;

use modelyard_testkit::{Server, Setup};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_modelyard");

fn server() -> Server {
    Server::start(BINARY)
}

fn setup(args: &[&str]) -> Setup {
    Setup::new(BINARY).args(args)
}

/// Creates a run and returns its id.
fn create_run(server: &Server, experiment_id: &str) -> String {
    let request = json!({"experiment_id": experiment_id, "start_time": 1_700_000_000_000_i64});
    let answer = server.post("/api/2.0/mlflow/runs/create", &request);
    assert_eq!(answer.status, 200, "{}", answer.text());
    text(&answer.json()["run"]["info"]["run_id"])
}

fn log_metric(server: &Server, run_id: &str, key: &str, value: &Value, step: i64) {
    let request = json!({
        "run_id": run_id, "key": key, "value": value, "step": step,
        "timestamp": 1_700_000_000_000_i64 + step,
    });
    let answer = server.post("/api/2.0/mlflow/runs/log-metric", &request);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
