//! `/api/2.0/mlflow/webhooks…`

use axum::extract::State;
use axum::response::Response;
use modelyard_protocol::limits::DEFAULT_WEBHOOK_RESULTS;
use modelyard_protocol::messages::webhooks::{
    CreateWebhook, Event, ListWebhooks, TestAnswer, TestResult, TestWebhook, UpdateWebhook,
    Webhook, WebhookAnswer, Webhooks,
};
use modelyard_protocol::page_token::{Fingerprint, ListKind};
use modelyard_protocol::webhooks::{WebhookEvent, WebhookStatus};
use modelyard_store::{self as store, NewWebhook, WebhookUpdate};

use super::experiments::page_size;
use super::paging::Paging;
use super::v1::extract::PathOf;
use crate::extract::Mlflow;
use crate::{ApiError, AppState, answer};

/// `POST webhooks`
pub(crate) async fn create(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<CreateWebhook>,
) -> Result<Response, ApiError> {
    app.webhooks.check_url(&asked.url).await?;
    asked.check_events()?;
    let webhook_id = app.context.uuid();
    let new = NewWebhook {
        sealed_secret: sealed(&app, &webhook_id, &asked.secret).await?,
        webhook_id,
        name: asked.name,
        description: Some(asked.description).filter(|text| !text.is_empty()),
        url: asked.url,
        status: asked.status.unwrap_or(WebhookStatus::Active),
        events: rows(asked.events),
    };
    one(app.store.create_webhook(new).await?)
}

/// `GET webhooks`
pub(crate) async fn list(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<ListWebhooks>,
) -> Result<Response, ApiError> {
    let paging = Paging::new(ListKind::Webhooks, &Fingerprint::new(), 1);
    let limit = match asked.max_results {
        0 => DEFAULT_WEBHOOK_RESULTS,
        limit => limit.into(),
    };
    let page = app.store.webhooks(page_size(limit)?, paging.after(&asked.page_token)?).await?;
    answer::json(&Webhooks {
        webhooks: page.rows.into_iter().map(show).collect(),
        next_page_token: page.next.map(|after| paging.token(after)),
    })
}

/// `GET webhooks/{webhook_id}`
pub(crate) async fn get(
    State(app): State<AppState>,
    PathOf(webhook_id): PathOf<String>,
) -> Result<Response, ApiError> {
    one(app.store.webhook(webhook_id).await?)
}

/// `PATCH webhooks/{webhook_id}`
pub(crate) async fn update(
    State(app): State<AppState>,
    PathOf(webhook_id): PathOf<String>,
    Mlflow(asked): Mlflow<UpdateWebhook>,
) -> Result<Response, ApiError> {
    app.store.webhook(webhook_id.clone()).await?;
    asked.check_name()?;
    if !asked.url.is_empty() {
        app.webhooks.check_url(&asked.url).await?;
    }
    let sealed_secret = match &asked.secret {
        Some(secret) => Some(sealed(&app, &webhook_id, secret).await?),
        None => None,
    };
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let update = WebhookUpdate {
        name: given(asked.name),
        description: asked.description.map(given),
        url: given(asked.url),
        sealed_secret,
        status: asked.status,
        events: Some(rows(asked.events)).filter(|events| !events.is_empty()),
    };
    one(app.store.update_webhook(webhook_id, update).await?)
}

/// `DELETE webhooks/{webhook_id}`
pub(crate) async fn delete(
    State(app): State<AppState>,
    PathOf(webhook_id): PathOf<String>,
) -> Result<Response, ApiError> {
    app.store.delete_webhook(webhook_id).await?;
    Ok(answer::empty())
}

/// `POST webhooks/{webhook_id}/test`: 200 also when the receiver does not take it.
pub(crate) async fn test(
    State(app): State<AppState>,
    PathOf(webhook_id): PathOf<String>,
    Mlflow(asked): Mlflow<TestWebhook>,
) -> Result<Response, ApiError> {
    let webhook = app.store.webhook(webhook_id).await?;
    let event = asked.event.map(WebhookEvent::from).or_else(|| webhook.events.first().copied());
    let Some(event) = event else {
        return Err(ApiError::internal("a webhook without events"));
    };
    let tested = app.webhooks.test(&webhook, event).await;
    answer::json(&TestAnswer {
        result: TestResult {
            success: tested.success,
            response_status: tested.response_status,
            response_body: tested.response_body,
            error_message: tested.error,
        },
    })
}

/// An empty secret is none.
async fn sealed(
    app: &AppState,
    webhook_id: &str,
    secret: &str,
) -> Result<Option<String>, ApiError> {
    if secret.is_empty() {
        return Ok(None);
    }
    Ok(Some(app.webhooks.seal(webhook_id, secret).await?))
}

fn rows(events: Vec<Event>) -> Vec<WebhookEvent> {
    events.into_iter().map(WebhookEvent::from).collect()
}

fn one(webhook: store::Webhook) -> Result<Response, ApiError> {
    answer::json(&WebhookAnswer { webhook: show(webhook) })
}

fn show(webhook: store::Webhook) -> Webhook {
    Webhook {
        webhook_id: webhook.webhook_id,
        name: webhook.name,
        description: webhook.description,
        url: webhook.url,
        events: webhook.events.into_iter().map(Event::from).collect(),
        status: webhook.status,
        creation_timestamp: webhook.created_ms,
        last_updated_timestamp: webhook.updated_ms,
    }
}
