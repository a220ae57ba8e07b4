//! What webhooks were told.

use axum::extract::State;
use axum::response::Response;
use modelyard_protocol::page_token::{Fingerprint, ListKind};
use modelyard_store::{self as store, DeliveryQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{PathOf, QueryOf};
use super::page::{limit, pages};
use crate::{ApiError, AppState, answer};

/// Deliveries on a page if the request does not say.
const DEFAULT_RESULTS: usize = 100;
/// Deliveries on a page at most: each comes with its body.
const MAX_RESULTS: usize = 1000;

/// Which deliveries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListDeliveries {
    /// Only those that are so far.
    #[param(inline = false)]
    state: Option<DeliveryState>,
    /// Where to go on: the `next_page_token` of the previous answer.
    page_token: Option<String>,
    /// 1 to 1000; 100 unless said otherwise.
    max_results: Option<i64>,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum DeliveryState {
    /// It waits for its first or next attempt.
    Pending,
    /// It has arrived.
    Delivered,
    /// It is not attempted any more.
    Failed,
}

/// What a webhook was told, or is to be told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Delivery {
    /// What the receiver finds in `X-MLflow-Delivery-Id`, the same for all attempts.
    delivery_id: String,
    /// Such as `model_version.created`.
    event: String,
    state: DeliveryState,
    /// When it happened, milliseconds since the Unix epoch.
    creation_timestamp: i64,
    /// Attempts that were made since it was put into the outbox.
    attempts: i64,
    /// When the last ended, milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt_timestamp: Option<i64>,
    /// When the next may be made, milliseconds since the Unix epoch. Absent while it waits for an earlier one of
    /// the same model, is being attempted, or rests with its webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_timestamp: Option<i64>,
    /// The HTTP status that was answered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<i64>,
    /// The beginning of what was answered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<String>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    /// The body, as it is sent.
    payload: String,
}

/// A page of deliveries, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deliveries {
    deliveries: Vec<Delivery>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

impl From<DeliveryState> for store::DeliveryState {
    fn from(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Pending => Self::Pending,
            DeliveryState::Delivered => Self::Delivered,
            DeliveryState::Failed => Self::Failed,
        }
    }
}

impl From<store::DeliveryState> for DeliveryState {
    fn from(state: store::DeliveryState) -> Self {
        match state {
            store::DeliveryState::Pending => Self::Pending,
            store::DeliveryState::Delivered => Self::Delivered,
            store::DeliveryState::Failed => Self::Failed,
        }
    }
}

impl From<store::Delivery> for Delivery {
    fn from(delivery: store::Delivery) -> Self {
        Self {
            delivery_id: delivery.delivery_id,
            event: delivery.event.name(),
            state: delivery.state.into(),
            creation_timestamp: delivery.created_ms,
            attempts: delivery.attempts,
            last_attempt_timestamp: delivery.attempted_ms,
            next_attempt_timestamp: delivery.next_attempt_ms,
            response_status: delivery.response_status,
            response_body: delivery.response_body,
            error_message: delivery.error,
            payload: delivery.payload,
        }
    }
}

/// Lists what a webhook was told and is to be told, the newest first. Old entries are removed after 30 days, and
/// beyond the newest 10,000.
#[utoipa::path(
    get,
    path = "/api/modelyard/v1/webhooks/{webhook_id}/deliveries",
    operation_id = "webhook_deliveries",
    params(("webhook_id" = String, Path), ListDeliveries),
    responses((status = 200, body = Deliveries), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn deliveries(
    State(app): State<AppState>,
    PathOf(webhook_id): PathOf<String>,
    QueryOf(asked): QueryOf<ListDeliveries>,
) -> Result<Response, ApiError> {
    let state = asked.state.map_or(0, |state| state as i64 + 1);
    let query = Fingerprint::new().text(&webhook_id).number(state);
    let pages = pages(ListKind::Deliveries, query, 1);
    let query = DeliveryQuery {
        webhook_id,
        state: asked.state.map(Into::into),
        limit: limit(asked.max_results, DEFAULT_RESULTS, MAX_RESULTS)?,
        after: pages.after(asked.page_token.as_deref().unwrap_or_default())?,
    };
    let page = app.store.deliveries(query).await?;
    let next_page_token = page.next.map(|keys| pages.token(keys));
    answer::json_of(page.rows.len(), move || Deliveries {
        deliveries: page.rows.into_iter().map(Delivery::from).collect(),
        next_page_token,
    })
    .await
}

/// Puts a delivery into the outbox again, whatever became of it, with the same id and body.
#[utoipa::path(
    post,
    path = "/api/modelyard/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    operation_id = "redeliver",
    params(("webhook_id" = String, Path), ("delivery_id" = String, Path)),
    responses((status = 200, body = Delivery), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn redeliver(
    State(app): State<AppState>,
    PathOf((webhook_id, delivery_id)): PathOf<(String, String)>,
) -> Result<Response, ApiError> {
    let delivery = app.store.redeliver(webhook_id, delivery_id).await?;
    answer::json(&Delivery::from(delivery))
}
