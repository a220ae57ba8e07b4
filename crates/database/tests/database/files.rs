//! SQLite files: kept across openings, and left alone when they are not ours.

use std::fs;
use std::path::{Path, PathBuf};

use modelyard_database::{Database, DatabaseUri};

use crate::harness::*;

#[test]
fn reopening_keeps_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let uri = sqlite_uri(folder.path());
    runtime().block_on(async {
        for n in 0..4 {
            let db = open(&uri, ITEMS).await.unwrap();
            assert_eq!(names(&db).await.len(), n);
            add(&db, &n.to_string()).await.unwrap();
        }
    });
}

#[test]
fn a_relative_path_may_hold_what_urls_would_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b%20#é?.db");
    runtime().block_on(async {
        let db = open(&DatabaseUri::Sqlite(path.clone()), ITEMS).await.unwrap();
        add(&db, "a").await.unwrap();
        assert_eq!(names(&db).await, ["a"]);
    });
    assert!(path.is_file());
}

/// Makes a file, and says why it is not opened. It must be as it was afterwards.
fn refuses(name: &str, make: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    make(&path);
    let before = contents(folder.path());
    let uri = DatabaseUri::Sqlite(path.clone());
    let reason = refusal(runtime().block_on(open(&uri, ITEMS)));
    assert!(reason.contains(path.to_str().unwrap()), "the reason does not name the file: {reason}");
    assert_eq!(contents(folder.path()), before, "a file that is not ours was touched");
    reason
}

fn contents(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).ok()))
        .collect();
    found.sort();
    found
}

fn made_by(tables: &'static str) -> impl FnOnce(&Path) {
    move |path| {
        let conn = rusqlite::Connection::open(path).unwrap();
        conn.execute_batch(tables).unwrap();
    }
}

#[test]
fn databases_of_others_are_refused() {
    let reason = refuses("other.db", made_by("CREATE TABLE item (name TEXT)"));
    assert!(reason.contains("another program"), "{reason}");
    // A mark of another program, and no table yet.
    let reason =
        refuses("marked.db", made_by("PRAGMA application_id = 7; PRAGMA user_version = 1"));
    assert!(reason.contains("another program"), "{reason}");
}

#[test]
fn databases_of_mlflow_are_named_as_such() {
    let tables = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
                  CREATE TABLE experiments (experiment_id INTEGER NOT NULL PRIMARY KEY);
                  INSERT INTO alembic_version VALUES ('1'); INSERT INTO experiments VALUES (0);";
    let reason = refuses("mlflow.db", made_by(tables));
    assert!(reason.contains("MLflow") && reason.contains("new file"), "{reason}");
}

#[test]
fn what_is_no_database_is_refused() {
    let text = |text: &str| {
        let text = text.to_owned();
        move |path: &Path| fs::write(path, text).unwrap()
    };
    refuses("notes.txt", text("hello"));
    refuses("long.txt", text(&"hello ".repeat(10_000)));
    refuses("cut.db", text("SQLite format 3\0"));
    refuses("zeros.db", text(&"\0".repeat(8_192)));
    refuses("folder.db", |path| fs::create_dir(path).unwrap());
    let reason = refuses("absent/folder/test.db", |_| {});
    assert!(reason.contains("cannot open"), "{reason}");
}

#[test]
fn an_empty_file_is_a_new_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    fs::write(&path, "").unwrap();
    runtime().block_on(async {
        let db = open(&DatabaseUri::Sqlite(path), ITEMS).await.unwrap();
        add(&db, "a").await.unwrap();
    });
}

#[test]
fn a_damaged_database_is_an_error_not_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let uri = sqlite_uri(folder.path());
    let path = folder.path().join("test.db");
    runtime().block_on(async {
        let db = open(&uri, ITEMS).await.unwrap();
        for n in 0..2_000 {
            add(&db, &format!("{n} {}", "x".repeat(40))).await.unwrap();
        }
    });
    let mut bytes = fs::read(&path).unwrap();
    for byte in bytes.iter_mut().skip(4_096 + 100) {
        *byte = byte.wrapping_mul(31).wrapping_add(7);
    }
    fs::write(&path, bytes).unwrap();
    runtime().block_on(async {
        let outcome = match open(&uri, ITEMS).await {
            Ok(db) => db.read((), |conn, ()| Box::pin(select(conn))).await.map(|_| ()),
            Err(error) => Err(error),
        };
        assert!(outcome.is_err(), "rubbish was read as data");
    });
}

#[test]
fn a_clean_end_leaves_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let uri = sqlite_uri(folder.path());
    runtime().block_on(async {
        let db: Database = open(&uri, ITEMS).await.unwrap();
        add(&db, "a").await.unwrap();
    });
    assert_eq!(contents(folder.path()).len(), 1);
}
