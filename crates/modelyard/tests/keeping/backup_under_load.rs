//! A backup that is taken while clients write holds everything that was acknowledged before it began, equal.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use modelyard_testkit::{Client, Server, Setup, postgres_url};
use serde_json::{Value, json};

use crate::world::*;

const WRITERS: u64 = 4;
/// Writes before the backup begins, all writers together; and how long they may take.
const BEFORE: usize = 400;
const PATIENCE: Duration = Duration::from_secs(60);

/// Something that was acknowledged.
enum Written {
    Param { run: String, key: String },
    Point { run: String, step: i64, value: f64 },
    Artifact { path: String, size: usize, seed: u8 },
}

/// What was written, with the time of its acknowledgement.
type Ledger = Vec<(Instant, Written)>;

fn bytes(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed)).collect()
}

fn write(
    server: &str,
    number: u64,
    count: &std::sync::atomic::AtomicUsize,
    stop: &AtomicBool,
) -> Ledger {
    let client = Client::default();
    let headers = [("content-type", "application/json")];
    let send = |path: &str, body: &Value| -> Value {
        let url = format!("{server}{API}/{path}");
        let answer = client.send("POST", &url, &headers, body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    };
    let (mut ledger, mut run, mut turn) = (Ledger::new(), String::new(), 0_u64);
    while !stop.load(Ordering::Relaxed) {
        if turn.is_multiple_of(20) {
            let created = send("runs/create", &json!({"experiment_id": "0", "start_time": 1}));
            run = text(&created["run"]["info"]["run_id"]);
        }
        let written = match turn % 3 {
            0 => {
                let key = format!("p{turn}");
                send("runs/log-parameter", &json!({"run_id": run, "key": key, "value": key}));
                Written::Param { run: run.clone(), key }
            }
            1 => {
                let (step, value) = (turn as i64, turn as f64 / 7.0);
                let point = json!({"run_id": run, "key": "loss", "value": value, "step": step, "timestamp": step});
                send("runs/log-metric", &point);
                Written::Point { run: run.clone(), step, value }
            }
            _ => {
                // Small ones that go through the journal, and ones that do not.
                let size = if turn.is_multiple_of(4) { 700_000 } else { 900 };
                let seed = (number * 50 + turn) as u8;
                let path = format!("0/{run}/artifacts/{turn}.bin");
                let url = format!("{server}{PROXY}/{path}");
                let answer = client.send("PUT", &url, &[], &bytes(size, seed));
                assert_eq!(answer.status, 200, "{path}: {}", answer.text());
                Written::Artifact { path, size, seed }
            }
        };
        ledger.push((Instant::now(), written));
        count.fetch_add(1, Ordering::Relaxed);
        turn += 1;
    }
    ledger
}

/// Writes, takes a backup in between, and goes on; the ledger and the moment the backup began.
fn back_up_under_load(server: &Server, backup: &[&str]) -> (Ledger, Instant) {
    let (count, stop) = (std::sync::atomic::AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let (count, stop) = (&count, &stop);
                scope.spawn(move || write(server.url(), number, count, stop))
            })
            .collect();
        let begun = Instant::now();
        while count.load(Ordering::Relaxed) < BEFORE && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        let at = Instant::now();
        let outcome = run(backup);
        stop.store(true, Ordering::Relaxed);
        let ledgers = writers.into_iter().flat_map(|it| it.join().expect("a writer"));
        let ledger: Ledger = ledgers.collect();
        assert_eq!(outcome.code, 0, "{outcome:?}");
        (ledger, at)
    })
}

/// What of the ledger is not on the server as it was acknowledged, and how much was expected.
fn missing(server: &Server, ledger: &Ledger, at: Instant) -> (Vec<String>, usize) {
    let mut missing = Vec::new();
    let mut expected = 0;
    for (when, written) in ledger {
        let before = *when < at;
        expected += usize::from(before);
        let (what, there) = match written {
            Written::Param { run, key } => {
                let found = server.get(&format!("{API}/runs/get?run_id={run}"));
                let params = found.json()["run"]["data"]["params"].clone();
                let param = json!({"key": key, "value": key});
                let there = params.as_array().is_some_and(|all| all.contains(&param));
                (format!("param {key} of {run}"), there)
            }
            Written::Point { run, step, value } => {
                let path = format!("{API}/metrics/get-history?run_id={run}&metric_key=loss");
                let points = server.get(&path).json()["metrics"].clone();
                let is_it = |point: &Value| point["step"] == *step && point["value"] == *value;
                let there = points.as_array().is_some_and(|all| all.iter().any(is_it));
                (format!("step {step} of {run}"), there)
            }
            Written::Artifact { path, size, seed } => {
                let found = server.get(&format!("{PROXY}/{path}"));
                let equal = found.status == 200 && found.body == bytes(*size, *seed);
                // Whenever it was written: if it is there, it is whole.
                assert!(equal || found.status == 404, "{path} is not what was sent");
                (path.clone(), equal)
            }
        };
        if before && !there {
            missing.push(what);
        }
    }
    (missing, expected)
}

fn check(server: &Server, ledger: &Ledger, at: Instant) {
    let (missing, expected) = missing(server, ledger, at);
    assert!(
        missing.is_empty(),
        "{} of {expected}: {:?}",
        missing.len(),
        &missing[..missing.len().min(20)]
    );
    assert!(expected >= BEFORE, "only {expected} writes were before the backup");
    assert!(ledger.len() > expected, "nothing was written while the backup was made");
}

fn flags<'a>(data: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["--data-dir", arg(data)], more].concat()
}

fn take_and_restore(server: Setup, source: &[&str], target: &[&str]) {
    let server = server.args(source).start();
    let place = tempfile::tempdir().expect("a folder");
    let (folder, data) = (place.path().join("backup"), place.path().join("data"));
    let backup = [&["backup", arg(&folder)][..], &flags(server.data(), source)].concat();
    let (ledger, at) = back_up_under_load(&server, &backup);
    ok(&["verify", arg(&folder)]);
    ok(&[&["restore", arg(&folder)][..], &flags(&data, target)].concat());
    let restored = Setup::new(BINARY).args(&flags(&data, target)).start();
    check(&restored, &ledger, at);
    // The check sees a loss: what was written later is not all there.
    let later = ledger.iter().map(|(when, _)| *when).max().expect("writes");
    let all = missing(&server, &ledger, later + Duration::from_secs(1)).0;
    assert!(all.is_empty(), "the server itself has lost {all:?}");
    let lost = missing(&restored, &ledger, later + Duration::from_secs(1)).0;
    assert!(!lost.is_empty(), "the backup holds what was written after it");
}

#[test]
fn on_sqlite() {
    take_and_restore(Setup::new(BINARY), &[], &[]);
}

#[test]
fn on_postgresql() {
    let (Some(source), Some(target)) = (postgres_url(), postgres_url()) else { return };
    let uri = "--backend-store-uri";
    take_and_restore(Setup::new(BINARY), &[uri, &source], &[uri, &target]);
}
