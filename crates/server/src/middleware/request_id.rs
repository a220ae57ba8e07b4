//! The id under which a request appears in the log and in its answer.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The longest id taken over from a client, in bytes.
const MAX_BYTES: usize = 64;

/// Makes ids: unique in this process by a counter, between processes by a random start.
pub(crate) struct RequestIds {
    process: u32,
    next: AtomicU64,
}

impl RequestIds {
    /// Read from requests, written to every answer.
    pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    pub(crate) fn new(process: u32) -> Self {
        Self { process, next: AtomicU64::new(1) }
    }

    /// The client's id if it is harmless, a new one otherwise.
    pub(crate) fn take_over_or_make(&self, headers: &HeaderMap) -> HeaderValue {
        if let Some(given) = headers.get(Self::HEADER).filter(|id| is_harmless(id.as_bytes())) {
            return given.clone();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("{:08x}-{number:x}", self.process);
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("-"))
    }
}

/// Ids go into logs and answers, so only these characters pass.
fn is_harmless(id: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !id.is_empty() && id.len() <= MAX_BYTES && id.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(given: &[u8]) -> String {
        let value = HeaderValue::from_bytes(given).expect("a header value");
        let headers = HeaderMap::from_iter([(RequestIds::HEADER, value)]);
        let id = RequestIds::new(0xabc).take_over_or_make(&headers);
        id.to_str().expect("ids are ASCII").to_owned()
    }

    #[test]
    fn a_harmless_id_is_kept() {
        assert_eq!(take(b"build-7.step_2"), "build-7.step_2");
    }

    #[test]
    fn anything_else_is_replaced() {
        for given in [&b""[..], b"a b", b"a\tb", b"\"x", b"\xff", &[b'a'; 65]] {
            assert_eq!(take(given), "00000abc-1", "{given:?}");
        }
    }
}
