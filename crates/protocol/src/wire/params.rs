//! The parameters of one request, wherever they stand.

use serde_json::{Map, Value};

use super::check::check;
use super::message::{Kind, Message, Request, Rules};
use super::normalise::{normalise, refuse_double_spelling};
use super::query::{Query, parse_query};
use crate::error::Error;

/// The parameters of one request: the query of a GET, the JSON body of anything else.
///
/// A GET without a query may carry a body, as in MLflow.
#[derive(Debug, Clone)]
pub struct Params<'a>(Source<'a>);

#[derive(Debug, Clone)]
enum Source<'a> {
    Query(Query),
    Body(&'a [u8]),
}

impl<'a> Params<'a> {
    /// Takes the parameters from where the method has them.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when a POST or PUT is not declared as JSON.
    pub fn new(
        method: &str,
        query: Option<&str>,
        content_type: Option<&str>,
        body: &'a [u8],
    ) -> Result<Self, Error> {
        if matches!(method, "GET" | "HEAD") {
            let query = parse_query(query.unwrap_or_default());
            if !query.is_empty() {
                return Ok(Self(Source::Query(query)));
            }
        }
        if matches!(method, "POST" | "PUT") {
            require_json(content_type)?;
        }
        Ok(Self(Source::Body(body)))
    }

    /// Parameters from a JSON body.
    pub fn from_body(body: &'a [u8]) -> Self {
        Self(Source::Body(body))
    }

    /// Parameters from a query string.
    pub fn from_query(query: &str) -> Self {
        Self(Source::Query(parse_query(query)))
    }

    /// Reads a request and validates it.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` with MLflow's messages.
    pub fn read<T: Request>(&self, rules: Rules) -> Result<T, Error> {
        let mut request = self.read_unvalidated::<T>()?;
        request.validate(rules)?;
        Ok(request)
    }

    fn read_unvalidated<T: Request>(&self) -> Result<T, Error> {
        match &self.0 {
            Source::Query(query) => read_loosely(&query_object(&T::MESSAGE, query)?),
            Source::Body(body) => {
                if let Ok(request) = serde_json::from_slice::<T>(body)
                    && request.is_complete()
                {
                    return Ok(request);
                }
                let (object, broken) = body_object(body)?;
                // MLflow takes a body that is not JSON for an empty one; say so.
                read_loosely(&object).map_err(|mut error| {
                    if let Some(fault) = broken {
                        error.message += &format!(" The request body is not valid JSON: {fault}.");
                    }
                    error
                })
            }
        }
    }
}

/// MLflow's check of the content type; parameters such as `charset` are free.
fn require_json(content_type: Option<&str>) -> Result<(), Error> {
    let Some(content_type) = content_type else {
        return Err(Error::invalid("Bad Request. Content-Type header is missing."));
    };
    let mime = content_type.split(';').next().unwrap_or_default().trim();
    if mime.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Error::invalid("Bad Request. Content-Type must be one of ['application/json']."))
}

pub(super) fn read_loosely<T: Request>(request: &Value) -> Result<T, Error> {
    refuse_double_spelling(&T::MESSAGE, request)?;
    let Value::Object(object) = request else {
        return Err(Error::invalid("The request must be a JSON object."));
    };
    let (strict, mismatch) = normalise(&T::MESSAGE, object);
    check(&T::MESSAGE, object, mismatch.is_none())?;
    if let Some(mismatch) = mismatch {
        return Err(mismatch.into_error());
    }
    serde_json::from_value(strict)
        .map_err(|error| Error::invalid(format!("The request cannot be read: {error}.")))
}

/// The JSON object in a body. An empty or broken one counts as `{}`, with the fault noted.
fn body_object(body: &[u8]) -> Result<(Value, Option<String>), Error> {
    let nothing = || Value::Object(Map::new());
    if body.trim_ascii().is_empty() {
        return Ok((nothing(), None));
    }
    let value = match parse_json(body) {
        Ok(value) => value,
        Err(fault) => return Ok((nothing(), Some(fault.to_string()))),
    };
    // Old clients send the JSON object as a JSON string.
    let value = match value {
        Value::String(text) => match parse_json(text.as_bytes()) {
            Ok(value) => value,
            Err(fault) => return Ok((nothing(), Some(fault.to_string()))),
        },
        value => value,
    };
    match value {
        Value::Object(_) => Ok((value, None)),
        Value::Null => Ok((nothing(), None)),
        _ => Err(Error::invalid(
            "The request body must be a JSON object, such as {\"run_id\": \"…\"}.",
        )),
    }
}

/// JSON as Python reads it, at most 128 levels deep (`serde_json`'s limit): the bare words `NaN`, `Infinity` and `-Infinity` are values. They
/// become texts, which every number field takes.
fn parse_json(body: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(body).or_else(|error| match quote_bare_words(body) {
        Some(quoted) => serde_json::from_slice(&quoted).map_err(|_still_broken| error),
        None => Err(error),
    })
}

fn quote_bare_words(body: &[u8]) -> Option<Vec<u8>> {
    const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let mut quoted = Vec::new();
    let (mut copied, mut at, mut in_text) = (0, 0, false);
    while at < body.len() {
        match body[at] {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            _ if !in_text => {
                if let Some(word) = WORDS.iter().find(|word| body[at..].starts_with(word)) {
                    quoted.extend_from_slice(&body[copied..at]);
                    quoted.push(b'"');
                    quoted.extend_from_slice(word);
                    quoted.push(b'"');
                    at += word.len();
                    copied = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return None;
    }
    quoted.extend_from_slice(&body[copied..]);
    Some(quoted)
}

/// The fields of a message that a query names, as JSON. Queries know `snake_case` only.
fn query_object(message: &Message, query: &Query) -> Result<Value, Error> {
    let mut object = Map::new();
    for field in message.0 {
        let Some(first) = query.get(field.name) else { continue };
        let value = match field.kind {
            Kind::Texts | Kind::Messages(_) => query.all(field.name).collect::<Value>(),
            Kind::Bool if first.eq_ignore_ascii_case("true") => Value::Bool(true),
            Kind::Bool if first.eq_ignore_ascii_case("false") => Value::Bool(false),
            Kind::Bool => {
                return Err(Error::invalid(format!(
                    "Invalid boolean value: {first}, must be 'true' or 'false'."
                )));
            }
            _ => Value::from(first),
        };
        object.insert(field.name.to_owned(), value);
    }
    Ok(Value::Object(object))
}
