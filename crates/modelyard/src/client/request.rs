//! One request: built, sent, repeated when that is right, and its answer judged.

use std::io::{self, Read};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{Method, Request, Response, header};
use ureq::{Body, SendBody};

use super::retry::{Cause, retry_after};
use super::{Client, Error, answer};

/// What may stand unescaped in a path segment or a query value, RFC 3986's unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// MLflow's header for the workspace a request is about.
const WORKSPACE: &str = "X-MLFLOW-WORKSPACE";
/// Pauses shorter than this pass without a word.
const SILENT_PAUSE: Duration = Duration::from_secs(1);

/// Escapes one path segment or query value.
pub(crate) fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// A request to be sent, possibly several times.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// Path and query, from the server's base address on.
    pub(crate) path: String,
    pub(crate) headers: Vec<(header::HeaderName, String)>,
    /// Whether doing it twice is doing it once.
    pub(crate) repeatable: bool,
    /// Whether the time limit is on the whole exchange, not on each silence in it.
    pub(crate) short: bool,
    pub(crate) content: Content<'a>,
}

/// The body of a request.
pub(crate) enum Content<'a> {
    /// None.
    Empty,
    /// A JSON message.
    Json(Vec<u8>),
    /// A body opened anew for each attempt.
    Stream(&'a dyn Source),
}

/// Where the bytes of a long request come from.
pub(crate) trait Source {
    /// The bytes from the beginning.
    fn open(&self) -> Result<Box<dyn Read + '_>, Error>;

    /// What went wrong with them on this side, if anything did.
    fn failure(&self) -> Option<Error>;
}

