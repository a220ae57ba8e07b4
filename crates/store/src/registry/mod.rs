//! The model registry: registered models, their versions, aliases, tags and checks.

mod aliases;
mod checks;
mod models;
mod places;
mod search;
mod tags;
mod versions;

use modelyard_database::{Conn, Row};
use modelyard_protocol::names::PROMPT_TAG;
use modelyard_protocol::{ModelStage, ModelVersionStatus};

pub use aliases::Rollback;
pub use checks::{AliasPolicy, CheckOutcome, NewCheckOutcome};
pub use models::NewRegisteredModel;
pub use search::{ModelVersionQuery, RegisteredModelQuery};
pub use versions::{NewModelVersion, StageMove};

use crate::events::{Author, Deed, Subject};
use crate::rows::{self, KeyValue};
use crate::{Error, Result, Store};

/// A registered model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredModel {
    pub(crate) id: i64,
    /// The name.
    pub name: String,
    /// What it is; may be empty.
    pub description: String,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
    /// Last change of the model, or of the set or stage of its versions.
    pub updated_ms: i64,
    /// The tags, by key.
    pub tags: Vec<KeyValue>,
    /// The aliases, by name, and the version that each names.
    pub aliases: Vec<(String, i64)>,
    /// The newest version of each stage, without their aliases.
    pub latest: Vec<ModelVersion>,
}

impl RegisteredModel {
    /// Whether it is a prompt.
    pub fn is_prompt(&self) -> bool {
        let tags = self.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        modelyard_protocol::names::is_prompt(tags)
    }
}

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelVersion {
    pub(crate) id: i64,
    pub(crate) model: i64,
    /// The registered model.
    pub name: String,
    /// Its number, from 1.
    pub version: i64,
    /// What it is.
    pub description: Option<String>,
    /// Who made it.
    pub user_id: Option<String>,
    /// Its stage.
    pub stage: ModelStage,
    /// Where its files are, as its maker said.
    pub source: String,
    /// Where they are when the source names them indirectly.
    pub storage_location: Option<String>,
    /// The run that made it.
    pub run_id: Option<String>,
    /// A page about that run; may be empty.
    pub run_link: String,
    /// Whether its files are there.
    pub status: ModelVersionStatus,
    /// Why they are not there.
    pub status_message: Option<String>,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
    /// Last change of description or stage.
    pub updated_ms: i64,
    /// The tags, by key.
    pub tags: Vec<KeyValue>,
    /// The aliases that name it; lists leave them out.
    pub aliases: Vec<String>,
}

impl ModelVersion {
    /// Where the files are.
    pub fn location(&self) -> &str {
        self.storage_location.as_deref().filter(|it| !it.is_empty()).unwrap_or(&self.source)
    }
}

/// What an operation needs to know of the model that it changes.
pub(crate) struct Found {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) prompt: bool,
}

impl Found {
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject { id: self.id, name: &self.name, prompt: self.prompt }
    }
}

impl Store {
    pub(crate) fn deed(&self, author: Author) -> Deed {
        let (at_ms, chance) = (self.context.now_ms(), self.context.random());
        Deed { author, at_ms, chance, outbox: self.outbox() }
    }
}

pub(crate) fn no_model(name: &str) -> Error {
    Error::not_found(format!("Registered Model with name={name} not found"))
}

pub(crate) fn no_version(name: &str, version: i64) -> Error {
    Error::not_found(format!("Model Version (name={name}, version={version}) not found"))
}

/// The internal id of the model that has a name now.
pub(crate) async fn id_of(conn: &mut Conn, name: &str) -> Result<Option<i64>> {
    let sql = "SELECT id FROM registered_model WHERE name = $1";
    Ok(conn.query_opt(sql, &[name.into()], |row| row.int(0)).await?)
}

/// Finds a model that is about to be changed. Until the end of the transaction nobody else changes it, so its
/// events are numbered in the order of its changes, and its versions without gaps.
pub(crate) async fn find(conn: &mut Conn, name: &str) -> Result<Found> {
    let sql = "SELECT id FROM registered_model WHERE name = $1";
    let sql = [sql, conn.engine().for_update()].concat();
    let id = conn.query_opt(&sql, &[name.into()], |row| row.int(0)).await?;
    let id = id.ok_or_else(|| no_model(name))?;
    let sql = "SELECT count(*) FROM registered_model_tag WHERE model = $1 AND key = $2 \
               AND lower(value) = 'true'";
    let prompt = conn.query_one(sql, &[id.into(), PROMPT_TAG.into()], |row| row.flag(0)).await?;
    Ok(Found { id, name: name.to_owned(), prompt })
}

/// As [`find`], with the internal id of a version and its run. MLflow's error names the version, whichever of
/// the two is missing.
pub(crate) async fn find_version(
    conn: &mut Conn,
    name: &str,
    version: i64,
) -> Result<(Found, FoundVersion)> {
    let missing = |_no_model| no_version(name, version);
    let model = find(conn, name).await.map_err(|error| match error {
        Error::Rule(rule) => missing(rule),
        error => error,
    })?;
    let sql = "SELECT id, version, stage, run FROM model_version WHERE model = $1 AND version = $2";
    let found = conn.query_opt(sql, &[model.id.into(), version.into()], FoundVersion::read).await?;
    Ok((model, found.ok_or_else(|| no_version(name, version))?))
}

/// A version that is about to be changed.
pub(crate) struct FoundVersion {
    pub(crate) id: i64,
    pub(crate) version: i64,
    pub(crate) stage: ModelStage,
    pub(crate) run: Option<String>,
}

impl FoundVersion {
    /// Reads id, version, stage and run.
    fn read(row: &Row<'_>) -> modelyard_database::Result<Self> {
        Ok(Self {
            id: row.int(0)?,
            version: row.int(1)?,
            stage: rows::model_stage(row.int(2)?)?,
            run: row.opt_string(3)?,
        })
    }
}

/// Notes that the model itself has changed.
pub(crate) async fn touch(conn: &mut Conn, model: i64, now: i64) -> Result<()> {
    let sql = "UPDATE registered_model SET updated_ms = $1 WHERE id = $2";
    conn.execute(sql, &[now.into(), model.into()]).await?;
    Ok(())
}
