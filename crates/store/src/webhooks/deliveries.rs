//! The log of what webhooks were told.

use modelyard_database::{Conn, Row, Sql};
use modelyard_protocol::page_token::KeyValue as Key;
use modelyard_protocol::webhooks::{WebhookEvent, WebhookStatus};

use super::enqueue::open_lane;
use super::{event, get, lock};
use crate::rows::{Cursor, Page, after_number, number, one_more, state};
use crate::{Error, Result, Store};

/// How far a delivery is. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum DeliveryState {
    /// It waits for its first or next attempt.
    Pending = 1,
    /// It has arrived.
    Delivered = 2,
    /// It is not attempted any more.
    Failed = 3,
}

impl DeliveryState {
    pub(super) const fn number(self) -> i16 {
        self as i16
    }

    fn from_number(number: i16) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed].into_iter().find(|it| it.number() == number)
    }
}

/// What a webhook was told, or is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    id: i64,
    /// A UUID, the same for all attempts.
    pub delivery_id: String,
    /// What it tells of.
    pub event: WebhookEvent,
    /// The body that is sent.
    pub payload: String,
    /// When it happened, milliseconds since the epoch.
    pub created_ms: i64,
    /// How far it is.
    pub state: DeliveryState,
    /// Attempts that were made since it was put into the outbox.
    pub attempts: i64,
    /// When the last ended, milliseconds since the epoch.
    pub attempted_ms: Option<i64>,
    /// When the next may be made, milliseconds since the epoch; `None` while it waits for an earlier one of its
    /// model, is being attempted, or rests with its webhook.
    pub next_attempt_ms: Option<i64>,
    /// The status that was answered last.
    pub response_status: Option<i64>,
    /// The beginning of what was answered last.
    pub response_body: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Which deliveries to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct DeliveryQuery {
    /// Of this webhook.
    pub webhook_id: String,
    /// Only those that are so far.
    pub state: Option<DeliveryState>,
    /// How many a page has at most.
    pub limit: usize,
    /// The last delivery of the previous page.
    pub after: Option<Cursor>,
}

impl Store {
    /// A page of a webhook's deliveries.
    pub async fn deliveries(&self, query: DeliveryQuery) -> Result<Page<Delivery>> {
        let after = after_number(query.after.as_deref())?;
        self.db.read(query, move |conn, query| Box::pin(list(conn, query, after))).await
    }

    /// Puts a delivery into the outbox again, whatever became of it, with its id and body; before later ones of
    /// its model that still wait.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when the webhook is disabled.
    pub async fn redeliver(&self, webhook_id: String, delivery_id: String) -> Result<Delivery> {
        let data = (webhook_id, delivery_id, self.context.now_ms());
        let delivery = self
            .db
            .write(data, |conn, (webhook, id, now)| Box::pin(again(conn, webhook, id, *now)))
            .await?;
        self.outbox.wake();
        Ok(delivery)
    }
}

/// The time of the lane counts for its first delivery, unless an attempt is being made.
const COLUMNS: &str = "d.id, d.delivery_id, d.event, d.payload, d.created_ms, d.state, d.attempts, \
     d.attempted_ms, CASE WHEN d.state = 1 AND l.claim IS NULL AND NOT EXISTS \
     (SELECT 1 FROM webhook_delivery e WHERE e.webhook = d.webhook AND e.subject = d.subject \
     AND e.state = 1 AND e.id < d.id) THEN l.due_ms END, d.response_status, d.response_body, d.error \
     FROM webhook_delivery d \
     LEFT JOIN webhook_lane l ON l.webhook = d.webhook AND l.subject = d.subject";

fn read(row: &Row<'_>) -> modelyard_database::Result<Delivery> {
    Ok(Delivery {
        id: row.int(0)?,
        delivery_id: row.string(1)?,
        event: event(row.int(2)?)?,
        payload: row.string(3)?,
        created_ms: row.int(4)?,
        state: state(row.int(5)?, "delivery state", DeliveryState::from_number)?,
        attempts: row.int(6)?,
        attempted_ms: row.opt_int(7)?,
        next_attempt_ms: row.opt_int(8)?,
        response_status: row.opt_int(9)?,
        response_body: row.opt_string(10)?,
        error: row.opt_string(11)?,
    })
}

async fn list(
    conn: &mut Conn,
    query: &DeliveryQuery,
    after: Option<i64>,
) -> Result<Page<Delivery>> {
    let webhook = get(conn, &query.webhook_id).await?;
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(" WHERE d.webhook = ").bind(webhook.id);
    if let Some(state) = query.state {
        sql.push(" AND d.state = ").bind(number(state.number()));
    }
    sql.push(" AND d.id < ").bind(after.unwrap_or(i64::MAX));
    sql.push(" ORDER BY d.id DESC LIMIT ").bind(one_more(query.limit));
    let place = |row: &Row<'_>| {
        let delivery = read(row)?;
        let cursor = vec![Key::Integer(delivery.id)];
        Ok((delivery, cursor))
    };
    Ok(Page::cut(conn.query(sql.text(), sql.params(), place).await?, query.limit))
}

async fn again(conn: &mut Conn, webhook_id: &str, delivery_id: &str, now: i64) -> Result<Delivery> {
    let webhook = lock(conn, webhook_id).await?;
    if get(conn, webhook_id).await?.status == WebhookStatus::Disabled {
        return Err(Error::invalid(format!(
            "The webhook {webhook_id} is disabled, so nothing is sent to it. Set its status to ACTIVE first."
        )));
    }
    let sql = "SELECT subject FROM webhook_delivery WHERE webhook = $1 AND delivery_id = $2";
    let row = [webhook.into(), delivery_id.into()];
    let Some(subject) = conn.query_opt(sql, &row, |row| row.int(0)).await? else {
        return Err(Error::not_found(format!(
            "Webhook {webhook_id} has no delivery with ID {delivery_id}."
        )));
    };
    // The lane first, as everywhere: see `open_lane`.
    open_lane(conn, webhook, subject, now).await?;
    let sql =
        "UPDATE webhook_lane SET due_ms = $1 WHERE webhook = $2 AND subject = $3 AND claim IS NULL";
    conn.execute(sql, &[now.into(), webhook.into(), subject.into()]).await?;
    let sql = "UPDATE webhook_delivery SET state = 1, attempts = 0, queued_ms = $1 \
               WHERE webhook = $2 AND delivery_id = $3";
    conn.execute(sql, &[now.into(), webhook.into(), delivery_id.into()]).await?;
    let sql = ["SELECT ", COLUMNS, " WHERE d.delivery_id = $1"].concat();
    Ok(conn.query_one(&sql, &[delivery_id.into()], read).await?)
}
