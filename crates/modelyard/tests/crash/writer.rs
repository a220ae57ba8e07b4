//! One client that writes without pause and keeps its ledger.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::api::{Api, PROXY, Silence};
use crate::ledger::{ArtifactRecord, Fate, Item, Ledger, ModelRecord, RunRecord};
use crate::random::Random;

/// Requests after which a writer begins a new run.
const REQUESTS_PER_RUN: u64 = 25;
const KEYS: u64 = 3;
/// The tag that is overwritten again and again.
pub(crate) const COUNTER: &str = "counter";
const START_MS: i64 = 1_700_000_000_000;

/// A writer, living longer than the servers it talks to.
pub(crate) struct Writer {
    name: String,
    experiment: String,
    random: Random,
    next: u64,
    in_run: u64,
    /// What was sent last without an answer, to be sent again as clients do.
    retry: Option<Retry>,
    pub(crate) ledger: Ledger,
}

/// A request that may be repeated, and the number that its items carry in the ledger.
enum Retry {
    Post { path: &'static str, body: Value, request: u64 },
    Put { artifact: usize },
}

impl Writer {
    pub(crate) fn new(name: String, experiment: String, seed: u64) -> Self {
        let random = Random::new(seed);
        let ledger = Ledger::default();
        Self { name, experiment, random, next: 0, in_run: 0, retry: None, ledger }
    }

