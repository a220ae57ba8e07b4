//! Taking deliveries out of the outbox, and noting what became of them.
//!
//! The pending deliveries of one model to one webhook form a lane. Whoever wants to attempt the first of a lane
//! claims the lane for a while; the claim is marked, so that who comes too late with an outcome changes nothing.

use std::sync::Arc;

use modelyard_database::{Conn, Engine, Row, Sql};
use modelyard_protocol::webhooks::{WebhookEvent, WebhookStatus};
use tokio::sync::Notify;

use super::{DeliveryState, event};
use crate::rows::{number, state};
use crate::{Result, Store};

/// Old entries of the log that one transaction removes: other writers wait for it.
const PRUNE_ROWS: i64 = 500;
/// The longest error message that is kept.
const ERROR_MAX_CHARS: usize = 1000;

/// Wakes whoever empties the outbox.
#[derive(Debug, Clone, Default)]
pub struct Outbox(Arc<Notify>);

impl Outbox {
    /// Says that something was put in. The transaction may not have ended yet.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits until something is put in; at once if that happened since the last time.
    pub async fn filled(&self) {
        self.0.notified().await;
    }
}

/// What a claim on a lane is for.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The mark of the claims; a random text.
    pub mark: String,
    /// When they count as lost, milliseconds since the epoch.
    pub until_ms: i64,
    /// How many lanes at most.
    pub limit: usize,
    /// How many of one webhook at most, those included that are held already.
    pub limit_each: usize,
    /// How many are held already of which webhooks, by [`Claimed::webhook`].
    pub taken: Vec<(i64, usize)>,
}

/// A delivery that is to be attempted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The webhook's number, which stands for it in [`Claim::taken`].
    pub webhook: i64,
    subject: i64,
    id: i64,
    mark: String,
    /// The id of the delivery, the same for all attempts.
    pub delivery_id: String,
    /// The id of the webhook.
    pub webhook_id: String,
    /// Where to.
    pub url: String,
    /// The encrypted secret.
    pub sealed_secret: Option<String>,
    /// What.
    pub payload: String,
    /// What it tells of.
    pub event: WebhookEvent,
    /// Attempts that were made.
    pub attempts: i64,
    /// When it was put into the outbox, milliseconds since the epoch.
    pub queued_ms: i64,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it ended, milliseconds since the epoch.
    pub at_ms: i64,
    /// The status that was answered.
    pub response_status: Option<u16>,
    /// The beginning of what was answered.
    pub response_body: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// What follows.
    pub verdict: Verdict,
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has arrived.
    Delivered,
    /// It never will.
    Failed,
    /// It is tried again at this time, milliseconds since the epoch.
    Again(i64),
}

impl Store {
    /// Wakes whoever empties the outbox.
    pub fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    /// When the next delivery is due, of webhooks that are not in `but`.
    pub async fn next_delivery_ms(&self, but: Vec<i64>) -> Result<Option<i64>> {
        self.db.read(but, |conn, but| Box::pin(next_due(conn, but))).await
    }

    /// Claims deliveries that are due, the longest waiting first; several servers on one PostgreSQL share them.
    pub async fn claim_deliveries(&self, claim: Claim) -> Result<Vec<Claimed>> {
        let data = (claim, self.context.now_ms());
        self.db.write(data, |conn, (claim, now)| Box::pin(take(conn, claim, *now))).await
    }

    /// Notes what came of an attempt. Without effect when the claim was lost meanwhile.
    pub async fn record_delivery(&self, claimed: Claimed, attempt: Attempt) -> Result<()> {
        let data = (claimed, attempt);
        self.db.write(data, |conn, (claimed, attempt)| Box::pin(note(conn, claimed, attempt))).await
    }

    /// Gives the lanes that a dead server has claimed free at once, on SQLite, whose database one server serves.
    /// Elsewhere others may live, and the claims run out.
    pub async fn free_lost_deliveries(&self) -> Result<()> {
        if self.engine() != Engine::Sqlite {
            return Ok(());
        }
        if !self.db.read((), |conn, ()| Box::pin(is_any_claimed(conn))).await? {
            return Ok(());
        }
        let now = self.context.now_ms();
        self.db.write(now, |conn, now| Box::pin(free(conn, *now))).await
    }

    /// Removes log entries that ended before `before_ms`, or that are not among the newest `keep` of their
    /// webhook. Returns whether there may be more.
    pub async fn prune_deliveries(&self, before_ms: i64, keep: i64) -> Result<bool> {
        self.db.write((), move |conn, ()| Box::pin(prune(conn, before_ms, keep))).await
    }
}

