//! From a change of the registry to what webhooks are told, in the transaction of the change.

use modelyard_database::{Conn, Param};
use modelyard_protocol::context::uuid_of;
use modelyard_protocol::webhooks::{
    Data, WebhookAction as Did, WebhookEntity as Entity, WebhookEvent, payload,
};

use crate::Result;
use crate::events::{Action, Deed, NewEvent};

/// Spreads consecutive numbers over all bits: any odd number without a pattern.
const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// Puts a change into the outbox of every webhook that wants to hear of it. `change` is its number.
pub(crate) async fn enqueue(
    conn: &mut Conn,
    deed: &Deed,
    event: &NewEvent<'_>,
    change: i64,
) -> Result<()> {
    let Some(of) = heard_as(event) else { return Ok(()) };
    let webhooks = listeners(conn, of).await?;
    if webhooks.is_empty() {
        return Ok(());
    }
    let payload = compose(conn, of, event, deed.at_ms).await?;
    for webhook in webhooks {
        let salt = (u128::from(change.unsigned_abs()) << 64) | u128::from(webhook.unsigned_abs());
        let id = uuid_of(deed.chance.wrapping_add(salt.wrapping_mul(SPREAD)));
        insert(conn, webhook, of, event.subject.id, &id, &payload, deed.at_ms).await?;
    }
    deed.outbox.wake();
    Ok(())
}

/// What webhooks call a change; most they are not told of.
fn heard_as(event: &NewEvent<'_>) -> Option<WebhookEvent> {
    let prompt = event.subject.prompt;
    let either = |model, of_prompt| if prompt { of_prompt } else { model };
    let (entity, action) = match event.action {
        Action::ModelCreated => (either(Entity::RegisteredModel, Entity::Prompt), Did::Created),
        Action::ModelTagSet if prompt => (Entity::PromptTag, Did::Set),
        Action::ModelTagDeleted if prompt => (Entity::PromptTag, Did::Deleted),
        Action::VersionCreated => {
            (either(Entity::ModelVersion, Entity::PromptVersion), Did::Created)
        }
        Action::VersionTagSet => {
            (either(Entity::ModelVersionTag, Entity::PromptVersionTag), Did::Set)
        }
        Action::VersionTagDeleted => {
            (either(Entity::ModelVersionTag, Entity::PromptVersionTag), Did::Deleted)
        }
        Action::AliasSet => (either(Entity::ModelVersionAlias, Entity::PromptAlias), Did::Created),
        Action::AliasDeleted => {
            (either(Entity::ModelVersionAlias, Entity::PromptAlias), Did::Deleted)
        }
        Action::ModelTagSet
        | Action::ModelTagDeleted
        | Action::ModelUpdated
        | Action::ModelRenamed
        | Action::ModelDeleted
        | Action::VersionUpdated
        | Action::VersionDeleted
        | Action::StageChanged
        | Action::CheckRecorded
        | Action::PolicySet => return None,
    };
    Some(WebhookEvent::new(entity, action))
}

/// The active webhooks that hear of an event. They stay until the end of the transaction: whoever deletes one
/// waits, and then finds what was put into its outbox.
async fn listeners(conn: &mut Conn, of: WebhookEvent) -> Result<Vec<i64>> {
    let sql = "SELECT w.id FROM webhook w WHERE w.id IN \
               (SELECT e.webhook FROM webhook_event e WHERE e.event = $1) AND w.status = 1 ORDER BY w.id";
    let sql = [sql, conn.engine().for_share()].concat();
    Ok(conn.query(&sql, &[of.number().into()], |row| row.int(0)).await?)
}

async fn compose(
    conn: &mut Conn,
    of: WebhookEvent,
    event: &NewEvent<'_>,
    at_ms: i64,
) -> Result<String> {
    let subject = event.subject;
    let (mut description, mut tags) = (None, Vec::new());
    if of.action == Did::Created && event.key.is_none() {
        let (sql, row): (_, Vec<Param<'_>>) = match event.version {
            Some(version) => (
                "SELECT description FROM model_version WHERE model = $1 AND version = $2",
                vec![subject.id.into(), version.into()],
            ),
            None => {
                ("SELECT description FROM registered_model WHERE id = $1", vec![subject.id.into()])
            }
        };
        description = conn.query_opt(sql, &row, |row| row.opt_string(0)).await?.flatten();
        let sql = match event.version {
            Some(_) => {
                "SELECT t.key, t.value FROM model_version_tag t JOIN model_version v ON v.id = t.id \
                 WHERE v.model = $1 AND v.version = $2 ORDER BY t.key"
            }
            None => "SELECT key, value FROM registered_model_tag WHERE model = $1 ORDER BY key",
        };
        tags = conn.query(sql, &row, |row| Ok((row.string(0)?, row.string(1)?))).await?;
    }
    let tags: Vec<(&str, &str)> =
        tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let new = event.new.unwrap_or_default();
    let data = Data {
        name: subject.name,
        version: event.version,
        key: event.key.unwrap_or_default(),
        value: new,
        source: new,
        run_id: event.run,
        description: description.as_deref(),
        tags: &tags,
    };
    Ok(payload(of, &data, at_ms))
}

async fn insert(
    conn: &mut Conn,
    webhook: i64,
    of: WebhookEvent,
    subject: i64,
    delivery_id: &str,
    payload: &str,
    now: i64,
) -> Result<()> {
    // First the lane, which is locked by it: the order of the numbers is that of the changes.
    open_lane(conn, webhook, subject, now).await?;
    let sql = "INSERT INTO webhook_delivery (delivery_id, webhook, subject, event, payload, created_ms, \
               queued_ms, state, attempts) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, 0)";
    let row = [
        delivery_id.into(),
        webhook.into(),
        subject.into(),
        of.number().into(),
        payload.into(),
        now.into(),
        now.into(),
    ];
    conn.execute(sql, &row).await?;
    Ok(())
}

/// Makes sure that somebody looks at the pending deliveries of a model to a webhook. The row is locked, so that
/// who finishes the last of them meanwhile sees the new one.
pub(super) async fn open_lane(conn: &mut Conn, webhook: i64, subject: i64, now: i64) -> Result<()> {
    let sql = "INSERT INTO webhook_lane (webhook, subject, due_ms) VALUES ($1, $2, $3) \
               ON CONFLICT (webhook, subject) DO UPDATE SET due_ms = webhook_lane.due_ms";
    conn.execute(sql, &[webhook.into(), subject.into(), now.into()]).await?;
    Ok(())
}
