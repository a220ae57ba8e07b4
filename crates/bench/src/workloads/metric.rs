//! W2: one `runs/log-metric` a request; each connection writes ten keys of a run of its own.

use std::io::Write as _;

use anyhow::Result;

use crate::data::{API, EPOCH_MS, create_experiment, create_run};
use crate::http::{Connection, get, post};
use crate::load::{Operation, drive};
use crate::peers::Peer;
use crate::process::Running;
use crate::random::Random;
use crate::suite::Suite;

/// Logs one point after another.
pub(crate) struct LogMetric {
    path: String,
    run: String,
    step: u64,
    random: Random,
    request: Vec<u8>,
    json: Vec<u8>,
}

impl LogMetric {
    pub(crate) fn new(run: String, first_step: u64) -> Self {
        Self {
            path: format!("{API}/runs/log-metric"),
            run,
            step: first_step,
            random: Random::new(1),
            request: Vec::new(),
            json: Vec::new(),
        }
    }
}

impl Operation for LogMetric {
    async fn once(&mut self, connection: &mut Connection) -> Result<()> {
        let (run, step) = (&self.run, self.step);
        let (key, value) = (step % 10, self.random.unit());
        let timestamp = EPOCH_MS + step;
        self.json.clear();
        write!(
            self.json,
            "{{\"run_id\":\"{run}\",\"key\":\"m{key}\",\"value\":{value},\
             \"timestamp\":{timestamp},\"step\":{step}}}"
        )?;
        self.step += 1;
        post(&mut self.request, &self.path, &self.json);
        connection.expect_ok(&self.request).await?;
        Ok(())
    }
}

/// The cheapest request there is: what HTTP alone costs each server.
struct Health(Vec<u8>);

impl Operation for Health {
    async fn once(&mut self, connection: &mut Connection) -> Result<()> {
        connection.expect_ok(&self.0).await?;
        Ok(())
    }
}

pub(crate) async fn run(suite: &mut Suite, peer: Peer) -> Result<()> {
    let server = suite.fresh(peer, "w2")?;
    let measured = drive(&server, suite.plan(1), |_| Health(get("/health"))).await?;
    suite.note_load("W2", "GET /health, 1 conn", peer, &measured, 1.0);
    for connections in [1, 8, 32] {
        let runs = make_runs(&server, connections, &format!("w2-{connections}")).await?;
        let measured =
            drive(&server, suite.plan(connections), |index| LogMetric::new(runs[index].clone(), 0))
                .await?;
        let variant = format!("log-metric, {connections} conn");
        suite.note_load("W2", &variant, peer, &measured, 1.0);
    }
    suite.note_memory("W2", "memory after 32 conn", peer, &server);
    server.stop()
}

/// An experiment named `name` with `count` runs.
pub(crate) async fn make_runs(server: &Running, count: usize, name: &str) -> Result<Vec<String>> {
    let mut connection = Connection::open(server.address).await?;
    let experiment = create_experiment(&mut connection, name).await?;
    let mut runs = Vec::with_capacity(count);
    for _ in 0..count {
        runs.push(create_run(&mut connection, &experiment).await?);
    }
    Ok(runs)
}
