//! Limits of this machine, measured in the same run: what no server on it can pass.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use rusqlite::{Connection as Sqlite, Transaction, params};

use crate::data::{BATCH, BATCH_KEYS};
use crate::load::drive;
use crate::process::{Running, command, free_address};
use crate::random::Random;
use crate::suite::{MIB, Suite};
use crate::workloads::metric::LogMetric;

/// The `server` of a limit's cells.
pub(crate) const LIMIT: &str = "limit";

pub(crate) async fn run(suite: &mut Suite) -> Result<()> {
    disk(suite)?;
    sqlite(suite)?;
    axum(suite).await
}

fn disk(suite: &mut Suite) -> Result<()> {
    let path = suite.scratch.join("disk.bin");
    let mut file = File::create(&path)?;
    for variant in ["fdatasync after 4 KiB, growing file", "fdatasync after 4 KiB, same file again"]
    {
        file.rewind()?;
        let (p50, p99) = syncs(&mut file, suite.pick(200, 1_000))?;
        suite.note("limits", variant, LIMIT, &[("p50_ms", p50), ("p99_ms", p99)]);
    }

    file.rewind()?;
    let piece = vec![7_u8; 1 << 20];
    let begun = Instant::now();
    for _ in 0..256 {
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    let rate = 256.0 * piece.len() as f64 / MIB / begun.elapsed().as_secs_f64();
    suite.note("limits", "write 256 MiB + fsync, MiB", LIMIT, &[("rate_per_s", rate)]);
    std::fs::remove_file(path)?;
    Ok(())
}

/// The median and the 99th percentile, in ms, of making one page durable.
fn syncs(file: &mut File, count: u64) -> Result<(f64, f64)> {
    let mut waits = Vec::new();
    for _ in 0..count {
        file.write_all(&[7_u8; 4096])?;
        let begun = Instant::now();
        file.sync_data()?;
        waits.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(quantiles(waits))
}

fn quantiles(mut waits: Vec<f64>) -> (f64, f64) {
    waits.sort_by(f64::total_cmp);
    let at = |q: f64| waits[(q * (waits.len() - 1) as f64) as usize];
    (at(0.5), at(0.99))
}

/// The rows of a metric point, in the least a store can do with them.
const SCHEMA: [(&str, &str); 2] = [
    (
        "heap",
        "CREATE TABLE point (series INTEGER, step INTEGER, time INTEGER, value REAL);
         CREATE TABLE latest (series INTEGER PRIMARY KEY, step INTEGER, time INTEGER, value REAL)",
    ),
    (
        "keyed",
        "CREATE TABLE point (series INTEGER, step INTEGER, time INTEGER, value REAL,
             PRIMARY KEY (series, step, time, value)) WITHOUT ROWID;
         CREATE TABLE latest (series INTEGER PRIMARY KEY, step INTEGER, time INTEGER, value REAL)",
    ),
];

fn sqlite(suite: &mut Suite) -> Result<()> {
    let span = suite.plan(1).span;
    for (kind, schema) in SCHEMA {
        for rows in [1, BATCH] {
            let path = suite.scratch.join(format!("bare-{kind}-{rows}.db"));
            let (rate, p50, p99) = bare_inserts(&path, schema, rows, span)?;
            let variant = format!("SQLite rows, {kind}, {rows} a commit");
            let values = [("rate_per_s", rate), ("p50_ms", p50), ("p99_ms", p99)];
            suite.note("limits", &variant, LIMIT, &values);
        }
    }
    Ok(())
}

/// Rows a second with `rows` in each durable commit, and the commits' p50 and p99 in ms.
fn bare_inserts(path: &Path, schema: &str, rows: usize, span: Duration) -> Result<(f64, f64, f64)> {
    let mut sqlite = Sqlite::open(path)?;
    sqlite.pragma_update(None, "journal_mode", "WAL")?;
    sqlite.pragma_update(None, "synchronous", "FULL")?;
    sqlite.execute_batch(schema)?;
    let mut random = Random::new(9);
    let (mut step, mut count) = (0_i64, 0_usize);
    let mut waits = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < span {
        let commit = Instant::now();
        let transaction = sqlite.transaction()?;
        insert(&transaction, rows, step, &mut random)?;
        transaction.commit()?;
        waits.push(commit.elapsed().as_secs_f64() * 1e3);
        step += rows.div_ceil(BATCH_KEYS) as i64;
        count += rows;
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    let (p50, p99) = quantiles(waits);
    Ok((rate, p50, p99))
}

fn insert(
    transaction: &Transaction<'_>,
    rows: usize,
    step: i64,
    random: &mut Random,
) -> Result<()> {
    let mut point = transaction
        .prepare_cached("INSERT INTO point (series, step, time, value) VALUES (?, ?, ?, ?)")?;
    let mut latest = transaction.prepare_cached(
        "INSERT INTO latest (series, step, time, value) VALUES (?, ?, ?, ?)
         ON CONFLICT (series) DO UPDATE SET step = excluded.step, time = excluded.time,
             value = excluded.value WHERE excluded.step > latest.step",
    )?;
    for i in 0..rows {
        let (series, step) = ((i % BATCH_KEYS) as i64, step + (i / BATCH_KEYS) as i64);
        let (time, value) = (1_700_000_000_000 + step, random.unit());
        point.execute(params![series, step, time, value])?;
        // The newest step of each series comes last.
        if i + BATCH_KEYS >= rows {
            latest.execute(params![series, step, time, value])?;
        }
    }
    Ok(())
}

async fn axum(suite: &mut Suite) -> Result<()> {
    let address = free_address()?;
    let mut line = command(&std::env::current_exe()?);
    line.arg("bare-server").arg(address.to_string());
    let server = Running::start(line, address, &suite.scratch.join("bare-server.log"))?;
    for connections in [1, 8, 32] {
        let measured = drive(&server, suite.plan(connections), |index| {
            LogMetric::new(format!("{index:032x}"), 0)
        })
        .await?;
        let variant = format!("bare axum POST, {connections} conn");
        suite.note_as("limits", &variant, LIMIT, &measured, 1.0);
    }
    server.stop()
}
