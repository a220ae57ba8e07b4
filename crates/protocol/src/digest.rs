//! SHA-256 of files, and the HTTP fields that carry it (RFC 9530, Digest Fields).
//!
//! `Content-Digest` is of the content of a message, `Repr-Digest` of the whole file that the message is about.
//! `sha-256` is the one algorithm known here; the RFC has others ignored.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sfv::{BareItem, Dictionary, ListEntry, Parser};
use sha2::{Digest as _, Sha256};

/// The name of the field about the content of a message.
pub const CONTENT_DIGEST: &str = "content-digest";
/// The name of the field about a whole file.
pub const REPR_DIGEST: &str = "repr-digest";
/// The name of the field by which a client asks for [`REPR_DIGEST`].
pub const WANT_REPR_DIGEST: &str = "want-repr-digest";
/// What a client that wants nothing but SHA-256 says in [`WANT_REPR_DIGEST`].
pub const WANTED: &str = "sha-256=10";
/// The field of an answer to an upload that says by which algorithm it was compared. RFC 9530 has none: a
/// `Repr-Digest` in such an answer would be about the answer.
pub const VERIFIED: &str = "x-modelyard-verified";
/// The algorithm, as the fields name it.
pub const SHA_256: &str = "sha-256";

/// Bytes of a SHA-256.
const BYTES: usize = 32;

/// The SHA-256 of some bytes. Shown in base64, as in the fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; BYTES]);

/// A digest under way.
#[derive(Debug, Clone, Default)]
pub struct Hasher(Sha256);

/// A field that is none; the text says what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

impl Hasher {
    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was added.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads base64, as [`Display`](fmt::Display) writes it; `None` for what is no SHA-256.
    pub fn parse(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The value of a digest field: `sha-256=:…:`.
    pub fn field(&self) -> String {
        format!("{SHA_256}=:{self}:")
    }

    /// Reads the lines of a digest field; `None` if they hold no SHA-256.
    ///
    /// # Errors
    /// [`Malformed`] for what is no dictionary of structured fields (RFC 9651), and for a `sha-256` that is no
    /// byte sequence of 32 bytes.
    pub fn from_field<'a>(
        lines: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<Self>, Malformed> {
        let bytes = match member(lines)? {
            None => return Ok(None),
            Some(ListEntry::Item(item)) => match item.bare_item {
                BareItem::ByteSequence(bytes) => bytes,
                _ => return Err(Malformed("its sha-256 is no byte sequence".to_owned())),
            },
            Some(ListEntry::InnerList(_)) => {
                return Err(Malformed("its sha-256 is a list".to_owned()));
            }
        };
        let size = bytes.len();
        let digest = bytes.try_into();
        digest.map(|digest| Some(Self(digest))).map_err(|_bytes: Vec<u8>| {
            Malformed(format!("its sha-256 has {size} bytes instead of {BYTES}"))
        })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Whether the lines of a `Want-Repr-Digest` ask for SHA-256. It is a preference, so one that cannot be read
/// asks for nothing.
pub fn is_wanted<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> bool {
    match member(lines) {
        Ok(Some(ListEntry::Item(item))) => match item.bare_item {
            // 0 is "not acceptable".
            BareItem::Integer(weight) => (1..=10).contains(&i64::from(weight)),
            _ => false,
        },
        _ => false,
    }
}

/// The member `sha-256` of a dictionary that may be spread over several lines.
fn member<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<ListEntry>, Malformed> {
    let lines: Vec<&[u8]> = lines.into_iter().collect();
    let whole = lines.join(&b", "[..]);
    let dictionary: Result<Dictionary, _> = Parser::new(&whole).parse();
    let mut dictionary = dictionary.map_err(|error| Malformed(format!("{error}")))?;
    Ok(dictionary.swap_remove(SHA_256))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `abc`, from the standard's own example.
    const ABC: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

    fn read(lines: &[&str]) -> Result<Option<Digest>, Malformed> {
        Digest::from_field(lines.iter().map(|line| line.as_bytes()))
    }

    fn wanted(line: &str) -> bool {
        is_wanted([line.as_bytes()])
    }

    #[test]
    fn the_digest_is_the_known_one_however_the_bytes_come() {
        let mut hasher = Hasher::default();
        hasher.add(b"a");
        hasher.add(b"bc");
        assert_eq!(hasher.finish().to_string(), ABC);
        assert_eq!(Digest::of(b"abc").field(), format!("sha-256=:{ABC}:"));
        assert_eq!(Digest::parse(ABC), Some(Digest::of(b"abc")));
        assert_eq!(Digest::parse("AAAA"), None);
        assert_eq!(Digest::parse("no base64"), None);
    }

    #[test]
    fn a_field_is_read_back_whatever_stands_beside_it() {
        let abc = Digest::of(b"abc");
        let field = abc.field();
        assert_eq!(read(&[&field]), Ok(Some(abc)));
        assert_eq!(read(&[&format!("sha-512=:AAAA:, {field};a=1, x")]), Ok(Some(abc)));
        assert_eq!(read(&["md5=:AAAA:", &field]), Ok(Some(abc)), "two lines are one dictionary");
        let other = Digest::of(b"other").field();
        assert_eq!(read(&[&other, &field]), Ok(Some(abc)), "the last of a name counts");
    }

    #[test]
    fn other_algorithms_alone_are_no_digest() {
        for line in ["sha-512=:AAAA:", "md5=:AAAA:, crc32c=:AAAA:", "sha256=:AAAA:", ""] {
            assert_eq!(read(&[line]), Ok(None), "{line}");
        }
    }

    #[test]
    fn what_is_no_digest_field_is_malformed() {
        for line in [
            ABC,
            &format!("sha-256={ABC}"),
            "sha-256=:AAAA:",
            "sha-256=::",
            "sha-256",
            "sha-256=5",
            "sha-256=\"text\"",
            "sha-256=(:AAAA:)",
            "sha-256=:no base64:",
            "SHA-256=:AAAA:",
            "sha-512=:AAAA:,",
            "sha-256=:\u{e9}:",
        ] {
            let error = read(&[line]).expect_err(line).to_string();
            assert!(!error.is_empty(), "{line}");
        }
    }

    #[test]
    fn a_wish_is_a_weight_above_zero() {
        for line in [WANTED, "sha-256=1", "sha-512=10, sha-256=3"] {
            assert!(wanted(line), "{line}");
        }
        for line in ["sha-256=0", "sha-256=11", "sha-256=-1", "sha-256", "sha-512=10", "", "?!"] {
            assert!(!wanted(line), "{line}");
        }
    }
}
