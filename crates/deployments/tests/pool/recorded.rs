//! The requests of `tests/scoring`, through workers: those that are decoded here give the model what
//! MLflow's own code gives it, to the type of each cell.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use modelyard_deployments::workers::{Call, Pool, Reply, WorkerConfig};
use modelyard_models::json::{self, Value};
use modelyard_models::scoring::{Protocol, Request};
use modelyard_models::signature::Signature;

use crate::world::{interpreters, raw, text};

const JSON: &str = "application/json";

fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tests/recordings")
}

/// One recorded request.
struct Line {
    content_type: String,
    body: Vec<u8>,
    model: String,
    /// What the server answered with 200.
    answer: Option<String>,
}

/// The lines of each signature.
fn lines() -> BTreeMap<String, Vec<Line>> {
    let mut all: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for line in fs::read_to_string(recordings().join("scoring.jsonl")).unwrap().lines() {
        let line = json::parse_text(line).unwrap();
        let text = |key: &str| line.get(key).and_then(Value::as_str).map(str::to_owned);
        let body = match text("base64") {
            Some(encoded) => base64::engine::general_purpose::STANDARD.decode(encoded).unwrap(),
            None => text("body").unwrap().into_bytes(),
        };
        let is_ok = line.get("status").is_none();
        all.entry(text("signature").unwrap()).or_default().push(Line {
            content_type: text("type").unwrap_or_else(|| JSON.into()),
            body,
            model: text("model").unwrap_or_else(|| "echo".into()),
            answer: text("answer").filter(|_| is_ok),
        });
    }
    all
}

fn protocols() -> BTreeMap<String, Protocol> {
    let text = fs::read_to_string(recordings().join("signatures.json")).unwrap();
    let Value::Dict(all) = json::parse_text(&text).unwrap() else { panic!("no object") };
    let signature = |parts: &Value| {
        let part = |name: &str| parts.get(name).and_then(Value::as_str);
        Signature::read(part("inputs"), part("outputs"), part("params")).unwrap()
    };
    let protocol = |(name, parts): (&str, &Value)| {
        let signature = (*parts != Value::Null).then(|| signature(parts));
        (name.to_owned(), Protocol::new(signature, name == "hinted"))
    };
    all.iter().map(protocol).collect()
}

/// A worker that serves any of the signatures.
struct Switch {
    pool: Pool,
    _folder: tempfile::TempDir,
}

impl Switch {
    async fn start(python: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = format!("#!{} -I\n{}", python.display(), include_str!("../python/switch.py"));
        let path = folder.path().join("python");
        fs::write(&path, program).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/fixture.py");
        let mut config = WorkerConfig::new(path, folder.path());
        config.environment = vec![
            ("FIXTURE".into(), fixture.into()),
            ("SIGNATURES".into(), recordings().join("signatures.json").into()),
        ];
        Self { pool: Pool::start(config).await.unwrap(), _folder: folder }
    }

    /// Chooses the model that answers from now on; `false` if this MLflow has no such signature.
    async fn to(&self, signature: &str, model: &str) -> bool {
        let said = self.pool.predict(raw(&format!("switch/{signature}/{model}"), "")).await;
        let said = text(said);
        assert_ne!(said, "True", "the signature is enforced once more");
        said == "False"
    }

    /// The body of the answer to a decoded request.
    async fn typed(&self, request: Request) -> String {
        let unwrapped = request.unwrapped;
        let reply = self.pool.predict(Call::Typed { request }).await;
        match reply {
            Err(failure) => format!("{failure:?}"),
            reply if unwrapped => text(reply),
            reply => format!("{{\"predictions\": {}}}", text(reply)),
        }
    }

    /// The body of MLflow's answer, and its status if that is not 200.
    async fn raw(&self, line: &Line) -> String {
        let body = line.body.clone().into();
        let content_type = Some(line.content_type.clone());
        let reply = self.pool.predict(Call::Raw { content_type, body }).await;
        match reply.unwrap() {
            Reply::Answer { status: 200, body, .. } => String::from_utf8(body).unwrap(),
            Reply::Answer { status, body, .. } => {
                format!("{status} {}", String::from_utf8_lossy(&body))
            }
            _ => panic!("a request as it came is answered as MLflow does"),
        }
    }
}

/// Names in Python's sets come in any order, and texts of an array have room for the longest.
fn comparable(answer: &str) -> String {
    let mut parts = answer.split("<U");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("<U");
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    out
}

fn assert_none(different: &[String], of: usize) {
    let shown: Vec<_> = different.iter().take(100).cloned().collect();
    assert!(different.is_empty(), "{} of {of} differ:\n{}", different.len(), shown.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn decoded_requests_get_the_recorded_answers() {
    // Recorded with MLflow 3.
    let Some(python) = interpreters().into_iter().next() else { return };
    let (switch, protocols) = (Switch::start(&python).await, protocols());
    if !switch.pool.status().versions.unwrap().mlflow.starts_with("3.") {
        return;
    }
    let (mut different, mut count) = (Vec::new(), 0);
    for (signature, lines) in lines() {
        for model in ["echo", "types", "params"] {
            assert!(switch.to(&signature, model).await, "{signature}");
            for line in lines.iter().filter(|line| line.model == model) {
                let Some(answer) = &line.answer else { continue };
                let Ok(request) =
                    protocols[&signature].decode(Some(&line.content_type), &line.body)
                else {
                    continue;
                };
                count += 1;
                let ours = switch.typed(request).await;
                if comparable(&ours) != comparable(answer) {
                    let body = String::from_utf8_lossy(&line.body);
                    different.push(format!("{signature} {model} {body}\n  {answer}\n  {ours}"));
                }
            }
        }
    }
    assert!(count > 3500, "only {count} were decoded");
    assert_none(&different, count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_sees_no_difference_between_decoded_requests_and_those_of_mlflow() {
    let (mut different, mut count) = (Vec::new(), 0);
    for python in interpreters() {
        let (switch, protocols) = (Switch::start(&python).await, protocols());
        let mut left = 0;
        for (signature, mut lines) in lines() {
            if !switch.to(&signature, "cells").await {
                println!("{signature} is unknown");
                continue;
            }
            lines.sort_by(|a, b| (&a.content_type, &a.body).cmp(&(&b.content_type, &b.body)));
            lines.dedup_by(|a, b| (&a.content_type, &a.body) == (&b.content_type, &b.body));
            for line in &lines {
                let Ok(request) =
                    protocols[&signature].decode(Some(&line.content_type), &line.body)
                else {
                    continue;
                };
                if !switch.pool.takes(Some(&line.content_type), &request) {
                    left += 1;
                    continue;
                }
                count += 1;
                let (ours, theirs) = (switch.typed(request).await, switch.raw(line).await);
                if ours != theirs {
                    let body = String::from_utf8_lossy(&line.body);
                    let body = body.chars().take(300).collect::<String>();
                    different.push(format!("{signature} {body}\n  {theirs}\n  {ours}"));
                }
            }
        }
        println!("{count} are compared, {left} are for MLflow, {} differ", different.len());
    }
    assert_none(&different, count);
}
