//! W3: `runs/log-batch` of 1,000 metrics: ten keys, a hundred new steps of each, one run per
//! connection.

use anyhow::Result;

use super::metric::make_runs;
use crate::data::{BATCH, BATCH_KEYS, MetricBatch, metric_keys};
use crate::http::Connection;
use crate::load::{Operation, drive};
use crate::peers::Peer;
use crate::suite::Suite;

impl Operation for MetricBatch {
    async fn once(&mut self, connection: &mut Connection) -> Result<()> {
        connection.expect_ok(self.advance()).await?;
        Ok(())
    }
}

pub(crate) async fn run(suite: &mut Suite, peer: Peer) -> Result<()> {
    let server = suite.fresh(peer, "w3")?;
    for connections in [1, 8] {
        let runs = make_runs(&server, connections, &format!("w3-{connections}")).await?;
        let keys = metric_keys(BATCH_KEYS);
        let measured = drive(&server, suite.plan(connections), |index| {
            MetricBatch::new(&runs[index], &keys, 0)
        })
        .await?;
        let variant = format!("metrics, {connections} conn");
        suite.note_load("W3", &variant, peer, &measured, BATCH as f64);
    }
    server.stop()
}
