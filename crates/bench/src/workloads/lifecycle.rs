//! W4: the life of a run: create, ten parameters, ten tags, ten metrics, finish; everything in
//! one `runs/log-batch`, or one call each.

use anyhow::Result;
use serde_json::json;

use crate::data::{API, EPOCH_MS, RunData, create_experiment, run_id_of};
use crate::http::{Connection, post};
use crate::load::{Operation, drive};
use crate::peers::Peer;
use crate::suite::Suite;

/// Creates, fills and finishes one run after another.
pub(crate) struct Lifecycle {
    experiment: String,
    tags: usize,
    single: bool,
    next: u64,
    stride: u64,
    request: Vec<u8>,
}

impl Lifecycle {
    /// Runs `first`, `first + stride`, ... of `experiment`.
    pub(crate) fn new(
        experiment: &str,
        tags: usize,
        single: bool,
        first: u64,
        stride: u64,
    ) -> Self {
        let experiment = experiment.to_owned();
        Self { experiment, tags, single, next: first, stride, request: Vec::new() }
    }

    async fn post(&mut self, connection: &mut Connection, path: &str, body: &str) -> Result<()> {
        post(&mut self.request, &format!("{API}/{path}"), body.as_bytes());
        connection.expect_ok(&self.request).await?;
        Ok(())
    }

    async fn fill_singly(
        &mut self,
        connection: &mut Connection,
        run: &str,
        mut data: RunData,
    ) -> Result<()> {
        for (key, value) in data.params() {
            let body = json!({ "run_id": run, "key": key, "value": value }).to_string();
            self.post(connection, "runs/log-parameter", &body).await?;
        }
        for (key, value) in data.tags() {
            let body = json!({ "run_id": run, "key": key, "value": value }).to_string();
            self.post(connection, "runs/set-tag", &body).await?;
        }
        for (key, value) in data.metrics() {
            let body = json!({
                "run_id": run, "key": key, "value": value, "timestamp": EPOCH_MS, "step": 0
            })
            .to_string();
            self.post(connection, "runs/log-metric", &body).await?;
        }
        Ok(())
    }
}

impl Operation for Lifecycle {
    async fn once(&mut self, connection: &mut Connection) -> Result<()> {
        let index = self.next;
        self.next += self.stride;
        let start = EPOCH_MS + index;
        let body = json!({
            "experiment_id": self.experiment, "start_time": start, "run_name": format!("r{index}")
        });
        self.post(connection, "runs/create", &body.to_string()).await?;
        let run = run_id_of(connection.body())?.to_owned();
        let mut data = RunData::new(index, self.tags);
        if self.single {
            self.fill_singly(connection, &run, data).await?;
        } else {
            let body = data.batch(&run);
            self.post(connection, "runs/log-batch", &body).await?;
        }
        let body = json!({ "run_id": run, "status": "FINISHED", "end_time": start + 1 });
        self.post(connection, "runs/update", &body.to_string()).await
    }
}

pub(crate) async fn run(suite: &mut Suite, peer: Peer) -> Result<()> {
    let server = suite.fresh(peer, "w4")?;
    for (name, single) in [("batch", false), ("single", true)] {
        for connections in [1, 8] {
            let mut connection = Connection::open(server.address).await?;
            let title = format!("w4-{name}-{connections}");
            let experiment = create_experiment(&mut connection, &title).await?;
            let plan = suite.plan(connections);
            let measured = drive(&server, plan, |index| {
                Lifecycle::new(&experiment, 10, single, index as u64, connections as u64)
            })
            .await?;
            let variant = format!("run life cycle, {name}, {connections} conn");
            suite.note_load("W4", &variant, peer, &measured, 1.0);
        }
    }
    server.stop()
}
