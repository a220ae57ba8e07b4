//! Versions of registered models, from creation to deletion.

use modelyard_database::{Conn, Insert, Kind, Param, Row};
use modelyard_protocol::names::MODEL_VERSIONS_TAG;
use modelyard_protocol::{ModelStage, ModelVersionStatus};
use serde_json::json;

use super::{FoundVersion, ModelVersion, find, find_version, no_version, touch};
use crate::chunks::Chunk;
use crate::events::{self, Action, Author, Deed, NewEvent};
use crate::rows::{self, KeyValue};
use crate::{Result, Store, logged_models};

/// What is needed to create a version.
#[derive(Debug, Clone)]
pub struct NewModelVersion {
    /// The registered model.
    pub name: String,
    /// Where the files are, as the client says.
    pub source: String,
    /// Where they are, if the source names them indirectly.
    pub storage_location: Option<String>,
    /// The run that made them.
    pub run_id: Option<String>,
    /// A page about that run; may be empty.
    pub run_link: String,
    /// What it is.
    pub description: String,
    /// Tags; of equal keys the last wins.
    pub tags: Vec<KeyValue>,
    /// The logged model that it is made from, which notes the version.
    pub model_id: Option<String>,
}

/// A version's way to another stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageMove {
    /// The new stage.
    pub to: ModelStage,
    /// Whether those that are in the stage go to `Archived`.
    pub archive_existing: bool,
}

const TAGS: Insert = Insert {
    into: "INSERT INTO model_version_tag (id, key, value)",
    kinds: &[Kind::Int, Kind::Text, Kind::Text],
    conflict: "ON CONFLICT (id, key) DO UPDATE SET value = excluded.value",
};

/// What [`read`] reads of a version `v` of a model `m`.
pub(super) const COLUMNS: &str = "v.id, v.model, m.name, v.version, v.description, v.user_id, v.stage, \
    v.source, v.storage_location, v.run, v.run_link, v.status, v.status_message, v.created_ms, \
    v.updated_ms";

impl Store {
    /// Creates a version; its files are there already.
    pub async fn create_model_version(
        &self,
        new: NewModelVersion,
        author: Author,
    ) -> Result<ModelVersion> {
        let data = (new, self.deed(author));
        self.db.write(data, |conn, (new, deed)| Box::pin(create(conn, new, deed))).await
    }

    /// A version with its tags and aliases.
    pub async fn model_version(&self, name: String, version: i64) -> Result<ModelVersion> {
        self.db.read(name, move |conn, name| Box::pin(get(conn, name, version))).await
    }

    /// Changes the description; `None` clears it.
    pub async fn update_model_version(
        &self,
        name: String,
        version: i64,
        description: Option<String>,
        author: Author,
    ) -> Result<ModelVersion> {
        let data = (name, description, self.deed(author));
        self.db
            .write(data, move |conn, (name, text, deed)| {
                Box::pin(update(conn, name, version, text.as_deref(), deed))
            })
            .await
    }

    /// Moves a version to a stage.
    pub async fn transition_model_version(
        &self,
        name: String,
        version: i64,
        to: StageMove,
        author: Author,
    ) -> Result<ModelVersion> {
        let data = (name, to, self.deed(author));
        self.db
            .write(data, move |conn, (name, to, deed)| {
                Box::pin(transition(conn, name, version, *to, deed))
            })
            .await
    }

    /// Deletes a version and the aliases that name it. Its number is not used again.
    pub async fn delete_model_version(
        &self,
        name: String,
        version: i64,
        author: Author,
    ) -> Result<()> {
        let data = (name, self.deed(author));
        self.db
            .write(data, move |conn, (name, deed)| Box::pin(delete(conn, name, version, deed)))
            .await
    }
}

