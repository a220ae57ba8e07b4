//! Models that MLflow has saved, of the kinds that differ in how MLflow calls them: the answer to a
//! decoded request is MLflow's answer to it as it came.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use modelyard_deployments::workers::{Batching, Call, Pool, Reply, WorkerConfig};
use modelyard_models::mlmodel::MlModel;
use modelyard_models::scoring::Protocol;

use crate::world::{interpreters, raw, text};

const JSON: &str = "application/json";

#[expect(clippy::disallowed_methods, reason = "a test prepares what it needs")]
fn save(python: &Path, out: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/save.py");
    let saved = Command::new(python).arg(script).arg(out).current_dir(out).output().unwrap();
    assert!(saved.status.success(), "{}", String::from_utf8_lossy(&saved.stderr));
}

/// A pool of a saved model, and its protocol.
async fn serve(python: &Path, model: PathBuf) -> (Pool, Protocol) {
    let text = std::fs::read_to_string(model.join("MLmodel")).unwrap();
    let protocol = Protocol::of_model(&MlModel::read(&text).unwrap());
    let mut config = WorkerConfig::new(python, model);
    config.batch = Batching::Adaptive { rows_max: 10, delay_max: Duration::ZERO };
    (Pool::start(config).await.unwrap(), protocol)
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_models_answer_decoded_requests_as_mlflow_does() {
    let rows = r#"{"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2, 3.5], [0.25, 7, 1e-3]]}}"#;
    let params = [
        r#"{"inputs": {"a": [1]}}"#,
        r#"{"inputs": {"a": [1]}, "params": {"when": "2026-11-24T10:11:12.123456", "heat": 2, "words": ["a", "b"]}}"#,
        r#"{"dataframe_records": [{"a": 1}], "params": {"when": "2026-11-24", "other": 1}}"#,
    ];
    let cases: [(&str, &[&str]); 5] = [
        ("sklearn", &[rows, r#"{"dataframe_records": [{"a": 1, "b": 2, "c": 3, "d": 4}]}"#]),
        ("code", &[rows]),
        ("hinted", &[r#"{"inputs": [{"k": 1}, {"k": 2, "l": 3}]}"#]),
        ("from_example", &[r#"{"inputs": ["x", "y"]}"#, r#"{"dataframe_records": [{"0": "x"}]}"#]),
        ("params", &params),
    ];
    for python in interpreters() {
        let folder = tempfile::tempdir().unwrap();
        save(&python, folder.path());
        for (name, bodies) in cases {
            let (pool, protocol) = serve(&python, folder.path().join(name)).await;
            assert_eq!(pool.status().batches.off, None, "{name}");
            for body in bodies {
                let answer = pool.predict(raw(JSON, body)).await.unwrap();
                let Reply::Answer { status, body: theirs, .. } = answer else { panic!() };
                let theirs = String::from_utf8(theirs).unwrap();
                let Ok(request) = protocol.decode(Some(JSON), body.as_bytes()) else {
                    panic!("{name} {body}: MLflow says {status} {theirs}")
                };
                let reply = pool.predict(Call::Typed { request }).await;
                let ours = format!("{{\"predictions\": {}}}", text(reply));
                assert_eq!((status, &theirs), (200, &ours), "{name} {body}");
            }
        }
    }
}
