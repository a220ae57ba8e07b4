//! Webhooks: who wants to be told of which changes, and the outbox of what they are told.

mod deliveries;
mod enqueue;
mod outbox;

use modelyard_database::{Conn, DatabaseUri, Insert, Kind, Param, Row};
use modelyard_protocol::limits::MAX_WEBHOOKS;
use modelyard_protocol::page_token::KeyValue as Key;
use modelyard_protocol::webhooks::{WebhookEvent, WebhookStatus};

pub use deliveries::{Delivery, DeliveryQuery, DeliveryState};
pub(crate) use enqueue::enqueue;
pub use outbox::{Attempt, Claim, Claimed, Outbox, Verdict};

use crate::rows::{Cursor, Page, after_number, number, one_more, state};
use crate::{Error, Result, Store};

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub(crate) id: i64,
    /// A UUID.
    pub webhook_id: String,
    /// The name; others may have the same.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where it is sent to.
    pub url: String,
    /// What deliveries are signed with, encrypted.
    pub sealed_secret: Option<String>,
    /// Whether it is sent anything.
    pub status: WebhookStatus,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
    /// Milliseconds since the epoch.
    pub updated_ms: i64,
    /// What it is told of.
    pub events: Vec<WebhookEvent>,
}

/// What is needed to make a webhook.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// A UUID, made by the caller: the secret is bound to it.
    pub webhook_id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where it is sent to.
    pub url: String,
    /// What deliveries are signed with, encrypted.
    pub sealed_secret: Option<String>,
    /// Whether it is sent anything.
    pub status: WebhookStatus,
    /// What it is told of.
    pub events: Vec<WebhookEvent>,
}

/// What is to be changed of a webhook; `None` is left.
#[derive(Debug, Clone, Default)]
pub struct WebhookUpdate {
    /// The name.
    pub name: Option<String>,
    /// What it is for, or nothing.
    pub description: Option<Option<String>>,
    /// Where it is sent to.
    pub url: Option<String>,
    /// The encrypted secret, or none.
    pub sealed_secret: Option<Option<String>>,
    /// Whether it is sent anything.
    pub status: Option<WebhookStatus>,
    /// What it is told of.
    pub events: Option<Vec<WebhookEvent>>,
}

const EVENTS: Insert = Insert {
    into: "INSERT INTO webhook_event (webhook, event)",
    kinds: &[Kind::Int, Kind::Int],
    conflict: "ON CONFLICT DO NOTHING",
};

const COLUMNS: &str = "SELECT id, webhook_id, name, description, url, secret, status, created_ms, updated_ms FROM webhook";

impl Store {
    /// Makes a webhook.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when there are [`MAX_WEBHOOKS`] already.
    pub async fn create_webhook(&self, new: NewWebhook) -> Result<Webhook> {
        let data = (new, self.context.now_ms());
        self.db.write(data, |conn, (new, now)| Box::pin(create(conn, new, *now))).await
    }

    /// A webhook by its id.
    pub async fn webhook(&self, webhook_id: String) -> Result<Webhook> {
        self.db.read(webhook_id, |conn, id| Box::pin(get(conn, id))).await
    }

    /// A page of webhooks, the newest first.
    pub async fn webhooks(&self, limit: usize, after: Option<Cursor>) -> Result<Page<Webhook>> {
        let after = after_number(after.as_deref())?;
        self.db.read((), move |conn, ()| Box::pin(list(conn, limit, after))).await
    }

    /// Changes a webhook. What waits for it is tried again at once.
    pub async fn update_webhook(
        &self,
        webhook_id: String,
        update: WebhookUpdate,
    ) -> Result<Webhook> {
        let data = (webhook_id, update, self.context.now_ms());
        let updated = self
            .db
            .write(data, |conn, (id, update, now)| Box::pin(change(conn, id, update, *now)))
            .await?;
        self.outbox.wake();
        Ok(updated)
    }

    /// Deletes a webhook with its deliveries, those that wait included.
    pub async fn delete_webhook(&self, webhook_id: String) -> Result<()> {
        self.db.write(webhook_id, |conn, id| Box::pin(delete(conn, id))).await
    }
}

/// The version of the schema since which there are webhooks.
const SINCE_SCHEMA: i64 = 3;

/// How many webhooks of a database have a secret. It is only looked at: it may be of an older program.
///
/// # Errors
/// Those of the database.
pub async fn sealed_secrets(uri: &DatabaseUri) -> Result<u64> {
    if uri.look().await?.schema_version < Some(SINCE_SCHEMA) {
        return Ok(0);
    }
    let count = uri.number("SELECT count(*) FROM webhook WHERE secret IS NOT NULL").await?;
    Ok(count.unsigned_abs())
}

fn missing(webhook_id: &str) -> Error {
    Error::not_found(format!("Webhook with ID {webhook_id} not found."))
}

async fn create(conn: &mut Conn, new: &NewWebhook, now: i64) -> Result<Webhook> {
    let count = conn.query_one("SELECT count(*) FROM webhook", &[], |row| row.int(0)).await?;
    if usize::try_from(count).unwrap_or(usize::MAX) >= MAX_WEBHOOKS {
        return Err(Error::invalid(format!(
            "There are {MAX_WEBHOOKS} webhooks, and no more are taken. Delete those that nobody needs."
        )));
    }
    let sql = "INSERT INTO webhook (webhook_id, name, description, url, secret, status, created_ms, \
               updated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id";
    let row = [
        (&new.webhook_id).into(),
        (&new.name).into(),
        new.description.as_deref().into(),
        (&new.url).into(),
        new.sealed_secret.as_deref().into(),
        number(new.status.number()).into(),
        now.into(),
        now.into(),
    ];
    let id = conn.query_one(sql, &row, |row| row.int(0)).await?;
    insert_events(conn, id, &new.events).await?;
    get(conn, &new.webhook_id).await
}

