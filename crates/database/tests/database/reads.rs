//! Reading: one unchanging state of the database.

use std::sync::Arc;

use modelyard_database::{Database, Error};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::harness::*;

#[test]
fn a_reader_sees_one_state_on_sqlite() {
    on_sqlite(async |db| {
        let db = Arc::new(db);
        add(&db, "before").await.unwrap();
        let gate = Arc::new(Gate::default());
        let reading = {
            let (db, gate) = (Arc::clone(&db), Arc::clone(&gate));
            tokio::spawn(async move {
                db.read(gate, |conn, gate| {
                    Box::pin(async move {
                        let first = select(conn).await?;
                        gate.pass();
                        Ok::<_, Error>((first, select(conn).await?))
                    })
                })
                .await
            })
        };
        gate.entered().await;
        add(&db, "meanwhile").await.unwrap();
        assert_eq!(names(&db).await.len(), 2, "another reader sees it");
        gate.open();
        let (first, second) = reading.await.unwrap().unwrap();
        assert_eq!((first, second), (vec!["before".to_owned()], vec!["before".to_owned()]));
        assert_eq!(names(&db).await.len(), 2);
    });
}

#[test]
fn a_reader_sees_one_state_on_postgres() {
    on_postgres(async |db| {
        let db = Arc::new(db);
        add(&db, "before").await.unwrap();
        let meeting = Arc::new((Notify::new(), Notify::new()));
        let reading = {
            let (db, meeting) = (Arc::clone(&db), Arc::clone(&meeting));
            tokio::spawn(async move {
                db.read(meeting, |conn, meeting| {
                    Box::pin(async move {
                        let first = select(conn).await?;
                        meeting.0.notify_one();
                        meeting.1.notified().await;
                        Ok::<_, Error>((first, select(conn).await?))
                    })
                })
                .await
            })
        };
        meeting.0.notified().await;
        add(&db, "meanwhile").await.unwrap();
        meeting.1.notify_one();
        let (first, second) = reading.await.unwrap().unwrap();
        assert_eq!((first, second), (vec!["before".to_owned()], vec!["before".to_owned()]));
        assert_eq!(names(&db).await.len(), 2);
    });
}

/// Whoever closes a SQLite database last puts its log away, and a reader may not.
#[test]
fn a_read_that_nobody_waits_for_does_not_outlive_the_database() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..20 {
        runtime().block_on(async {
            let db = Arc::new(open(&sqlite_uri(folder.path()), ITEMS).await.unwrap());
            add(&db, &format!("item {round}")).await.unwrap();
            let gate = Arc::new(Gate::default());
            let reading = {
                let (db, gate) = (Arc::clone(&db), Arc::clone(&gate));
                tokio::spawn(async move {
                    db.read(gate, |conn, gate| {
                        Box::pin(async move {
                            gate.pass();
                            number(conn, ENDLESS).await
                        })
                    })
                    .await
                })
            };
            gate.entered().await;
            gate.open();
            reading.abort();
            assert!(reading.await.unwrap_err().is_cancelled());
            drop(db);
            let left = std::fs::read_dir(folder.path()).unwrap();
            let mut names = left.map(|file| file.unwrap().file_name().into_string().unwrap());
            assert!(names.all(|name| !name.ends_with("-wal")));
        });
    }
}

/// Counts without end.
const ENDLESS: &str =
    "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

on_both_engines!(more_readers_than_connections_all_get_their_answer, a_failed_read_spoils_nothing);

async fn more_readers_than_connections_all_get_their_answer(db: Database) {
    let db = Arc::new(db);
    add(&db, "a").await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..200 {
        let db = Arc::clone(&db);
        tasks.spawn(async move {
            if n % 10 == 0 {
                add(&db, &n.to_string()).await.unwrap();
            }
            names(&db).await
        });
    }
    for names in tasks.join_all().await {
        assert!(names.contains(&"a".to_owned()));
    }
    assert_eq!(names(&db).await.len(), 21);
}

async fn a_failed_read_spoils_nothing(db: Database) {
    add(&db, "a").await.unwrap();
    for _ in 0..40 {
        let outcome = db.read((), |conn, ()| Box::pin(number(conn, "SELECT nothing"))).await;
        assert!(matches!(outcome, Err(Error::Other(_))), "{outcome:?}");
        assert_eq!(names(&db).await, ["a"]);
    }
}

#[test]
fn abandoned_reads_hold_no_connection_on_sqlite() {
    const ENDLESS: &str =
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
    on_sqlite(async |db| {
        let db = Arc::new(db);
        add(&db, "a").await.unwrap();
        // More than there are connections.
        for _ in 0..16 {
            let begun = Arc::new(Notify::new());
            let reading = {
                let (db, begun) = (Arc::clone(&db), Arc::clone(&begun));
                tokio::spawn(async move {
                    db.read(begun, |conn, begun| {
                        begun.notify_one();
                        Box::pin(number(conn, ENDLESS))
                    })
                    .await
                })
            };
            begun.notified().await;
            reading.abort();
            assert!(reading.await.unwrap_err().is_cancelled());
        }
        assert_eq!(names(&db).await, ["a"]);
    });
}
