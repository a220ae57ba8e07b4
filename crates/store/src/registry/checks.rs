//! Checks of versions, and the aliases that they protect.

use modelyard_database::{Conn, Insert, Kind, Param};
use modelyard_protocol::limits::MAX_CHECKS_PER_ALIAS;
use modelyard_protocol::{Error as Rule, ErrorCode};

use super::{Found, FoundVersion, find, find_version, id_of, no_model, no_version};
use crate::events::{self, Action, Author, Deed, NewEvent};
use crate::{Error, Result, Store};

/// A protected alias: it moves only to versions that have passed each of the checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasPolicy {
    /// The alias.
    pub alias: String,
    /// The names of the checks, sorted.
    pub checks: Vec<String>,
}

/// What a check of a version has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCheckOutcome {
    /// The name of the check.
    pub check: String,
    /// Whether the version passed.
    pub passed: bool,
    /// What was found; may be empty.
    pub details: String,
    /// The run that did the checking; may be empty.
    pub run_id: String,
}

/// The newest outcome of a check of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOutcome {
    /// What was found.
    pub found: NewCheckOutcome,
    /// When, milliseconds since the epoch.
    pub checked_ms: i64,
}

const CHECKS: Insert = Insert {
    into: "INSERT INTO alias_check (model, alias, name)",
    kinds: &[Kind::Int, Kind::Text, Kind::Text],
    conflict: "ON CONFLICT DO NOTHING",
};

impl Store {
    /// Demands checks of every version that an alias is moved to; none lifts the protection. The version that
    /// it names now may stay. Returns the policy as it is kept.
    pub async fn set_alias_policy(
        &self,
        name: String,
        policy: AliasPolicy,
        author: Author,
    ) -> Result<AliasPolicy> {
        let data = (name, policy, self.deed(author));
        self.db
            .write(data, |conn, (name, policy, deed)| Box::pin(protect(conn, name, policy, deed)))
            .await
    }

    /// The protected aliases of a model, by name.
    pub async fn alias_policies(&self, name: String) -> Result<Vec<AliasPolicy>> {
        self.db.read(name, |conn, name| Box::pin(policies(conn, name))).await
    }

    /// Notes the outcome of a check of a version, in place of an earlier one.
    pub async fn record_check(
        &self,
        name: String,
        version: i64,
        outcome: NewCheckOutcome,
        author: Author,
    ) -> Result<()> {
        let data = (name, outcome, self.deed(author));
        self.db
            .write(data, move |conn, (name, outcome, deed)| {
                Box::pin(record(conn, name, version, outcome, deed))
            })
            .await
    }

    /// The newest outcome of every check of a version, by name.
    pub async fn checks(&self, name: String, version: i64) -> Result<Vec<CheckOutcome>> {
        self.db.read(name, move |conn, name| Box::pin(outcomes(conn, name, version))).await
    }
}

async fn protect(
    conn: &mut Conn,
    name: &str,
    policy: &AliasPolicy,
    deed: &Deed,
) -> Result<AliasPolicy> {
    if policy.checks.len() > MAX_CHECKS_PER_ALIAS {
        return Err(Error::invalid(format!(
            "An alias can demand at most {MAX_CHECKS_PER_ALIAS} checks, got {}.",
            policy.checks.len()
        )));
    }
    let model = find(conn, name).await?;
    let old = demanded(conn, model.id, &policy.alias).await?;
    let sql = "DELETE FROM alias_check WHERE model = $1 AND alias = $2";
    conn.execute(sql, &[model.id.into(), (&policy.alias).into()]).await?;
    let mut names = policy.checks.clone();
    names.sort_unstable();
    names.dedup();
    let rows: Vec<Param<'_>> = names
        .iter()
        .flat_map(|check| [model.id.into(), (&policy.alias).into(), check.into()])
        .collect();
    conn.insert_many(CHECKS, &rows).await?;
    let (old, new) = (old.join(", "), names.join(", "));
    let event = NewEvent {
        key: Some(&policy.alias),
        old: Some(old.as_str()).filter(|old| !old.is_empty()),
        new: Some(new.as_str()).filter(|new| !new.is_empty()),
        ..NewEvent::new(Action::PolicySet, model.subject())
    };
    events::append(conn, deed, &event).await?;
    Ok(AliasPolicy { alias: policy.alias.clone(), checks: names })
}

