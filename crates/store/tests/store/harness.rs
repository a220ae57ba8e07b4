//! What the tests share: stores on both engines with counters for time and chance, and the words in which
//! tests state data.

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use modelyard_database::DatabaseUri;
use modelyard_protocol::{Context, Environment, ErrorCode};
use modelyard_store::{
    Batch, Experiment, KeyValue, MetricPoint, NewExperiment, NewRun, Result, Run, Settings, Store,
};

/// Instantiates each `async fn test(store: Store)` of a module on both engines.
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { $crate::harness::on_sqlite(super::$test); })+
        }
        mod postgres {
            $(#[test] fn $test() { $crate::harness::on_postgres(super::$test); })+
        }
    };
}
pub(crate) use on_both_engines;

/// The first reading of the clock; every reading is one millisecond later than the one before.
pub(crate) const CLOCK_START_MS: i64 = 1_700_000_000_000;

/// Where artifacts go by default.
pub(crate) const ROOT: &str = "mlflow-artifacts:/";

/// A clock that ticks at each reading, and chance that only counts.
struct Counters {
    clock: AtomicI64,
    chance: AtomicU64,
}

impl Environment for Counters {
    fn now_ms(&self) -> i64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    fn random(&self) -> u128 {
        // Spread over all bits, so that ids do not come in the order of their making.
        let count = u128::from(self.chance.fetch_add(1, Ordering::Relaxed));
        count.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }
}

/// A context over fresh counters.
pub(crate) fn context() -> Context {
    Context::new(Counters { clock: AtomicI64::new(CLOCK_START_MS), chance: AtomicU64::new(1) })
}

/// A runtime with threads of its own, as the server has.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap()
}

/// Opens or creates a store.
pub(crate) async fn open(uri: &DatabaseUri) -> Store {
    let settings = Settings { artifact_root: ROOT.to_owned() };
    Store::open(uri, settings, context()).await.unwrap()
}

/// The SQLite file of a test's folder.
pub(crate) fn sqlite_uri(folder: &Path) -> DatabaseUri {
    DatabaseUri::Sqlite(folder.join("test.db"))
}

/// A fresh PostgreSQL database; `None` where PostgreSQL is not installed.
pub(crate) fn postgres_uri() -> Option<DatabaseUri> {
    modelyard_testkit::postgres_url().map(DatabaseUri::Postgres)
}

/// Runs a test on an empty store in a SQLite file.
pub(crate) fn on_sqlite(test: impl AsyncFnOnce(Store)) {
    let folder = tempfile::tempdir().unwrap();
    let uri = sqlite_uri(folder.path());
    runtime().block_on(async { test(open(&uri).await).await });
}

/// Runs a test on an empty store in a PostgreSQL database; does nothing where that is not installed.
pub(crate) fn on_postgres(test: impl AsyncFnOnce(Store)) {
    let Some(uri) = postgres_uri() else { return };
    runtime().block_on(async { test(open(&uri).await).await });
}

/// The default experiment.
pub(crate) const DEFAULT: i64 = 0;

pub(crate) fn pair(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: value.to_owned() }
}

pub(crate) fn pairs(list: &[(&str, &str)]) -> Vec<KeyValue> {
    list.iter().map(|(key, value)| pair(key, value)).collect()
}

/// Keys and values as text, for comparison with literals.
pub(crate) fn shown(pairs: &[KeyValue]) -> Vec<(&str, &str)> {
    pairs.iter().map(|pair| (pair.key.as_str(), pair.value.as_str())).collect()
}

/// A point of a metric that belongs to no logged model.
pub(crate) fn point(key: &str, value: f64, step: i64, ms: i64) -> MetricPoint {
    MetricPoint { key: key.to_owned(), value, step, ms, model: None }
}

/// An experiment with nothing but a name; its id.
pub(crate) async fn experiment(store: &Store, name: &str) -> i64 {
    let new = NewExperiment { name: name.to_owned(), artifact_location: None, tags: Vec::new() };
    store.create_experiment(new).await.unwrap()
}

/// What it takes to make a run with nothing but a name and a start.
pub(crate) fn new_run(experiment_id: i64, name: &str, start_ms: i64) -> NewRun {
    NewRun {
        experiment_id,
        name: name.to_owned(),
        user_id: "tester".to_owned(),
        start_ms,
        tags: pairs(&[("mlflow.runName", name)]),
    }
}

/// A run with nothing but a name; its id.
pub(crate) async fn run_in(store: &Store, experiment_id: i64, name: &str) -> String {
    store.create_run(new_run(experiment_id, name, 0)).await.unwrap().info.run_id
}

/// A run of the default experiment; its id.
pub(crate) async fn run(store: &Store) -> String {
    run_in(store, DEFAULT, "run").await
}

/// Logs params, metrics and tags at once.
pub(crate) async fn log(
    store: &Store,
    run_id: &str,
    params: &[(&str, &str)],
    metrics: &[MetricPoint],
    tags: &[(&str, &str)],
) -> Result<()> {
    let batch = Batch { metrics: metrics.to_vec(), params: pairs(params), tags: pairs(tags) };
    store.log_batch(run_id.to_owned(), batch).await
}

/// Reads a run.
pub(crate) async fn read(store: &Store, run_id: &str) -> Run {
    store.run(run_id.to_owned()).await.unwrap()
}

/// Reads an experiment.
pub(crate) async fn read_experiment(store: &Store, id: i64) -> Experiment {
    store.experiment(id).await.unwrap()
}

/// What a client is told of a refusal.
///
/// # Panics
/// If it is not refused, or blamed on the server.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T>) -> (ErrorCode, String) {
    let error = outcome.expect_err("to be refused").to_client();
    assert!(error.code.http_status() < 500, "a caller's mistake is blamed on the server: {error}");
    (error.code, error.message)
}

/// The code of a refusal.
#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorCode {
    refused(outcome).0
}
