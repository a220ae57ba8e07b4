//! Bringing a schema up to date.

use std::fs;
use std::sync::Arc;

use modelyard_database::{DatabaseUri, Error, Migration};
use tokio::task::JoinSet;

use crate::harness::*;

const ONE: Migration = ITEMS[0];
const TWO: Migration = Migration {
    version: 2,
    name: "colours",
    schema: "ALTER TABLE item ADD COLUMN colour {text} NOT NULL DEFAULT 'grey';
             CREATE TABLE colour (name {text} NOT NULL PRIMARY KEY) {clustered};",
};
const BROKEN: Migration = Migration {
    version: 3,
    name: "broken",
    schema: "CREATE TABLE half (id {id}); CREATE TABLE half (id {id});",
};

const FIRST: &[Migration] = &[ONE];
const SECOND: &[Migration] = &[ONE, TWO];
const THIRD: &[Migration] = &[ONE, TWO, BROKEN];

/// Runs a test with the address of an empty database on each engine.
fn on_each(test: &impl AsyncFn(DatabaseUri)) {
    let folder = tempfile::tempdir().unwrap();
    for uri in [Some(sqlite_uri(folder.path())), postgres_uri()].into_iter().flatten() {
        runtime().block_on(test(uri));
    }
}

#[test]
fn steps_are_applied_once_and_keep_the_data() {
    on_each(&async |uri| {
        add(&open(&uri, FIRST).await.unwrap(), "a").await.unwrap();
        for _ in 0..2 {
            let db = open(&uri, SECOND).await.unwrap();
            let applied = db
                .read((), |conn, ()| {
                    let sql = "SELECT version, name, applied_ms FROM schema_migration ORDER BY 1";
                    Box::pin(
                        conn.query(sql, &[], |row| Ok((row.int(0)?, row.string(1)?, row.int(2)?))),
                    )
                })
                .await
                .unwrap();
            let at = context().now_ms();
            assert_eq!(applied, [(1, "items".to_owned(), at), (2, "colours".to_owned(), at)]);
            assert_eq!(names(&db).await, ["a"]);
            let grey = "SELECT count(*) FROM item WHERE colour = 'grey'";
            let grey = db.read(grey, |conn, sql| Box::pin(number(conn, sql))).await.unwrap();
            assert_eq!(grey, 1);
        }
    });
}

#[test]
fn a_newer_schema_is_refused() {
    on_each(&async |uri| {
        drop(open(&uri, SECOND).await.unwrap());
        let reason = refusal(open(&uri, FIRST).await);
        assert!(reason.contains("version 2") && reason.contains("knows 1"), "{reason}");
        drop(open(&uri, SECOND).await.unwrap());
    });
}

#[test]
fn a_step_that_fails_leaves_the_schema_as_it_was() {
    on_each(&async |uri| {
        add(&open(&uri, FIRST).await.unwrap(), "a").await.unwrap();
        assert!(matches!(open(&uri, THIRD).await.map(|_| ()), Err(Error::Other(_))));
        let db = open(&uri, FIRST).await.unwrap();
        assert_eq!(names(&db).await, ["a"]);
        let half = db.read((), |conn, ()| Box::pin(number(conn, "SELECT id FROM half"))).await;
        assert!(half.is_err(), "a table of the failed step is there");
        drop(db);
        assert_eq!(names(&open(&uri, SECOND).await.unwrap()).await, ["a"]);
    });
}

#[test]
fn many_that_open_at_once_apply_each_step_once() {
    on_each(&async |uri| {
        let uri = Arc::new(uri);
        for schema in [FIRST, SECOND] {
            let mut opening = JoinSet::new();
            for n in 0..8 {
                let uri = Arc::clone(&uri);
                opening.spawn(async move {
                    let db = open(&uri, schema).await.unwrap();
                    add(&db, &format!("{} {n}", schema.len())).await.unwrap();
                });
            }
            opening.join_all().await;
        }
        let db = open(&uri, SECOND).await.unwrap();
        let steps = "SELECT count(*) FROM schema_migration";
        let steps = db.read(steps, |conn, sql| Box::pin(number(conn, sql))).await.unwrap();
        assert_eq!((steps, names(&db).await.len()), (2, 16));
    });
}

#[test]
fn a_file_is_copied_before_its_schema_changes() {
    let folder = tempfile::tempdir().unwrap();
    let uri = sqlite_uri(folder.path());
    let copy = folder.path().join("test.db.before-v1");
    let partial = folder.path().join("test.db.before-v1.partial");
    runtime().block_on(async {
        let db = open(&uri, FIRST).await.unwrap();
        add(&db, "a").await.unwrap();
        drop(db);
        drop(open(&uri, FIRST).await.unwrap());
        assert!(!copy.exists(), "nothing changed");
        // What a crash in the middle of a copy leaves.
        fs::write(&partial, "half a copy").unwrap();
        let db = open(&uri, SECOND).await.unwrap();
        add(&db, "b").await.unwrap();
        drop(db);
        assert!(!partial.exists());

        let before = fs::read(&copy).unwrap();
        drop(open(&uri, SECOND).await.unwrap());
        assert_eq!(fs::read(&copy).unwrap(), before, "the copy stays as it is");
        let old = open(&DatabaseUri::Sqlite(copy.clone()), FIRST).await.unwrap();
        assert_eq!(names(&old).await, ["a"]);
    });
}

#[test]
fn the_first_copy_of_a_version_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let uri = sqlite_uri(folder.path());
    let copy = folder.path().join("test.db.before-v1");
    runtime().block_on(async {
        add(&open(&uri, FIRST).await.unwrap(), "a").await.unwrap();
        assert!(open(&uri, THIRD).await.is_err());
        let first = fs::read(&copy).unwrap();
        add(&open(&uri, FIRST).await.unwrap(), "b").await.unwrap();
        drop(open(&uri, SECOND).await.unwrap());
        assert_eq!(fs::read(&copy).unwrap(), first);
    });
}
