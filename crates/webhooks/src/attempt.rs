//! One attempt: signed, sent, and its answer judged.

use modelyard_egress::{Error as Outgoing, Post, Reply};
use modelyard_store::{Attempt, Claimed, Verdict};

use crate::retries::{self, History};
use crate::{Webhooks, sign};

/// How much of an answer is read and kept: enough for an error message.
const REPLY_MAX_BYTES: usize = 4096;

/// What is sent, and to whom.
pub(crate) struct Message<'a> {
    pub(crate) webhook_id: &'a str,
    pub(crate) url: &'a str,
    pub(crate) sealed_secret: Option<&'a str>,
    pub(crate) delivery_id: &'a str,
    pub(crate) payload: &'a str,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: Option<u16>,
    pub(crate) body: Option<String>,
    /// Why it did not arrive; `None` when it did.
    pub(crate) error: Option<String>,
    /// Whether that may pass.
    passing: bool,
    retry_after: Option<String>,
}

impl Answer {
    fn none(error: String, passing: bool) -> Self {
        Self { status: None, body: None, error: Some(error), passing, retry_after: None }
    }
}

impl Webhooks {
    /// Attempts a delivery, and says what follows.
    pub(crate) async fn attempt(&self, claimed: &Claimed) -> Attempt {
        let message = Message {
            webhook_id: &claimed.webhook_id,
            url: &claimed.url,
            sealed_secret: claimed.sealed_secret.as_deref(),
            delivery_id: &claimed.delivery_id,
            payload: &claimed.payload,
        };
        let answer = self.send(&message).await;
        let now_ms = self.context.now_ms();
        let attempts = claimed.attempts + 1;
        let verdict = match (&answer.error, answer.passing) {
            (None, _) => Verdict::Delivered,
            (Some(_), false) => Verdict::Failed,
            (Some(_), true) => {
                let history = History { attempts, queued_ms: claimed.queued_ms, now_ms };
                let asked = answer.retry_after.as_deref();
                let asked_ms = asked.and_then(|text| retries::asked_ms(text, now_ms));
                let chance = self.context.random().to_le_bytes()[0];
                retries::after_failure(history, self.settings.retries, asked_ms, chance)
            }
        };
        if let (Some(error), Verdict::Failed) = (&answer.error, verdict) {
            let (webhook, delivery) = (&claimed.webhook_id, &claimed.delivery_id);
            tracing::warn!(%webhook, %delivery, attempts, "a webhook was not delivered: {error}");
        }
        Attempt {
            at_ms: now_ms,
            response_status: answer.status,
            response_body: answer.body,
            error: answer.error,
            verdict,
        }
    }

    pub(crate) async fn send(&self, message: &Message<'_>) -> Answer {
        let seconds = (self.context.now_ms() / 1000).to_string();
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", concat!("modelyard/", env!("CARGO_PKG_VERSION")).to_owned()),
            ("x-mlflow-delivery-id", message.delivery_id.to_owned()),
            ("x-mlflow-timestamp", seconds.clone()),
        ];
        if let Some(sealed) = message.sealed_secret {
            let secret = match self.secrets.open(message.webhook_id, sealed).await {
                Ok(secret) => secret,
                // Whoever runs the server can give it its key again.
                Err(fault) => return Answer::none(fault.to_string(), true),
            };
            let (id, payload) = (message.delivery_id, message.payload);
            headers.push(("x-mlflow-signature", sign::signature(&secret, id, &seconds, payload)));
        }
        let post = Post {
            url: message.url,
            headers,
            body: message.payload.to_owned(),
            timeout: self.settings.timeout,
            reply_max_bytes: REPLY_MAX_BYTES,
        };
        match self.egress.post(post).await {
            Ok(reply) => judge(reply),
            Err(error) => {
                let passing = !matches!(error, Outgoing::Refused(_));
                Answer::none(error.to_string(), passing)
            }
        }
    }
}

/// Whether a receiver has taken a delivery. A redirect is not followed: it may lead anywhere, most turn the POST
/// into a GET without its body, and to the receiver's first server it looks as if all were well.
fn judge(reply: Reply) -> Answer {
    let Reply { status, retry_after, location, body } = reply;
    let error = match status {
        200..=299 => None,
        300..=399 => {
            let to = location.map(|place| format!(" to {place}")).unwrap_or_default();
            Some(format!(
                "the receiver answered {status}, a redirect{to}; redirects are not followed. Set the webhook's URL \
                 to where it leads"
            ))
        }
        _ => Some(format!("the receiver answered {status}")),
    };
    Answer {
        status: Some(status),
        body: Some(String::from_utf8_lossy(&body).into_owned()),
        passing: retries::is_retried(status),
        error,
        retry_after,
    }
}
