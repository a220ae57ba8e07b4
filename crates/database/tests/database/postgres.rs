//! What only PostgreSQL does: conflicts, abandoned transactions, lost connections, schemas of others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use modelyard_database::{Database, DatabaseUri, Error, Result};
use tokio::sync::{Barrier, Notify};

use crate::harness::*;

/// The address of a fresh database, with options; `None` where PostgreSQL is not installed.
fn url_with(options: &str) -> Option<DatabaseUri> {
    let url = modelyard_testkit::postgres_url()?;
    Some(DatabaseUri::parse(&format!("{url}?{options}")).unwrap())
}

/// Runs statements in a fresh database, and hands back its address.
async fn prepared(statements: &'static str) -> Option<DatabaseUri> {
    const NOTHING: &[modelyard_database::Migration] = &[];
    let uri = postgres_uri()?;
    let db = open(&uri, NOTHING).await.unwrap();
    db.write(statements, |conn, sql| Box::pin(conn.batch(sql))).await.unwrap();
    Some(uri)
}

#[test]
fn a_schema_of_mlflow_is_refused() {
    runtime().block_on(async {
        let tables = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
                      CREATE TABLE experiments (experiment_id INTEGER NOT NULL PRIMARY KEY);
                      CREATE SCHEMA yard";
        let Some(uri) = prepared(tables).await else { return };
        let reason = refusal(open(&uri, ITEMS).await);
        assert!(reason.contains("MLflow") && reason.contains("search_path"), "{reason}");
        // A schema of its own in the same database is another matter.
        let DatabaseUri::Postgres(url) = &uri else { unreachable!("made above") };
        let own = DatabaseUri::Postgres(format!("{url}?options=-csearch_path%3Dyard"));
        add(&open(&own, ITEMS).await.unwrap(), "a").await.unwrap();
        assert_eq!(names(&open(&own, ITEMS).await.unwrap()).await, ["a"]);
        refusal(open(&uri, ITEMS).await);
    });
}

#[test]
fn tables_beside_ours_are_left_alone() {
    runtime().block_on(async {
        let Some(uri) = prepared("CREATE TABLE spatial (id INT); CREATE SCHEMA a").await else {
            return;
        };
        let db = open(&uri, ITEMS).await.unwrap();
        add(&db, "a").await.unwrap();
        assert_eq!(names(&open(&uri, ITEMS).await.unwrap()).await, ["a"]);
    });
}

/// Two transactions that each hold what the other wants.
#[test]
fn a_deadlock_is_tried_again() {
    on_postgres(async |db| {
        let db = Arc::new(db);
        add(&db, "a").await.unwrap();
        add(&db, "b").await.unwrap();
        let attempts = Arc::new(AtomicUsize::new(0));
        let meeting = Arc::new(Barrier::new(2));
        let cross = |first: &'static str, second: &'static str| {
            let data = (first, second, Arc::clone(&attempts), Arc::clone(&meeting));
            let db = Arc::clone(&db);
            tokio::spawn(async move {
                db.write(data, |conn, (first, second, attempts, meeting)| {
                    Box::pin(async move {
                        let sql = "UPDATE item SET count = coalesce(count, 0) + 1 WHERE name = $1";
                        conn.execute(sql, &[(*first).into()]).await?;
                        if attempts.fetch_add(1, Ordering::SeqCst) < 2 {
                            meeting.wait().await;
                        }
                        conn.execute(sql, &[(*second).into()]).await
                    })
                })
                .await
            })
        };
        let (one, other) = (cross("a", "b"), cross("b", "a"));
        assert_eq!((one.await.unwrap().unwrap(), other.await.unwrap().unwrap()), (1, 1));
        // The server does not promise that the winner goes on before the loser is back.
        assert!(attempts.load(Ordering::SeqCst) >= 3, "the loser ran again");
        let sum = "SELECT CAST(sum(count) AS BIGINT) FROM item";
        let sum = db.read(sum, |conn, sql| Box::pin(number(conn, sql))).await.unwrap();
        assert_eq!(sum, 4, "each counted both once");
    });
}

#[test]
fn a_conflict_without_end_is_given_up() {
    on_postgres(async |db| {
        let attempts = Arc::new(AtomicUsize::new(0));
        let outcome: Result<()> = db
            .write(Arc::clone(&attempts), |conn, attempts| {
                Box::pin(async move {
                    let attempt = attempts.fetch_add(1, Ordering::SeqCst);
                    insert(conn, &attempt.to_string()).await?;
                    Err(Error::Busy("again".into()))
                })
            })
            .await;
        assert!(matches!(outcome, Err(Error::Busy(_))), "{outcome:?}");
        assert!((2..=10).contains(&attempts.load(Ordering::SeqCst)), "{attempts:?}");
        assert_eq!(names(&db).await, [""; 0]);
    });
}

/// The caller goes away in the middle of a transaction: the pool must not hand it on to the next.
#[test]
fn an_abandoned_transaction_is_undone() {
    on_postgres(async |db| {
        let db = Arc::new(db);
        for n in 0..4 {
            let reached = Arc::new(Notify::new());
            let abandoned = {
                let (db, reached) = (Arc::clone(&db), Arc::clone(&reached));
                tokio::spawn(async move {
                    db.write(reached, |conn, reached| {
                        Box::pin(async move {
                            insert(conn, "lost").await?;
                            reached.notify_one();
                            std::future::pending::<Result<()>>().await
                        })
                    })
                    .await
                })
            };
            reached.notified().await;
            abandoned.abort();
            assert!(abandoned.await.unwrap_err().is_cancelled());
            add(&db, &n.to_string()).await.unwrap();
        }
        assert_eq!(names(&db).await, ["0", "1", "2", "3"]);
    });
}

