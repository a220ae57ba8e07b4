//! Digest fields (RFC 9530): what an upload says of itself, and what a download wants to know.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use modelyard_artifacts::ArtifactFile;
use modelyard_protocol::Error;
use modelyard_protocol::digest::{self, Digest};

use crate::ApiError;

const CONTENT: HeaderName = HeaderName::from_static(digest::CONTENT_DIGEST);
const REPR: HeaderName = HeaderName::from_static(digest::REPR_DIGEST);
const WANT_REPR: HeaderName = HeaderName::from_static(digest::WANT_REPR_DIGEST);
const VERIFIED: HeaderName = HeaderName::from_static(digest::VERIFIED);
const SHA_256: HeaderValue = HeaderValue::from_static(digest::SHA_256);
/// How long a file may be read for its digest before the answer begins without one. MLflow's clients wait 120 s for
/// an answer, proxies in front of a server often 60 s.
const PATIENCE: Duration = Duration::from_secs(20);

/// The digest that an upload announces. Its content is the whole file or part that it stores, so both fields are of
/// the same bytes.
///
/// # Errors
/// If a field is malformed, or they contradict each other.
pub(super) fn announced(headers: &HeaderMap) -> Result<Option<Digest>, ApiError> {
    let content = read(headers, &CONTENT, "Content-Digest")?;
    let whole = read(headers, &REPR, "Repr-Digest")?;
    match (content, whole) {
        (Some(content), Some(whole)) if content != whole => Err(Error::invalid(format!(
            "Content-Digest and Repr-Digest contradict each other: {content} and {whole}. Send one \
             of them, of the bytes in the body."
        ))
        .into()),
        _ => Ok(content.or(whole)),
    }
}

fn read(headers: &HeaderMap, name: &HeaderName, shown: &str) -> Result<Option<Digest>, ApiError> {
    let lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    Digest::from_field(lines).map_err(|error| {
        Error::invalid(format!(
            "The field {shown} is malformed: {error}. Write sha-256=:…: with the SHA-256 of the body \
             in base64, as RFC 9530 has it, or leave it out."
        ))
        .into()
    })
}

/// The answer to an upload, with the algorithm by which it was compared, if it was.
pub(super) fn confirmed(mut response: Response, digest: Option<Digest>) -> Response {
    if digest.is_some() {
        response.headers_mut().insert(VERIFIED, SHA_256);
    }
    response
}

/// The digest of the whole file, if the request asks for it and it can be had in time.
pub(super) async fn wanted(headers: &HeaderMap, file: &ArtifactFile) -> Option<Digest> {
    let lines = headers.get_all(WANT_REPR).iter().map(HeaderValue::as_bytes);
    match headers.contains_key(WANT_REPR) && digest::is_wanted(lines) {
        true => file.digest(PATIENCE).await,
        false => None,
    }
}

/// Adds the digest of the whole file to an answer, whatever part of it that holds.
pub(super) fn tell(headers: &mut HeaderMap, digest: Option<Digest>) -> Result<(), ApiError> {
    if let Some(digest) = digest {
        let value = HeaderValue::try_from(digest.field()).map_err(ApiError::internal)?;
        headers.insert(REPR, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(fields: &[(&'static str, &str)]) -> Result<Option<Digest>, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), value.parse().expect("a value"));
        }
        announced(&headers).map_err(|error| error.error.message)
    }

    #[test]
    fn either_field_announces_the_body() {
        let abc = Digest::of(b"abc");
        let field = abc.field();
        assert_eq!(read_all(&[]), Ok(None));
        assert_eq!(read_all(&[("content-digest", &field)]), Ok(Some(abc)));
        assert_eq!(read_all(&[("repr-digest", &field)]), Ok(Some(abc)));
        assert_eq!(read_all(&[("content-digest", &field), ("repr-digest", &field)]), Ok(Some(abc)));
        let unknown = [("content-digest", "md5=:AAAA:"), ("repr-digest", field.as_str())];
        assert_eq!(read_all(&unknown), Ok(Some(abc)));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_the_name_of_the_field() {
        let malformed = read_all(&[("repr-digest", "sha-256=abc")]).expect_err("malformed");
        assert!(malformed.starts_with("The field Repr-Digest is malformed: "), "{malformed}");
        let (one, other) = (Digest::of(b"1").field(), Digest::of(b"2").field());
        let both = read_all(&[("content-digest", &one), ("repr-digest", &other)]);
        assert!(both.expect_err("two").contains("contradict"), "both are of the body");
    }
}
