//! What a server answered: JSON, MLflow's JSON error, or something else said plainly.

use std::io::Read as _;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::Body;
use ureq::http::{Response, header};

use super::Error;

/// Longest JSON answer, in bytes: a page of 1,000 runs with 100 parameters of 6,000 characters
/// each stays below it.
const JSON_MAX_BYTES: u64 = 1 << 30;
/// Longest error body that is read, in bytes; no error text needs more.
const ERROR_MAX_BYTES: u64 = 64 << 10;
/// Longest part of a body that is no JSON, in characters, that is shown.
const EXCERPT_CHARS: usize = 300;

/// Why a successful answer could not be used.
pub(crate) enum Fault {
    /// The body did not arrive whole.
    Connection(String),
    /// The body is not the JSON expected.
    Content(String),
}

/// Reads a JSON body; as with MLflow's client, an empty one counts as `{}`.
pub(crate) fn json<T: DeserializeOwned>(response: &mut Response<Body>) -> Result<T, Fault> {
    let body = response.body_mut().with_config().limit(JSON_MAX_BYTES);
    let bytes = body.read_to_vec().map_err(|error| Fault::Connection(error.to_string()))?;
    let text: &[u8] = if bytes.trim_ascii().is_empty() { b"{}" } else { &bytes };
    serde_json::from_slice(text).map_err(|error| {
        let start = excerpt(&String::from_utf8_lossy(&bytes));
        Fault::Content(format!("{error}; the answer starts with `{start}`"))
    })
}

/// The error that an unsuccessful answer stands for.
pub(crate) fn refusal(response: &mut Response<Body>, url: String) -> Error {
    let status = response.status().as_u16();
    let location = response.headers().get(header::LOCATION);
    let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = body_text(response);
    if let Ok(error) = serde_json::from_str::<JsonError>(&body) {
        return Error::Refused { status, code: error.error_code, message: error.message };
    }
    let text = match (status, location) {
        (300..=399, Some(to)) => {
            format!("it redirects to {to}. Give the tracking server's final address instead")
        }
        (401, _) => "credentials are missing or wrong. Set MLFLOW_TRACKING_USERNAME and \
                     MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
            .to_owned(),
        (404, _) => "there is no such endpoint. Is this the address of an MLflow-compatible \
                     tracking server?"
            .to_owned(),
        _ => described(&body),
    };
    Error::Status { url, status, text }
}

/// The text of an error answer, without its code.
pub(crate) fn message(response: &mut Response<Body>) -> String {
    let body = body_text(response);
    match serde_json::from_str::<JsonError>(&body) {
        Ok(error) => error.message,
        Err(_) if body.trim().is_empty() => String::new(),
        Err(_) => described(&body),
    }
}

/// Whether a 503 says that a half of the server is switched off, which no waiting changes.
pub(crate) fn is_switched_off(message: &str) -> bool {
    message.starts_with("Endpoint: ") && message.contains("disabled")
}

#[derive(Deserialize)]
struct JsonError {
    error_code: String,
    #[serde(default)]
    message: String,
}

fn body_text(response: &mut Response<Body>) -> String {
    let mut bytes = Vec::new();
    // What arrives before the connection breaks is better than nothing.
    let _ = response.body_mut().as_reader().take(ERROR_MAX_BYTES).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A body that is not MLflow's JSON error, in a few words.
fn described(body: &str) -> String {
    let detail = serde_json::from_str::<Value>(body).ok();
    if let Some(Value::String(detail)) = detail.as_ref().and_then(|json| json.get("detail")) {
        return excerpt(detail);
    }
    let start = body.trim_start();
    if start.is_empty() {
        return "with no further word".to_owned();
    }
    if start.starts_with('<') {
        return "with a web page instead of JSON".to_owned();
    }
    excerpt(start)
}

fn excerpt(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> Error {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let mut response = response.body(Body::builder().data(body)).expect("a response");
        refusal(&mut response, "http://h/x".into())
    }

    #[test]
    fn mlflows_error_is_taken_over() {
        let body =
            r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"No run 7","sqlstate":"K"}"#;
        let error = answered(404, &[], body);
        assert_eq!(error.to_string(), "No run 7 (RESOURCE_DOES_NOT_EXIST)");
        assert!(error.is_not_found());
    }

    #[test]
    fn an_endpoint_that_is_not_there_is_not_a_missing_run() {
        let error = answered(404, &[], "<html>Not Found</html>");
        assert!(error.to_string().contains("MLflow-compatible tracking server?"), "{error}");
        assert!(!error.is_not_found());
    }

    #[test]
    fn other_answers_are_said_in_few_words() {
        let text = |status, body: &str| answered(status, &[], body).to_string();
        assert_eq!(text(500, ""), "http://h/x answered HTTP 500: with no further word");
        assert!(text(500, "<html>").ends_with("with a web page instead of JSON"));
        assert!(text(400, r#"{"detail":"a directory"}"#).ends_with(": a directory"));
        assert!(text(400, &"x ".repeat(1000)).ends_with('…'));
        assert!(text(401, "no").contains("MLFLOW_TRACKING_TOKEN"));
        let moved = answered(301, &[("location", "https://h/x")], "");
        assert!(moved.to_string().contains("redirects to https://h/x"), "{moved}");
    }
}