/// The server would not notice by itself that nobody waits for the answer.
#[test]
fn an_abandoned_statement_is_ended() {
    let Some(uri) = url_with("options=-cstatement_timeout%3D0") else { return };
    runtime().block_on(async {
        let db = Arc::new(open(&uri, ITEMS).await.unwrap());
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' \
                        AND datname = current_database() AND query LIKE '%pg_sleep(9999)%' \
                        AND pid != pg_backend_pid()";
        let sleepers =
            async || db.read(sleeping, |conn, sql| Box::pin(number(conn, sql))).await.unwrap();
        let abandoned = {
            let (db, sql) = (Arc::clone(&db), "SELECT count(*) FROM pg_sleep(9999)");
            tokio::spawn(async move { db.read(sql, |conn, sql| Box::pin(number(conn, sql))).await })
        };
        while sleepers().await == 0 {
            tokio::task::yield_now().await;
        }
        abandoned.abort();
        assert!(abandoned.await.unwrap_err().is_cancelled());
        while sleepers().await > 0 {
            tokio::task::yield_now().await;
        }
    });
}

/// As after a fail-over, when the server that is connected has become a standby.
#[test]
fn a_server_that_only_reads_is_unavailable_and_its_connection_given_up() {
    on_postgres(async |db| {
        let outcome = db
            .write((), |conn, ()| {
                Box::pin(async move {
                    for sql in ["COMMIT", "SET default_transaction_read_only = on", "BEGIN"] {
                        conn.batch(sql).await?;
                    }
                    insert(conn, "a").await
                })
            })
            .await;
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
        add(&db, "b").await.unwrap();
        assert_eq!(names(&db).await, ["b"]);
    });
}

#[test]
fn a_lost_connection_is_replaced() {
    on_postgres(async |db| {
        add(&db, "before").await.unwrap();
        let killed = db
            .read((), |conn, ()| {
                Box::pin(number(conn, "SELECT CAST(pg_terminate_backend(pg_backend_pid()) AS INT)"))
            })
            .await;
        assert!(matches!(killed, Err(Error::Unavailable(_))), "{killed:?}");
        add(&db, "after").await.unwrap();
        assert_eq!(names(&db).await, ["after", "before"]);
    });
}

#[test]
fn a_statement_that_takes_too_long_is_ended() {
    on_postgres(async |db| {
        let slept = db
            .write((), |conn, ()| {
                Box::pin(async move {
                    insert(conn, "lost").await?;
                    conn.execute("SET LOCAL statement_timeout = '20ms'", &[]).await?;
                    number(conn, "SELECT count(*) FROM pg_sleep(600)").await
                })
            })
            .await;
        assert!(matches!(slept, Err(Error::Timeout(_))), "{slept:?}");
        assert_eq!(names(&db).await, [""; 0]);
        // A write may have waited for another; a read just asked for too much.
        let slept = db
            .read((), |conn, ()| {
                Box::pin(async move {
                    conn.execute("SET LOCAL statement_timeout = '20ms'", &[]).await?;
                    number(conn, "SELECT count(*) FROM pg_sleep(600)").await
                })
            })
            .await;
        assert!(matches!(slept, Err(Error::TooExpensive(_))), "{slept:?}");
    });
}

#[test]
fn statements_are_limited_unless_the_url_says_otherwise() {
    for (options, limit, jit) in [
        ("", "1min", "off"),
        ("options=-c%20statement_timeout%3D12345", "12345ms", "off"),
        ("options=-cjit%3Don%20-cstatement_timeout%3D0", "0", "on"),
    ] {
        let Some(uri) = url_with(options) else { return };
        runtime().block_on(async {
            let db = open(&uri, ITEMS).await.unwrap();
            let show = async |name: &'static str| {
                db.read(name, |conn, sql| Box::pin(conn.query_one(sql, &[], |row| row.string(0))))
                    .await
                    .unwrap()
            };
            assert_eq!(show("SHOW statement_timeout").await, limit);
            assert_eq!(show("SHOW jit").await, jit);
        });
    }
}

#[test]
fn a_connection_keeps_a_bounded_number_of_statements() {
    on_postgres(async |db| {
        let kept = db
            .write((), |conn, ()| {
                Box::pin(async move {
                    let mut most = 0;
                    for n in 0..700 {
                        assert_eq!(number(conn, &format!("SELECT {n}::BIGINT")).await?, n);
                        if n % 50 == 0 {
                            let sql = "SELECT count(*) FROM pg_prepared_statements";
                            most = most.max(number(conn, sql).await?);
                        }
                    }
                    Ok::<_, Error>(most)
                })
            })
            .await;
        assert!((100..=300).contains(&kept.unwrap()));
    });
}

#[test]
fn what_an_index_cannot_hold_is_the_callers_mistake() {
    on_postgres(async |db| {
        let mut state = 1_u32;
        let name: String = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from_u32(0x4e00 + (state >> 16) % 0x5000).unwrap()
        })
        .take(10_000)
        .collect();
        let outcome = add(&db, &name).await;
        assert!(matches!(outcome, Err(Error::Unstorable(_))), "{outcome:?}");
    });
}

#[test]
fn a_server_that_is_not_there_is_said_to_be_unreachable() {
    // Nobody listens on the discard port; the password stays out of the message.
    let uri = DatabaseUri::parse("postgresql://me:secret@127.0.0.1:9/none").unwrap();
    let outcome = runtime().block_on(open(&uri, ITEMS)).map(|_: Database| ());
    let Err(error @ Error::Unavailable(_)) = outcome else { panic!("{outcome:?}") };
    assert!(!error.to_string().contains("secret"), "{error}");
}
