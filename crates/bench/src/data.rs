//! The runs and metrics that are written, and the bodies that write them.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::http::{Connection, post};
use crate::random::Random;

pub(crate) const API: &str = "/api/2.0/mlflow";
/// A start of time for everything written, in Unix milliseconds.
pub(crate) const EPOCH_MS: u64 = 1_700_000_000_000;
/// Metrics in one `runs/log-batch`, MLflow's limit.
pub(crate) const BATCH: usize = 1_000;
/// Keys over which a batch spreads its metrics; each key so gets 100 steps in a row.
pub(crate) const BATCH_KEYS: usize = 10;
/// Steps start here so that all have as many digits and can be patched in place.
pub(crate) const FIRST_STEP: u64 = 1_000_000;

/// The request that posts `body` to an MLflow path.
pub(crate) fn request(path: &str, body: &Value) -> Vec<u8> {
    let mut request = Vec::new();
    post(&mut request, &format!("{API}/{path}"), body.to_string().as_bytes());
    request
}

/// Posts `body` to an MLflow path and reads the JSON answer.
pub(crate) async fn ask(connection: &mut Connection, path: &str, body: &Value) -> Result<Value> {
    connection.expect_ok(&request(path, body)).await.with_context(|| path.to_owned())?;
    Ok(serde_json::from_slice(connection.body())?)
}

/// Creates an experiment and returns its id.
pub(crate) async fn create_experiment(connection: &mut Connection, name: &str) -> Result<String> {
    let answer = ask(connection, "experiments/create", &json!({ "name": name })).await?;
    answer["experiment_id"].as_str().map(str::to_owned).context("experiment_id")
}

/// Creates a run and returns its id.
pub(crate) async fn create_run(connection: &mut Connection, experiment: &str) -> Result<String> {
    let body = json!({ "experiment_id": experiment, "start_time": EPOCH_MS });
    let answer = ask(connection, "runs/create", &body).await?;
    answer["run"]["info"]["run_id"].as_str().map(str::to_owned).context("run_id")
}

/// Reads `run_id` out of the answer to `runs/create` without parsing all of it.
pub(crate) fn run_id_of(answer: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(answer)?;
    let (_, rest) = text.split_once("\"run_id\"").context("answer without run_id")?;
    rest.split('"').nth(1).context("answer without run_id")
}

/// The name of the registered model numbered `index`.
pub(crate) fn model_name(index: u64) -> String {
    format!("model-{index:05}")
}

/// Whose model it is, a tag; a hundred of 5,000 models have the same.
pub(crate) fn model_team(index: u64) -> String {
    format!("t{}", index % 50)
}

/// The ten parameters, ten metrics and five or ten tags of the run numbered `index`.
pub(crate) struct RunData {
    random: Random,
    tags: usize,
}

impl RunData {
    pub(crate) const fn new(index: u64, tags: usize) -> Self {
        Self { random: Random::new(index.wrapping_mul(0x5851_F42D_4C95_7F2D)), tags }
    }

    /// One parameter value; `p0` is `x` for every other run.
    pub(crate) fn params(&mut self) -> Vec<(String, String)> {
        (0..10)
            .map(|i| {
                let value = match i {
                    0 if self.random.below(2) == 0 => "x".to_owned(),
                    0 => "y".to_owned(),
                    _ => format!("{}", self.random.below(1000)),
                };
                (format!("p{i}"), value)
            })
            .collect()
    }

    pub(crate) fn tags(&mut self) -> Vec<(String, String)> {
        (0..self.tags).map(|i| (format!("t{i}"), format!("v{}", self.random.below(50)))).collect()
    }

    pub(crate) fn metrics(&mut self) -> Vec<(String, f64)> {
        (0..10).map(|i| (format!("m{i}"), self.random.unit())).collect()
    }

