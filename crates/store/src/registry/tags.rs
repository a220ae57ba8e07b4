//! Tags of registered models and of versions.

use modelyard_database::Conn;

use super::models::TAGS;
use super::{find, find_version, versions};
use crate::events::{self, Action, Author, Deed, NewEvent};
use crate::rows::KeyValue;
use crate::{Result, Store};

impl Store {
    /// Sets a tag of a registered model.
    pub async fn set_registered_model_tag(
        &self,
        name: String,
        tag: KeyValue,
        author: Author,
    ) -> Result<()> {
        let data = (name, tag, self.deed(author));
        self.db
            .write(data, |conn, (name, tag, deed)| Box::pin(set_on_model(conn, name, tag, deed)))
            .await
    }

    /// Removes a tag of a registered model; not an error when it is not there.
    pub async fn delete_registered_model_tag(
        &self,
        name: String,
        key: String,
        author: Author,
    ) -> Result<()> {
        let data = (name, key, self.deed(author));
        self.db
            .write(data, |conn, (name, key, deed)| {
                Box::pin(delete_from_model(conn, name, key, deed))
            })
            .await
    }

    /// Sets a tag of a version.
    pub async fn set_model_version_tag(
        &self,
        name: String,
        version: i64,
        tag: KeyValue,
        author: Author,
    ) -> Result<()> {
        let data = (name, tag, self.deed(author));
        self.db
            .write(data, move |conn, (name, tag, deed)| {
                Box::pin(set_on_version(conn, name, version, tag, deed))
            })
            .await
    }

    /// Removes a tag of a version; not an error when it is not there.
    pub async fn delete_model_version_tag(
        &self,
        name: String,
        version: i64,
        key: String,
        author: Author,
    ) -> Result<()> {
        let data = (name, key, self.deed(author));
        self.db
            .write(data, move |conn, (name, key, deed)| {
                Box::pin(delete_from_version(conn, name, version, key, deed))
            })
            .await
    }
}

async fn set_on_model(conn: &mut Conn, name: &str, tag: &KeyValue, deed: &Deed) -> Result<()> {
    let model = find(conn, name).await?;
    let sql = "SELECT value FROM registered_model_tag WHERE model = $1 AND key = $2";
    let row = [model.id.into(), (&tag.key).into()];
    let old = conn.query_opt(sql, &row, |row| row.string(0)).await?;
    let row = [model.id.into(), (&tag.key).into(), (&tag.value).into()];
    conn.insert_many(TAGS, &row).await?;
    let event = NewEvent {
        key: Some(&tag.key),
        old: old.as_deref(),
        new: Some(&tag.value),
        ..NewEvent::new(Action::ModelTagSet, model.subject())
    };
    events::append(conn, deed, &event).await?;
    Ok(())
}

async fn delete_from_model(conn: &mut Conn, name: &str, key: &str, deed: &Deed) -> Result<()> {
    let model = find(conn, name).await?;
    let sql = "DELETE FROM registered_model_tag WHERE model = $1 AND key = $2 RETURNING value";
    let row = [model.id.into(), key.into()];
    let old = conn.query_opt(sql, &row, |row| row.string(0)).await?;
    let event = NewEvent {
        key: Some(key),
        old: old.as_deref(),
        ..NewEvent::new(Action::ModelTagDeleted, model.subject())
    };
    if old.is_some() {
        events::append(conn, deed, &event).await?;
    }
    Ok(())
}

async fn set_on_version(
    conn: &mut Conn,
    name: &str,
    version: i64,
    tag: &KeyValue,
    deed: &Deed,
) -> Result<()> {
    let (model, found) = find_version(conn, name, version).await?;
    let sql = "SELECT value FROM model_version_tag WHERE id = $1 AND key = $2";
    let row = [found.id.into(), (&tag.key).into()];
    let old = conn.query_opt(sql, &row, |row| row.string(0)).await?;
    versions::insert_tags(conn, found.id, std::slice::from_ref(tag)).await?;
    let event = NewEvent {
        version: Some(version),
        key: Some(&tag.key),
        old: old.as_deref(),
        new: Some(&tag.value),
        run: found.run.as_deref(),
        ..NewEvent::new(Action::VersionTagSet, model.subject())
    };
    events::append(conn, deed, &event).await?;
    Ok(())
}

async fn delete_from_version(
    conn: &mut Conn,
    name: &str,
    version: i64,
    key: &str,
    deed: &Deed,
) -> Result<()> {
    let (model, found) = find_version(conn, name, version).await?;
    let sql = "DELETE FROM model_version_tag WHERE id = $1 AND key = $2 RETURNING value";
    let row = [found.id.into(), key.into()];
    let old = conn.query_opt(sql, &row, |row| row.string(0)).await?;
    let event = NewEvent {
        version: Some(version),
        key: Some(key),
        old: old.as_deref(),
        run: found.run.as_deref(),
        ..NewEvent::new(Action::VersionTagDeleted, model.subject())
    };
    if old.is_some() {
        events::append(conn, deed, &event).await?;
    }
    Ok(())
}