async fn insert_events(conn: &mut Conn, id: i64, events: &[WebhookEvent]) -> Result<()> {
    let rows: Vec<Param<'_>> =
        events.iter().flat_map(|event| [id.into(), event.number().into()]).collect();
    conn.insert_many(EVENTS, &rows).await?;
    Ok(())
}

fn read(row: &Row<'_>) -> modelyard_database::Result<Webhook> {
    Ok(Webhook {
        id: row.int(0)?,
        webhook_id: row.string(1)?,
        name: row.string(2)?,
        description: row.opt_string(3)?,
        url: row.string(4)?,
        sealed_secret: row.opt_string(5)?,
        status: state(row.int(6)?, "webhook status", WebhookStatus::from_number)?,
        created_ms: row.int(7)?,
        updated_ms: row.int(8)?,
        events: Vec::new(),
    })
}

/// Reads the stored number of an event.
fn event(number: i64) -> modelyard_database::Result<WebhookEvent> {
    WebhookEvent::from_number(number).ok_or_else(|| {
        modelyard_database::Error::Other(format!("the database holds the unknown event {number}"))
    })
}

async fn get(conn: &mut Conn, webhook_id: &str) -> Result<Webhook> {
    let sql = [COLUMNS, " WHERE webhook_id = $1"].concat();
    let found = conn.query_opt(&sql, &[webhook_id.into()], read).await?;
    let mut found = found.ok_or_else(|| missing(webhook_id))?;
    load_events(conn, std::slice::from_mut(&mut found)).await?;
    Ok(found)
}

async fn list(conn: &mut Conn, limit: usize, after: Option<i64>) -> Result<Page<Webhook>> {
    let sql = [COLUMNS, " WHERE id < $1 ORDER BY id DESC LIMIT $2"].concat();
    let row = [after.unwrap_or(i64::MAX).into(), one_more(limit).into()];
    let place = |row: &Row<'_>| {
        let webhook = read(row)?;
        let cursor = vec![Key::Integer(webhook.id)];
        Ok((webhook, cursor))
    };
    let mut page = Page::cut(conn.query(&sql, &row, place).await?, limit);
    load_events(conn, &mut page.rows).await?;
    Ok(page)
}

async fn load_events(conn: &mut Conn, webhooks: &mut [Webhook]) -> Result<()> {
    let select = "SELECT webhook, event FROM webhook_event WHERE webhook IN ({ids})";
    let mut rest = &mut *webhooks;
    while let Some(mut chunk) = crate::chunks::Chunk::next(&mut rest, |webhook| webhook.id) {
        chunk
            .each(conn, select, |webhook, row| {
                webhook.events.push(event(row.int(1)?)?);
                Ok(())
            })
            .await?;
    }
    for webhook in webhooks {
        webhook.events.sort_by_key(|event| event.sort_key());
    }
    Ok(())
}

/// The internal id of a webhook, which nobody else changes until the end of the transaction.
async fn lock(conn: &mut Conn, webhook_id: &str) -> Result<i64> {
    let sql = ["SELECT id FROM webhook WHERE webhook_id = $1", conn.engine().for_update()].concat();
    let found = conn.query_opt(&sql, &[webhook_id.into()], |row| row.int(0)).await?;
    found.ok_or_else(|| missing(webhook_id))
}

async fn change(
    conn: &mut Conn,
    webhook_id: &str,
    update: &WebhookUpdate,
    now: i64,
) -> Result<Webhook> {
    lock(conn, webhook_id).await?;
    let old = get(conn, webhook_id).await?;
    let id = old.id;
    let description = update.description.as_ref().unwrap_or(&old.description);
    let secret = update.sealed_secret.as_ref().unwrap_or(&old.sealed_secret);
    let status = update.status.unwrap_or(old.status);
    let sql = "UPDATE webhook SET name = $1, description = $2, url = $3, secret = $4, status = $5, \
               updated_ms = $6 WHERE id = $7";
    let row = [
        update.name.as_ref().unwrap_or(&old.name).into(),
        description.as_deref().into(),
        update.url.as_ref().unwrap_or(&old.url).into(),
        secret.as_deref().into(),
        number(status.number()).into(),
        now.into(),
        id.into(),
    ];
    conn.execute(sql, &row).await?;
    if let Some(events) = &update.events {
        conn.execute("DELETE FROM webhook_event WHERE webhook = $1", &[id.into()]).await?;
        insert_events(conn, id, events).await?;
    }
    // An attempt that is being made takes care of its lane itself.
    let due = (status == WebhookStatus::Active).then_some(now);
    let sql = "UPDATE webhook_lane SET due_ms = $1 WHERE webhook = $2 AND claim IS NULL";
    conn.execute(sql, &[due.into(), id.into()]).await?;
    get(conn, webhook_id).await
}

async fn delete(conn: &mut Conn, webhook_id: &str) -> Result<()> {
    let id = lock(conn, webhook_id).await?;
    for sql in [
        "DELETE FROM webhook_delivery WHERE webhook = $1",
        "DELETE FROM webhook_lane WHERE webhook = $1",
        "DELETE FROM webhook_event WHERE webhook = $1",
        "DELETE FROM webhook WHERE id = $1",
    ] {
        conn.execute(sql, &[id.into()]).await?;
    }
    Ok(())
}
