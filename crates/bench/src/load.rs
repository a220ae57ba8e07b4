//! Drives operations over N connections for a span of time and measures them.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::task::LocalSet;

use crate::http::Connection;
use crate::process::{Running, Usage, machine_busy_s, own_cpu_s};

/// Errors after which a connection gives up.
const ERRORS_MAX: u64 = 20;

/// One client's unit of work: a request, or a chain of them.
pub(crate) trait Operation {
    /// Does the work once; any answer but the expected one is an error.
    fn once(&mut self, connection: &mut Connection) -> impl Future<Output = Result<()>>;
}

/// How long and how wide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) connections: usize,
    pub(crate) warmup: Duration,
    pub(crate) span: Duration,
}

/// What came out of a run of one plan.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) operations: u64,
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
    pub(crate) elapsed: Duration,
    /// Sorted, in nanoseconds.
    latencies: Vec<u64>,
    pub(crate) usage: Usage,
}

impl Measured {
    pub(crate) fn rate(&self) -> f64 {
        self.operations as f64 / self.elapsed.as_secs_f64()
    }

    /// Latency in milliseconds that the share `quantile` of the operations did not exceed.
    pub(crate) fn latency_ms(&self, quantile: f64) -> f64 {
        let Some(last) = self.latencies.len().checked_sub(1) else { return f64::NAN };
        let at = (quantile * last as f64).round() as usize;
        self.latencies[at.min(last)] as f64 / 1e6
    }
}

#[derive(Default)]
struct Tally {
    latencies: Vec<u64>,
    errors: u64,
    first_error: Option<String>,
    last_end: Option<Instant>,
}

/// Runs `plan` against `server`, one operation per connection made by `make`.
///
/// Every connection finishes what it began, so even an operation longer than the span is measured.
pub(crate) async fn drive<O, F>(server: &Running, plan: Plan, mut make: F) -> Result<Measured>
where
    O: Operation + 'static,
    F: FnMut(usize) -> O,
{
    let mut ready = Vec::with_capacity(plan.connections);
    for index in 0..plan.connections {
        ready.push((Connection::open(server.address).await?, make(index)));
    }
    if !plan.warmup.is_zero() {
        ready = spread(ready, plan.warmup).await.into_iter().map(|(pair, _)| pair).collect();
        for (connection, _) in &mut ready {
            // Some have waited for the slowest, maybe longer than the server keeps them open.
            connection.reopen().await?;
        }
    }
    let before = Snapshot::take(server)?;
    let begun = Instant::now();
    let finished = spread(ready, plan.span).await;
    let wall = begun.elapsed();
    let usage = before.until_now(server, wall)?;

    let mut latencies = Vec::new();
    let (mut errors, mut first_error, mut end) = (0, None, begun);
    for (_, tally) in finished {
        latencies.extend(tally.latencies);
        errors += tally.errors;
        first_error = first_error.or(tally.first_error);
        end = end.max(tally.last_end.unwrap_or(begun));
    }
    if latencies.is_empty() {
        bail!("no operation succeeded: {}", first_error.unwrap_or_default());
    }
    latencies.sort_unstable();
    let operations = latencies.len() as u64;
    Ok(Measured { operations, errors, first_error, elapsed: end - begun, latencies, usage })
}

async fn spread<O: Operation + 'static>(
    ready: Vec<(Connection, O)>,
    span: Duration,
) -> Vec<((Connection, O), Tally)> {
    let local = LocalSet::new();
    let until = Instant::now() + span;
    let tasks: Vec<_> = ready
        .into_iter()
        .map(|(mut connection, mut operation)| {
            local.spawn_local(async move {
                let tally = repeat(&mut connection, &mut operation, until).await;
                ((connection, operation), tally)
            })
        })
        .collect();
    local
        .run_until(async {
            let mut done = Vec::with_capacity(tasks.len());
            for task in tasks {
                // A task ends early only by a panic, which the join error carries on.
                match task.await {
                    Ok(result) => done.push(result),
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                }
            }
            done
        })
        .await
}

async fn repeat<O: Operation>(
    connection: &mut Connection,
    operation: &mut O,
    until: Instant,
) -> Tally {
    let mut tally = Tally::default();
    loop {
        let begun = Instant::now();
        let outcome = operation.once(connection).await;
        let end = Instant::now();
        match outcome {
            Ok(()) => tally.latencies.push((end - begun).as_nanos() as u64),
            Err(error) => {
                tally.errors += 1;
                tally.first_error.get_or_insert_with(|| format!("{error:#}"));
                if tally.errors >= ERRORS_MAX || connection.reopen().await.is_err() {
                    return tally;
                }
            }
        }
        tally.last_end = Some(end);
        if end >= until {
            return tally;
        }
    }
}

/// Processor time of everyone at one moment, in seconds.
struct Snapshot {
    server: f64,
    own: f64,
    machine: f64,
}

impl Snapshot {
    fn take(server: &Running) -> Result<Self> {
        Ok(Self { server: server.cpu_s()?, own: own_cpu_s()?, machine: machine_busy_s()? })
    }

    fn until_now(&self, server: &Running, wall: Duration) -> Result<Usage> {
        let now = Self::take(server)?;
        let (server, own) = (now.server - self.server, now.own - self.own);
        let others = (now.machine - self.machine - server - own).max(0.0);
        Ok(Usage { server_s: server, generator_s: own, others_share: others / wall.as_secs_f64() })
    }
}