/// The condition on lanes that leaves some webhooks out.
fn not_of<'a>(sql: &mut Sql<'a>, but: &[i64]) {
    if !but.is_empty() {
        sql.push(" AND webhook NOT IN (");
        sql.bind_all(but.iter().copied()).push(")");
    }
}

async fn next_due(conn: &mut Conn, but: &[i64]) -> Result<Option<i64>> {
    let mut sql = Sql::new("SELECT due_ms FROM webhook_lane WHERE due_ms IS NOT NULL");
    not_of(&mut sql, but);
    sql.push(" ORDER BY due_ms LIMIT 1");
    Ok(conn.query_opt(sql.text(), sql.params(), |row| row.int(0)).await?)
}

async fn take(conn: &mut Conn, claim: &Claim, now: i64) -> Result<Vec<Claimed>> {
    let mut sql = Sql::new("SELECT webhook, subject FROM webhook_lane WHERE due_ms <= ");
    sql.bind(now);
    let full = claim.taken.iter().filter(|(_, count)| *count >= claim.limit_each);
    not_of(&mut sql, &full.map(|(webhook, _)| *webhook).collect::<Vec<_>>());
    let limit = i64::try_from(claim.limit).unwrap_or(i64::MAX);
    sql.push(" ORDER BY due_ms LIMIT ").bind(limit).push(conn.engine().for_update_of_free_rows());
    let lanes = conn.query(sql.text(), sql.params(), |row| Ok((row.int(0)?, row.int(1)?))).await?;
    let mut taken: Vec<Claimed> = Vec::new();
    for (webhook, subject) in lanes {
        let held = claim.taken.iter().find(|(it, _)| *it == webhook).map_or(0, |(_, count)| *count);
        let new = taken.iter().filter(|claimed| claimed.webhook == webhook).count();
        if held + new < claim.limit_each
            && let Some(claimed) = take_first(conn, webhook, subject, claim).await?
        {
            taken.push(claimed);
        }
    }
    Ok(taken)
}

/// Claims a lane for its first delivery. A lane that has none is removed, one that is disabled rests.
async fn take_first(
    conn: &mut Conn,
    webhook: i64,
    subject: i64,
    claim: &Claim,
) -> Result<Option<Claimed>> {
    let sql = "SELECT d.id, d.delivery_id, d.payload, d.event, d.attempts, d.queued_ms, w.webhook_id, \
               w.url, w.secret, w.status FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook \
               WHERE d.webhook = $1 AND d.subject = $2 AND d.state = 1 ORDER BY d.id LIMIT 1";
    let read = |row: &Row<'_>| {
        let claimed = Claimed {
            webhook,
            subject,
            id: row.int(0)?,
            mark: claim.mark.clone(),
            delivery_id: row.string(1)?,
            payload: row.string(2)?,
            event: event(row.int(3)?)?,
            attempts: row.int(4)?,
            queued_ms: row.int(5)?,
            webhook_id: row.string(6)?,
            url: row.string(7)?,
            sealed_secret: row.opt_string(8)?,
        };
        Ok((claimed, state(row.int(9)?, "webhook status", WebhookStatus::from_number)?))
    };
    let found = conn.query_opt(sql, &[webhook.into(), subject.into()], read).await?;
    match found {
        None => {
            close_lane(conn, webhook, subject).await?;
            Ok(None)
        }
        Some((_, WebhookStatus::Disabled)) => {
            set_lane(conn, webhook, subject, None, None).await?;
            Ok(None)
        }
        Some((claimed, WebhookStatus::Active)) => {
            set_lane(conn, webhook, subject, Some(claim.until_ms), Some(&claim.mark)).await?;
            Ok(Some(claimed))
        }
    }
}

async fn set_lane(
    conn: &mut Conn,
    webhook: i64,
    subject: i64,
    due: Option<i64>,
    mark: Option<&str>,
) -> Result<()> {
    let sql = "UPDATE webhook_lane SET due_ms = $1, claim = $2 WHERE webhook = $3 AND subject = $4";
    conn.execute(sql, &[due.into(), mark.into(), webhook.into(), subject.into()]).await?;
    Ok(())
}

