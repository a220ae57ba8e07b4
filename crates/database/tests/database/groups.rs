//! SQLite's writer: operations that wait share one commit, each for itself.

use std::sync::Arc;

use modelyard_database::{Database, Error, Result};
use tokio::task::JoinHandle;

use crate::harness::*;

/// Holds the writer up while `count` operations are queued by `queue`, then lets them go. They make up one
/// group.
async fn as_one_group<T>(
    db: &Arc<Database>,
    count: usize,
    queue: impl FnOnce() -> Vec<JoinHandle<Result<T>>>,
) -> Vec<Result<T>> {
    let gate = Arc::new(Gate::default());
    let holder = {
        let (db, gate) = (Arc::clone(db), Arc::clone(&gate));
        let hold = async move {
            db.write(gate, |_, gate| {
                gate.pass();
                Box::pin(async { Ok::<_, Error>(()) })
            })
            .await
        };
        tokio::spawn(hold)
    };
    gate.entered().await;
    let before = db.load();
    let queued = queue();
    while db.load().waiting < count {
        tokio::task::yield_now().await;
    }
    gate.open();
    holder.await.unwrap().unwrap();
    let mut outcomes = Vec::new();
    for task in queued {
        outcomes.push(task.await.unwrap());
    }
    let load = db.load();
    // The holder's commit, and the group's.
    let (commits, operations) =
        if outcomes.iter().any(Result::is_ok) { (2, 1 + count as u64) } else { (1, 1) };
    assert_eq!(load.commits - before.commits, commits);
    assert_eq!(load.operations - before.operations, operations);
    assert_eq!(load.waiting, 0);
    outcomes
}

fn adding(db: &Arc<Database>, name: &str) -> JoinHandle<Result<()>> {
    let (db, name) = (Arc::clone(db), name.to_owned());
    tokio::spawn(async move { add(&db, &name).await })
}

#[test]
fn what_waits_is_committed_together() {
    on_sqlite(async |db| {
        let db = Arc::new(db);
        let queue = || (0..200).map(|n| adding(&db, &n.to_string())).collect();
        let outcomes = as_one_group(&db, 200, queue).await;
        assert!(outcomes.iter().all(Result::is_ok));
        assert_eq!(names(&db).await.len(), 200);
    });
}

#[test]
fn a_failure_does_not_touch_its_neighbours() {
    on_sqlite(async |db| {
        let db = Arc::new(db);
        add(&db, "taken").await.unwrap();
        let failing = |name: &str, after: fn() -> Result<()>| {
            let (db, data) = (Arc::clone(&db), (name.to_owned(), after));
            tokio::spawn(async move {
                db.write(data, |conn, (name, after)| {
                    Box::pin(async move {
                        insert(conn, name).await?;
                        after()
                    })
                })
                .await
            })
        };
        let queue = || {
            vec![
                adding(&db, "first"),
                adding(&db, "taken"),
                failing("refused", || Err(Error::Refused("no".into()))),
                adding(&db, "second"),
                failing("panicked", || panic!("a fault of ours")),
                adding(&db, "second"),
                adding(&db, "third"),
            ]
        };
        let outcomes = as_one_group(&db, 7, queue).await;
        // Tasks may be queued in any order: of two with one name either may win.
        let kinds: Vec<_> = outcomes
            .iter()
            .map(|outcome| match outcome {
                Ok(()) => "ok",
                Err(Error::Unique(_)) => "taken",
                Err(Error::Refused(_)) => "refused",
                Err(Error::Other(_)) => "panicked",
                Err(error) => panic!("{error}"),
            })
            .collect();
        assert_eq!((kinds[0], kinds[1], kinds[2]), ("ok", "taken", "refused"));
        assert_eq!((kinds[4], kinds[6]), ("panicked", "ok"));
        let mut contested = [kinds[3], kinds[5]];
        contested.sort_unstable();
        assert_eq!(contested, ["ok", "taken"]);
        assert_eq!(names(&db).await, ["first", "second", "taken", "third"]);
        add(&db, "after").await.unwrap();
    });
}