async fn demanded(conn: &mut Conn, model: i64, alias: &str) -> Result<Vec<String>> {
    let sql = "SELECT name FROM alias_check WHERE model = $1 AND alias = $2 ORDER BY name";
    Ok(conn.query(sql, &[model.into(), alias.into()], |row| row.string(0)).await?)
}

async fn policies(conn: &mut Conn, name: &str) -> Result<Vec<AliasPolicy>> {
    let model = id_of(conn, name).await?.ok_or_else(|| no_model(name))?;
    let sql = "SELECT alias, name FROM alias_check WHERE model = $1 ORDER BY alias, name";
    let rows = conn.query(sql, &[model.into()], |row| Ok((row.string(0)?, row.string(1)?))).await?;
    let mut found: Vec<AliasPolicy> = Vec::new();
    for (alias, check) in rows {
        match found.last_mut() {
            Some(last) if last.alias == alias => last.checks.push(check),
            _ => found.push(AliasPolicy { alias, checks: vec![check] }),
        }
    }
    Ok(found)
}

async fn record(
    conn: &mut Conn,
    name: &str,
    version: i64,
    outcome: &NewCheckOutcome,
    deed: &Deed,
) -> Result<()> {
    let (model, found) = find_version(conn, name, version).await?;
    let sql = "SELECT passed FROM version_check WHERE id = $1 AND name = $2";
    let row = [found.id.into(), (&outcome.check).into()];
    let old = conn.query_opt(sql, &row, |row| row.flag(0)).await?;
    let sql = "INSERT INTO version_check (id, name, passed, details, run, checked_ms) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id, name) DO UPDATE SET \
               passed = excluded.passed, details = excluded.details, run = excluded.run, \
               checked_ms = excluded.checked_ms";
    let row = [
        found.id.into(),
        (&outcome.check).into(),
        outcome.passed.into(),
        (&outcome.details).into(),
        (&outcome.run_id).into(),
        deed.at_ms.into(),
    ];
    conn.execute(sql, &row).await?;
    let word = |passed| if passed { "passed" } else { "failed" };
    let event = NewEvent {
        version: Some(version),
        key: Some(&outcome.check),
        old: old.map(word),
        new: Some(word(outcome.passed)),
        run: Some(&outcome.run_id),
        ..NewEvent::new(Action::CheckRecorded, model.subject())
    };
    events::append(conn, deed, &event).await?;
    Ok(())
}

async fn outcomes(conn: &mut Conn, name: &str, version: i64) -> Result<Vec<CheckOutcome>> {
    let sql = "SELECT v.id FROM registered_model m JOIN model_version v ON v.model = m.id \
               WHERE m.name = $1 AND v.version = $2";
    let id = conn.query_opt(sql, &[name.into(), version.into()], |row| row.int(0)).await?;
    let id = id.ok_or_else(|| no_version(name, version))?;
    let sql = "SELECT name, passed, details, run, checked_ms FROM version_check WHERE id = $1 \
               ORDER BY name";
    let found = conn
        .query(sql, &[id.into()], |row| {
            Ok(CheckOutcome {
                found: NewCheckOutcome {
                    check: row.string(0)?,
                    passed: row.flag(1)?,
                    details: row.string(2)?,
                    run_id: row.string(3)?,
                },
                checked_ms: row.int(4)?,
            })
        })
        .await?;
    Ok(found)
}

/// Refuses to move a protected alias to a version that has not passed all of its checks.
pub(super) async fn require(
    conn: &mut Conn,
    model: &Found,
    alias: &str,
    version: &FoundVersion,
) -> Result<()> {
    let sql = "SELECT a.name FROM alias_check a WHERE a.model = $1 AND a.alias = $2 \
               AND NOT EXISTS (SELECT 1 FROM version_check c \
               WHERE c.id = $3 AND c.name = a.name AND c.passed = 1) ORDER BY a.name";
    let row = [model.id.into(), alias.into(), version.id.into()];
    let open = conn.query(sql, &row, |row| row.string(0)).await?;
    if open.is_empty() {
        return Ok(());
    }
    let message = format!(
        "The alias '{alias}' of '{}' is protected: version {} has not passed {}. Record the outcome \
         of each check, or change the alias's policy.",
        model.name,
        version.version,
        open.iter().map(|check| format!("'{check}'")).collect::<Vec<_>>().join(", ")
    );
    Err(Rule::new(ErrorCode::PermissionDenied, message).into())
}
