//! W6: `metrics/get-history` of one key, whole, 100,000 and 1,000,000 points.

use anyhow::{Result, ensure};

use crate::data::API;
use crate::http::{Connection, get};
use crate::load::{Operation, drive};
use crate::peers::Peer;
use crate::seed::{Filling, filled};
use crate::suite::{MIB, Suite};

/// The same history again and again.
struct History {
    request: Vec<u8>,
    bytes: u64,
}

impl Operation for History {
    async fn once(&mut self, connection: &mut Connection) -> Result<()> {
        let reply = connection.drain(&self.request).await?;
        ensure!(reply.bytes == self.bytes, "{} bytes, not {}", reply.bytes, self.bytes);
        Ok(())
    }
}

pub(crate) async fn run(suite: &mut Suite, peer: Peer) -> Result<()> {
    let sizes = [suite.pick(20_000, 100_000), suite.pick(100_000, 1_000_000)];
    let (server, seeded) = filled(suite, peer, Filling::Histories(sizes)).await?;
    for (run, points) in seeded.runs.iter().zip(sizes) {
        let request = get(&format!("{API}/metrics/get-history?run_id={run}&metric_key=m0"));
        let mut connection = Connection::open(server.address).await?;
        connection.expect_ok(&request).await?;
        let body = connection.body();
        let found = body.windows(11).filter(|window| window == b"\"timestamp\"").count();
        ensure!(found as u64 == points, "{found} points came back of {points}");
        let bytes = body.len() as u64;
        let mut plan = suite.plan(1);
        // The check above has warmed it up.
        plan.warmup = std::time::Duration::ZERO;
        let measured =
            drive(&server, plan, |_| History { request: request.clone(), bytes }).await?;
        let variant = format!("get-history, {points} points");
        suite.note_load("W6", &variant, peer, &measured, 1.0);
        suite.note(
            "W6",
            &format!("{variant}, answer"),
            peer.name(),
            &[("body_mib", bytes as f64 / MIB)],
        );
    }
    suite.note_memory("W6", "memory after histories", peer, &server);
    server.stop()
}