async fn note(conn: &mut Conn, claimed: &Claimed, attempt: &Attempt) -> Result<()> {
    let (webhook, subject) = (claimed.webhook, claimed.subject);
    // First the lane, as who fills it: see `open_lane`.
    let sql = "SELECT webhook FROM webhook_lane WHERE webhook = $1 AND subject = $2 AND claim = $3";
    let sql = [sql, conn.engine().for_update()].concat();
    let row = [webhook.into(), subject.into(), (&claimed.mark).into()];
    if conn.query_opt(&sql, &row, |_| Ok(())).await?.is_none() {
        return Ok(());
    }
    let outcome = match attempt.verdict {
        Verdict::Delivered => DeliveryState::Delivered,
        Verdict::Failed => DeliveryState::Failed,
        Verdict::Again(_) => DeliveryState::Pending,
    };
    // PostgreSQL stores no NUL, and a receiver may answer anything.
    let clean = |text: &Option<String>| text.as_ref().map(|text| text.replace('\0', "\u{fffd}"));
    let (body, error) = (clean(&attempt.response_body), clean(&attempt.error));
    let error = error.map(|error| error.chars().take(ERROR_MAX_CHARS).collect::<String>());
    let sql = "UPDATE webhook_delivery SET state = $1, attempts = attempts + 1, attempted_ms = $2, \
               response_status = $3, response_body = $4, error = $5 WHERE id = $6";
    let row = [
        number(outcome.number()).into(),
        attempt.at_ms.into(),
        attempt.response_status.map(i64::from).into(),
        body.as_deref().into(),
        error.as_deref().into(),
        claimed.id.into(),
    ];
    conn.execute(sql, &row).await?;
    if outcome != DeliveryState::Pending && !has_pending(conn, webhook, subject).await? {
        return close_lane(conn, webhook, subject).await;
    }
    let sql = "SELECT status FROM webhook WHERE id = $1";
    let is_active = conn.query_opt(sql, &[webhook.into()], |row| row.int(0)).await?
        == Some(number(WebhookStatus::Active.number()));
    let next = match attempt.verdict {
        Verdict::Again(at_ms) => at_ms,
        Verdict::Delivered | Verdict::Failed => attempt.at_ms,
    };
    set_lane(conn, webhook, subject, is_active.then_some(next), None).await
}

async fn has_pending(conn: &mut Conn, webhook: i64, subject: i64) -> Result<bool> {
    let sql =
        "SELECT id FROM webhook_delivery WHERE webhook = $1 AND subject = $2 AND state = 1 LIMIT 1";
    Ok(conn.query_opt(sql, &[webhook.into(), subject.into()], |_| Ok(())).await?.is_some())
}

async fn close_lane(conn: &mut Conn, webhook: i64, subject: i64) -> Result<()> {
    let sql = "DELETE FROM webhook_lane WHERE webhook = $1 AND subject = $2";
    conn.execute(sql, &[webhook.into(), subject.into()]).await?;
    Ok(())
}

async fn is_any_claimed(conn: &mut Conn) -> Result<bool> {
    let sql = "SELECT webhook FROM webhook_lane WHERE claim > '' LIMIT 1";
    Ok(conn.query_opt(sql, &[], |_| Ok(())).await?.is_some())
}

async fn free(conn: &mut Conn, now: i64) -> Result<()> {
    let sql = "UPDATE webhook_lane SET due_ms = $1, claim = NULL WHERE claim > ''";
    conn.execute(sql, &[now.into()]).await?;
    Ok(())
}

async fn prune(conn: &mut Conn, before_ms: i64, keep: i64) -> Result<bool> {
    let sql = "DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery \
               WHERE queued_ms < $1 AND state <> 1 ORDER BY queued_ms LIMIT $2)";
    let mut removed = conn.execute(sql, &[before_ms.into(), PRUNE_ROWS.into()]).await?;
    let sql = "SELECT id FROM webhook ORDER BY id";
    for webhook in conn.query(sql, &[], |row| row.int(0)).await? {
        let sql =
            "SELECT id FROM webhook_delivery WHERE webhook = $1 ORDER BY id DESC LIMIT 1 OFFSET $2";
        let row = [webhook.into(), keep.into()];
        let Some(last) = conn.query_opt(sql, &row, |row| row.int(0)).await? else { continue };
        let sql = "DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery \
                   WHERE webhook = $1 AND id <= $2 AND state <> 1 ORDER BY id LIMIT $3)";
        let row = [webhook.into(), last.into(), PRUNE_ROWS.into()];
        removed += conn.execute(sql, &row).await?;
    }
    Ok(removed > 0)
}