impl Client {
    /// `GET` with query parameters, answered in JSON.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Error> {
        let mut path = path.to_owned();
        for (index, (name, value)) in query.iter().enumerate() {
            path.push(if index == 0 { '?' } else { '&' });
            path.push_str(&format!("{name}={}", escape(value)));
        }
        self.json(&Call { path, ..Call::get() })
    }

    /// `POST` of a JSON message, answered in JSON. `repeatable`: see [`Call`].
    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        message: &impl Serialize,
        repeatable: bool,
    ) -> Result<T, Error> {
        self.message(Method::POST, path, message, repeatable)
    }

    /// Any method with a JSON message, answered in JSON. `repeatable`: see [`Call`].
    pub(crate) fn message<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        message: &impl Serialize,
        repeatable: bool,
    ) -> Result<T, Error> {
        let json = serde_json::to_vec(message)
            .map_err(|error| Error::Setting(format!("cannot write the request: {error}")))?;
        self.json(&Call {
            method,
            path: path.to_owned(),
            headers: vec![(header::CONTENT_TYPE, "application/json".to_owned())],
            repeatable,
            content: Content::Json(json),
            ..Call::get()
        })
    }

    /// `DELETE`, answered in JSON. Doing it twice is doing it once.
    pub(crate) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.json(&Call { method: Method::DELETE, path: path.to_owned(), ..Call::get() })
    }

    fn json<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, Error> {
        let mut response = self.send(call)?;
        let url = self.address.url(&call.path);
        answer::json(&mut response).map_err(|cause| match cause {
            answer::Fault::Connection(cause) => {
                Error::Broken { address: self.address.to_string(), cause }
            }
            answer::Fault::Content(cause) => Error::Answer { url, cause },
        })
    }

    /// Sends until it succeeds, must not be repeated, or has been tried often enough.
    pub(crate) fn send(&self, call: &Call<'_>) -> Result<Response<Body>, Error> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (cause, error) = match self.attempt(call) {
                Ok(response) => match self.judge(response, call, attempts) {
                    Ok(response) => return Ok(response),
                    Err((Some(cause), error)) => (cause, error),
                    Err((None, error)) => return Err(error),
                },
                Err(Attempt::Local(error)) => return Err(error),
                Err(Attempt::Unreachable(error)) => (Cause::Unreachable, error),
                Err(Attempt::Broken(error)) => (Cause::Broken, error),
            };
            let jitter = self.context.random().to_le_bytes()[0];
            match self.policy.pause(cause, attempts, call.repeatable, jitter) {
                Some(pause) => self.wait(pause, &error),
                None => return Err(error),
            }
        }
    }

    fn wait(&self, pause: Duration, error: &Error) {
        if pause >= SILENT_PAUSE {
            let reason = match error {
                Error::Busy { status, .. } => format!("is busy (HTTP {status})"),
                Error::Unreachable { .. } => "does not answer".to_owned(),
                _ => "broke the connection".to_owned(),
            };
            let seconds = pause.as_secs_f64();
            (self.say)(&format!("{} {reason}; next try in {seconds:.0} s", self.address));
        }
        std::thread::sleep(pause);
    }

    fn attempt(&self, call: &Call<'_>) -> Result<Response<Body>, Attempt> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(self.address.url(&call.path))
            .header(header::ACCEPT_ENCODING, "identity");
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if let Some(workspace) = &self.workspace {
            request = request.header(WORKSPACE, workspace);
        }
        let sent = match &call.content {
            Content::Empty => self.exchange(request.body(()), call),
            Content::Json(json) => self.exchange(request.body(json.as_slice()), call),
            Content::Stream(source) => {
                let mut reader = source.open().map_err(Attempt::Local)?;
                let sent = self.exchange(request.body(SendBody::from_reader(&mut reader)), call);
                match source.failure() {
                    Some(error) => return Err(Attempt::Local(error)),
                    None => sent,
                }
            }
        };
        sent.map_err(|error| self.classify(error))
    }

    fn exchange<B: ureq::AsSendBody>(
        &self,
        request: Result<Request<B>, ureq::http::Error>,
        call: &Call<'_>,
    ) -> Result<Response<Body>, ureq::Error> {
        let limit = call.short.then_some(self.timeout);
        let request = self.agent.configure_request(request?).timeout_global(limit).build();
        self.agent.run(request)
    }

    fn classify(&self, error: ureq::Error) -> Attempt {
        use ureq::{Error as Http, Timeout};
        let address = self.address.to_string();
        let unreachable =
            |address, cause| Attempt::Unreachable(Error::Unreachable { address, cause });
        let broken = |address, cause| Attempt::Broken(Error::Broken { address, cause });
        match error {
            Http::HostNotFound => unreachable(address, "there is no such host".to_owned()),
            Http::Timeout(Timeout::Connect | Timeout::Resolve) => {
                let seconds = super::CONNECT_TIMEOUT.as_secs();
                unreachable(address, format!("no connection within {seconds} s"))
            }
            Http::Timeout(_) => {
                broken(address, format!("no answer within {} s", self.timeout.as_secs()))
            }
            Http::ConnectionFailed => unreachable(address, error.to_string()),
            // Only the encryption judges what the bytes say.
            Http::Io(cause) if cause.kind() == io::ErrorKind::InvalidData => {
                Attempt::Local(Error::Encryption { address, cause: cause.to_string() })
            }
            Http::Io(cause) if is_before_connection(&cause) => {
                unreachable(address, cause.to_string())
            }
            Http::Io(cause) => broken(address, cause.to_string()),
            Http::Protocol(cause) => broken(address, cause.to_string()),
            Http::Rustls(cause) => {
                Attempt::Local(Error::Encryption { address, cause: cause.to_string() })
            }
            // Proxies and addresses: asking again gives the same answer.
            other => Attempt::Local(Error::Unreachable { address, cause: other.to_string() }),
        }
    }

    /// Success, or the error and whether its cause may pass.
    fn judge(
        &self,
        mut response: Response<Body>,
        call: &Call<'_>,
        attempts: u32,
    ) -> Result<Response<Body>, (Option<Cause>, Error)> {
        let status = response.status().as_u16();
        let cause = match status {
            200..=299 => return Ok(response),
            429 | 503 => {
                let asked = response.headers().get(header::RETRY_AFTER);
                let asked = asked.and_then(|value| value.to_str().ok());
                let now_ms = self.context.now_ms();
                Cause::Declined(asked.and_then(|text| retry_after(text, now_ms)))
            }
            408 | 502 | 504 => Cause::Gateway,
            _ => {
                let url = self.address.url(&call.path);
                return Err((None, answer::refusal(&mut response, url)));
            }
        };
        let message = answer::message(&mut response);
        if status == 503 && answer::is_switched_off(&message) {
            let url = self.address.url(&call.path);
            return Err((None, Error::Status { url, status, text: message }));
        }
        let message = if message.is_empty() { message } else { format!(": {message}") };
        let address = self.address.to_string();
        Err((Some(cause), Error::Busy { address, status, message, attempts }))
    }
}

/// How one attempt failed.
enum Attempt {
    /// On this side: repeating changes nothing.
    Local(Error),
    /// No connection came about.
    Unreachable(Error),
    /// The connection broke.
    Broken(Error),
}

/// Whether no connection came about, so that the server has seen nothing.
fn is_before_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::AddrNotAvailable => true,
        Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::NotConnected
        | Kind::UnexpectedEof
        | Kind::TimedOut
        | Kind::WouldBlock
        | Kind::WriteZero
        | Kind::Other => false,
        // What the name service says has neither a kind nor an error number.
        _ => error.raw_os_error().is_none(),
    }
}

impl Call<'_> {
    /// A short, repeatable GET without body.
    pub(crate) fn get() -> Self {
        Self {
            method: Method::GET,
            path: String::new(),
            headers: Vec::new(),
            repeatable: true,
            short: true,
            content: Content::Empty,
        }
    }
}