#[test]
fn when_the_commit_fails_nobody_is_acknowledged() {
    on_sqlite(async |db| {
        let db = Arc::new(db);
        let orphan = || {
            let db = Arc::clone(&db);
            tokio::spawn(async move {
                let sql = "INSERT INTO child (parent) VALUES (99)";
                db.write(sql, |conn, sql| Box::pin(conn.execute(sql, &[]))).await.map(|_| ())
            })
        };
        let queue = || vec![adding(&db, "a"), orphan(), adding(&db, "b")];
        for outcome in as_one_group(&db, 3, queue).await {
            assert!(matches!(outcome, Err(Error::Other(_))), "{outcome:?}");
        }
        assert_eq!(names(&db).await, [""; 0]);
        add(&db, "after").await.unwrap();
        assert_eq!(names(&db).await, ["after"]);
    });
}

#[test]
fn a_full_queue_says_so_and_what_it_holds_is_written() {
    on_sqlite(async |db| {
        let db = Arc::new(db);
        let gate = Arc::new(Gate::default());
        let hold = {
            let (db, gate) = (Arc::clone(&db), Arc::clone(&gate));
            tokio::spawn(async move {
                db.write(gate, |_, gate| {
                    gate.pass();
                    Box::pin(async { Ok::<_, Error>(()) })
                })
                .await
            })
        };
        gate.entered().await;
        let writes = 5_000;
        let tasks: Vec<_> = (0..writes).map(|n| adding(&db, &n.to_string())).collect();
        // The surplus is answered at once, while the writer is still held up.
        let refused = || tasks.iter().filter(|task| task.is_finished()).count();
        while db.load().waiting + refused() < writes {
            tokio::task::yield_now().await;
        }
        let waiting = db.load().waiting;
        assert!(waiting < writes, "the queue has no limit");
        gate.open();
        hold.await.unwrap().unwrap();
        let mut acknowledged = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => acknowledged += 1,
                Err(error) => assert!(matches!(error, Error::Overloaded), "{error}"),
            }
        }
        assert_eq!(acknowledged, waiting);
        assert_eq!(names(&db).await.len(), acknowledged);
    });
}

#[test]
fn a_write_stands_when_whoever_asked_has_gone_away() {
    on_sqlite(async |db| {
        let db = Arc::new(db);
        let gate = Arc::new(Gate::default());
        let asked = {
            let (db, gate) = (Arc::clone(&db), Arc::clone(&gate));
            tokio::spawn(async move {
                db.write(gate, |conn, gate| {
                    gate.pass();
                    Box::pin(insert(conn, "kept"))
                })
                .await
            })
        };
        gate.entered().await;
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
        gate.open();
        add(&db, "next").await.unwrap();
        assert_eq!(names(&db).await, ["kept", "next"]);
    });
}

#[test]
fn an_operation_that_waits_inside_a_transaction_is_refused() {
    on_sqlite(async |db| {
        let outcome: Result<()> = db
            .write((), |conn, ()| {
                Box::pin(async move {
                    insert(conn, "lost").await?;
                    tokio::task::yield_now().await;
                    Ok(())
                })
            })
            .await;
        assert!(matches!(outcome, Err(Error::Other(_))), "{outcome:?}");
        assert_eq!(names(&db).await, [""; 0]);
    });
}

#[test]
fn a_commit_is_on_disk_before_it_is_acknowledged() {
    on_sqlite(async |db| {
        let setting = async |name: &'static str| {
            db.write(name, |conn, name| {
                Box::pin(conn.query_one(name, &[], |row| row.opt_string(0)))
            })
            .await
        };
        assert_eq!(setting("PRAGMA journal_mode").await.unwrap().as_deref(), Some("wal"));
        let full = db.write((), |conn, ()| Box::pin(number(conn, "PRAGMA synchronous"))).await;
        assert_eq!(full.unwrap(), 2, "FULL");
    });
}
