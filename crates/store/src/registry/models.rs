//! Registered models, from creation to deletion.

use modelyard_database::{Conn, Insert, Kind, Param, Row};
use modelyard_protocol::names::is_prompt;

use super::versions::{self, COLUMNS};
use super::{RegisteredModel, find, id_of, no_model};
use crate::chunks::Chunk;
use crate::events::{self, Action, Author, Deed, NewEvent, Subject};
use crate::rows::KeyValue;
use crate::{Error, Result, Store};

/// What is needed to register a model.
#[derive(Debug, Clone)]
pub struct NewRegisteredModel {
    /// The name.
    pub name: String,
    /// What it is; may be empty.
    pub description: String,
    /// Tags; of equal keys the last wins.
    pub tags: Vec<KeyValue>,
}

pub(super) const TAGS: Insert = Insert {
    into: "INSERT INTO registered_model_tag (model, key, value)",
    kinds: &[Kind::Int, Kind::Text, Kind::Text],
    conflict: "ON CONFLICT (model, key) DO UPDATE SET value = excluded.value",
};

impl Store {
    /// Registers a model under a name that is free.
    pub async fn create_registered_model(
        &self,
        new: NewRegisteredModel,
        author: Author,
    ) -> Result<RegisteredModel> {
        let data = (new, self.deed(author));
        self.db.write(data, |conn, (new, deed)| Box::pin(create(conn, new, deed))).await
    }

    /// A registered model with its tags, aliases and newest versions.
    pub async fn registered_model(&self, name: String) -> Result<RegisteredModel> {
        self.db.read(name, |conn, name| Box::pin(get(conn, name))).await
    }

    /// Changes the description.
    pub async fn update_registered_model(
        &self,
        name: String,
        description: String,
        author: Author,
    ) -> Result<RegisteredModel> {
        let data = (name, description, self.deed(author));
        self.db
            .write(data, |conn, (name, text, deed)| Box::pin(update(conn, name, text, deed)))
            .await
    }

    /// Gives a registered model another name. Its versions count as changed too.
    pub async fn rename_registered_model(
        &self,
        name: String,
        new_name: String,
        author: Author,
    ) -> Result<RegisteredModel> {
        let data = (name, new_name, self.deed(author));
        self.db.write(data, |conn, (name, new, deed)| Box::pin(rename(conn, name, new, deed))).await
    }

    /// Deletes a registered model with all that belongs to it, except its events. Its name is free again.
    pub async fn delete_registered_model(&self, name: String, author: Author) -> Result<()> {
        let data = (name, self.deed(author));
        self.db.write(data, |conn, (name, deed)| Box::pin(delete(conn, name, deed))).await
    }
}

async fn create(conn: &mut Conn, new: &NewRegisteredModel, deed: &Deed) -> Result<RegisteredModel> {
    let sql = "INSERT INTO registered_model (name, description, created_ms, updated_ms, last_version) \
               VALUES ($1, $2, $3, $4, 0) ON CONFLICT (name) DO NOTHING RETURNING id";
    let row = [(&new.name).into(), (&new.description).into(), deed.at_ms.into(), deed.at_ms.into()];
    let prompt = is_prompt(new.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())));
    let Some(id) = conn.query_opt(sql, &row, |row| row.int(0)).await? else {
        let taken_by_prompt = find(conn, &new.name).await?.prompt;
        return Err(name_taken(&new.name, taken_by_prompt, prompt));
    };
    let tags = crate::tags::last_of_each(&new.tags);
    let rows: Vec<Param<'_>> =
        tags.flat_map(|tag| [id.into(), (&tag.key).into(), (&tag.value).into()]).collect();
    conn.insert_many(TAGS, &rows).await?;
    let subject = Subject { id, name: &new.name, prompt };
    events::append(conn, deed, &NewEvent::new(Action::ModelCreated, subject)).await?;
    get(conn, &new.name).await
}

/// MLflow's words: a model and a prompt cannot share a name.
fn name_taken(name: &str, old_is_prompt: bool, new_is_prompt: bool) -> Error {
    let kind = |is_prompt| if is_prompt { "Prompt" } else { "Registered Model" };
    let (old, new) = (kind(old_is_prompt), kind(new_is_prompt));
    if old == new {
        return Error::exists(format!("{new} (name={name}) already exists."));
    }
    let (old, new) = (old.to_lowercase(), new.to_lowercase());
    Error::exists(format!(
        "Tried to create a {new} with name '{name}', but the name is already taken by a {old}. \
         MLflow does not allow creating a model and a prompt with the same name."
    ))
}

pub(super) async fn get(conn: &mut Conn, name: &str) -> Result<RegisteredModel> {
    let sql = "SELECT id, name, description, created_ms, updated_ms FROM registered_model \
               WHERE name = $1";
    let found = conn.query_opt(sql, &[name.into()], read).await?;
    let mut model = found.ok_or_else(|| no_model(name))?;
    load(conn, std::slice::from_mut(&mut model)).await?;
    Ok(model)
}

