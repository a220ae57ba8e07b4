//! Webhooks.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::limits;
use crate::validate;
use crate::webhooks::{
    WebhookAction, WebhookEntity, WebhookEvent, WebhookStatus, check_events, check_name,
};
use crate::wire::{Check, Field, Kind, Message, Request, Rules};

const TEXT: &[Check] = &[Check::Text];
const TEXT_REQUIRED: &[Check] = &[Check::Text, Check::Required];

const EVENT: Message = Message(&[
    Field::new("entity", Kind::Enum(WebhookEntity::NAMES), &[]),
    Field::new("action", Kind::Enum(WebhookAction::NAMES), &[]),
]);

/// An event on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What it happens to.
    #[serde(default = "no_entity")]
    pub entity: WebhookEntity,
    /// What happens.
    #[serde(default = "no_action")]
    pub action: WebhookAction,
}

const fn no_entity() -> WebhookEntity {
    WebhookEntity::Unspecified
}

const fn no_action() -> WebhookAction {
    WebhookAction::Unspecified
}

impl From<Event> for WebhookEvent {
    fn from(event: Event) -> Self {
        Self::new(event.entity, event.action)
    }
}

impl From<WebhookEvent> for Event {
    fn from(event: WebhookEvent) -> Self {
        Self { entity: event.entity, action: event.action }
    }
}

/// Checks a list of events and sorts it.
fn normal(events: &mut Vec<Event>) -> Result<(), Error> {
    let mut sorted: Vec<WebhookEvent> = events.iter().copied().map(Into::into).collect();
    check_events(&mut sorted)?;
    *events = sorted.into_iter().map(Event::from).collect();
    Ok(())
}

fn check_texts(description: &str, secret: &str) -> Result<(), Error> {
    validate::text(description, limits::MAX_WEBHOOK_DESCRIPTION_CHARS, "description")?;
    validate::text(secret, limits::MAX_WEBHOOK_SECRET_CHARS, "secret")
}

/// `POST webhooks`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhook {
    /// Its name; others may have the same.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Where it is sent to. Not checked here: what is allowed is the server's to say.
    pub url: String,
    /// What it is told of.
    pub events: Vec<Event>,
    /// What deliveries are signed with; empty for no signature.
    #[serde(default)]
    pub secret: String,
    /// Active if not said.
    pub status: Option<WebhookStatus>,
}

impl Request for CreateWebhook {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("url", Kind::Text, TEXT_REQUIRED),
        Field::new("events", Kind::Messages(&EVENT), &[Check::Array, Check::Required]),
        Field::new("description", Kind::Text, TEXT),
        Field::new("secret", Kind::Text, TEXT),
        Field::new("status", Kind::Enum(WebhookStatus::NAMES), TEXT),
    ]);

    fn is_complete(&self) -> bool {
        !self.name.is_empty() && !self.url.is_empty()
    }

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        normal(&mut self.events)?;
        check_name(&self.name)?;
        check_texts(&self.description, &self.secret)
    }
}

impl CreateWebhook {
    /// Refuses a webhook that is told of nothing: after the URL, as MLflow does.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE`.
    pub fn check_events(&self) -> Result<(), Error> {
        if !self.events.is_empty() {
            return Ok(());
        }
        Err(Error::invalid("Webhook events must be a non-empty list of WebhookEvent objects: []."))
    }
}

/// `PATCH webhooks/{webhook_id}`: what is given is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateWebhook {
    /// The webhook, again: the path decides.
    #[serde(default)]
    pub webhook_id: String,
    /// Empty to leave it.
    #[serde(default)]
    pub name: String,
    /// Empty for none.
    pub description: Option<String>,
    /// Empty to leave it.
    #[serde(default)]
    pub url: String,
    /// Empty to leave them.
    #[serde(default)]
    pub events: Vec<Event>,
    /// Empty for none.
    pub secret: Option<String>,
    /// Active or not.
    pub status: Option<WebhookStatus>,
}

impl Request for UpdateWebhook {
    const MESSAGE: Message = Message(&[
        Field::new("webhook_id", Kind::Text, &[]),
        Field::new("name", Kind::Text, TEXT),
        Field::new("description", Kind::Text, TEXT),
        Field::new("url", Kind::Text, TEXT),
        Field::new("events", Kind::Messages(&EVENT), &[Check::Array]),
        Field::new("secret", Kind::Text, TEXT),
        Field::new("status", Kind::Enum(WebhookStatus::NAMES), TEXT),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        normal(&mut self.events)?;
        let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
        check_texts(&text(&self.description), &text(&self.secret))
    }
}

impl UpdateWebhook {
    /// Checks the new name: after the webhook was found, as MLflow does.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE`.
    pub fn check_name(&self) -> Result<(), Error> {
        if self.name.is_empty() { Ok(()) } else { check_name(&self.name) }
    }
}

/// `GET webhooks`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListWebhooks {
    /// 0 for the default.
    #[serde(default)]
    pub max_results: i32,
    /// Where to go on.
    #[serde(default)]
    pub page_token: String,
}

impl Request for ListWebhooks {
    const MESSAGE: Message = Message(&[
        Field::new("max_results", Kind::Int32, &[Check::IntLike]),
        Field::new("page_token", Kind::Text, TEXT),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        if (0..=limits::MAX_WEBHOOK_RESULTS).contains(&self.max_results.into()) {
            return Ok(());
        }
        Err(Error::invalid("max_results must be between 1 and 1000."))
    }
}

/// `POST webhooks/{webhook_id}/test`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestWebhook {
    /// The webhook, again: the path decides.
    #[serde(default)]
    pub webhook_id: String,
    /// Of which event the example is sent; the webhook's first if not said.
    pub event: Option<Event>,
}

impl Request for TestWebhook {
    const MESSAGE: Message = Message(&[
        Field::new("webhook_id", Kind::Text, &[]),
        Field::new("event", Kind::Message(&EVENT), &[]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        self.event.map_or(Ok(()), |event| WebhookEvent::from(event).check())
    }
}

/// A webhook, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// A UUID.
    pub webhook_id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it is sent to.
    pub url: String,
    /// What it is told of.
    pub events: Vec<Event>,
    /// Whether it is.
    pub status: WebhookStatus,
    /// Milliseconds since the epoch.
    pub creation_timestamp: i64,
    /// Milliseconds since the epoch.
    pub last_updated_timestamp: i64,
}

/// The answer that is one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookAnswer {
    /// The webhook.
    pub webhook: Webhook,
}

/// A page of webhooks, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhooks {
    /// The webhooks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<Webhook>,
    /// Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// Whether the receiver took it.
    pub success: bool,
    /// What it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_status: Option<u16>,
    /// The beginning of what it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_body: Option<String>,
    /// Why there is no answer, or why it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

/// Answer of `webhooks/{webhook_id}/test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestAnswer {
    /// What was found.
    pub result: TestResult,
}
