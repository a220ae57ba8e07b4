//! The promise behind every 2xx: what was acknowledged survives `kill -9`.
//!
//! Several clients write runs, metrics, batches, parameters, tags, logged models and artifacts, and
//! note each answer in a ledger, while the server is killed at random moments. After each restart,
//! and at the end, every acknowledged item must be there exactly once; one that was never answered
//! must be there whole and once, or not at all, and sending it again must succeed; the latest point
//! of each metric must be the greatest of its history.
//!
//! `MODELYARD_CRASH_KILLS` sets the number of kills (default 100), `MODELYARD_CRASH_SEED` repeats
//! the choices of a printed seed (the moment a kill hits is still the machine's).

#![expect(clippy::print_stderr, reason = "the seed is shown when the test fails")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod api;
mod ledger;
mod random;
mod verify;
mod webhooks;
mod writer;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use modelyard_testkit::{Server, Setup, postgres_url, sqlite_integrity};
use serde_json::json;

use crate::api::Api;
use crate::ledger::{ArtifactRecord, Fate, Item, Ledger, ModelRecord, RunRecord};
use crate::random::Random;
use crate::verify::Problems;
use crate::writer::Writer;

const WRITERS: u64 = 6;
/// A server is killed after so many answers at most, however fast the machine is today...
const ANSWERS: u64 = 80;
/// ... and so many microseconds more, to hit any point of a request's way.
const EXTRA_US: u64 = 8_000;
/// How long those answers may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Every so many kills one hits a server that has begun to start at most so many milliseconds ago.
const START_MS: u64 = 40;
const KILLS_PER_STILLBORN: u64 = 10;
/// The artifact store's lock file, which stays.
const LOCK: &str = ".modelyard/lock";

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => default,
    }
}

fn fresh_seed() -> u64 {
    u64::from_le_bytes(uuid::Uuid::new_v4().as_bytes()[..8].try_into().unwrap())
}

fn experiment(api: &Api) -> String {
    let answer = api.post("experiments/create", &json!({"name": "crash"})).unwrap();
    answer["experiment_id"].as_str().unwrap().to_owned()
}

fn assert_none(what: &str, seed: u64, problems: &Problems) {
    let shown = problems.iter().take(30).cloned().collect::<Vec<_>>().join("\n  ");
    assert!(problems.is_empty(), "{what}, seed {seed}: {} problems\n  {shown}", problems.len());
}

fn binary() -> Setup {
    Setup::new(env!("CARGO_BIN_EXE_modelyard"))
}

/// What is left when the server was killed for the last time.
struct Survivors {
    seed: u64,
    server: Server,
    experiment: String,
    writers: Vec<Writer>,
}

/// Kills and restarts a server while clients write.
fn kill_again_and_again(setup: Setup, kills: u64) -> Survivors {
    let seed = setting("MODELYARD_CRASH_SEED", fresh_seed());
    eprintln!("MODELYARD_CRASH_SEED={seed} MODELYARD_CRASH_KILLS={kills}");
    let mut random = Random::new(seed);
    let mut server = setup.start();
    let experiment = experiment(&Api::new(&server));
    let mut writers: Vec<Writer> = (0..WRITERS)
        .map(|i| Writer::new(format!("w{i}"), experiment.clone(), random.next()))
        .collect();
    for kill in 1..=kills {
        if kill % KILLS_PER_STILLBORN == 0 {
            server.restart_and_kill(Duration::from_millis(random.below(START_MS)));
        } else {
            live_and_die(&mut server, &mut writers, &mut random);
        }
        if kill % KILLS_PER_STILLBORN == KILLS_PER_STILLBORN - 1 {
            continue;
        }
        server.restart();
        for writer in &writers {
            let problems = verify::newest(&Api::new(&server), &writer.ledger);
            assert_none(&format!("after kill {kill}"), seed, &problems);
        }
    }
    Survivors { seed, server, experiment, writers }
}

/// Lets the writers write for a while, and kills the server under them.
fn live_and_die(server: &mut Server, writers: &mut [Writer], random: &mut Random) {
    let (enough, answers) = (random.below(ANSWERS), AtomicU64::new(0));
    let extra = Duration::from_micros(random.below(EXTRA_US));
    std::thread::scope(|scope| {
        for writer in writers {
            let (api, answers) = (Api::new(server), &answers);
            scope.spawn(move || writer.write(&api, answers));
        }
        let begun = Instant::now();
        while answers.load(Ordering::Relaxed) < enough && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(extra);
        server.kill();
    });
}

