//! Registered models and versions as tables, JSON and comma-separated values.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;

use crate::client::{Model, Tag, Version};
use crate::commands::search::Found;
use crate::output::{
    Cell, Clock, Column, Fields, Table, Terminal, csv as lines, json, section, time,
};

/// A registered model in JSON, by the API's names; tags and aliases as objects.
#[derive(Serialize)]
struct ModelJson<'a> {
    aliases: BTreeMap<&'a str, &'a str>,
    creation_timestamp: Option<i64>,
    description: &'a str,
    last_updated_timestamp: Option<i64>,
    latest_versions: Vec<VersionJson<'a>>,
    name: &'a str,
    tags: BTreeMap<&'a str, &'a str>,
}

/// A version in JSON, by the API's names; tags as an object.
#[derive(Serialize)]
pub(super) struct VersionJson<'a> {
    /// Absent in lists, which do not know them.
    #[serde(skip_serializing_if = "Option::is_none")]
    aliases: Option<&'a [String]>,
    creation_timestamp: Option<i64>,
    current_stage: &'a str,
    description: &'a str,
    last_updated_timestamp: Option<i64>,
    name: &'a str,
    run_id: &'a str,
    run_link: &'a str,
    source: &'a str,
    status: &'a str,
    status_message: &'a str,
    tags: BTreeMap<&'a str, &'a str>,
    user_id: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct ModelPage<'a> {
    registered_models: Vec<ModelJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<&'a str>,
}

#[derive(Serialize)]
struct VersionPage<'a> {
    model_versions: Vec<VersionJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<&'a str>,
}

impl<'a> From<&'a Model> for ModelJson<'a> {
    fn from(model: &'a Model) -> Self {
        Self {
            aliases: aliases(model),
            creation_timestamp: model.creation_timestamp,
            description: &model.description,
            last_updated_timestamp: model.last_updated_timestamp,
            latest_versions: model.latest_versions.iter().map(VersionJson::of_list).collect(),
            name: &model.name,
            tags: by_key(&model.tags),
        }
    }
}

impl<'a> From<&'a Version> for VersionJson<'a> {
    fn from(version: &'a Version) -> Self {
        Self {
            aliases: Some(&version.aliases),
            creation_timestamp: version.creation_timestamp,
            current_stage: &version.current_stage,
            description: &version.description,
            last_updated_timestamp: version.last_updated_timestamp,
            name: &version.name,
            run_id: &version.run_id,
            run_link: &version.run_link,
            source: &version.source,
            status: &version.status,
            status_message: &version.status_message,
            tags: by_key(&version.tags),
            user_id: &version.user_id,
            version: &version.version,
        }
    }
}

impl<'a> VersionJson<'a> {
    fn of_list(version: &'a Version) -> Self {
        Self { aliases: None, ..Self::from(version) }
    }
}

fn by_key(tags: &[Tag]) -> BTreeMap<&str, &str> {
    tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect()
}

fn aliases(model: &Model) -> BTreeMap<&str, &str> {
    model.aliases.iter().map(|it| (it.alias.as_str(), it.version.as_str())).collect()
}

/// All of a registered model, as an object.
pub(super) fn json_model(out: &mut dyn Write, model: &Model) -> io::Result<()> {
    json(out, &ModelJson::from(model))
}

/// All of a version, as an object.
pub(super) fn json_version(out: &mut dyn Write, version: &Version) -> io::Result<()> {
    json(out, &VersionJson::from(version))
}

/// What a search found, with the token of the next page if there is one.
pub(super) fn json_models(out: &mut dyn Write, found: &Found<Model>) -> io::Result<()> {
    let registered_models = found.items.iter().map(ModelJson::from).collect();
    let next_page_token = found.next_page_token.as_deref();
    json(out, &ModelPage { registered_models, next_page_token })
}

/// What a search found, with the token of the next page if there is one.
pub(super) fn json_versions(out: &mut dyn Write, found: &Found<Version>) -> io::Result<()> {
    let model_versions = found.items.iter().map(VersionJson::of_list).collect();
    json(out, &VersionPage { model_versions, next_page_token: found.next_page_token.as_deref() })
}

/// One line for each model.
pub(super) fn model_table(models: &[Model], clock: &Clock) -> Table {
    let mut table = Table::new(vec![
        Column::text("Name"),
        Column::number("Latest"),
        Column::text("Aliases"),
        Column::whole("Updated").droppable(),
        Column::text("Description").droppable(),
    ]);
    for model in models {
        let newest = model.latest_versions.iter().filter_map(|it| it.version.parse::<u64>().ok());
        let aliases: Vec<String> =
            aliases(model).iter().map(|(alias, version)| format!("{alias}={version}")).collect();
        table.push(vec![
            Cell::new(&model.name),
            Cell::new(newest.max().map_or("-".to_owned(), |version| version.to_string())),
            Cell::new(aliases.join(", ")),
            Cell::new(moment(clock, model.last_updated_timestamp)),
            Cell::new(&model.description),
        ]);
    }
    table
}

