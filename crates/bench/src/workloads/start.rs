//! W1: from process start to the first answer, and memory when idle.

use std::time::Duration;

use anyhow::Result;

use crate::peers::Peer;
use crate::suite::Suite;

/// Idle means this long after it has nothing more to do.
const IDLE: Duration = Duration::from_secs(3);

pub(crate) fn run(suite: &mut Suite, peer: Peer) -> Result<()> {
    // Page cache and Python's byte code are warm from here on, for everyone.
    suite.start_empty(peer, "w1")?.stop()?;

    let folder = suite.scratch.join(format!("w1-{}", peer.name()));
    let rounds = if peer == Peer::Mlflow { suite.pick(1, 3) } else { suite.pick(5, 9) };
    let mut first = Vec::new();
    let mut again = Vec::new();
    for _ in 0..rounds {
        let server = suite.start_empty(peer, "w1")?;
        first.push(server.started_in);
        server.stop()?;
        let server = suite.programs.start(peer, &folder)?;
        again.push(server.started_in);
        server.stop()?;
    }
    for (variant, times) in [("first, new database", first), ("existing database", again)] {
        suite.note("W1", variant, peer.name(), &spread(times));
    }
    let server = suite.programs.start(peer, &folder)?;
    server.settle()?;
    std::thread::sleep(IDLE);
    suite.note_memory("W1", "idle memory", peer, &server);
    server.stop()
}

fn spread(mut times: Vec<Duration>) -> [(&'static str, f64); 3] {
    times.sort_unstable();
    let ms = |at: usize| times.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
    let last = times.len().saturating_sub(1);
    [("median_ms", ms(times.len() / 2)), ("least_ms", ms(0)), ("most_ms", ms(last))]
}
