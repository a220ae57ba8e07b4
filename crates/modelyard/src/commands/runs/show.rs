//! Runs as tables and JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::columns::{Extra, short};
use crate::client::{Dataset, Number, Run};
use crate::commands::search::Found;
use crate::output::{Cell, Clock, Column, Fields, Table, Terminal, json, section, time};

/// A run in JSON, with the fields that MLflow's command line gives it.
#[derive(Serialize)]
struct Json<'a> {
    info: Info<'a>,
    data: Data<'a>,
    inputs: Inputs<'a>,
    outputs: Outputs<'a>,
}

#[derive(Serialize)]
struct Info<'a> {
    artifact_uri: &'a str,
    end_time: Option<i64>,
    experiment_id: &'a str,
    lifecycle_stage: &'a str,
    run_id: &'a str,
    run_name: &'a str,
    start_time: Option<i64>,
    status: &'a str,
    user_id: &'a str,
}

#[derive(Serialize)]
struct Data<'a> {
    metrics: BTreeMap<&'a str, &'a Number>,
    params: BTreeMap<&'a str, &'a str>,
    tags: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Inputs<'a> {
    model_inputs: &'a [Value],
    dataset_inputs: Vec<Input<'a>>,
}

#[derive(Serialize)]
struct Input<'a> {
    dataset: &'a Dataset,
    tags: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Outputs<'a> {
    model_outputs: &'a [Value],
}

#[derive(Serialize)]
struct JsonPage<'a> {
    runs: Vec<Json<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<&'a str>,
}

impl<'a> From<&'a Run> for Json<'a> {
    fn from(run: &'a Run) -> Self {
        let info = Info {
            artifact_uri: &run.info.artifact_uri,
            end_time: run.info.end_time,
            experiment_id: &run.info.experiment_id,
            lifecycle_stage: &run.info.lifecycle_stage,
            run_id: &run.info.run_id,
            run_name: &run.info.run_name,
            start_time: run.info.start_time,
            status: &run.info.status,
            user_id: &run.info.user_id,
        };
        let (metrics, params, tags) = (run.data.metrics(), run.data.params(), run.data.tags());
        let datasets = run.inputs.dataset_inputs.iter();
        let dataset_inputs =
            datasets.map(|input| Input { dataset: &input.dataset, tags: input.tags() }).collect();
        Self {
            info,
            data: Data { metrics, params, tags },
            inputs: Inputs { model_inputs: &run.inputs.model_inputs, dataset_inputs },
            outputs: Outputs { model_outputs: &run.outputs.model_outputs },
        }
    }
}

/// All of one run, as an object.
pub(super) fn json_one(out: &mut dyn Write, run: &Run) -> io::Result<()> {
    json(out, &Json::from(run))
}

/// What a search found, with the token of the next page if there is one.
pub(super) fn json_page(out: &mut dyn Write, found: &Found<Run>) -> io::Result<()> {
    let runs = found.items.iter().map(Json::from).collect();
    json(out, &JsonPage { runs, next_page_token: found.next_page_token.as_deref() })
}

/// One line each, beginning with MLflow's date and name and ending with its id.
pub(super) fn table(runs: &[Run], extra: &[Extra], clock: &Clock) -> Table {
    let mut columns = vec![
        Column::whole("Date"),
        Column::text("Name"),
        Column::whole("Status").droppable(),
        Column::number("Duration").droppable(),
    ];
    columns.extend(extra.iter().map(Extra::column));
    columns.push(Column::whole("ID"));
    let mut table = Table::new(columns);
    for run in runs {
        let info = &run.info;
        let mut row = vec![
            Cell::new(info.start_time.map_or("-".to_owned(), |time_ms| clock.time(time_ms))),
            Cell::new(&info.run_name),
            Cell::status(&info.status),
            Cell::new(duration(run)),
        ];
        row.extend(extra.iter().map(|column| column.cell(run)));
        row.push(Cell::new(&info.run_id));
        table.push(row);
    }
    table
}

fn duration(run: &Run) -> String {
    match (run.info.start_time, run.info.end_time) {
        (Some(start_ms), Some(end_ms)) => time::duration(end_ms.saturating_sub(start_ms)),
        _ => "-".to_owned(),
    }
}

/// One run in sections, for the eye.
pub(super) fn details(
    out: &mut dyn Write,
    run: &Run,
    clock: &Clock,
    terminal: Terminal,
) -> io::Result<()> {
    let info = &run.info;
    let time = |time_ms: Option<i64>| time_ms.map_or("-".to_owned(), |ms| clock.time_and_age(ms));
    let mut fields = Fields::default();
    fields.push("Run ID", &info.run_id);
    fields.push("Name", &info.run_name);
    fields.push("Experiment ID", &info.experiment_id);
    fields.push("Status", &info.status);
    fields.push("User", &info.user_id);
    fields.push("Start", &time(info.start_time));
    fields.push("End", &time(info.end_time));
    fields.push("Duration", &duration(run));
    fields.push("Lifecycle Stage", &info.lifecycle_stage);
    fields.push("Artifact URI", &info.artifact_uri);
    fields.write(out, terminal)?;

    let metrics = run.data.metrics();
    let metrics = metrics.iter().map(|(key, value)| [(*key).to_owned(), short(value)]);
    section(out, terminal, [Column::text("Metric"), Column::number("Value")], metrics)?;
    let titles = |title| [Column::text(title), Column::text("Value")];
    section(out, terminal, titles("Parameter"), owned(&run.data.params()))?;
    section(out, terminal, titles("Tag"), owned(&run.data.tags()))?;
    let titles = [Column::text("Dataset"), Column::whole("Digest"), Column::text("Context")];
    let datasets = run.inputs.dataset_inputs.iter().map(|input| {
        let context = input.tags().get("mlflow.data.context").copied().unwrap_or_default();
        [input.dataset.name.clone(), input.dataset.digest.clone(), context.to_owned()]
    });
    section(out, terminal, titles, datasets)?;
    let titles = [Column::whole("Model"), Column::whole("Role")];
    let inputs = run.inputs.model_inputs.iter().map(|model| [model_id(model), "input".to_owned()]);
    let outputs =
        run.outputs.model_outputs.iter().map(|model| [model_id(model), "output".to_owned()]);
    section(out, terminal, titles, inputs.chain(outputs))
}

fn owned(pairs: &BTreeMap<&str, &str>) -> Vec<[String; 2]> {
    pairs.iter().map(|(key, value)| [(*key).to_owned(), (*value).to_owned()]).collect()
}

fn model_id(model: &Value) -> String {
    model.get("model_id").and_then(Value::as_str).unwrap_or_default().to_owned()
}
