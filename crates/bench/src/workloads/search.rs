//! W5: `runs/search`, 100 of 20,000 runs with 10 parameters, 10 metrics and 5 tags each.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::data::{ask, request};
use crate::http::Connection;
use crate::load::{Operation, drive};
use crate::peers::Peer;
use crate::process::Running;
use crate::seed::{Filling, filled};
use crate::suite::Suite;

/// Runs asked for in one page.
const PAGE: u64 = 100;
/// Pages walked before the page "page 50" is measured.
const PAGES_BEFORE: usize = 49;

/// One way to search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query {
    pub(crate) name: &'static str,
    filter: &'static str,
    order_by: &'static [&'static str],
}

pub(crate) const NONE: Query = Query { name: "none", filter: "", order_by: &[] };
pub(crate) const FILTER: Query =
    Query { name: "filter", filter: "metrics.m0 > 0.9 and params.p0 = 'x'", order_by: &[] };
pub(crate) const ORDER: Query =
    Query { name: "order by metric", filter: "", order_by: &["metrics.m1 DESC"] };

impl Query {
    fn body(self, experiment: &str, page: u64, token: Option<&str>) -> Value {
        let mut body = json!({ "experiment_ids": [experiment], "max_results": page });
        if !self.filter.is_empty() {
            body["filter"] = json!(self.filter);
        }
        if !self.order_by.is_empty() {
            body["order_by"] = json!(self.order_by);
        }
        if let Some(token) = token {
            body["page_token"] = json!(token);
        }
        body
    }
}

/// The same search again and again.
pub(crate) struct Search {
    request: Vec<u8>,
    bytes: u64,
}

impl Operation for Search {
    async fn once(&mut self, connection: &mut Connection) -> Result<()> {
        let reply = connection.drain(&self.request).await?;
        // Answers of equal content differ by a few bytes at most (optional fields).
        ensure!(reply.bytes * 10 >= self.bytes * 9, "answer shrank to {} bytes", reply.bytes);
        Ok(())
    }
}

/// Prepares a search after checking that it returns a full page; gives its size in bytes too.
pub(crate) async fn prepare(
    server: &Running,
    query: Query,
    experiment: &str,
    page: u64,
    token: Option<&str>,
) -> Result<(impl Fn(usize) -> Search + use<>, u64)> {
    let mut connection = Connection::open(server.address).await?;
    let body = query.body(experiment, page, token);
    let answer = ask(&mut connection, "runs/search", &body).await?;
    let runs = answer["runs"].as_array().map_or(&[][..], Vec::as_slice);
    ensure!(runs.len() as u64 == page, "{} runs instead of {page}", runs.len());
    let data = &runs[0]["data"];
    for (kind, least) in [("params", 10), ("metrics", 10), ("tags", 5)] {
        let count = data[kind].as_array().map_or(0, Vec::len);
        ensure!(count >= least, "a run came back with {count} {kind}");
    }
    let bytes = connection.body().len() as u64;
    let request = request("runs/search", &body);
    Ok((move |_| Search { request: request.clone(), bytes }, bytes))
}

async fn token_after(server: &Running, experiment: &str, pages: usize) -> Result<String> {
    let mut connection = Connection::open(server.address).await?;
    let mut token: Option<String> = None;
    for _ in 0..pages {
        let body = NONE.body(experiment, PAGE, token.as_deref());
        let answer = ask(&mut connection, "runs/search", &body).await?;
        token = answer["next_page_token"].as_str().map(str::to_owned);
        ensure!(token.is_some(), "the pages ended early");
    }
    token.context("no page was walked")
}

pub(crate) async fn run(suite: &mut Suite, peer: Peer) -> Result<()> {
    // In quick mode "page 50" is the last page.
    let count = suite.pick(5_000, 20_000);
    let (server, seeded) = filled(suite, peer, Filling::Runs(count)).await?;
    let experiment = seeded.experiment.as_str();
    for (query, deep) in [(NONE, false), (FILTER, false), (ORDER, false), (NONE, true)] {
        let token = match deep {
            true => Some(token_after(&server, experiment, PAGES_BEFORE).await?),
            false => None,
        };
        // A filter that one run in twenty passes: a full page needs 2,000 runs on average.
        let (make, bytes) = prepare(&server, query, experiment, PAGE, token.as_deref()).await?;
        let title = if deep { "page 50" } else { query.name };
        for connections in [1, 8] {
            let measured = drive(&server, suite.plan(connections), &make).await?;
            let variant = format!("search {title}, {connections} conn");
            suite.note_load("W5", &variant, peer, &measured, 1.0);
        }
        let variant = format!("search {title}, answer");
        suite.note("W5", &variant, peer.name(), &[("bytes", bytes as f64)]);
    }
    server.stop()
}
