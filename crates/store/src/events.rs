//! The audit trail: one row for each change of the registry, written in the transaction of the change.

use modelyard_database::{Conn, Row, Sql};
use modelyard_protocol::page_token::KeyValue as Key;
pub use modelyard_protocol::states::RegistryAction as Action;

use crate::rows::{self, Cursor, Page, number, one_more};
use crate::webhooks::{self, Outbox};
use crate::{Result, Store, registry};

/// Who changes something, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The name by which the caller is known.
    pub name: String,
    /// What the caller gave as the reason.
    pub reason: Option<String>,
}

/// A change, as it is kept for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number; later changes have greater ones.
    pub id: i64,
    /// When, milliseconds since the epoch.
    pub at_ms: i64,
    /// Who.
    pub actor: String,
    /// What.
    pub action: Action,
    /// The registered model's name at that time.
    pub name: String,
    /// Whether the registered model was a prompt.
    pub prompt: bool,
    /// The version, if it concerns one.
    pub version: Option<i64>,
    /// The alias, tag or check.
    pub key: Option<String>,
    /// The value before: a version, stage, tag, name or description.
    pub old: Option<String>,
    /// The value after.
    pub new: Option<String>,
    /// The run behind the version, or behind the check.
    pub run_id: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// The registered model that a change concerns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) id: i64,
    pub(crate) name: &'a str,
    pub(crate) prompt: bool,
}

/// A change to be noted; what does not apply stays `None`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewEvent<'a> {
    pub(crate) action: Action,
    pub(crate) subject: Subject<'a>,
    pub(crate) version: Option<i64>,
    pub(crate) key: Option<&'a str>,
    pub(crate) old: Option<&'a str>,
    pub(crate) new: Option<&'a str>,
    pub(crate) run: Option<&'a str>,
}

impl<'a> NewEvent<'a> {
    /// A change of the registered model itself.
    pub(crate) const fn new(action: Action, subject: Subject<'a>) -> Self {
        Self { action, subject, version: None, key: None, old: None, new: None, run: None }
    }
}

/// Who does something, and when; and what it takes to tell webhooks of it.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    pub(crate) author: Author,
    pub(crate) at_ms: i64,
    /// Random bits, from which the ids of deliveries are made.
    pub(crate) chance: u128,
    pub(crate) outbox: Outbox,
}

/// Notes a change, puts it into the outbox of webhooks, and returns its number.
pub(crate) async fn append(conn: &mut Conn, deed: &Deed, event: &NewEvent<'_>) -> Result<i64> {
    let sql = "INSERT INTO event (at_ms, actor, action, subject, name, prompt, version, key, old, new, \
               run, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id";
    let row = [
        deed.at_ms.into(),
        (&deed.author.name).into(),
        number(event.action.number()).into(),
        event.subject.id.into(),
        event.subject.name.into(),
        event.subject.prompt.into(),
        event.version.into(),
        event.key.into(),
        event.old.into(),
        event.new.into(),
        event.run.filter(|run| !run.is_empty()).into(),
        deed.author.reason.as_deref().into(),
    ];
    let id = conn.query_one(sql, &row, |row| row.int(0)).await?;
    webhooks::enqueue(conn, deed, event, id).await?;
    Ok(id)
}

/// The versions that an alias was set to, in order.
pub(crate) async fn alias_targets(conn: &mut Conn, subject: i64, alias: &str) -> Result<Vec<i64>> {
    let sql =
        "SELECT version FROM event WHERE subject = $1 AND action = $2 AND key = $3 ORDER BY id";
    let row = [subject.into(), number(Action::AliasSet.number()).into(), alias.into()];
    Ok(conn.query(sql, &row, |row| row.int(0)).await?)
}

/// Which changes to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Only of the registered model that has this name, or else had it last, under whatever name.
    pub name: Option<String>,
    /// Only of this version.
    pub version: Option<i64>,
    /// Only of this alias, tag or check.
    pub key: Option<String>,
    /// Only by this caller.
    pub actor: Option<String>,
    /// Only since this time, milliseconds since the epoch.
    pub since_ms: Option<i64>,
    /// Only these actions; all if empty.
    pub actions: Vec<Action>,
    /// How many a page has at most.
    pub limit: usize,
    /// The last change of the previous page.
    pub after: Option<Cursor>,
}

impl Store {
    /// A page of the audit trail.
    pub async fn events(&self, query: EventQuery) -> Result<Page<Event>> {
        let after = rows::after_number(query.after.as_deref())?;
        self.db.read(query, move |conn, query| Box::pin(list(conn, query, after))).await
    }
}

pub(crate) const COLUMNS: &str =
    "id, at_ms, actor, action, name, prompt, version, key, old, new, run, reason";

/// The registered model that has a name, or else had it last.
async fn subject(conn: &mut Conn, name: &str) -> Result<Option<i64>> {
    if let Some(id) = registry::id_of(conn, name).await? {
        return Ok(Some(id));
    }
    let sql = "SELECT subject FROM event WHERE name = $1 ORDER BY id DESC LIMIT 1";
    Ok(conn.query_opt(sql, &[name.into()], |row| row.int(0)).await?)
}

async fn list(conn: &mut Conn, query: &EventQuery, after: Option<i64>) -> Result<Page<Event>> {
    let subject = match &query.name {
        Some(name) => match subject(conn, name).await? {
            Some(subject) => Some(subject),
            None => return Ok(Page { rows: Vec::new(), next: None }),
        },
        None => None,
    };
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(" FROM event WHERE 1 = 1");
    if let Some(subject) = subject {
        sql.push(" AND subject = ").bind(subject);
    }
    if let Some(version) = query.version {
        sql.push(" AND version = ").bind(version);
    }
    if let Some(key) = &query.key {
        sql.push(" AND key = ").bind(key);
    }
    if let Some(actor) = &query.actor {
        sql.push(" AND actor = ").bind(actor);
    }
    if let Some(since_ms) = query.since_ms {
        sql.push(" AND at_ms >= ").bind(since_ms);
    }
    if !query.actions.is_empty() {
        sql.push(" AND action IN (");
        sql.bind_all(query.actions.iter().map(|action| number(action.number()))).push(")");
    }
    if let Some(after) = after {
        sql.push(" AND id < ").bind(after);
    }
    sql.push(" ORDER BY id DESC LIMIT ").bind(one_more(query.limit));
    let place = |row: &Row<'_>| {
        let event = read(row)?;
        let cursor = vec![Key::Integer(event.id)];
        Ok((event, cursor))
    };
    Ok(Page::cut(conn.query(sql.text(), sql.params(), place).await?, query.limit))
}

/// Reads [`COLUMNS`].
pub(crate) fn read(row: &Row<'_>) -> modelyard_database::Result<Event> {
    Ok(Event {
        id: row.int(0)?,
        at_ms: row.int(1)?,
        actor: row.string(2)?,
        action: rows::action(row.int(3)?)?,
        name: row.string(4)?,
        prompt: row.flag(5)?,
        version: row.opt_int(6)?,
        key: row.opt_string(7)?,
        old: row.opt_string(8)?,
        new: row.opt_string(9)?,
        run_id: row.opt_string(10)?,
        reason: row.opt_string(11)?,
    })
}
