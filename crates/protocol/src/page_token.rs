//! Page tokens: opaque to clients, bound to the query they belong to.
//!
//! A token holds the values of the ordering's keys of the last row shown (keyset paging), so rows
//! added meanwhile neither repeat nor hide others. It is not signed: whoever forges one only moves
//! a cursor over rows they may see anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Error;

const VERSION: u8 = 1;
/// Longest token read. A key value is a tag of at most 8000 characters; there are at most 18 keys.
const MAX_TOKEN_BYTES: usize = 1024 * 1024;

/// The list that a token continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ListKind {
    /// runs/search
    Runs = 1,
    /// experiments/search
    Experiments = 2,
    /// logged-models/search
    LoggedModels = 3,
    /// metrics/get-history
    MetricHistory = 4,
    /// artifacts/list
    Artifacts = 5,
    /// registered-models/search
    RegisteredModels = 6,
    /// model-versions/search
    ModelVersions = 7,
    /// The audit trail
    Events = 8,
    /// What was deleted, of our own API.
    Trash = 9,
    /// Webhooks
    Webhooks = 10,
    /// A webhook's deliveries
    Deliveries = 11,
}

/// The value of one ordering key in the last row shown.
#[derive(Debug, Clone)]
pub enum KeyValue {
    /// The row has no value.
    Null,
    /// A whole number.
    Integer(i64),
    /// A float with its exact bits, NaN included.
    Float(f64),
    /// A text.
    Text(String),
}

impl PartialEq for KeyValue {
    /// Floats are equal when their bits are.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) => a == b,
            _ => false,
        }
    }
}

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct PageToken {
    /// The list.
    pub kind: ListKind,
    /// The query, as [`Fingerprint`] sums it up.
    pub fingerprint: u64,
    /// The values of the ordering's keys in the last row shown, in the ordering's order.
    pub keys: Vec<KeyValue>,
}

impl PageToken {
    /// The token as text: letters, digits, `-` and `_`.
    pub fn encode(&self) -> String {
        let mut bytes = vec![VERSION, self.kind as u8];
        bytes.extend_from_slice(&self.fingerprint.to_le_bytes());
        for key in &self.keys {
            match key {
                KeyValue::Null => bytes.push(0),
                KeyValue::Integer(value) => {
                    bytes.push(1);
                    bytes.extend_from_slice(&value.to_le_bytes());
                }
                KeyValue::Float(value) => {
                    bytes.push(2);
                    bytes.extend_from_slice(&value.to_bits().to_le_bytes());
                }
                KeyValue::Text(value) => {
                    bytes.push(3);
                    // Stored values are far below 4 GiB; a longer one is refused when read back.
                    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
                    bytes.extend_from_slice(&length.to_le_bytes());
                    bytes.extend_from_slice(value.as_bytes());
                }
            }
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token of this list, query and number of ordering keys.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when the text is not a token, or is the token of another query.
    pub fn decode(
        text: &str,
        kind: ListKind,
        fingerprint: u64,
        key_count: usize,
    ) -> Result<Self, Error> {
        let token = parse(text).ok_or_else(|| {
            Error::invalid(
                "Invalid page token. Use the next_page_token of the previous answer as it is, or \
                 leave it out to start from the first page.",
            )
        })?;
        if token.kind != kind || token.fingerprint != fingerprint || token.keys.len() != key_count {
            return Err(Error::invalid(
                "Invalid page token: it belongs to another query. Repeat the request that it came \
                 from (same filter, order_by and experiments), or leave it out to start anew.",
            ));
        }
        Ok(token)
    }
}

fn parse(text: &str) -> Option<PageToken> {
    if text.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (head, mut rest) = bytes.split_at_checked(10)?;
    if head[0] != VERSION {
        return None;
    }
    let kind = match head[1] {
        1 => ListKind::Runs,
        2 => ListKind::Experiments,
        3 => ListKind::LoggedModels,
        4 => ListKind::MetricHistory,
        5 => ListKind::Artifacts,
        6 => ListKind::RegisteredModels,
        7 => ListKind::ModelVersions,
        8 => ListKind::Events,
        9 => ListKind::Trash,
        10 => ListKind::Webhooks,
        11 => ListKind::Deliveries,
        _ => return None,
    };
    let fingerprint = u64::from_le_bytes(head[2..].try_into().ok()?);
    let mut keys = Vec::new();
    while let Some((tag, after)) = rest.split_first() {
        rest = after;
        keys.push(match tag {
            0 => KeyValue::Null,
            1 => KeyValue::Integer(i64::from_le_bytes(take(&mut rest)?)),
            2 => KeyValue::Float(f64::from_bits(u64::from_le_bytes(take(&mut rest)?))),
            3 => {
                let length = u32::from_le_bytes(take(&mut rest)?);
                let (text, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                rest = after;
                KeyValue::Text(std::str::from_utf8(text).ok()?.to_owned())
            }
            _ => return None,
        });
    }
    Some(PageToken { kind, fingerprint, keys })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*head)
}

/// Sums a query up in 64 bits (FNV-1a), stable across processes and releases.
#[derive(Debug, Clone)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// An empty query.
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a text of the query.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(&(text.len() as u64).to_le_bytes()).bytes(text.as_bytes())
    }

