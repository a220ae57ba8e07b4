//! Fills servers through their API, and keeps what took a peer minutes for the next time.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::bulk;
use crate::data::{BATCH, MetricBatch, create_experiment};
use crate::http::Connection;
use crate::load::{Operation, Plan, drive};
use crate::peers::{DATABASE, Peer};
use crate::process::Running;
use crate::suite::Suite;
use crate::workloads::lifecycle::Lifecycle;
use crate::workloads::metric::make_runs;
use crate::workloads::registry::RegisterModel;

/// Part of the names of filled databases; to be raised whenever other data are filled in, or the
/// peers' versions change, lest a run measure what an earlier bench left.
const VERSION: u32 = 1;
/// Clients that fill a server at the same time.
const CLIENTS: usize = 8;

/// What a filled server holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Seeded {
    /// Experiment of the runs.
    pub(crate) experiment: String,
    /// Runs made for points, if any.
    pub(crate) runs: Vec<String>,
}

/// Runs that MLflow's own API writes before the rest is copied.
const SAMPLE_RUNS: u64 = 50;

/// What a server is filled with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Filling {
    /// So many runs in one experiment.
    Runs(u64),
    /// Two runs with so many points of `m0`.
    Histories([u64; 2]),
    /// So many registered models, each with two versions, two tags and an alias.
    Models(u64),
}

impl Filling {
    fn name(self) -> String {
        match self {
            Self::Runs(count) => format!("v{VERSION}-runs-{count}"),
            Self::Histories([small, large]) => format!("v{VERSION}-points-{small}-{large}"),
            Self::Models(count) => format!("v{VERSION}-models-{count}"),
        }
    }

    /// Through the API; for MLflow a sample only.
    async fn through_api(self, peer: Peer, server: &Running) -> Result<Seeded> {
        let sample = peer == Peer::Mlflow;
        match self {
            Self::Runs(count) => runs(server, if sample { SAMPLE_RUNS } else { count }).await,
            Self::Histories(sizes) => {
                let sizes = if sample { [BATCH as u64; 2] } else { sizes };
                add_points(server, "history", &["m0".to_owned()], &sizes).await
            }
            Self::Models(count) => models(server, if sample { 1 } else { count }).await,
        }
    }

    fn rest_of_mlflow(self, database: &Path, seeded: &Seeded) -> Result<()> {
        match self {
            Self::Runs(count) => bulk::add_runs(database, SAMPLE_RUNS, count),
            Self::Histories(sizes) => seeded
                .runs
                .iter()
                .zip(sizes)
                .try_for_each(|(run, points)| bulk::add_points(database, run, points)),
            Self::Models(count) => bulk::add_models(database, 1, count),
        }
    }
}

/// Starts `peer` on a folder filled now, or in an earlier bench run.
///
/// Only the peers' data are kept: ours are made anew each time, as the format may have changed.
pub(crate) async fn filled(
    suite: &Suite,
    peer: Peer,
    filling: Filling,
) -> Result<(Running, Seeded)> {
    let name = filling.name();
    let keep = peer != Peer::Modelyard;
    let parent = if keep { &suite.seeds } else { &suite.scratch };
    let folder = parent.join(format!("{}-{name}", peer.name()));
    let marker = folder.join("seeded.json");
    if !(keep && marker.exists()) {
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        let server = suite.programs.start(peer, &folder)?;
        crate::progress(&format!("filling {} with {name}", peer.name()));
        let seeded = filling.through_api(peer, &server).await;
        let seeded = seeded.with_context(|| format!("fill {} with {name}", peer.name()))?;
        server.stop()?;
        if peer == Peer::Mlflow {
            filling.rest_of_mlflow(&folder.join(DATABASE), &seeded)?;
        }
        std::fs::write(&marker, serde_json::to_vec(&seeded)?)?;
    }
    let seeded = serde_json::from_slice(&std::fs::read(&marker)?)?;
    let server = suite.programs.start(peer, &folder)?;
    server.settle()?;
    Ok((server, seeded))
}

/// Runs an operation a fixed number of times on each connection.
struct Counted<O> {
    inner: O,
    left: u64,
}

impl<O: Operation> Operation for Counted<O> {
    /// All of them at once: for the driver this is one operation.
    async fn once(&mut self, connection: &mut Connection) -> Result<()> {
        while self.left > 0 {
            self.inner.once(connection).await?;
            self.left -= 1;
        }
        Ok(())
    }
}

async fn each<O: Operation + 'static>(
    server: &Running,
    connections: usize,
    mut make: impl FnMut(usize) -> (O, u64),
) -> Result<f64> {
    let plan = Plan { connections, warmup: Duration::ZERO, span: Duration::ZERO };
    let measured = drive(server, plan, |index| {
        let (inner, left) = make(index);
        Counted { inner, left }
    })
    .await?;
    let first = measured.first_error.unwrap_or_default();
    ensure!(measured.errors == 0, "{} errors, the first: {first}", measured.errors);
    Ok(measured.elapsed.as_secs_f64())
}

/// Adds the runs numbered `from..to`, each with 10 parameters, 10 metrics and 5 tags, finished.
pub(crate) async fn add_runs(server: &Running, experiment: &str, from: u64, to: u64) -> Result<()> {
    let clients = CLIENTS as u64;
    let elapsed = each(server, CLIENTS, |index| {
        let first = from + index as u64;
        let count = to.saturating_sub(first).div_ceil(clients);
        (Lifecycle::new(experiment, 5, false, first, clients), count)
    })
    .await?;
    crate::progress(&format!("  {} runs in {elapsed:.1} s", to - from));
    Ok(())
}

/// An experiment with `count` runs.
async fn runs(server: &Running, count: u64) -> Result<Seeded> {
    let mut connection = Connection::open(server.address).await?;
    let experiment = create_experiment(&mut connection, "seeded").await?;
    add_runs(server, &experiment, 0, count).await?;
    Ok(Seeded { experiment, runs: Vec::new() })
}

/// Registered models numbered from 0.
async fn models(server: &Running, count: u64) -> Result<Seeded> {
    let runs = make_runs(server, 1, "registered").await?;
    let (clients, run) = (CLIENTS as u64, runs[0].as_str());
    let elapsed = each(server, CLIENTS, |index| {
        let first = index as u64;
        (RegisterModel::new(run, first, clients), count.saturating_sub(first).div_ceil(clients))
    })
    .await?;
    crate::progress(&format!("  {count} models in {elapsed:.1} s"));
    Ok(Seeded { experiment: String::new(), runs })
}

/// New runs, one for each entry of `points`, with that many points of each of `keys`.
pub(crate) async fn add_points(
    server: &Running,
    name: &str,
    keys: &[String],
    points: &[u64],
) -> Result<Seeded> {
    let runs = make_runs(server, points.len(), name).await?;
    for group in runs.iter().zip(points).collect::<Vec<_>>().chunks(CLIENTS) {
        let elapsed = each(server, group.len(), |index| {
            let (run, points) = group[index];
            (MetricBatch::new(run, keys, 0), points * keys.len() as u64 / BATCH as u64)
        })
        .await?;
        let total: u64 = group.iter().map(|(_, points)| *points * keys.len() as u64).sum();
        crate::progress(&format!("  {total} points in {elapsed:.1} s"));
    }
    Ok(Seeded { experiment: String::new(), runs })
}