async fn create(conn: &mut Conn, new: &NewModelVersion, deed: &Deed) -> Result<ModelVersion> {
    let model = find(conn, &new.name).await?;
    let sql = "UPDATE registered_model SET last_version = last_version + 1, updated_ms = $1 \
               WHERE id = $2 RETURNING last_version";
    let version =
        conn.query_one(sql, &[deed.at_ms.into(), model.id.into()], |row| row.int(0)).await?;
    let sql = "INSERT INTO model_version (model, version, description, stage, source, \
               storage_location, run, run_link, status, created_ms, updated_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id";
    let row = [
        model.id.into(),
        version.into(),
        (&new.description).into(),
        rows::number(ModelStage::None.number()).into(),
        (&new.source).into(),
        new.storage_location.as_deref().into(),
        new.run_id.as_deref().into(),
        (&new.run_link).into(),
        rows::number(ModelVersionStatus::Ready.number()).into(),
        deed.at_ms.into(),
        deed.at_ms.into(),
    ];
    let id = conn.query_one(sql, &row, |row| row.int(0)).await?;
    insert_tags(conn, id, &new.tags).await?;
    if let Some(model_id) = new.model_id.as_deref().filter(|id| !id.is_empty()) {
        let item = json!({ "name": new.name, "version": version });
        logged_models::append_to_tag(conn, model_id, MODEL_VERSIONS_TAG, item).await?;
    }
    let event = NewEvent {
        version: Some(version),
        new: Some(&new.source),
        run: new.run_id.as_deref(),
        ..NewEvent::new(Action::VersionCreated, model.subject())
    };
    events::append(conn, deed, &event).await?;
    get(conn, &new.name, version).await
}

pub(super) async fn insert_tags(conn: &mut Conn, id: i64, tags: &[KeyValue]) -> Result<()> {
    let rows: Vec<Param<'_>> = crate::tags::last_of_each(tags)
        .flat_map(|tag| [id.into(), (&tag.key).into(), (&tag.value).into()])
        .collect();
    conn.insert_many(TAGS, &rows).await?;
    Ok(())
}

pub(super) async fn get(conn: &mut Conn, name: &str, version: i64) -> Result<ModelVersion> {
    let sql = [
        "SELECT ",
        COLUMNS,
        " FROM registered_model m JOIN model_version v ON v.model = m.id \
               WHERE m.name = $1 AND v.version = $2",
    ]
    .concat();
    let found = conn.query_opt(&sql, &[name.into(), version.into()], |row| read(row, 0)).await?;
    let mut found = found.ok_or_else(|| no_version(name, version))?;
    load(conn, std::slice::from_mut(&mut found)).await?;
    load_aliases(conn, &mut found).await?;
    Ok(found)
}

/// Reads [`COLUMNS`], from column `first` on.
pub(super) fn read(row: &Row<'_>, first: usize) -> modelyard_database::Result<ModelVersion> {
    Ok(ModelVersion {
        id: row.int(first)?,
        model: row.int(first + 1)?,
        name: row.string(first + 2)?,
        version: row.int(first + 3)?,
        description: row.opt_string(first + 4)?,
        user_id: row.opt_string(first + 5)?,
        stage: rows::model_stage(row.int(first + 6)?)?,
        source: row.string(first + 7)?,
        storage_location: row.opt_string(first + 8)?,
        run_id: row.opt_string(first + 9)?,
        run_link: row.string(first + 10)?,
        status: rows::version_status(row.int(first + 11)?)?,
        status_message: row.opt_string(first + 12)?,
        created_ms: row.int(first + 13)?,
        updated_ms: row.int(first + 14)?,
        tags: Vec::new(),
        aliases: Vec::new(),
    })
}

/// Fills in the tags.
pub(super) async fn load(conn: &mut Conn, versions: &mut [ModelVersion]) -> Result<()> {
    let select =
        "SELECT id, key, value FROM model_version_tag WHERE id IN ({ids}) ORDER BY id, key";
    let mut rest = versions;
    while let Some(mut chunk) = Chunk::next(&mut rest, |version| version.id) {
        chunk
            .each(conn, select, |version, row| {
                version.tags.push(crate::tags::read(row, 1)?);
                Ok(())
            })
            .await?;
    }
    Ok(())
}