    /// Adds a list of texts.
    #[must_use]
    pub fn texts<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let (sum, count) =
            texts.into_iter().fold((self, 0_u64), |(sum, count), text| (sum.text(text), count + 1));
        sum.bytes(&count.to_le_bytes())
    }

    /// Adds a number.
    #[must_use]
    pub fn number(self, number: i64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    /// The sum.
    pub fn finish(&self) -> u64 {
        self.0
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self
    }
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = KeyValue> {
        prop_oneof![
            Just(KeyValue::Null),
            any::<i64>().prop_map(KeyValue::Integer),
            any::<u64>().prop_map(|bits| KeyValue::Float(f64::from_bits(bits))),
            ".*".prop_map(KeyValue::Text),
        ]
    }

    proptest! {
        #[test]
        fn tokens_come_back_exactly(
            fingerprint: u64,
            keys in proptest::collection::vec(key(), 0..5),
        ) {
            let token = PageToken { kind: ListKind::Runs, fingerprint, keys };
            let text = token.encode();
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            let count = token.keys.len();
            let back = PageToken::decode(&text, ListKind::Runs, fingerprint, count).unwrap();
            prop_assert_eq!(&back, &token);
            let others = [
                PageToken::decode(&text, ListKind::Experiments, fingerprint, count),
                PageToken::decode(&text, ListKind::Runs, fingerprint ^ 1, count),
                PageToken::decode(&text, ListKind::Runs, fingerprint, count + 1),
            ];
            prop_assert!(others.iter().all(Result::is_err));
        }

        #[test]
        fn rubbish_is_refused_without_panic(text in ".*", bytes: Vec<u8>, kind in 0_u8..7) {
            let decode = |text: &str| PageToken::decode(text, ListKind::Runs, 0, 1);
            prop_assert!(decode(&text).is_err());
            let mut framed = vec![VERSION, kind];
            framed.extend(bytes);
            // Whatever comes of it, it is an answer.
            let _ = decode(&URL_SAFE_NO_PAD.encode(framed));
        }
    }

    #[test]
    fn a_fingerprint_tells_apart_where_texts_end() {
        let sum = |a: &str, b: &str| Fingerprint::new().text(a).text(b).finish();
        assert_ne!(sum("ab", "c"), sum("a", "bc"));
        let list = |texts: &[&str]| Fingerprint::new().texts(texts.iter().copied()).finish();
        assert_ne!(list(&["a", "b"]), list(&["a"]));
        assert_ne!(list(&[]), Fingerprint::new().finish());
    }
}
