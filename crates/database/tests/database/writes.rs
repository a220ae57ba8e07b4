//! Writing: what is acknowledged is there, what failed left nothing.

use std::sync::Arc;

use modelyard_database::{Database, Engine, Error, Result};
use tokio::task::JoinSet;

use crate::harness::*;

on_both_engines!(
    what_is_acknowledged_is_read,
    a_failed_operation_leaves_nothing,
    a_violated_uniqueness_is_told_apart,
    other_violations_are_faults_of_ours,
    a_failed_commit_is_not_acknowledged,
    a_panic_is_an_answer_and_the_database_lives_on,
    many_writes_at_once_are_all_answered,
    tables_may_not_be_written_by_readers,
);

async fn what_is_acknowledged_is_read(db: Database) {
    for name in ["b", "a", "é"] {
        add(&db, name).await.unwrap();
    }
    assert_eq!(names(&db).await, ["a", "b", "é"]);
}

async fn a_failed_operation_leaves_nothing(db: Database) {
    let outcome: Result<()> = db
        .write((), |conn, ()| {
            Box::pin(async move {
                insert(conn, "a").await?;
                insert(conn, "b").await?;
                Err(Error::Refused("changed my mind".into()))
            })
        })
        .await;
    assert_eq!(refusal(outcome), "changed my mind");
    assert_eq!(names(&db).await, [""; 0]);
}

async fn a_violated_uniqueness_is_told_apart(db: Database) {
    add(&db, "a").await.unwrap();
    let outcome: Result<()> = db
        .write((), |conn, ()| {
            Box::pin(async move {
                insert(conn, "b").await?;
                insert(conn, "a").await
            })
        })
        .await;
    assert!(matches!(outcome, Err(Error::Unique(_))), "{outcome:?}");
    assert_eq!(names(&db).await, ["a"]);
}

async fn other_violations_are_faults_of_ours(db: Database) {
    for sql in [
        "INSERT INTO item (name) VALUES (NULL)",
        "INSERT INTO nothing (name) VALUES ('a')",
        "INSERT INTO item (name) VALUES",
    ] {
        let outcome = db.write(sql, |conn, sql| Box::pin(conn.execute(sql, &[]))).await;
        assert!(matches!(outcome, Err(Error::Other(_))), "{sql}: {outcome:?}");
    }
}

async fn a_failed_commit_is_not_acknowledged(db: Database) {
    // The missing parent is noticed at the end of the transaction.
    let outcome = db
        .write((), |conn, ()| {
            Box::pin(async move {
                insert(conn, "a").await?;
                conn.execute("INSERT INTO child (parent) VALUES (99)", &[]).await
            })
        })
        .await;
    assert!(matches!(outcome, Err(Error::Other(_))), "{outcome:?}");
    assert_eq!(names(&db).await, [""; 0]);
    add(&db, "b").await.unwrap();
    assert_eq!(names(&db).await, ["b"]);
}

async fn a_panic_is_an_answer_and_the_database_lives_on(db: Database) {
    for _ in 0..3 {
        let outcome: Result<()> = db
            .write((), |conn, ()| {
                Box::pin(async move {
                    insert(conn, "lost").await?;
                    panic!("a fault of ours")
                })
            })
            .await;
        assert!(matches!(outcome, Err(Error::Other(_))), "{outcome:?}");
        let outcome: Result<()> = db
            .read((), |conn, ()| {
                Box::pin(async move {
                    select(conn).await?;
                    panic!("a fault of ours")
                })
            })
            .await;
        assert!(matches!(outcome, Err(Error::Other(_))), "{outcome:?}");
    }
    add(&db, "kept").await.unwrap();
    assert_eq!(names(&db).await, ["kept"]);
}

async fn many_writes_at_once_are_all_answered(db: Database) {
    let db = Arc::new(db);
    let mut tasks = JoinSet::new();
    for n in 0..300 {
        let db = Arc::clone(&db);
        // A third of them come in threes of one name, of which one can win.
        let name = if n < 100 { format!("shared {}", n / 3) } else { format!("own {n}") };
        tasks.spawn(async move { (name.clone(), add(&db, &name).await) });
    }
    let mut acknowledged = Vec::new();
    for (name, outcome) in tasks.join_all().await {
        match outcome {
            Ok(()) => acknowledged.push(name),
            Err(Error::Unique(_)) => assert!(name.starts_with("shared"), "{name}"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    acknowledged.sort_unstable();
    assert_eq!(names(&db).await, acknowledged);
    assert_eq!(acknowledged.len(), 200 + 34);
}

async fn tables_may_not_be_written_by_readers(db: Database) {
    let outcome = db.read((), |conn, ()| Box::pin(insert(conn, "a"))).await;
    assert!(outcome.is_err());
    assert_eq!(names(&db).await, [""; 0]);
    assert!(matches!(db.engine(), Engine::Sqlite | Engine::Postgres));
}
