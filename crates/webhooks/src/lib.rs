//! Sending what the outbox holds.
//!
//! The store writes what webhooks are to be told in the transaction of the change; here it is signed, sent and,
//! where that may help, sent again. A receiver that hangs, refuses or lies about its address costs others nothing:
//! every webhook has its own few places, and every attempt an end.

mod attempt;
mod retries;
mod secrets;
mod sign;
mod worker;

use std::net::IpAddr;
use std::time::Duration;

use modelyard_egress::{Egress, Policy};
use modelyard_protocol::webhooks::{Target, WebhookEvent, example, python_repr};
use modelyard_protocol::{Context, Error, ErrorCode};
use modelyard_store::Webhook;

pub use secrets::{BadKey, KeySource};

use attempt::Message;
use secrets::Secrets;

/// How long an attempt may take, where nothing else is said. MLflow.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest that may be asked for: a claim on the outbox lasts as long.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(600);
/// Attempts after the first, where nothing else is said: with growing pauses they last about a day. MLflow gives
/// up after three, within seconds.
pub const DEFAULT_RETRIES: u32 = 36;
/// Attempts at once, where nothing else is said. Each is a connection and a few kilobytes.
pub const DEFAULT_WORKERS: usize = 256;
/// How long a name is looked up when a webhook is made.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(5);

/// How webhooks are sent.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where they may go.
    pub policy: Policy,
    /// What their secrets are encrypted with.
    pub key: KeySource,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// Attempts after the first.
    pub retries: u32,
    /// Attempts at once.
    pub workers: usize,
    /// Whether this process sends at all.
    pub sends: bool,
}

impl Default for Settings {
    /// MLflow's defaults but for patience, and without a key.
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            key: KeySource::Missing,
            timeout: DEFAULT_TIMEOUT,
            retries: DEFAULT_RETRIES,
            workers: DEFAULT_WORKERS,
            sends: true,
        }
    }
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Whether the receiver took it.
    pub success: bool,
    /// What it answered.
    pub response_status: Option<u16>,
    /// The beginning of what it wrote.
    pub response_body: Option<String>,
    /// Why there is no answer, or why it does not count.
    pub error: Option<String>,
}

/// The sender of webhooks.
pub struct Webhooks {
    settings: Settings,
    egress: Egress,
    secrets: Secrets,
    context: Context,
}

impl Webhooks {
    /// A sender; nothing is sent yet.
    pub fn new(settings: Settings, context: Context) -> Self {
        let egress = Egress::new(settings.policy.clone());
        let secrets = Secrets::new(settings.key.clone(), context.clone());
        Self { settings, egress, secrets, context }
    }

    /// Checks whether a webhook may point to a URL, with MLflow's messages. What its name means may change: the
    /// address is judged again at each connection.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE`.
    pub async fn check_url(&self, url: &str) -> Result<(), Error> {
        let target = Target::parse(url, &self.settings.policy.schemes)?;
        let host = python_repr(&target.host);
        match self.egress.forbidden(url, LOOK_UP_TIMEOUT).await {
            Ok(None) => Ok(()),
            Ok(Some(address)) => Err(Error::invalid(format!(
                "Webhook URL must not resolve to a non-public IP address. {host} resolves to {}.",
                as_python_writes(address)
            ))),
            Err(modelyard_egress::Error::Unresolved { cause, .. }) => Err(Error::invalid(format!(
                "Cannot resolve Webhook URL hostname {host}: {}",
                in_pythons_words(&cause)
            ))),
            Err(modelyard_egress::Error::Slow(timeout)) => Err(Error::invalid(format!(
                "Timed out resolving Webhook URL hostname {host} after {} seconds",
                timeout.as_secs()
            ))),
            Err(error) => {
                Err(Error::invalid(format!("Invalid webhook URL {}: {error}", python_repr(url))))
            }
        }
    }

    /// Encrypts the secret of a webhook.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when there is no key, `INTERNAL_ERROR` when its file cannot be used.
    pub async fn seal(&self, webhook_id: &str, secret: &str) -> Result<String, Error> {
        self.secrets.seal(webhook_id, secret).await.map_err(|error| match error {
            secrets::Fault::NoKey => Error::invalid(error.to_string()),
            error => {
                tracing::error!("a webhook's secret cannot be kept: {error}");
                Error::new(
                    ErrorCode::InternalError,
                    "The secret cannot be kept; the server's log says why.",
                )
            }
        })
    }

    /// Sends MLflow's example of an event, once, and says what came of it. It does not go into the log.
    pub async fn test(&self, webhook: &Webhook, event: WebhookEvent) -> Tested {
        let delivery_id = self.context.uuid();
        let payload = example(event, self.context.now_ms());
        let message = Message {
            webhook_id: &webhook.webhook_id,
            url: &webhook.url,
            sealed_secret: webhook.sealed_secret.as_deref(),
            delivery_id: &delivery_id,
            payload: &payload,
        };
        let answer = self.send(&message).await;
        Tested {
            success: answer.error.is_none(),
            response_status: answer.status,
            response_body: answer.body,
            error: answer.error.map(|error| format!("Failed to test webhook: {error}")),
        }
    }
}

/// Python shows an IPv4 address within IPv6 as the IPv6 address that it is.
fn as_python_writes(address: IpAddr) -> String {
    match address {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
            let [.., high, low] = v6.segments();
            format!("::ffff:{high:x}:{low:x}")
        }
        other => other.to_string(),
    }
}

/// What the name service says, as Python's users know it.
fn in_pythons_words(cause: &str) -> String {
    let text = cause.rsplit_once(": ").map_or(cause, |(_, text)| text);
    match text {
        "Name or service not known" => format!("[Errno -2] {text}"),
        "Temporary failure in name resolution" => format!("[Errno -3] {text}"),
        "No address associated with hostname" => format!("[Errno -5] {text}"),
        other => other.to_owned(),
    }
}
