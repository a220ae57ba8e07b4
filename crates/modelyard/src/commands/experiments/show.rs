//! Experiments as tables, JSON and comma-separated values.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;

use crate::client::Experiment;
use crate::commands::search::Found;
use crate::output::{Cell, Clock, Column, Fields, Table, Terminal, csv as lines, json, time};

/// An experiment in JSON, with the fields that MLflow's command line gives it.
#[derive(Serialize)]
struct Json<'a> {
    artifact_location: &'a str,
    creation_time: Option<i64>,
    experiment_id: &'a str,
    last_update_time: Option<i64>,
    lifecycle_stage: &'a str,
    name: &'a str,
    tags: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonPage<'a> {
    experiments: Vec<Json<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<&'a str>,
}

impl<'a> From<&'a Experiment> for Json<'a> {
    fn from(experiment: &'a Experiment) -> Self {
        Self {
            artifact_location: &experiment.artifact_location,
            creation_time: experiment.creation_time,
            experiment_id: &experiment.experiment_id,
            last_update_time: experiment.last_update_time,
            lifecycle_stage: &experiment.lifecycle_stage,
            name: &experiment.name,
            tags: experiment.tags(),
            workspace: experiment.workspace.as_deref(),
        }
    }
}

/// All of one experiment, as an object.
pub(super) fn json_one(out: &mut dyn Write, experiment: &Experiment) -> io::Result<()> {
    json(out, &Json::from(experiment))
}

/// What a search found, with the token of the next page if there is one.
pub(super) fn json_page(out: &mut dyn Write, found: &Found<Experiment>) -> io::Result<()> {
    let experiments = found.items.iter().map(Json::from).collect();
    json(out, &JsonPage { experiments, next_page_token: found.next_page_token.as_deref() })
}

/// One line each; the first and the last column are those of MLflow's table.
pub(super) fn table(experiments: &[Experiment], clock: &Clock, with_stage: bool) -> Table {
    let mut columns = vec![
        Column::number("Experiment Id"),
        Column::text("Name"),
        Column::whole("Updated").droppable(),
        Column::text("Artifact Location"),
    ];
    if with_stage {
        columns.insert(3, Column::whole("Stage"));
    }
    let mut table = Table::new(columns);
    for experiment in experiments {
        let updated = experiment.last_update_time.or(experiment.creation_time);
        let mut row = vec![
            Cell::new(&experiment.experiment_id),
            Cell::new(&experiment.name),
            Cell::new(updated.map_or("-".to_owned(), |time_ms| clock.time(time_ms))),
            Cell::new(&experiment.artifact_location),
        ];
        if with_stage {
            row.insert(3, Cell::new(&experiment.lifecycle_stage));
        }
        table.push(row);
    }
    table
}

/// One line for each field, under MLflow's names.
pub(super) fn fields(
    out: &mut dyn Write,
    experiment: &Experiment,
    clock: &Clock,
    terminal: Terminal,
) -> io::Result<()> {
    let time = |time_ms: Option<i64>| match time_ms {
        Some(time_ms) => clock.time_and_age(time_ms),
        None => "N/A".to_owned(),
    };
    let tags: Vec<String> =
        experiment.tags().iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut fields = Fields::default();
    fields.push("Experiment ID", &experiment.experiment_id);
    fields.push("Name", &experiment.name);
    fields.push("Artifact Location", &experiment.artifact_location);
    fields.push("Lifecycle Stage", &experiment.lifecycle_stage);
    fields.push("Creation Time", &time(experiment.creation_time));
    fields.push("Last Update Time", &time(experiment.last_update_time));
    fields.push("Tags", &tags.join(", "));
    fields.write(out, terminal)
}

/// A header and one line each, with a column for every tag.
pub(super) fn csv(out: &mut dyn Write, experiments: &[Experiment]) -> io::Result<()> {
    const FIXED: [&str; 6] = [
        "experiment_id",
        "name",
        "artifact_location",
        "lifecycle_stage",
        "creation_time",
        "last_update_time",
    ];
    let keys: BTreeSet<&str> =
        experiments.iter().flat_map(|experiment| experiment.tags().into_keys()).collect();
    let tag_titles = keys.iter().map(|key| format!("tags.{key}"));
    lines::line(out, FIXED.map(str::to_owned).into_iter().chain(tag_titles))?;
    for experiment in experiments {
        let time = |time_ms: Option<i64>| time_ms.map(time::for_csv).unwrap_or_default();
        let fixed = [
            experiment.experiment_id.clone(),
            experiment.name.clone(),
            experiment.artifact_location.clone(),
            experiment.lifecycle_stage.clone(),
            time(experiment.creation_time),
            time(experiment.last_update_time),
        ];
        let tags = experiment.tags();
        let values = keys.iter().map(|key| tags.get(key).copied().unwrap_or_default().to_owned());
        lines::line(out, fixed.into_iter().chain(values))?;
    }
    Ok(())
}
