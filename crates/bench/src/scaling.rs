//! How cost grows: the same calls on a database of 1,000, 20,000 and 200,000 runs, and with ten
//! million metric points. Only ours: filling the peers so far would take hours.

use anyhow::Result;

use crate::data::{create_experiment, metric_keys};
use crate::http::Connection;
use crate::load::drive;
use crate::peers::Peer;
use crate::process::Running;
use crate::seed::{add_points, add_runs};
use crate::suite::Suite;
use crate::workloads::metric::{LogMetric, make_runs};
use crate::workloads::search::{FILTER, NONE, ORDER, prepare};

/// The workload's name in the results.
pub(crate) const SCALING: &str = "scaling";

pub(crate) async fn run(suite: &mut Suite) -> Result<()> {
    if !suite.peers.contains(&Peer::Modelyard) {
        return Ok(());
    }
    let server = suite.fresh(Peer::Modelyard, SCALING)?;
    let mut connection = Connection::open(server.address).await?;
    let experiment = create_experiment(&mut connection, "scaling").await?;
    let sizes = [1_000, suite.pick(5_000, 20_000), suite.pick(20_000, 200_000)];
    let mut have = 0;
    for (at, size) in sizes.into_iter().enumerate() {
        add_runs(&server, &experiment, have, size).await?;
        have = size;
        measure(suite, &server, &experiment, &format!("{size} runs")).await?;
        if at == 1 {
            // 100 runs of ten keys.
            let each = suite.pick(1_000, 10_000);
            add_points(&server, "points", &metric_keys(10), &[each; 100]).await?;
            let points = each * 1_000;
            measure(suite, &server, &experiment, &format!("{size} runs, {points} points")).await?;
        }
    }
    suite.note_memory(SCALING, "memory at the end", Peer::Modelyard, &server);
    server.stop()
}

async fn measure(suite: &mut Suite, server: &Running, experiment: &str, size: &str) -> Result<()> {
    // A page of 25 for the filter: the smallest database holds about 50 such runs.
    for (query, page) in [(NONE, 100), (FILTER, 25), (ORDER, 100)] {
        let (make, _) = prepare(server, query, experiment, page, None).await?;
        let measured = drive(server, suite.plan(1), make).await?;
        let variant = format!("search {}, {size}", query.name);
        suite.note_load(SCALING, &variant, Peer::Modelyard, &measured, 1.0);
    }
    for connections in [1, 32] {
        let runs = make_runs(server, connections, &format!("log {size} {connections}")).await?;
        let measured =
            drive(server, suite.plan(connections), |index| LogMetric::new(runs[index].clone(), 0))
                .await?;
        let variant = format!("log-metric {connections} conn, {size}");
        suite.note_load(SCALING, &variant, Peer::Modelyard, &measured, 1.0);
    }
    Ok(())
}
