//! Compares what the server answers with a ledger.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use serde_json::{Value, json};

use crate::api::{API, Api, PROXY};
use crate::ledger::{ArtifactRecord, Fate, Item, Ledger, RunRecord};
use crate::writer::COUNTER;

/// Everything that is not as it must be, one line each.
pub(crate) type Problems = Vec<String>;

/// Checks all that `ledgers` say of one experiment, which nobody else has written to.
pub(crate) fn everything(api: &Api, experiment: &str, ledgers: &[&Ledger]) -> Problems {
    let mut problems = names(api, experiment, ledgers);
    for ledger in ledgers {
        for run in &ledger.runs {
            problems.extend(one_run(api, run));
        }
        for artifact in &ledger.artifacts {
            problems.extend(one_artifact(api, artifact));
        }
    }
    problems
}

/// Checks what a writer did last.
pub(crate) fn newest(api: &Api, ledger: &Ledger) -> Problems {
    let run = ledger.runs.iter().rev().take(2).flat_map(|run| one_run(api, run));
    let files = ledger.artifacts.iter().rev().take(3);
    run.chain(files.flat_map(|artifact| one_artifact(api, artifact))).collect()
}

/// Runs and logged models by their names: each acknowledged one is there once.
fn names(api: &Api, experiment: &str, ledgers: &[&Ledger]) -> Problems {
    let runs = api.search(
        "runs/search",
        "runs",
        json!({
            "experiment_ids": [experiment], "run_view_type": "ALL", "max_results": 1000
        }),
    );
    let runs = runs.iter().map(|run| (&run["info"]["run_name"], &run["info"]["run_id"]));
    let sent = ledgers.iter().flat_map(|ledger| &ledger.runs);
    let mut problems =
        compare_names("run", runs, sent.map(|run| (run.name.as_str(), run.id.as_deref())));

    let models = api.search(
        "logged-models/search",
        "models",
        json!({
            "experiment_ids": [experiment], "max_results": 50
        }),
    );
    let models = models.iter().map(|model| (&model["info"]["name"], &model["info"]["model_id"]));
    let sent = ledgers.iter().flat_map(|ledger| &ledger.models);
    problems.extend(compare_names(
        "model",
        models,
        sent.map(|model| (model.name.as_str(), model.id.as_deref())),
    ));
    problems
}

fn compare_names<'a>(
    kind: &str,
    found: impl Iterator<Item = (&'a Value, &'a Value)>,
    sent: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Problems {
    let mut there: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, id) in found {
        there.entry(name.as_str().unwrap_or("")).or_default().push(id.as_str().unwrap_or(""));
    }
    let mut problems = Problems::new();
    for (name, id) in sent {
        let ids = there.remove(name).unwrap_or_default();
        match (id, ids.as_slice()) {
            (Some(id), [only]) if id == *only => {}
            (None, [] | [_]) => {}
            _ => problems.push(format!("{kind} {name}: sent as {id:?}, found {ids:?}")),
        }
    }
    problems.extend(there.keys().map(|name| format!("{kind} {name} was never sent")));
    problems
}

fn one_run(api: &Api, run: &RunRecord) -> Problems {
    let mut problems = Problems::new();
    let Some(id) = &run.id else { return problems };
    let answer = api.get(&format!("{API}/runs/get?run_id={id}")).expect("the server answers");
    if answer.status != 200 {
        return vec![format!("run {id} was acknowledged and is answered with {}", answer.status)];
    }
    let answer = answer.json();
    let (info, data) = (&answer["run"]["info"], &answer["run"]["data"]);
    if run.finished == Some(Fate::Acknowledged) && info["status"] != "FINISHED" {
        problems.push(format!("run {id} was finished and is {}", info["status"]));
    }
    let mut whole = Requests::default();
    let params = pairs(id, "param", &data["params"], &mut problems);
    compare(id, "param", &run.params, params, &mut whole, &mut problems);
    let mut tags = pairs(id, "tag", &data["tags"], &mut problems);
    tags.retain(|key, _| !key.starts_with("mlflow."));
    counter(id, run, tags.remove(COUNTER).as_deref(), &mut problems);
    compare(id, "tag", &run.tags, tags, &mut whole, &mut problems);
    let mut latest = latest_points(data);
    for (key, points) in &run.metrics {
        let kind = format!("metric {key}");
        let found = history(api, id, key, &mut problems);
        let greatest = found.iter().next_back().map(|(step, value)| (*step, *value));
        if latest.remove(key.as_str()) != greatest {
            problems.push(format!("run {id} {kind}: the latest is not {greatest:?}"));
        }
        compare(id, &kind, points, found, &mut whole, &mut problems);
    }
    problems.extend(latest.keys().map(|key| format!("run {id} metric {key} was never sent")));
    problems.extend(whole.torn().map(|request| format!("run {id}: request {request} is torn")));
    problems
}

