//! The artifact endpoints of the built binary: through the proxy, by run and by model, in parts.

mod buckets;
mod digests;
mod parts;
mod proxy;
mod runs;

use modelyard_testkit::{Answer, Server, Setup};
use serde_json::{Value, json};

/// Where the proxy keeps files, as clients address them.
pub(crate) const PROXY: &str = "/api/2.0/mlflow-artifacts/artifacts";

pub(crate) fn start(args: &[&str]) -> Server {
    Setup::new(env!("CARGO_BIN_EXE_modelyard")).args(args).start()
}

/// Stores a file through the proxy.
#[track_caller]
pub(crate) fn put(server: &Server, path: &str, body: &[u8]) {
    let answer = server.send("PUT", &format!("{PROXY}/{path}"), &[], body);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
}

/// Reads a file through the proxy.
pub(crate) fn get(server: &Server, path: &str) -> Answer {
    server.get(&format!("{PROXY}/{path}"))
}

/// The names in a listing, folders with a slash at the end.
#[track_caller]
pub(crate) fn names(listing: &Answer) -> Vec<String> {
    assert_eq!(listing.status, 200, "{}", listing.text());
    let body = listing.json();
    let files = body["files"].as_array().map_or(&[][..], Vec::as_slice);
    let name = |file: &Value| {
        let slash = if file["is_dir"] == true { "/" } else { "" };
        format!("{}{slash}", file["path"].as_str().expect("a path"))
    };
    files.iter().map(name).collect()
}

/// A run in an experiment of its own: its id and where its artifacts lie.
pub(crate) fn new_run(server: &Server, experiment: &Value) -> (String, String) {
    let created = server.post("/api/2.0/mlflow/experiments/create", experiment);
    assert_eq!(created.status, 200, "{}", created.text());
    let run = json!({"experiment_id": created.json()["experiment_id"], "start_time": 1});
    let run = server.post("/api/2.0/mlflow/runs/create", &run).json();
    let info = |field: &str| run["run"]["info"][field].as_str().expect("a text").to_owned();
    (info("run_id"), info("artifact_uri"))
}

/// Bytes in which no two places look alike.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// The answer refuses the request with this status and a message that says so.
#[track_caller]
pub(crate) fn assert_refused(answer: &Answer, status: u16, message: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = answer.json();
    let told = body["message"].as_str().expect("a message");
    assert!(told.contains(message), "{told}");
}
