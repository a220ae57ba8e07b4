//! What the tests share: a server with something in it, and commands beside it.

use std::path::Path;
use std::process::{Command, Stdio};

use modelyard_testkit::Server;
use serde_json::{Value, json};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_modelyard");
pub(crate) const API: &str = "/api/2.0/mlflow";
pub(crate) const PROXY: &str = "/api/2.0/mlflow-artifacts/artifacts";
pub(crate) const TRASH: &str = "/api/modelyard/v1/trash";

/// What a command did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command of the binary, in a folder of no importance.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    for (name, _) in std::env::vars() {
        if name.starts_with("MLFLOW_") || name.starts_with("MODELYARD_") {
            command.env_remove(name);
        }
    }
    command.args(args).stdin(Stdio::null()).current_dir(std::env::temp_dir());
    command
}

/// Runs a command to its end.
pub(crate) fn run(args: &[&str]) -> Outcome {
    outcome(&mut command(args))
}

/// Runs a command that was prepared.
pub(crate) fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().expect("run the binary");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("an exit code");
    Outcome { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs a command that must succeed; what it wrote to stdout.
#[track_caller]
pub(crate) fn ok(args: &[&str]) -> String {
    let outcome = run(args);
    assert_eq!(outcome.code, 0, "{args:?}: {outcome:?}");
    outcome.stdout
}

/// Runs a command that must fail; what it wrote to stderr.
#[track_caller]
pub(crate) fn fails(code: i32, args: &[&str]) -> String {
    let outcome = run(args);
    assert_eq!(outcome.code, code, "{args:?}: {outcome:?}");
    assert!(!outcome.stderr.contains("panicked"), "{outcome:?}");
    outcome.stderr
}

/// A path as an argument.
pub(crate) fn arg(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Posts to MLflow's API; it must succeed.
#[track_caller]
pub(crate) fn post(server: &Server, path: &str, body: &Value) -> Value {
    let answer = server.post(&format!("{API}/{path}"), body);
    assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
    answer.json()
}

/// Creates an experiment; its id.
pub(crate) fn experiment(server: &Server, name: &str) -> String {
    let answer = post(server, "experiments/create", &json!({ "name": name }));
    text(&answer["experiment_id"])
}

/// Creates a run with a metric and an artifact of five bytes; its id.
pub(crate) fn filled_run(server: &Server, experiment: &str) -> String {
    let created = post(server, "runs/create", &json!({"experiment_id": experiment}));
    let id = text(&created["run"]["info"]["run_id"]);
    let metric = json!({"run_id": id, "key": "loss", "value": 0.5, "timestamp": 1, "step": 0});
    post(server, "runs/log-metric", &metric);
    put(server, &format!("{experiment}/{id}/artifacts/model/weights.bin"), b"12345");
    id
}

/// Creates a logged model with an artifact of three bytes; its id.
pub(crate) fn filled_model(server: &Server, experiment: &str) -> String {
    let created = post(server, "logged-models", &json!({"experiment_id": experiment, "name": "m"}));
    let id = text(&created["model"]["info"]["model_id"]);
    put(server, &format!("{experiment}/models/{id}/artifacts/MLmodel"), b"abc");
    id
}

/// Uploads an artifact.
#[track_caller]
pub(crate) fn put(server: &Server, path: &str, bytes: &[u8]) {
    let answer = server.send("PUT", &format!("{PROXY}/{path}"), &[], bytes);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
}

/// Moves a run to the trash.
pub(crate) fn delete_run(server: &Server, id: &str) {
    post(server, "runs/delete", &json!({ "run_id": id }));
}

/// The status of reading a run.
pub(crate) fn run_status(server: &Server, id: &str) -> u16 {
    server.get(&format!("{API}/runs/get?run_id={id}")).status
}

/// The files below a folder that are artifacts, with their bytes, sorted.
pub(crate) fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.ends_with(".modelyard") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below").to_str().expect("UTF-8");
                found.push((name.to_owned(), std::fs::read(&path).expect("a file")));
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
