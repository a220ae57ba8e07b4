//! Webhooks.

use serde::{Deserialize, Serialize};
use ureq::http::Method;

use super::experiments::Empty;
use super::request::escape;
use super::{Client, Error};

const PATH: &str = "/api/2.0/mlflow/webhooks";

/// Something a webhook is told of, on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    entity: String,
    action: String,
}

impl Event {
    /// Reads `model_version.created`.
    fn from_name(name: &str) -> Self {
        let (entity, action) = name.split_once('.').unwrap_or((name, ""));
        Self { entity: entity.to_ascii_uppercase(), action: action.to_ascii_uppercase() }
    }
}

/// A webhook, as the API gives it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Webhook {
    pub(crate) webhook_id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) url: String,
    #[serde(default)]
    events: Vec<Event>,
    pub(crate) status: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) creation_timestamp: i64,
    /// Milliseconds since the Unix epoch.
    pub(crate) last_updated_timestamp: i64,
}

impl Webhook {
    /// What it is told of, such as `model_version.created`.
    pub(crate) fn events(&self) -> Vec<String> {
        let name = |event: &Event| format!("{}.{}", event.entity, event.action);
        self.events.iter().map(|event| name(event).to_ascii_lowercase()).collect()
    }
}

/// What a webhook is to be; what is absent stays, or has its default.
#[derive(Debug, Clone, Default)]
pub(crate) struct WebhookChange {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) url: Option<String>,
    /// Names such as `model_version.created`.
    pub(crate) events: Vec<String>,
    pub(crate) secret: Option<String>,
    pub(crate) status: Option<&'static str>,
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

impl<'a> From<&'a WebhookChange> for Message<'a> {
    fn from(change: &'a WebhookChange) -> Self {
        Self {
            name: change.name.as_deref(),
            description: change.description.as_deref(),
            url: change.url.as_deref(),
            events: change.events.iter().map(|name| Event::from_name(name)).collect(),
            secret: change.secret.as_deref(),
            status: change.status,
        }
    }
}

/// What a test found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TestResult {
    #[serde(default)]
    pub(crate) success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_status: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_message: Option<String>,
}

/// What a webhook was told, or is to be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) delivery_id: String,
    pub(crate) event: String,
    pub(crate) state: String,
    /// Milliseconds since the Unix epoch, as all times here.
    pub(crate) creation_timestamp: i64,
    pub(crate) attempts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_attempt_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_attempt_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_status: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_message: Option<String>,
    pub(crate) payload: String,
}

#[derive(Deserialize)]
struct Found {
    webhook: Webhook,
}

#[derive(Deserialize)]
struct Tested {
    result: TestResult,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    webhooks: Vec<Webhook>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct LogPage {
    deliveries: Vec<Delivery>,
    next_page_token: Option<String>,
}

fn one(webhook_id: &str) -> String {
    format!("{PATH}/{}", escape(webhook_id))
}

fn log(webhook_id: &str) -> String {
    format!("/api/modelyard/v1/webhooks/{}/deliveries", escape(webhook_id))
}

impl Client {
    /// Makes a webhook. Not repeated when the connection breaks: there would be two.
    pub(crate) fn create_webhook(&self, new: &WebhookChange) -> Result<Webhook, Error> {
        let found: Found = self.post(PATH, &Message::from(new), false)?;
        Ok(found.webhook)
    }

    /// A webhook.
    pub(crate) fn webhook(&self, webhook_id: &str) -> Result<Webhook, Error> {
        let found: Found = self.get(&one(webhook_id), &[])?;
        Ok(found.webhook)
    }

    /// One page of webhooks, with the token of the next.
    pub(crate) fn webhooks(
        &self,
        max_results: u32,
        page_token: Option<&str>,
    ) -> Result<(Vec<Webhook>, Option<String>), Error> {
        let limit = max_results.to_string();
        let mut query = vec![("max_results", limit.as_str())];
        query.extend(page_token.map(|token| ("page_token", token)));
        let page: Page = self.get(PATH, &query)?;
        Ok((page.webhooks, page.next_page_token.filter(|token| !token.is_empty())))
    }

    /// Changes a webhook.
    pub(crate) fn update_webhook(
        &self,
        webhook_id: &str,
        change: &WebhookChange,
    ) -> Result<Webhook, Error> {
        let message = Message::from(change);
        let found: Found = self.message(Method::PATCH, &one(webhook_id), &message, true)?;
        Ok(found.webhook)
    }

    /// Deletes a webhook. Deleting twice is an error, so a broken connection is reported.
    pub(crate) fn delete_webhook(&self, webhook_id: &str) -> Result<(), Error> {
        let nothing = serde_json::json!({});
        self.message::<Empty>(Method::DELETE, &one(webhook_id), &nothing, false)?;
        Ok(())
    }

    /// Sends an example of an event, of the webhook's first if none is named.
    pub(crate) fn test_webhook(
        &self,
        webhook_id: &str,
        event: Option<&str>,
    ) -> Result<TestResult, Error> {
        #[derive(Serialize)]
        struct Test {
            #[serde(skip_serializing_if = "Option::is_none")]
            event: Option<Event>,
        }
        let message = Test { event: event.map(Event::from_name) };
        let tested: Tested = self.post(&format!("{}/test", one(webhook_id)), &message, false)?;
        Ok(tested.result)
    }

    /// One page of what a webhook was told, newest first, with the token of the next.
    pub(crate) fn deliveries(
        &self,
        webhook_id: &str,
        state: Option<&str>,
        max_results: u32,
        page_token: Option<&str>,
    ) -> Result<(Vec<Delivery>, Option<String>), Error> {
        let limit = max_results.to_string();
        let mut query = vec![("max_results", limit.as_str())];
        query.extend(state.map(|state| ("state", state)));
        query.extend(page_token.map(|token| ("page_token", token)));
        let page: LogPage = self.get(&log(webhook_id), &query)?;
        Ok((page.deliveries, page.next_page_token))
    }

    /// Puts a delivery into the outbox again.
    pub(crate) fn redeliver(&self, webhook_id: &str, delivery_id: &str) -> Result<Delivery, Error> {
        let path = format!("{}/{}/redeliver", log(webhook_id), escape(delivery_id));
        self.post(&path, &serde_json::json!({}), true)
    }
}
