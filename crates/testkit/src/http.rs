//! A small blocking HTTP client, which takes every status as an answer.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request};

/// How long a test waits for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client with its pool of connections.
#[derive(Debug, Clone)]
pub struct Client(Agent);

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header as text; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("an ASCII header"))
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl Client {
    /// A client that waits no longer than this for an answer.
    pub(crate) fn with_patience(patience: Duration) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(patience))
            .build();
        Self(config.into())
    }

    /// Sends a request, with a body unless it is empty.
    ///
    /// # Panics
    /// If no answer comes.
    pub fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, url, headers, body)
            .unwrap_or_else(|error| panic!("{method} {url}: {error}"))
    }

    /// Sends a request; an error if no answer comes, for example because the server is being killed.
    ///
    /// # Errors
    /// Whatever keeps the answer from coming.
    pub fn try_send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = if body.is_empty() {
            self.run(request.body(()).expect("a request"))?
        } else {
            self.run(request.body(body).expect("a request"))?
        };
        let (head, mut body) = response.into_parts();
        let body = body.with_config().limit(u64::MAX).read_to_vec()?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    fn run(
        &self,
        request: Request<impl ureq::AsSendBody>,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        // DELETE with a body, as MLflow's clients send it, is not for ureq to judge.
        let request = self.0.configure_request(request).allow_non_standard_methods(true).build();
        self.0.run(request)
    }
}
