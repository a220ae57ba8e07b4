//! W8: the registry. Versions created and an alias moved in a model of each connection's own; then searches
//! over 5,000 models with two versions each.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::metric::make_runs;
use crate::data::{API, ask, model_name, model_team, request};
use crate::http::{Connection, get};
use crate::load::{Operation, drive};
use crate::peers::Peer;
use crate::seed::{Filling, filled};
use crate::suite::Suite;

/// Models that are searched.
const MODELS: u64 = 5_000;
/// Models or versions asked for in one page.
const PAGE: u64 = 100;
/// The alias that is moved.
const ALIAS: &str = "champion";

/// The searches: name, path, query (encoded), the list in the answer.
const SEARCHES: [(&str, &str, &str, &str); 4] = [
    ("models", "registered-models", "", "registered_models"),
    (
        "models filter",
        "registered-models",
        "&filter=name%20LIKE%20%27%259%25%27%20and%20tags.team%20%3D%20%27t9%27",
        "registered_models",
    ),
    (
        "models by time",
        "registered-models",
        "&order_by=last_updated_timestamp%20DESC",
        "registered_models",
    ),
    (
        "versions filter",
        "model-versions",
        "&filter=name%20LIKE%20%27model-01%25%27",
        "model_versions",
    ),
];

/// The same requests in turn.
struct InTurn {
    requests: Vec<Vec<u8>>,
    next: usize,
    /// The least an answer has, in bytes.
    bytes: u64,
}

impl Operation for InTurn {
    async fn once(&mut self, connection: &mut Connection) -> Result<()> {
        let reply = connection.drain(&self.requests[self.next]).await?;
        ensure!(reply.bytes >= self.bytes, "an answer of {} bytes", reply.bytes);
        self.next = (self.next + 1) % self.requests.len();
        Ok(())
    }
}

/// What the client sends for a model that a run of the first experiment has logged.
fn version(model: &str, run: &str) -> Value {
    let source = format!("mlflow-artifacts:/1/{run}/artifacts/model");
    json!({ "name": model, "source": source, "run_id": run })
}

/// Makes one model after another, each with two versions, two tags and an alias.
pub(crate) struct RegisterModel {
    run: String,
    next: u64,
    stride: u64,
}

impl RegisterModel {
    /// Models `first`, `first + stride`, ... whose versions come from `run`.
    pub(crate) fn new(run: &str, first: u64, stride: u64) -> Self {
        Self { run: run.to_owned(), next: first, stride }
    }
}

impl Operation for RegisterModel {
    async fn once(&mut self, connection: &mut Connection) -> Result<()> {
        let (name, team) = (model_name(self.next), model_team(self.next));
        self.next += self.stride;
        let tags =
            json!([{ "key": "team", "value": team }, { "key": "task", "value": "regression" }]);
        let body = json!({ "name": name, "tags": tags });
        ask(connection, "registered-models/create", &body).await?;
        for _ in 0..2 {
            ask(connection, "model-versions/create", &version(&name, &self.run)).await?;
        }
        let body = json!({ "name": name, "alias": ALIAS, "version": "2" });
        ask(connection, "registered-models/alias", &body).await?;
        Ok(())
    }
}

pub(crate) async fn run(suite: &mut Suite, peer: Peer) -> Result<()> {
    writes(suite, peer).await?;
    searches(suite, peer).await
}

async fn writes(suite: &mut Suite, peer: Peer) -> Result<()> {
    let server = suite.fresh(peer, "w8")?;
    let all_runs = make_runs(&server, 8, "w8").await?;
    for connections in [1, 8] {
        let runs = &all_runs[..connections];
        let mut connection = Connection::open(server.address).await?;
        let model = |index: usize| format!("w8-{connections}-{index}");
        for (index, run) in runs.iter().enumerate() {
            ask(&mut connection, "registered-models/create", &json!({ "name": model(index) }))
                .await?;
            for _ in 0..2 {
                let body = version(&model(index), run);
                ask(&mut connection, "model-versions/create", &body).await?;
            }
        }
        let measured = drive(&server, suite.plan(connections), |index| {
            let moves = ["1", "2"].map(|number| {
                let body = json!({ "name": model(index), "alias": ALIAS, "version": number });
                request("registered-models/alias", &body)
            });
            InTurn { requests: moves.into(), next: 0, bytes: 0 }
        })
        .await?;
        let variant = format!("alias move, {connections} conn");
        suite.note_load("W8", &variant, peer, &measured, 1.0);
        let measured = drive(&server, suite.plan(connections), |index| {
            let create = request("model-versions/create", &version(&model(index), &runs[index]));
            InTurn { requests: vec![create], next: 0, bytes: 1 }
        })
        .await?;
        let variant = format!("version create, {connections} conn");
        suite.note_load("W8", &variant, peer, &measured, 1.0);
    }
    server.stop()
}

async fn searches(suite: &mut Suite, peer: Peer) -> Result<()> {
    let (server, _) = filled(suite, peer, Filling::Models(MODELS)).await?;
    for (name, path, query, list) in SEARCHES {
        let search = get(&format!("{API}/{path}/search?max_results={PAGE}{query}"));
        let mut connection = Connection::open(server.address).await?;
        connection.expect_ok(&search).await?;
        let answer: Value = serde_json::from_slice(connection.body())?;
        let found = answer[list].as_array().context("no list in the answer")?;
        ensure!(found.len() as u64 == PAGE, "{} instead of {PAGE}", found.len());
        // Answers of equal content differ by a few bytes at most (optional fields).
        let bytes = connection.body().len() as u64 * 9 / 10;
        for connections in [1, 8] {
            let measured = drive(&server, suite.plan(connections), |_| InTurn {
                requests: vec![search.clone()],
                next: 0,
                bytes,
            })
            .await?;
            let variant = format!("search {name}, {connections} conn");
            suite.note_load("W8", &variant, peer, &measured, 1.0);
        }
    }
    server.stop()
}
