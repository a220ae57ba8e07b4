//! Values on their way in and out, many rows at once, the dialects' few differences.

use modelyard_database::{Conn, Database, Engine, Error, Insert, Kind, Param, Result};

use crate::harness::*;

on_both_engines!(
    values_come_back_as_they_went,
    nothing_is_not_a_value,
    many_rows_are_inserted_at_once,
    the_new_rows_of_many_are_told,
    like_minds_case_and_knows_no_escape,
    the_nul_character_is_refused,
    placeholders_may_repeat,
);

const INSERT: Insert = Insert {
    into: "INSERT INTO item (name, size, count)",
    kinds: &[Kind::Text, Kind::Real, Kind::Int],
    conflict: "ON CONFLICT DO NOTHING",
};

async fn values_come_back_as_they_went(db: Database) {
    let ints = [i64::MIN, -1, 0, 1, i64::from(u32::MAX), i64::MAX];
    let reals = [f64::MIN, -1.5, 0.0, 5e-324, 0.1, f64::MAX, f64::INFINITY, f64::NEG_INFINITY];
    let texts = ["", " ", "'", "é", "日本語", "🦀", "\u{1}", "\u{10ffff}"];
    for (n, text) in texts.into_iter().enumerate() {
        let (int, real) = (ints[n % ints.len()], reals[n % reals.len()]);
        let found = db
            .write((text, real, int), |conn, (text, real, int)| {
                Box::pin(async move {
                    let row = [(*text).into(), (*real).into(), (*int).into()];
                    conn.execute("INSERT INTO item (name, size, count) VALUES ($1, $2, $3)", &row)
                        .await?;
                    let sql = "SELECT name, size, count FROM item WHERE name = $1";
                    conn.query_one(sql, &row[..1], |row| {
                        Ok((row.string(0)?, row.real(1)?, row.int(2)?))
                    })
                    .await
                })
            })
            .await;
        let (name, size, count) = found.unwrap();
        assert_eq!((name.as_str(), size.to_bits(), count), (text, real.to_bits(), int));
    }
}

async fn nothing_is_not_a_value(db: Database) {
    add(&db, "a").await.unwrap();
    let read = |sql: &'static str| {
        db.read(sql, |conn, sql| {
            Box::pin(conn.query_opt(sql, &[], |row| {
                Ok((row.opt_real(0)?, row.opt_int(1)?, row.real(0).is_err(), row.int(1).is_err()))
            }))
        })
    };
    let found = read("SELECT size, count FROM item").await.unwrap();
    assert_eq!(found, Some((None, None, true, true)));
    assert_eq!(read("SELECT size, count FROM item WHERE name = 'b'").await.unwrap(), None);
    let one = db.read((), |conn, ()| Box::pin(number(conn, "SELECT id FROM child"))).await;
    assert!(matches!(one, Err(Error::Other(_))), "{one:?}");
}

/// A name, a size and a count.
type Item = (String, Option<f64>, Option<i64>);

/// Inserts the first half of items and says how many were new, then all, and says the counts of the new.
async fn insert_all(conn: &mut Conn, rows: &[Item]) -> Result<(u64, Vec<i64>)> {
    let values: Vec<Param<'_>> = rows
        .iter()
        .flat_map(|(name, size, count)| [name.into(), (*size).into(), (*count).into()])
        .collect();
    let inserted = conn.insert_many(INSERT, &values[..rows.len() / 2 * 3]).await?;
    let mut new = Vec::new();
    conn.insert_new(INSERT, ("count", 2), &values, |count| new.push(count)).await?;
    Ok((inserted, new))
}

fn rows(count: i64) -> Vec<Item> {
    (0..count).map(|n| (format!("{n:04}"), (n % 3 > 0).then_some(n as f64), Some(n))).collect()
}

async fn many_rows_are_inserted_at_once(db: Database) {
    let write = |rows: Vec<Item>| db.write(rows, |conn, rows| Box::pin(insert_all(conn, rows)));
    assert_eq!(write(Vec::new()).await.unwrap(), (0, Vec::new()));
    write(rows(1_000)).await.unwrap();
    assert_eq!(names(&db).await.len(), 1_000);
    let nulls = "SELECT count(*) FROM item WHERE size IS NULL";
    let nulls = db.read(nulls, |conn, sql| Box::pin(number(conn, sql))).await.unwrap();
    assert_eq!(nulls, 334);
}

async fn the_new_rows_of_many_are_told(db: Database) {
    add(&db, "0001").await.unwrap();
    let mut list = rows(6);
    // The same row twice in one request.
    list.push(list[5].clone());
    list.push(list[4].clone());
    let (inserted, mut new) =
        db.write(list, |conn, rows| Box::pin(insert_all(conn, rows))).await.unwrap();
    new.sort_unstable();
    // 0, 2 and 3 come with the first half, 1 was there.
    assert_eq!((inserted, new), (3, vec![4, 5]));
}

async fn like_minds_case_and_knows_no_escape(db: Database) {
    let suffix = db.engine().like_suffix();
    for (text, pattern, expected) in [
        ("abc", "abc", true),
        ("abc", "ABC", false),
        ("abc", "a%", true),
        ("abc", "_b_", true),
        ("a\\c", "a\\%", true),
        ("a%c", "a\\%c", false),
        ("a\\%c", "a\\%c", true),
        ("日本語", "_本_", true),
        ("日本語", "__", false),
        ("É", "é", false),
        ("a\nb", "a_b", true),
        ("", "%", true),
        ("", "_", false),
        ("x", "", false),
    ] {
        for (operator, expected) in [("LIKE", expected), ("NOT LIKE", !expected)] {
            let sql = format!("SELECT count(*) FROM item WHERE name {operator} $1{suffix}");
            let found = db
                .write((sql, text, pattern), |conn, (sql, text, pattern)| {
                    Box::pin(async move {
                        conn.execute("DELETE FROM item", &[]).await?;
                        insert(conn, text).await?;
                        conn.query_one(sql, &[(*pattern).into()], |row| row.flag(0)).await
                    })
                })
                .await;
            assert_eq!(found.unwrap(), expected, "{text:?} {operator} {pattern:?}");
        }
    }
}

async fn the_nul_character_is_refused(db: Database) {
    let read = db
        .read((), |conn, ()| {
            let sql = "SELECT count(*) FROM item WHERE name = $1";
            Box::pin(async move { conn.query_one(sql, &["a\0".into()], |row| row.int(0)).await })
        })
        .await
        .map(|_| ());
    let many = db
        .write((), |conn, ()| {
            let row = ["\0".into(), Param::Null, Param::Null];
            Box::pin(async move { conn.insert_many(INSERT, &row).await })
        })
        .await
        .map(|_| ());
    for outcome in [add(&db, "a\0b").await, read, many] {
        assert!(matches!(outcome, Err(Error::Unstorable(_))), "{outcome:?}");
    }
}

async fn placeholders_may_repeat(db: Database) {
    add(&db, "a").await.unwrap();
    let found = db
        .read((), |conn, ()| {
            let sql = "SELECT count(*) FROM item WHERE name = $1 AND (name = $1 OR name = $2)";
            Box::pin(async move {
                conn.query_one(sql, &["a".into(), "b".into()], |row| row.int(0)).await
            })
        })
        .await;
    assert_eq!(found.unwrap(), 1);
}

#[test]
fn the_words_of_a_schema_are_replaced() {
    let text = "CREATE TABLE t (id {id}, l {lasting_id}, n {text}, x {real}) {clustered}";
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let schema = engine.schema(text);
        assert!(!schema.contains(['{', '}']), "{schema}");
    }
}
