//! Aliases: names that move from version to version.

use modelyard_database::Conn;

use super::checks;
use super::{Found, FoundVersion, ModelVersion, find, find_version, id_of, no_model, versions};
use crate::events::{self, Action, Author, Deed, NewEvent};
use crate::{Error, Result, Store};

/// An alias that was moved back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollback {
    /// The version that it named.
    pub from: i64,
    /// The version that it names now.
    pub to: i64,
}

impl Store {
    /// Makes an alias name a version; a protected one only if the version has passed its checks.
    pub async fn set_model_alias(
        &self,
        name: String,
        alias: String,
        version: i64,
        author: Author,
    ) -> Result<()> {
        let data = (name, alias, self.deed(author));
        self.db
            .write(data, move |conn, (name, alias, deed)| {
                Box::pin(set(conn, name, alias, version, deed))
            })
            .await
    }

    /// Removes an alias; not an error when it is not there.
    pub async fn delete_model_alias(
        &self,
        name: String,
        alias: String,
        author: Author,
    ) -> Result<()> {
        let data = (name, alias, self.deed(author));
        self.db
            .write(data, |conn, (name, alias, deed)| Box::pin(delete(conn, name, alias, deed)))
            .await
    }

    /// Moves an alias back to the version that it named before, or to an earlier one.
    pub async fn roll_back_alias(
        &self,
        name: String,
        alias: String,
        to: Option<i64>,
        author: Author,
    ) -> Result<Rollback> {
        let data = (name, alias, self.deed(author));
        self.db
            .write(data, move |conn, (name, alias, deed)| {
                Box::pin(roll_back(conn, name, alias, to, deed))
            })
            .await
    }

    /// The version that an alias names. `latest`, in any case, is the newest one.
    pub async fn model_version_by_alias(
        &self,
        name: String,
        alias: String,
    ) -> Result<ModelVersion> {
        self.db
            .read((name, alias), |conn, (name, alias)| Box::pin(by_alias(conn, name, alias)))
            .await
    }
}

async fn set(conn: &mut Conn, name: &str, alias: &str, version: i64, deed: &Deed) -> Result<()> {
    let (model, found) = find_version(conn, name, version).await?;
    point(conn, &model, alias, &found, deed).await
}

/// Makes an alias name a version, and notes it.
async fn point(
    conn: &mut Conn,
    model: &Found,
    alias: &str,
    version: &FoundVersion,
    deed: &Deed,
) -> Result<()> {
    checks::require(conn, model, alias, version).await?;
    let old = named(conn, model.id, alias).await?.map(|old| old.to_string());
    let sql = "INSERT INTO model_alias (model, alias, version) VALUES ($1, $2, $3) \
               ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version";
    conn.execute(sql, &[model.id.into(), alias.into(), version.version.into()]).await?;
    let new = version.version.to_string();
    let event = NewEvent {
        version: Some(version.version),
        key: Some(alias),
        old: old.as_deref(),
        new: Some(&new),
        run: version.run.as_deref(),
        ..NewEvent::new(Action::AliasSet, model.subject())
    };
    events::append(conn, deed, &event).await?;
    Ok(())
}

/// The version that an alias names.
async fn named(conn: &mut Conn, model: i64, alias: &str) -> Result<Option<i64>> {
    let sql = "SELECT version FROM model_alias WHERE model = $1 AND alias = $2";
    Ok(conn.query_opt(sql, &[model.into(), alias.into()], |row| row.int(0)).await?)
}

async fn delete(conn: &mut Conn, name: &str, alias: &str, deed: &Deed) -> Result<()> {
    let model = find(conn, name).await?;
    let Some(version) = named(conn, model.id, alias).await? else { return Ok(()) };
    let sql = "DELETE FROM model_alias WHERE model = $1 AND alias = $2";
    conn.execute(sql, &[model.id.into(), alias.into()]).await?;
    let old = version.to_string();
    let event = NewEvent {
        version: Some(version),
        key: Some(alias),
        old: Some(&old),
        ..NewEvent::new(Action::AliasDeleted, model.subject())
    };
    events::append(conn, deed, &event).await?;
    Ok(())
}

async fn roll_back(
    conn: &mut Conn,
    name: &str,
    alias: &str,
    to: Option<i64>,
    deed: &Deed,
) -> Result<Rollback> {
    let model = find(conn, name).await?;
    let Some(from) = named(conn, model.id, alias).await? else {
        return Err(no_alias(alias));
    };
    let earlier = earlier(conn, model.id, alias).await?;
    let to = match to {
        Some(to) if earlier.contains(&to) => to,
        Some(to) => {
            return Err(Error::invalid(format!(
                "The alias '{alias}' of '{name}' did not name version {to} before version {from}; \
                 set the alias to move it there."
            )));
        }
        None => last_existing(conn, model.id, &earlier).await?.ok_or_else(|| {
            Error::invalid(format!(
                "The alias '{alias}' of '{name}' named no version before version {from} that still \
                 exists."
            ))
        })?,
    };
    let (model, version) = find_version(conn, name, to).await?;
    point(conn, &model, alias, &version, deed).await?;
    Ok(Rollback { from, to })
}

/// The versions that an alias named before the one that it names now, the last one last. Going back to one
/// makes those after it forgotten, so that a second rollback goes further back.
async fn earlier(conn: &mut Conn, model: i64, alias: &str) -> Result<Vec<i64>> {
    let targets = events::alias_targets(conn, model, alias).await?;
    let mut path: Vec<i64> = Vec::new();
    for target in targets {
        match path.iter().position(|earlier| *earlier == target) {
            Some(at) => path.truncate(at + 1),
            None => path.push(target),
        }
    }
    path.pop();
    Ok(path)
}

async fn last_existing(conn: &mut Conn, model: i64, versions: &[i64]) -> Result<Option<i64>> {
    let sql = "SELECT version FROM model_version WHERE model = $1 AND version = $2";
    for version in versions.iter().rev() {
        let row = [model.into(), (*version).into()];
        if conn.query_opt(sql, &row, |row| row.int(0)).await?.is_some() {
            return Ok(Some(*version));
        }
    }
    Ok(None)
}

async fn by_alias(conn: &mut Conn, name: &str, alias: &str) -> Result<ModelVersion> {
    let model = id_of(conn, name).await?.ok_or_else(|| no_model(name))?;
    if alias.eq_ignore_ascii_case("latest") {
        let sql = "SELECT max(version) FROM model_version WHERE model = $1";
        let newest = conn.query_one(sql, &[model.into()], |row| row.opt_int(0)).await?;
        let newest = newest.ok_or_else(|| {
            Error::not_found(format!("Latest version not found for model {name}."))
        })?;
        return versions::get(conn, name, newest).await;
    }
    let version = named(conn, model, alias).await?.ok_or_else(|| no_alias(alias))?;
    versions::get(conn, name, version).await
}

/// MLflow's code: a client that asks for an alias that is not there has sent a wrong value.
fn no_alias(alias: &str) -> Error {
    Error::invalid(format!("Registered model alias {alias} not found."))
}