    /// Writes until the server is gone, and adds every answer to `answers`.
    pub(crate) fn write(&mut self, api: &Api, answers: &AtomicU64) {
        let mut outcome = self.again(api);
        while outcome.is_ok() {
            outcome = self.one(api);
            match outcome {
                Ok(()) => self.ledger.acknowledged += 1,
                Err(Silence) => self.ledger.unanswered += 1,
            }
            answers.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A fixed number of requests, all of which must be answered.
    pub(crate) fn write_some(&mut self, api: &Api, count: u64) {
        for _ in 0..count {
            self.one(api).expect("the server lives");
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Repeats the request that was never answered: not an error, and its items are there once.
    fn again(&mut self, api: &Api) -> Result<(), Silence> {
        let Some(retry) = self.retry.take() else { return Ok(()) };
        let outcome = match &retry {
            Retry::Post { path, body, .. } => api.post(path, body).map(drop),
            Retry::Put { artifact } => put(api, &self.ledger.artifacts[*artifact]),
        };
        if outcome.is_err() {
            self.retry = Some(retry);
            return outcome;
        }
        match retry {
            Retry::Post { request, .. } => self.acknowledge(request),
            Retry::Put { artifact } => self.ledger.artifacts[artifact].fate = Fate::Acknowledged,
        }
        Ok(())
    }

    fn acknowledge(&mut self, request: u64) {
        let Some(run) = self.ledger.runs.last_mut() else { return };
        let mark = |fate: &mut Fate, of: u64| {
            if of == request {
                *fate = Fate::Acknowledged;
            }
        };
        for item in run.metrics.values_mut().flat_map(|points| points.values_mut()) {
            mark(&mut item.fate, item.request);
        }
        for item in run.params.values_mut().chain(run.tags.values_mut()) {
            mark(&mut item.fate, item.request);
        }
        for item in &mut run.counter {
            mark(&mut item.fate, item.request);
        }
    }

    fn one(&mut self, api: &Api) -> Result<(), Silence> {
        let has_run = self.ledger.runs.last().is_some_and(|run| run.id.is_some());
        if !has_run {
            return self.create_run(api);
        }
        self.in_run += 1;
        if self.in_run > REQUESTS_PER_RUN {
            self.in_run = 0;
            self.finish_run(api)?;
            return self.create_run(api);
        }
        match self.random.below(10) {
            0..=2 => self.log_metric(api),
            3..=4 => self.log_batch(api),
            5 => self.log_param(api),
            6 => self.set_tag(api),
            7 => self.count(api),
            8 => self.create_model(api),
            _ => self.put_artifact(api),
        }
    }

    /// The run in progress and its id.
    fn run(&mut self) -> (&mut RunRecord, String) {
        let run = self.ledger.runs.last_mut().expect("a run was created");
        let id = run.id.clone().expect("the run has an id");
        (run, id)
    }

    fn create_run(&mut self, api: &Api) -> Result<(), Silence> {
        let number = self.number();
        let name = format!("{}-run-{number}", self.name);
        let body =
            json!({"experiment_id": self.experiment, "run_name": name, "start_time": START_MS});
        let outcome = api.post("runs/create", &body);
        let id = outcome.as_ref().ok().map(|answer| {
            answer["run"]["info"]["run_id"].as_str().expect("an id for the run").to_owned()
        });
        self.ledger.runs.push(RunRecord::new(name, id));
        outcome.map(drop)
    }

    fn finish_run(&mut self, api: &Api) -> Result<(), Silence> {
        let (run, id) = self.run();
        let body = json!({"run_id": id, "status": "FINISHED", "end_time": START_MS + 1});
        let outcome = api.post("runs/update", &body);
        run.finished = Some(fate(&outcome));
        outcome.map(drop)
    }

    /// Sends a request that may be repeated; `note` puts its items into the run's ledger.
    fn send(
        &mut self,
        api: &Api,
        path: &'static str,
        body: Value,
        note: impl FnOnce(&mut RunRecord, Fate),
    ) -> Result<(), Silence> {
        let request = self.next;
        let outcome = api.post(path, &body);
        note(self.run().0, fate(&outcome));
        if outcome.is_err() {
            self.retry = Some(Retry::Post { path, body, request });
        }
        outcome.map(drop)
    }

    /// A new point. Steps come in a scattered order, so that the latest is not the last.
    fn point(&mut self) -> (String, i64, f64) {
        let number = self.number();
        let step = (number.wrapping_mul(0x9E3_779B1) % (1 << 20)) as i64;
        (format!("m{}", self.random.below(KEYS)), step, number as f64 + 0.125)
    }

    fn log_metric(&mut self, api: &Api) -> Result<(), Silence> {
        let (key, step, value) = self.point();
        let request = self.next;
        let body = json!({
            "run_id": self.run().1, "key": key, "value": value, "step": step,
            "timestamp": START_MS + step
        });
        self.send(api, "runs/log-metric", body, |run, fate| {
            run.metrics.entry(key).or_default().insert(step, Item { value, fate, request });
        })
    }

    fn log_batch(&mut self, api: &Api) -> Result<(), Silence> {
        let points: Vec<_> = (0..20).map(|_| self.point()).collect();
        let request = self.number();
        let metrics: Vec<Value> = points
            .iter()
            .map(|(key, step, value)| {
                json!({"key": key, "value": value, "step": step, "timestamp": START_MS + step})
            })
            .collect();
        let pairs: Vec<(String, String)> =
            (0..3).map(|i| (format!("b{request}-{i}"), format!("v{request}"))).collect();
        let listed: Vec<Value> =
            pairs.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        let run = self.run().1;
        let body = json!({"run_id": run, "metrics": metrics, "params": listed, "tags": listed});
        self.send(api, "runs/log-batch", body, |run, fate| {
            for (key, step, value) in points {
                run.metrics.entry(key).or_default().insert(step, Item { value, fate, request });
            }
            for (key, value) in pairs {
                let item = Item { value, fate, request };
                run.params.insert(key.clone(), item.clone());
                run.tags.insert(key, item);
            }
        })
    }

    fn log_param(&mut self, api: &Api) -> Result<(), Silence> {
        let request = self.number();
        let (key, value) = (format!("p{request}"), format!("v{request}"));
        let body = json!({"run_id": self.run().1, "key": key, "value": value});
        self.send(api, "runs/log-parameter", body, |run, fate| {
            run.params.insert(key, Item { value, fate, request });
        })
    }

    fn set_tag(&mut self, api: &Api) -> Result<(), Silence> {
        let request = self.number();
        let (key, value) = (format!("t{request}"), format!("ü{request}"));
        let body = json!({"run_id": self.run().1, "key": key, "value": value});
        self.send(api, "runs/set-tag", body, |run, fate| {
            run.tags.insert(key, Item { value, fate, request });
        })
    }

    fn count(&mut self, api: &Api) -> Result<(), Silence> {
        let request = self.number();
        let value = request.to_string();
        let body = json!({"run_id": self.run().1, "key": COUNTER, "value": value});
        self.send(api, "runs/set-tag", body, |run, fate| {
            run.counter.push(Item { value: request, fate, request });
        })
    }

    fn create_model(&mut self, api: &Api) -> Result<(), Silence> {
        let number = self.number();
        let name = format!("{}-model-{number}", self.name);
        let body = json!({"experiment_id": self.experiment, "name": name});
        let outcome = api.post("logged-models", &body);
        let id = outcome.as_ref().ok().map(|answer| {
            answer["model"]["info"]["model_id"].as_str().expect("an id for the model").to_owned()
        });
        self.ledger.models.push(ModelRecord { name, id });
        outcome.map(drop)
    }

    fn put_artifact(&mut self, api: &Api) -> Result<(), Silence> {
        let number = self.number();
        // Small ones and ones of many buffers.
        let size = match self.random.below(5) {
            0 => self.random.below(400_000),
            _ => self.random.below(8_000),
        };
        let run = self.run().1;
        let path = format!("{}/{run}/artifacts/deep/{number}.bin", self.experiment);
        let mut artifact =
            ArtifactRecord { path, number, size: size as usize, fate: Fate::Unknown };
        let outcome = put(api, &artifact);
        if outcome.is_ok() {
            artifact.fate = Fate::Acknowledged;
        } else {
            self.retry = Some(Retry::Put { artifact: self.ledger.artifacts.len() });
        }
        self.ledger.artifacts.push(artifact);
        outcome
    }
}

fn fate<T>(outcome: &Result<T, Silence>) -> Fate {
    if outcome.is_ok() { Fate::Acknowledged } else { Fate::Unknown }
}

fn put(api: &Api, artifact: &ArtifactRecord) -> Result<(), Silence> {
    let answer = api.put(&format!("{PROXY}/{}", artifact.path), &artifact.bytes())?;
    let (path, status) = (&artifact.path, answer.status);
    assert!((200..300).contains(&status), "{path} was answered with {status}: {}", answer.text());
    Ok(())
}