/// What each unanswered request left behind: all of its items, or none.
#[derive(Default)]
struct Requests(BTreeMap<u64, (usize, usize)>);

impl Requests {
    fn see(&mut self, request: u64, there: bool) {
        let (present, absent) = self.0.entry(request).or_default();
        *(if there { present } else { absent }) += 1;
    }

    fn torn(&self) -> impl Iterator<Item = u64> {
        let torn = self.0.iter().filter(|(_, (present, absent))| *present > 0 && *absent > 0);
        torn.map(|(request, _)| *request)
    }
}

/// A list of keys and values as a map; a key that comes twice is a problem.
fn pairs(id: &str, kind: &str, list: &Value, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for pair in list.as_array().into_iter().flatten() {
        let text = |name: &str| pair[name].as_str().unwrap_or_default().to_owned();
        if map.insert(text("key"), text("value")).is_some() {
            problems.push(format!("run {id} {kind} {}: there twice", pair["key"]));
        }
    }
    map
}

fn compare<K: Ord + Debug, V: PartialEq + Debug>(
    id: &str,
    kind: &str,
    sent: &BTreeMap<K, Item<V>>,
    mut found: BTreeMap<K, V>,
    whole: &mut Requests,
    problems: &mut Problems,
) {
    for (key, item) in sent {
        let there = found.remove(key);
        if item.fate == Fate::Unknown {
            whole.see(item.request, there.is_some());
        }
        let right = match &there {
            Some(value) => *value == item.value,
            None => item.fate == Fate::Unknown,
        };
        if !right {
            problems.push(format!("run {id} {kind} {key:?}: sent {item:?}, found {there:?}"));
        }
    }
    for (key, value) in found {
        problems.push(format!("run {id} {kind} {key:?} = {value:?} was never sent"));
    }
}

/// The overwritten tag has the last acknowledged value or one that was tried after it.
fn counter(id: &str, run: &RunRecord, found: Option<&str>, problems: &mut Problems) {
    let last = run.counter.iter().rposition(|item| item.fate == Fate::Acknowledged);
    let possible: Vec<String> =
        run.counter[last.unwrap_or(0)..].iter().map(|item| item.value.to_string()).collect();
    let right = match found {
        Some(value) => possible.iter().any(|text| text == value),
        None => last.is_none(),
    };
    if !right {
        problems.push(format!("run {id} tag {COUNTER}: found {found:?}, not of {possible:?}"));
    }
}

fn latest_points(data: &Value) -> BTreeMap<&str, (i64, f64)> {
    let metrics = data["metrics"].as_array().into_iter().flatten();
    metrics.map(|metric| (metric["key"].as_str().unwrap_or(""), point(metric))).collect()
}

/// Step (int64 may come as text, as protobuf's JSON has it) and value.
fn point(metric: &Value) -> (i64, f64) {
    let step = &metric["step"];
    let step = step.as_i64().or_else(|| step.as_str()?.parse().ok()).unwrap_or(0);
    (step, metric["value"].as_f64().unwrap_or(f64::NAN))
}

fn history(api: &Api, id: &str, key: &str, problems: &mut Problems) -> BTreeMap<i64, f64> {
    let query = format!("metrics/get-history?run_id={id}&metric_key={key}");
    let answer = api.read_json(&query).expect("the server answers");
    let mut points = BTreeMap::new();
    for metric in answer["metrics"].as_array().into_iter().flatten() {
        let (step, value) = point(metric);
        if points.insert(step, value).is_some() {
            problems.push(format!("run {id} metric {key}: step {step} is there twice"));
        }
    }
    points
}

fn one_artifact(api: &Api, artifact: &ArtifactRecord) -> Problems {
    let path = &artifact.path;
    let answer = api.get(&format!("{PROXY}/{path}")).expect("the server answers");
    let body = &answer.body;
    match (answer.status, artifact.fate) {
        (200, _) if *body == artifact.bytes() => Problems::new(),
        (404, Fate::Unknown) => Problems::new(),
        (200, _) => {
            vec![format!("artifact {path}: {} of {} bytes, or others", body.len(), artifact.size)]
        }
        (status, fate) => vec![format!("artifact {path}: {fate:?}, answered with {status}")],
    }
}
