//! Databases seen from outside: looked at, copied, checked, and never changed.

use std::fs;
use std::path::Path;

use modelyard_database::{Database, DatabaseUri, Look, check_file};

use crate::harness::*;

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_look_tells_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = sqlite_uri(folder.path());
    for uri in [Some(file), postgres_uri()].into_iter().flatten() {
        runtime().block_on(async {
            let look = uri.look().await.unwrap();
            assert_eq!((look.schema_version, look.tables), (None, 0));
            let db = open(&uri, ITEMS).await.unwrap();
            // Beside one who has it open, and alone.
            let look = uri.look().await.unwrap();
            assert_eq!((look.schema_version, look.tables), (Some(1), 3));
            drop(db);
            assert_eq!(uri.look().await.unwrap(), look);
        });
    }
}

#[test]
fn a_look_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let uri = sqlite_uri(folder.path());
    assert_eq!(runtime().block_on(uri.look()).unwrap(), Look::default());
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn a_copy_is_of_one_moment_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let uri = sqlite_uri(folder.path());
    runtime().block_on(async {
        let db = std::sync::Arc::new(open(&uri, ITEMS).await.unwrap());
        let mut copies = Vec::new();
        for round in 0..5 {
            for n in 0..20 {
                add(&db, &format!("{round} {n} before")).await.unwrap();
            }
            let writer = std::sync::Arc::clone(&db);
            let writing = tokio::spawn(async move {
                // Two at once, so that half of a transaction would show.
                for n in 0..200 {
                    let pair = (format!("{round} {n} left"), format!("{round} {n} right"));
                    writer
                        .write(pair, |conn, (left, right)| {
                            Box::pin(async move {
                                insert(conn, left).await?;
                                insert(conn, right).await
                            })
                        })
                        .await
                        .unwrap();
                }
            });
            let copy = folder.path().join(format!("copy-{round}.db"));
            uri.copy_to(copy.clone()).await.unwrap();
            writing.await.unwrap();
            copies.push(copy);
        }
        for (round, copy) in copies.into_iter().enumerate() {
            assert_eq!(check_file(&copy).unwrap(), 1);
            let copied = names(&open(&DatabaseUri::Sqlite(copy), ITEMS).await.unwrap()).await;
            let count = |end: &str| copied.iter().filter(|name| name.ends_with(end)).count();
            assert_eq!(count("before"), (round + 1) * 20);
            assert_eq!(count("left"), count("right"));
        }
        let there = uri.copy_to(folder.path().join("copy-0.db")).await;
        assert!(there.is_err(), "a file that is there was overwritten");
    });
}

/// A file with much in it, closed.
fn filled(folder: &Path) -> std::path::PathBuf {
    let uri = sqlite_uri(folder);
    runtime().block_on(async {
        let db: Database = open(&uri, ITEMS).await.unwrap();
        for n in 0..500 {
            add(&db, &format!("{n} {}", "x".repeat(40))).await.unwrap();
        }
    });
    folder.join("test.db")
}

#[test]
fn a_check_finds_damage_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path());
    let good = fs::read(&path).unwrap();
    assert_eq!(check_file(&path).unwrap(), 1);
    for (what, damage) in DAMAGES {
        let mut bytes = good.clone();
        damage(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let reason = refusal(check_file(&path));
        assert!(reason.contains("damaged") || reason.contains("no schema"), "{what}: {reason}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{what}");
        assert_eq!(names_in(folder.path()), ["test.db"], "{what}");
    }
}

type Damage = (&'static str, fn(&mut Vec<u8>));

const DAMAGES: [Damage; 4] = [
    ("another beginning", |bytes| bytes[..100].fill(7)),
    ("a page of rubbish", |bytes| bytes[3 * 4_096..4 * 4_096].fill(0x5a)),
    ("cut in the middle", |bytes| bytes.truncate(bytes.len() / 2)),
    ("nothing at all", Vec::clear),
];

#[test]
fn damage_is_called_damage_when_the_database_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    // The list of tables, behind the header.
    bytes[100..4_096].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let uri = sqlite_uri(folder.path());
    let reason = refusal(runtime().block_on(open(&uri, ITEMS)));
    assert!(reason.contains("is damaged") && reason.contains("modelyard restore"), "{reason}");
    assert!(reason.contains("test.db"), "{reason}");
    let reason = refusal(runtime().block_on(uri.look()));
    assert!(reason.contains("is damaged"), "{reason}");
}

#[test]
fn databases_of_others_are_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let conn = rusqlite::Connection::open(folder.path().join("test.db")).unwrap();
    conn.execute_batch("CREATE TABLE item (name TEXT)").unwrap();
    drop(conn);
    let uri = sqlite_uri(folder.path());
    let copy = folder.path().join("copy.db");
    let reason = refusal(runtime().block_on(uri.copy_to(copy.clone())));
    assert!(reason.contains("another program") && !copy.exists(), "{reason}");
    assert!(refusal(runtime().block_on(uri.look())).contains("another program"));
}
