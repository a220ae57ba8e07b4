//! Which part of a file a request asks for (RFC 9110, sections 13 and 14).

use std::ops::Range;
use std::time::SystemTime;

use axum::http::{HeaderMap, HeaderName, header};

/// What to answer with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// 200 with the whole file.
    Whole,
    /// 206 with these bytes.
    Part(Range<u64>),
    /// 304: the client has it.
    NotModified,
    /// 416: the range begins behind the end.
    Unsatisfiable,
}

/// What is known of the file.
pub(super) struct Version<'a> {
    pub(super) size_bytes: u64,
    /// A strong entity tag, in its quotes.
    pub(super) etag: &'a str,
    pub(super) modified: SystemTime,
}

/// Judges the conditions and the range of a GET.
pub(super) fn wanted(headers: &HeaderMap, version: &Version<'_>) -> Wanted {
    if is_known(headers, version) {
        return Wanted::NotModified;
    }
    let range = text(headers, header::RANGE).and_then(parse);
    match range {
        Some(range) if range_applies(headers, version) => range.within(version.size_bytes),
        _ => Wanted::Whole,
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Whether the client said it has this version. The date counts only without a tag.
fn is_known(headers: &HeaderMap, version: &Version<'_>) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        let tags = headers.get_all(header::IF_NONE_MATCH).iter();
        let mut tags = tags.filter_map(|value| value.to_str().ok()).flat_map(|it| it.split(','));
        return tags.any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == version.etag
        });
    }
    let since = text(headers, header::IF_MODIFIED_SINCE);
    since.and_then(date).is_some_and(|since| seconds(version.modified) <= seconds(since))
}

/// Whether a range may be answered: not if it continues another version.
fn range_applies(headers: &HeaderMap, version: &Version<'_>) -> bool {
    match text(headers, header::IF_RANGE) {
        None => true,
        Some(tag) if tag.starts_with('"') => tag == version.etag,
        Some(other) => date(other).is_some_and(|it| seconds(it) == seconds(version.modified)),
    }
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

/// Dates on the wire have no fractions.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A range that is well-formed.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    From {
        first: u64,
        last: Option<u64>,
    },
    /// So many bytes before the end.
    Suffix(u64),
}

/// Reads a single range of bytes. Anything else is to be ignored: other units, what is malformed,
/// and lists of ranges, which no MLflow client sends and which can be made to cost much.
fn parse(text: &str) -> Option<Asked> {
    let (unit, range) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    if first.is_empty() {
        return number(last).map(Asked::Suffix);
    }
    let first = number(first)?;
    let last = if last.is_empty() { None } else { Some(number(last)?) };
    last.is_none_or(|last| first <= last).then_some(Asked::From { first, last })
}

/// Digits only; a number beyond any file's size is the largest number.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

impl Asked {
    fn within(self, size: u64) -> Wanted {
        let range = match self {
            Self::From { first, last } => {
                first..last.map_or(size, |last| size.min(last.saturating_add(1)))
            }
            Self::Suffix(bytes) => size.saturating_sub(bytes)..size,
        };
        if range.start < range.end { Wanted::Part(range) } else { Wanted::Unsatisfiable }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn ask(headers: &[(HeaderName, &str)]) -> Wanted {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().expect("a header")))
            .collect();
        let modified = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_900);
        wanted(&headers, &Version { size_bytes: 6, etag: "\"tag\"", modified })
    }

    fn range(text: &str) -> Wanted {
        ask(&[(header::RANGE, text)])
    }

    #[test]
    fn one_range_of_bytes_is_answered() {
        assert_eq!(range("bytes=1-2"), Wanted::Part(1..3));
        assert_eq!(range("bytes=3-"), Wanted::Part(3..6));
        assert_eq!(range("bytes=-2"), Wanted::Part(4..6));
        assert_eq!(range("bytes=-99"), Wanted::Part(0..6));
        assert_eq!(range("Bytes=4-99"), Wanted::Part(4..6));
        assert_eq!(range("bytes=0-99999999999999999999999"), Wanted::Part(0..6));
        assert_eq!(range("bytes=0-18446744073709551615"), Wanted::Part(0..6));
    }

    #[test]
    fn ranges_behind_the_end_are_told_so() {
        for text in ["bytes=6-", "bytes=6-9", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(range(text), Wanted::Unsatisfiable, "{text}");
        }
    }

    #[test]
    fn what_is_no_single_range_of_bytes_is_ignored() {
        let many = format!("bytes={}0-0", "0-0,".repeat(10_000));
        let others = ["lines=1-2", "bytes=3-1", "bytes=x", "bytes=", "bytes=-", "bytes=+1-2"];
        for text in others.into_iter().chain(["bytes=0-0,2-3", "bytes 0-1", many.as_str()]) {
            assert_eq!(range(text), Wanted::Whole, "{text}");
        }
    }

    #[test]
    fn a_client_that_has_the_file_is_spared() {
        let tags = |text| ask(&[(header::IF_NONE_MATCH, text)]);
        for text in ["\"tag\"", "W/\"tag\"", "\"a\", \"tag\"", "*"] {
            assert_eq!(tags(text), Wanted::NotModified, "{text}");
        }
        assert_eq!(tags("\"other\""), Wanted::Whole);
        let since = |text| ask(&[(header::IF_MODIFIED_SINCE, text)]);
        assert_eq!(since("Sun, 06 Nov 1994 08:49:37 GMT"), Wanted::NotModified);
        assert_eq!(since("Sun, 06 Nov 1994 08:49:36 GMT"), Wanted::Whole);
        assert_eq!(since("yesterday"), Wanted::Whole);
        let date = (header::IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:37 GMT");
        let both = [(header::IF_NONE_MATCH, "\"other\""), date];
        assert_eq!(ask(&both), Wanted::Whole, "the tag counts");
    }

    #[test]
    fn a_range_of_another_version_gets_the_whole() {
        let resume = |condition| ask(&[(header::RANGE, "bytes=3-"), (header::IF_RANGE, condition)]);
        assert_eq!(resume("\"tag\""), Wanted::Part(3..6));
        assert_eq!(resume("Sun, 06 Nov 1994 08:49:37 GMT"), Wanted::Part(3..6));
        for text in ["\"other\"", "W/\"tag\"", "Sun, 06 Nov 1994 08:49:36 GMT", "x"] {
            assert_eq!(resume(text), Wanted::Whole, "{text}");
        }
    }
}