    /// Body of one `runs/log-batch` with all of it.
    pub(crate) fn batch(&mut self, run: &str) -> String {
        let pair = |(key, value): (String, String)| json!({ "key": key, "value": value });
        let params: Vec<Value> = self.params().into_iter().map(pair).collect();
        let tags: Vec<Value> = self.tags().into_iter().map(pair).collect();
        let metrics: Vec<Value> = self
            .metrics()
            .into_iter()
            .map(|(key, value)| json!({"key": key, "value": value, "timestamp": EPOCH_MS, "step": 0}))
            .collect();
        json!({ "run_id": run, "params": params, "tags": tags, "metrics": metrics }).to_string()
    }
}

/// A prepared `runs/log-batch` request of [`BATCH`] metrics.
///
/// Only the digits of steps and timestamps change from one request to the next: formatting a
/// thousand floats would cost the generator about as much as a fast server needs to store them.
pub(crate) struct MetricBatch {
    request: Vec<u8>,
    /// Where each metric's timestamp digits (the last seven) and step digits begin.
    spots: Vec<(usize, usize)>,
    keys: usize,
    next_step: u64,
}

impl MetricBatch {
    pub(crate) fn new(run: &str, keys: &[String], first_step: u64) -> Self {
        let mut body = format!("{{\"run_id\":\"{run}\",\"metrics\":[");
        let mut spots = Vec::with_capacity(BATCH);
        for i in 0..BATCH {
            let key = &keys[i % keys.len()];
            let comma = if i == 0 { "" } else { "," };
            let value = point_value(i);
            // Writing into a string cannot fail.
            let _ =
                write!(body, "{comma}{{\"key\":\"{key}\",\"value\":{value},\"timestamp\":170000");
            let timestamp = body.len();
            body.push_str("0000000,\"step\":");
            let step = body.len();
            body.push_str("0000000}");
            spots.push((timestamp, step));
        }
        body.push_str("]}");
        let mut request = Vec::new();
        post(&mut request, &format!("{API}/runs/log-batch"), body.as_bytes());
        let head = request.len() - body.len();
        for (timestamp, step) in &mut spots {
            *timestamp += head;
            *step += head;
        }
        Self { request, spots, keys: keys.len(), next_step: FIRST_STEP + first_step }
    }

    /// The request for the next steps of every key.
    pub(crate) fn advance(&mut self) -> &[u8] {
        for (i, (timestamp, step)) in self.spots.iter().enumerate() {
            let number = self.next_step + (i / self.keys) as u64;
            digits(&mut self.request[*timestamp..*timestamp + 7], number);
            digits(&mut self.request[*step..*step + 7], number);
        }
        self.next_step += (BATCH / self.keys) as u64;
        &self.request
    }
}

/// Writes `number` over a field of fixed width.
fn digits(field: &mut [u8], mut number: u64) {
    for place in field.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// The value at place `at` of every batch.
pub(crate) const fn point_value(at: usize) -> f64 {
    Random::new(at as u64).unit()
}

/// Names `m0`, `m1`, ...
pub(crate) fn metric_keys(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("m{i}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_valid_json_with_consecutive_steps() {
        let mut batch = MetricBatch::new("r1", &metric_keys(10), 0);
        let mut steps = Vec::new();
        for _ in 0..2 {
            let request = batch.advance();
            let at = request.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
            let body: Value = serde_json::from_slice(&request[at..]).unwrap();
            let metrics = body["metrics"].as_array().unwrap();
            assert_eq!(metrics.len(), BATCH);
            for metric in metrics.iter().filter(|metric| metric["key"] == "m3") {
                let step = metric["step"].as_u64().unwrap();
                assert_eq!(metric["timestamp"].as_u64().unwrap(), EPOCH_MS + step);
                steps.push(step - FIRST_STEP);
            }
        }
        assert_eq!(steps, (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn a_run_is_the_same_each_time() {
        assert_eq!(RunData::new(5, 5).batch("r"), RunData::new(5, 5).batch("r"));
        assert_ne!(RunData::new(5, 5).batch("r"), RunData::new(6, 5).batch("r"));
    }

    #[test]
    fn the_run_id_is_found() {
        let answer = br#"{"run":{"info":{"run_uuid":"b","run_id": "abc","x":1}}}"#;
        assert_eq!(run_id_of(answer).unwrap(), "abc");
    }
}