impl Survivors {
    /// Checks everything once more, and what a clean stop leaves on disk. Returns the data folder,
    /// removed with the server.
    fn check(mut self) -> Server {
        let ledgers: Vec<&Ledger> = self.writers.iter().map(|writer| &writer.ledger).collect();
        let api = Api::new(&self.server);
        let problems = verify::everything(&api, &self.experiment, &ledgers);
        assert_none("at the end", self.seed, &problems);
        assert!(self.server.terminate().success(), "the server does not stop cleanly");
        let files: Vec<&ArtifactRecord> = ledgers.iter().flat_map(|l| &l.artifacts).collect();
        let leftovers = leftovers(&self.server.data().join("artifacts"), &files);
        assert_none("files left behind", self.seed, &leftovers);

        let sum = |count: fn(&Ledger) -> u64| ledgers.iter().map(|l| count(l)).sum::<u64>();
        let (acknowledged, unanswered) = (sum(|l| l.acknowledged), sum(|l| l.unanswered));
        eprintln!("{acknowledged} acknowledged requests survived; {unanswered} were cut off");
        // Were the server dead or idle all the time, the test would show nothing.
        assert!(acknowledged > 0 && unanswered > 0, "the kills hit nobody");
        self.server
    }
}

/// Files that are nobody's artifact.
fn leftovers(root: &Path, artifacts: &[&ArtifactRecord]) -> Problems {
    let known: HashSet<PathBuf> = artifacts.iter().map(|a| root.join(&a.path)).collect();
    let mut found = Problems::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !known.contains(&path) && !path.ends_with(LOCK) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[test]
fn acknowledged_writes_survive_kills_on_sqlite() {
    let kills = setting("MODELYARD_CRASH_KILLS", 100);
    let server = kill_again_and_again(binary(), kills).check();
    assert_eq!(sqlite_integrity(&server.data().join("modelyard.db")), "ok");
}

#[test]
fn acknowledged_writes_survive_kills_on_postgres() {
    let Some(database) = postgres_url() else { return };
    let kills = setting("MODELYARD_CRASH_KILLS", 100).div_ceil(5);
    kill_again_and_again(binary().args(&["--backend-store-uri", &database]), kills).check();
}

/// The test above is worth something only if it sees a loss: a ledger with acknowledgements that
/// were never given must be found out, entry by entry.
#[test]
fn losses_are_noticed() {
    let server = binary().start();
    let api = Api::new(&server);
    let experiment = experiment(&api);
    let mut writer = Writer::new("w0".to_owned(), experiment.clone(), 1);
    writer.write_some(&api, 20);
    let check = |ledger: &Ledger| verify::everything(&api, &experiment, &[ledger]);
    assert_none("before the forgery", 1, &check(&writer.ledger));
    for (what, forge) in FORGERIES {
        let mut ledger = writer.ledger.clone();
        forge(&mut ledger);
        assert_ne!(check(&ledger), Problems::new(), "{what} went unnoticed");
    }
}

type Forgery = (&'static str, fn(&mut Ledger));

const FORGERIES: [Forgery; 9] = [
    ("a lost run", |ledger| {
        let id = Some("0123456789abcdef0123456789abcdef".to_owned());
        ledger.runs.push(RunRecord::new("lost".to_owned(), id));
    }),
    ("a run that nobody sent", |ledger| drop(ledger.runs.pop())),
    ("a lost model", |ledger| {
        ledger.models.push(ModelRecord { name: "lost".to_owned(), id: Some("m-1".to_owned()) });
    }),
    ("a lost point", |ledger| {
        let points = last_run(ledger).metrics.entry("m0".to_owned()).or_default();
        points.insert(-1, acknowledged(0.5));
    }),
    ("a point with another value", |ledger| {
        let points = last_run(ledger).metrics.values_mut().next().unwrap();
        points.values_mut().next().unwrap().value += 1.0;
    }),
    ("a lost parameter", |ledger| {
        last_run(ledger).params.insert("lost".to_owned(), acknowledged("x".to_owned()));
    }),
    ("a lost tag", |ledger| {
        last_run(ledger).tags.insert("lost".to_owned(), acknowledged("x".to_owned()));
    }),
    ("a torn batch", |ledger| {
        let run = last_run(ledger);
        let there = run.metrics.values_mut().flat_map(|points| points.values_mut()).next().unwrap();
        (there.fate, there.request) = (Fate::Unknown, u64::MAX);
        let absent = Item { value: "x".to_owned(), fate: Fate::Unknown, request: u64::MAX };
        run.params.insert("absent".to_owned(), absent);
    }),
    ("a half-written artifact", |ledger| {
        let artifact = ledger.artifacts.last_mut().unwrap();
        artifact.size += 1;
        artifact.fate = Fate::Unknown;
    }),
];

fn last_run(ledger: &mut Ledger) -> &mut RunRecord {
    ledger.runs.last_mut().unwrap()
}

fn acknowledged<T>(value: T) -> Item<T> {
    Item { value, fate: Fate::Acknowledged, request: 0 }
}