pub(super) async fn load_aliases(conn: &mut Conn, version: &mut ModelVersion) -> Result<()> {
    let sql = "SELECT alias FROM model_alias WHERE model = $1 AND version = $2 ORDER BY alias";
    let row = [version.model.into(), version.version.into()];
    version.aliases = conn.query(sql, &row, |row| row.string(0)).await?;
    Ok(())
}

async fn update(
    conn: &mut Conn,
    name: &str,
    version: i64,
    description: Option<&str>,
    deed: &Deed,
) -> Result<ModelVersion> {
    let (model, found) = find_version(conn, name, version).await?;
    let sql = "SELECT description FROM model_version WHERE id = $1";
    let old = conn.query_one(sql, &[found.id.into()], |row| row.opt_string(0)).await?;
    let sql = "UPDATE model_version SET description = $1, updated_ms = $2 WHERE id = $3";
    conn.execute(sql, &[description.into(), deed.at_ms.into(), found.id.into()]).await?;
    let event = NewEvent {
        version: Some(version),
        old: old.as_deref(),
        new: description,
        run: found.run.as_deref(),
        ..NewEvent::new(Action::VersionUpdated, model.subject())
    };
    events::append(conn, deed, &event).await?;
    get(conn, name, version).await
}

async fn transition(
    conn: &mut Conn,
    name: &str,
    version: i64,
    to: StageMove,
    deed: &Deed,
) -> Result<ModelVersion> {
    let (model, found) = find_version(conn, name, version).await?;
    let mut moves = Vec::new();
    if to.archive_existing {
        let sql = "SELECT id, version, stage, run FROM model_version \
                   WHERE model = $1 AND stage = $2 AND version <> $3 ORDER BY version";
        let row = [model.id.into(), rows::number(to.to.number()).into(), version.into()];
        for found in conn.query(sql, &row, FoundVersion::read).await? {
            moves.push((found, ModelStage::Archived));
        }
    }
    moves.push((found, to.to));
    for (found, to) in &moves {
        let sql = "UPDATE model_version SET stage = $1, updated_ms = $2 WHERE id = $3";
        let row = [rows::number(to.number()).into(), deed.at_ms.into(), found.id.into()];
        conn.execute(sql, &row).await?;
        let event = NewEvent {
            version: Some(found.version),
            old: Some(found.stage.name()),
            new: Some(to.name()),
            run: found.run.as_deref(),
            ..NewEvent::new(Action::StageChanged, model.subject())
        };
        events::append(conn, deed, &event).await?;
    }
    touch(conn, model.id, deed.at_ms).await?;
    get(conn, name, version).await
}

async fn delete(conn: &mut Conn, name: &str, version: i64, deed: &Deed) -> Result<()> {
    let (model, found) = find_version(conn, name, version).await?;
    let sql = "SELECT alias FROM model_alias WHERE model = $1 AND version = $2 ORDER BY alias";
    let aliases = conn.query(sql, &[model.id.into(), version.into()], |row| row.string(0)).await?;
    let number = version.to_string();
    for alias in &aliases {
        let sql = "DELETE FROM model_alias WHERE model = $1 AND alias = $2";
        conn.execute(sql, &[model.id.into(), alias.into()]).await?;
        let event = NewEvent {
            version: Some(version),
            key: Some(alias),
            old: Some(&number),
            ..NewEvent::new(Action::AliasDeleted, model.subject())
        };
        events::append(conn, deed, &event).await?;
    }
    let event = NewEvent {
        version: Some(version),
        run: found.run.as_deref(),
        ..NewEvent::new(Action::VersionDeleted, model.subject())
    };
    events::append(conn, deed, &event).await?;
    for sql in [
        "DELETE FROM version_check WHERE id = $1",
        "DELETE FROM model_version_tag WHERE id = $1",
        "DELETE FROM model_version WHERE id = $1",
    ] {
        conn.execute(sql, &[found.id.into()]).await?;
    }
    touch(conn, model.id, deed.at_ms).await
}
