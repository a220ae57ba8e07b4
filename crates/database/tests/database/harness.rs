//! What the tests share: databases with one small table, and the operations on it.

use std::path::Path;
use std::sync::{Condvar, Mutex};

use modelyard_database::{Conn, Database, DatabaseUri, Error, Migration, Param, Result};
use modelyard_protocol::{Context, Environment};
use tokio::sync::Notify;

/// Instantiates each `async fn test(db: Database)` of a module on both engines.
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

/// The schema of most tests: items with a name of their own, children that may come before their parents.
pub(crate) const ITEMS: &[Migration] = &[Migration {
    version: 1,
    name: "items",
    schema: "CREATE TABLE item (id {id}, name {text} NOT NULL UNIQUE, size {real}, count BIGINT);
             CREATE TABLE child (parent BIGINT NOT NULL REFERENCES item (id)
                 DEFERRABLE INITIALLY DEFERRED);",
}];

/// A time that stands still, and no chance.
struct Still;

impl Environment for Still {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000
    }

    fn random(&self) -> u128 {
        0
    }
}

pub(crate) fn context() -> Context {
    Context::new(Still)
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap()
}

/// Opens a database with a schema.
pub(crate) async fn open(uri: &DatabaseUri, schema: &'static [Migration]) -> Result<Database> {
    Database::open(uri, schema, &context()).await
}

pub(crate) fn sqlite_uri(folder: &Path) -> DatabaseUri {
    DatabaseUri::Sqlite(folder.join("test.db"))
}

/// A fresh PostgreSQL database; `None` where PostgreSQL is not installed.
pub(crate) fn postgres_uri() -> Option<DatabaseUri> {
    modelyard_testkit::postgres_url().map(DatabaseUri::Postgres)
}

pub(crate) fn on_sqlite(test: impl AsyncFnOnce(Database)) {
    let folder = tempfile::tempdir().unwrap();
    let uri = sqlite_uri(folder.path());
    runtime().block_on(async { test(open(&uri, ITEMS).await.unwrap()).await });
}

pub(crate) fn on_postgres(test: impl AsyncFnOnce(Database)) {
    let Some(uri) = postgres_uri() else { return };
    runtime().block_on(async { test(open(&uri, ITEMS).await.unwrap()).await });
}

/// The reason why a database was not opened.
#[track_caller]
pub(crate) fn refusal<T>(outcome: Result<T>) -> String {
    match outcome.map(|_| ()) {
        Err(Error::Refused(reason)) => reason,
        outcome => panic!("not refused: {outcome:?}"),
    }
}

/// Adds an item inside a transaction.
pub(crate) async fn insert(conn: &mut Conn, name: &str) -> Result<()> {
    conn.execute("INSERT INTO item (name) VALUES ($1)", &[name.into()]).await?;
    Ok(())
}

/// Adds an item.
pub(crate) async fn add(db: &Database, name: &str) -> Result<()> {
    db.write(name.to_owned(), |conn, name| Box::pin(insert(conn, name))).await
}

/// The names of all items inside a transaction.
pub(crate) async fn select(conn: &mut Conn) -> Result<Vec<String>> {
    conn.query("SELECT name FROM item ORDER BY name", &[], |row| row.string(0)).await
}

/// The names of all items.
pub(crate) async fn names(db: &Database) -> Vec<String> {
    db.read((), |conn, ()| Box::pin(select(conn))).await.unwrap()
}

/// The whole number that a statement answers with.
pub(crate) async fn number(conn: &mut Conn, sql: &str) -> Result<i64> {
    conn.query_one(sql, &[] as &[Param<'_>], |row| row.int(0)).await
}

/// Holds an operation up until it is opened.
#[derive(Default)]
pub(crate) struct Gate {
    entered: Notify,
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Waits, blocking the thread.
    pub(crate) fn pass(&self) {
        self.entered.notify_one();
        drop(self.opened.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap());
    }

    /// Waits until somebody waits at the gate.
    pub(crate) async fn entered(&self) {
        self.entered.notified().await;
    }

    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}
