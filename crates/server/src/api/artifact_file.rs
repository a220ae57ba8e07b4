//! Artifacts as answers: headers, ranges, conditions.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use modelyard_artifacts::{ArtifactFile, ArtifactPath, Repository, content_type};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::artifact_range::{Version, Wanted, wanted};
use super::digests;
use crate::{ApiError, answer};

/// Artifacts change under the same address, so a copy is asked after before it is used.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");
/// What RFC 8187 leaves as it is in an extended parameter.
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// Answers with a file, as far as the request wants it.
///
/// Always as an attachment: an artifact is what some user put there, and shown in place it would
/// act with the rights of this server's pages.
pub(super) async fn send(
    repository: &Repository,
    path: &ArtifactPath,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let file = repository.open(path).await?;
    let version =
        Version { size_bytes: file.size_bytes, etag: &file.etag, modified: file.modified };
    let size = file.size_bytes;
    let (status, range) = match wanted(headers, &version) {
        Wanted::NotModified => return not_modified(&file),
        Wanted::Unsatisfiable => return unsatisfiable(size),
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
    };
    // Whoever does not ask pays nothing.
    let digest = digests::wanted(headers, &file).await;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    digests::tell(response.headers_mut(), digest)?;
    describe(response.headers_mut(), &file)?;
    let headers = response.headers_mut();
    let name = path.file_name();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    headers.insert(header::CONTENT_DISPOSITION, value(attachment(name))?);
    headers.insert(header::ACCEPT_RANGES, BYTES);
    headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    if status == StatusCode::PARTIAL_CONTENT {
        let text = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        headers.insert(header::CONTENT_RANGE, value(text)?);
    }
    if method != Method::HEAD {
        *response.body_mut() = Body::from_stream(file.into_stream(range).await?);
    }
    Ok(response)
}

/// The headers that tell one version of the file from another.
fn describe(headers: &mut HeaderMap, file: &ArtifactFile) -> Result<(), ApiError> {
    headers.insert(header::ETAG, value(file.etag.clone())?);
    headers.insert(header::LAST_MODIFIED, value(httpdate::fmt_http_date(file.modified))?);
    headers.insert(header::CACHE_CONTROL, REVALIDATE);
    Ok(())
}

fn not_modified(file: &ArtifactFile) -> Result<Response, ApiError> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    describe(response.headers_mut(), file)?;
    Ok(response)
}

fn unsatisfiable(size: u64) -> Result<Response, ApiError> {
    let text = format!("The artifact has {size} bytes; the range begins behind its end.\n");
    let mut response = answer::text(StatusCode::RANGE_NOT_SATISFIABLE, text);
    let range: HeaderName = header::CONTENT_RANGE;
    response.headers_mut().insert(range, value(format!("bytes */{size}"))?);
    Ok(response)
}

fn value(text: String) -> Result<HeaderValue, ApiError> {
    HeaderValue::try_from(text).map_err(ApiError::internal)
}

/// The value of `Content-Disposition`. Names of artifacts hold no control characters; those beyond
/// ASCII go into RFC 6266's second parameter, with a readable stand-in for old clients.
fn attachment(name: &str) -> String {
    if name.is_ascii() {
        return format!("attachment; filename={}", quoted(name));
    }
    let ascii: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let extended = utf8_percent_encode(name, EXTENDED);
    format!("attachment; filename={}; filename*=UTF-8''{extended}", quoted(&ascii))
}

/// A token as it is, anything else in quotes.
fn quoted(text: &str) -> String {
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.bytes().all(in_token) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_in_the_header() {
        for (name, expected) in [
            ("a.txt", "attachment; filename=a.txt"),
            ("50%+x.txt", "attachment; filename=50%+x.txt"),
            ("a b.png", "attachment; filename=\"a b.png\""),
            ("a;b.txt", "attachment; filename=\"a;b.txt\""),
            ("a\"b.txt", "attachment; filename=\"a\\\"b.txt\""),
            ("é x.md", "attachment; filename=\"_ x.md\"; filename*=UTF-8''%C3%A9%20x.md"),
            ("한.csv", "attachment; filename=_.csv; filename*=UTF-8''%ED%95%9C.csv"),
        ] {
            assert_eq!(attachment(name), expected);
        }
    }
}
