//! Who says that they make a change, and why: kept in the audit trail.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modelyard_protocol::{Error, limits, validate};
use modelyard_store as store;

use crate::{ApiError, AppState};

/// The header by which a caller without credentials gives a name.
const ACTOR_HEADER: &str = "x-modelyard-actor";

/// The header by which a caller gives a reason.
const REASON_HEADER: &str = "x-modelyard-reason";

/// The name of callers who give none.
const ANONYMOUS: &str = "anonymous";

/// The caller as the audit trail names them: the user of `Authorization: Basic`, or else what
/// `X-Modelyard-Actor` says, or `anonymous`. There are no accounts, so nobody has checked it.
pub(crate) struct Author(pub(crate) store::Author);

impl Author {
    /// The same caller with the reason of the request's body, if it gives one.
    pub(crate) fn because(self, reason: Option<String>) -> Result<store::Author, Error> {
        let reason = reason.filter(|reason| !reason.is_empty()).or(self.0.reason);
        validate::text(reason.as_deref().unwrap_or_default(), limits::MAX_REASON_CHARS, "reason")?;
        Ok(store::Author { reason, ..self.0 })
    }
}

impl FromRequestParts<AppState> for Author {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let headers = &parts.headers;
        let name = match user(headers) {
            Some(user) => Some(user),
            None => text(headers, ACTOR_HEADER)?,
        };
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| ANONYMOUS.to_owned());
        validate::text(&name, limits::MAX_ACTOR_CHARS, ACTOR_HEADER)?;
        let reason = text(headers, REASON_HEADER)?.filter(|reason| !reason.is_empty());
        Self(store::Author { name, reason }).because(None).map(Self).map_err(Into::into)
    }
}

/// The user of basic credentials. Others have none that we could name.
fn user(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(user, _password)| user.to_owned())
}

fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, Error> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_not_text) => Err(Error::invalid(format!("The header {name} must be UTF-8."))),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_basic_credentials_name_a_user() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            user(&headers)
        };
        assert_eq!(of("Basic YW5uYTpzZWNyZXQ="), Some("anna".to_owned()));
        assert_eq!(of("basic YW5uYTpzZWNyZXQ="), Some("anna".to_owned()));
        for other in ["Basic", "Basic %%%", "Basic YW5uYQ==", "Bearer YW5uYTpzZWNyZXQ="] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