/// One line for each version.
pub(super) fn version_table(versions: &[Version], clock: &Clock) -> Table {
    let mut table = Table::new(vec![
        Column::text("Name"),
        Column::number("Version"),
        Column::whole("Stage"),
        Column::whole("Status").droppable(),
        Column::whole("Created").droppable(),
        Column::text("Source"),
    ]);
    for version in versions {
        table.push(vec![
            Cell::new(&version.name),
            Cell::new(&version.version),
            Cell::new(&version.current_stage),
            Cell::new(&version.status),
            Cell::new(moment(clock, version.creation_timestamp)),
            Cell::new(&version.source),
        ]);
    }
    table
}

fn moment(clock: &Clock, time_ms: Option<i64>) -> String {
    time_ms.map_or("-".to_owned(), |time_ms| clock.time(time_ms))
}

/// A registered model in sections, for the eye.
pub(super) fn model(
    out: &mut dyn Write,
    model: &Model,
    clock: &Clock,
    terminal: Terminal,
) -> io::Result<()> {
    let time = |time_ms: Option<i64>| time_ms.map_or("-".to_owned(), |ms| clock.time_and_age(ms));
    let mut fields = Fields::default();
    fields.push("Name", &model.name);
    fields.push("Description", &model.description);
    fields.push("Created", &time(model.creation_timestamp));
    fields.push("Updated", &time(model.last_updated_timestamp));
    fields.write(out, terminal)?;
    let titles = [Column::text("Alias"), Column::number("Version")];
    section(out, terminal, titles, pairs(&aliases(model)))?;
    let titles = [Column::whole("Stage"), Column::number("Latest Version"), Column::text("Source")];
    let latest = model.latest_versions.iter();
    let latest = latest.map(|it| [it.current_stage.clone(), it.version.clone(), it.source.clone()]);
    section(out, terminal, titles, latest)?;
    let titles = [Column::text("Tag"), Column::text("Value")];
    section(out, terminal, titles, pairs(&by_key(&model.tags)))
}

/// A version in sections, for the eye.
pub(super) fn version(
    out: &mut dyn Write,
    version: &Version,
    clock: &Clock,
    terminal: Terminal,
) -> io::Result<()> {
    let time = |time_ms: Option<i64>| time_ms.map_or("-".to_owned(), |ms| clock.time_and_age(ms));
    let mut fields = Fields::default();
    fields.push("Name", &version.name);
    fields.push("Version", &version.version);
    fields.push("Aliases", &version.aliases.join(", "));
    fields.push("Stage", &version.current_stage);
    fields.push("Description", &version.description);
    fields.push("Source", &version.source);
    fields.push("Run ID", &version.run_id);
    fields.push("Status", &version.status);
    fields.push("Created", &time(version.creation_timestamp));
    fields.push("Updated", &time(version.last_updated_timestamp));
    fields.write(out, terminal)?;
    let titles = [Column::text("Tag"), Column::text("Value")];
    section(out, terminal, titles, pairs(&by_key(&version.tags)))
}

fn pairs(map: &BTreeMap<&str, &str>) -> Vec<[String; 2]> {
    map.iter().map(|(key, value)| [(*key).to_owned(), (*value).to_owned()]).collect()
}

/// A header and one line for each model, with a column for every tag.
pub(super) fn csv_models(out: &mut dyn Write, models: &[Model]) -> io::Result<()> {
    let titles = ["name", "description", "creation_timestamp", "last_updated_timestamp", "aliases"];
    let rows = models.iter().map(|model| {
        let aliases: Vec<String> =
            aliases(model).iter().map(|(alias, version)| format!("{alias}={version}")).collect();
        let fields = vec![
            model.name.clone(),
            model.description.clone(),
            csv_time(model.creation_timestamp),
            csv_time(model.last_updated_timestamp),
            aliases.join(";"),
        ];
        (fields, by_key(&model.tags))
    });
    csv(out, &titles, rows.collect())
}

/// A header and one line for each version, with a column for every tag.
pub(super) fn csv_versions(out: &mut dyn Write, versions: &[Version]) -> io::Result<()> {
    let titles = [
        "name",
        "version",
        "current_stage",
        "description",
        "source",
        "run_id",
        "status",
        "creation_timestamp",
        "last_updated_timestamp",
    ];
    let rows = versions.iter().map(|version| {
        let fields = vec![
            version.name.clone(),
            version.version.clone(),
            version.current_stage.clone(),
            version.description.clone(),
            version.source.clone(),
            version.run_id.clone(),
            version.status.clone(),
            csv_time(version.creation_timestamp),
            csv_time(version.last_updated_timestamp),
        ];
        (fields, by_key(&version.tags))
    });
    csv(out, &titles, rows.collect())
}

fn csv_time(time_ms: Option<i64>) -> String {
    time_ms.map(time::for_csv).unwrap_or_default()
}

fn csv(
    out: &mut dyn Write,
    titles: &[&str],
    rows: Vec<(Vec<String>, BTreeMap<&str, &str>)>,
) -> io::Result<()> {
    let keys: BTreeSet<&str> = rows.iter().flat_map(|(_, tags)| tags.keys().copied()).collect();
    let tag_titles = keys.iter().map(|key| format!("tags.{key}"));
    lines::line(out, titles.iter().map(|title| (*title).to_owned()).chain(tag_titles))?;
    for (fields, tags) in rows {
        let values = keys.iter().map(|key| tags.get(key).copied().unwrap_or_default().to_owned());
        lines::line(out, fields.into_iter().chain(values))?;
    }
    Ok(())
}