/// Reads id, name, description, creation and last change.
pub(super) fn read(row: &Row<'_>) -> modelyard_database::Result<RegisteredModel> {
    Ok(RegisteredModel {
        id: row.int(0)?,
        name: row.string(1)?,
        description: row.opt_string(2)?.unwrap_or_default(),
        created_ms: row.int(3)?,
        updated_ms: row.int(4)?,
        tags: Vec::new(),
        aliases: Vec::new(),
        latest: Vec::new(),
    })
}

/// Fills in tags, aliases and the newest versions.
pub(super) async fn load(conn: &mut Conn, models: &mut [RegisteredModel]) -> Result<()> {
    let mut rest = models;
    while let Some(mut chunk) = Chunk::next(&mut rest, |model| model.id) {
        load_chunk(conn, &mut chunk).await?;
    }
    Ok(())
}

/// The newest version of each stage, by index; the stages in the order of their first versions, as MLflow.
const LATEST: &str = " FROM registered_model m \
    CROSS JOIN (SELECT 0 AS stage UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) s \
    JOIN model_version v ON v.model = m.id AND v.version = \
    (SELECT max(o.version) FROM model_version o WHERE o.model = m.id AND o.stage = s.stage) \
    WHERE m.id IN ({ids}) ORDER BY m.id, \
    (SELECT min(o.version) FROM model_version o WHERE o.model = m.id AND o.stage = s.stage)";

async fn load_chunk(conn: &mut Conn, chunk: &mut Chunk<'_, RegisteredModel>) -> Result<()> {
    let select = "SELECT model, key, value FROM registered_model_tag WHERE model IN ({ids}) \
                  ORDER BY model, key";
    chunk
        .each(conn, select, |model, row| {
            model.tags.push(crate::tags::read(row, 1)?);
            Ok(())
        })
        .await?;
    let select = "SELECT model, alias, version FROM model_alias WHERE model IN ({ids}) \
                  ORDER BY model, alias";
    chunk
        .each(conn, select, |model, row| {
            model.aliases.push((row.string(1)?, row.int(2)?));
            Ok(())
        })
        .await?;
    let select = ["SELECT m.id, ", COLUMNS, LATEST].concat();
    let mut latest = Vec::new();
    chunk
        .each(conn, &select, |_, row| {
            latest.push(versions::read(row, 1)?);
            Ok(())
        })
        .await?;
    versions::load(conn, &mut latest).await?;
    for version in latest {
        if let Some(model) = chunk.get(version.model) {
            model.latest.push(version);
        }
    }
    Ok(())
}

async fn update(
    conn: &mut Conn,
    name: &str,
    description: &str,
    deed: &Deed,
) -> Result<RegisteredModel> {
    let model = find(conn, name).await?;
    let sql = "SELECT description FROM registered_model WHERE id = $1";
    let old = conn.query_one(sql, &[model.id.into()], |row| row.opt_string(0)).await?;
    let sql = "UPDATE registered_model SET description = $1, updated_ms = $2 WHERE id = $3";
    conn.execute(sql, &[description.into(), deed.at_ms.into(), model.id.into()]).await?;
    let event = NewEvent {
        old: old.as_deref(),
        new: Some(description),
        ..NewEvent::new(Action::ModelUpdated, model.subject())
    };
    events::append(conn, deed, &event).await?;
    get(conn, name).await
}

async fn rename(
    conn: &mut Conn,
    name: &str,
    new_name: &str,
    deed: &Deed,
) -> Result<RegisteredModel> {
    let model = find(conn, name).await?;
    let exists = || Error::exists(format!("Registered Model (name={new_name}) already exists."));
    if id_of(conn, new_name).await?.is_some_and(|taken| taken != model.id) {
        return Err(exists());
    }
    let now = deed.at_ms;
    let sql = "UPDATE registered_model SET name = $1, updated_ms = $2 WHERE id = $3";
    conn.execute(sql, &[new_name.into(), now.into(), model.id.into()])
        .await
        .map_err(|error| Error::from(error).on_unique(exists))?;
    let sql = "UPDATE model_version SET updated_ms = $1 WHERE model = $2";
    conn.execute(sql, &[now.into(), model.id.into()]).await?;
    let event = NewEvent {
        old: Some(name),
        new: Some(new_name),
        ..NewEvent::new(Action::ModelRenamed, model.subject())
    };
    events::append(conn, deed, &event).await?;
    get(conn, new_name).await
}

async fn delete(conn: &mut Conn, name: &str, deed: &Deed) -> Result<()> {
    let model = find(conn, name).await?;
    let event = NewEvent::new(Action::ModelDeleted, model.subject());
    events::append(conn, deed, &event).await?;
    for sql in [
        "DELETE FROM alias_check WHERE model = $1",
        "DELETE FROM model_alias WHERE model = $1",
        "DELETE FROM version_check WHERE id IN (SELECT id FROM model_version WHERE model = $1)",
        "DELETE FROM model_version_tag WHERE id IN (SELECT id FROM model_version WHERE model = $1)",
        "DELETE FROM model_version WHERE model = $1",
        "DELETE FROM registered_model_tag WHERE model = $1",
        "DELETE FROM registered_model WHERE id = $1",
    ] {
        conn.execute(sql, &[model.id.into()]).await?;
    }
    Ok(())
}
