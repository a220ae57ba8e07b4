//! The checksums that go with what is uploaded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use modelyard_protocol::digest::{CONTENT_DIGEST, Digest, Hasher, REPR_DIGEST, SHA_256, VERIFIED};
use ureq::http::HeaderMap;
use ureq::http::header::{ETAG, HeaderName};

/// The field that stores of objects compare. It was removed from HTTP, but not from them.
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// By what a receiver compares what it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// SHA-256 in the digest fields of RFC 9530: tracking servers.
    Sha256,
    /// MD5 in `Content-MD5`: stores of objects.
    Md5,
}

/// A checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checksum {
    Sha256(Digest),
    Md5([u8; 16]),
}

/// A checksum under way.
pub(super) enum Summing {
    Sha256(Hasher),
    Md5(Md5),
}

impl Summing {
    /// Of nothing yet.
    pub(super) fn by(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Hasher::default()),
            Algorithm::Md5 => Self::Md5(Md5::new()),
        }
    }

    /// Adds bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.add(bytes),
            Self::Md5(md5) => md5.update(bytes),
        }
    }

    /// The checksum of all that was added so far.
    pub(super) fn so_far(&self) -> Checksum {
        match self {
            Self::Sha256(hasher) => Checksum::Sha256(hasher.clone().finish()),
            Self::Md5(md5) => Checksum::Md5(md5.clone().finalize().into()),
        }
    }
}

impl Checksum {
    /// The algorithm.
    pub(super) fn algorithm(self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Md5(_) => Algorithm::Md5,
        }
    }

    /// The field that goes with a whole file.
    pub(super) fn of_file(self) -> (HeaderName, String) {
        self.field(HeaderName::from_static(REPR_DIGEST))
    }

    /// The field that goes with a part of a file: the file is another matter than the content of the message.
    pub(super) fn of_part(self) -> (HeaderName, String) {
        self.field(HeaderName::from_static(CONTENT_DIGEST))
    }

    fn field(self, of_digest: HeaderName) -> (HeaderName, String) {
        match self {
            Self::Sha256(digest) => (of_digest, digest.field()),
            Self::Md5(md5) => (CONTENT_MD5, STANDARD.encode(md5)),
        }
    }

    /// Whether the answer to an upload shows that the receiver has the bytes with this checksum: a server of ours
    /// says so, a store names the MD5 of what it got as its tag. Others may have compared and not say so.
    pub(super) fn is_confirmed_by(self, answer: &HeaderMap) -> bool {
        let field = |name: HeaderName| answer.get(name).and_then(|value| value.to_str().ok());
        match self {
            Self::Sha256(_) => field(HeaderName::from_static(VERIFIED)) == Some(SHA_256),
            Self::Md5(md5) => {
                let hex: String = md5.iter().map(|byte| format!("{byte:02x}")).collect();
                field(ETAG).is_some_and(|tag| tag.trim_matches('"').eq_ignore_ascii_case(&hex))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(algorithm: Algorithm) -> Checksum {
        let mut summing = Summing::by(algorithm);
        summing.add(b"a");
        summing.add(b"bc");
        summing.so_far()
    }

    fn answer(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().expect("a value"))])
    }

    #[test]
    fn each_receiver_gets_its_own_field() {
        let (sha256, md5) = (sum(Algorithm::Sha256), sum(Algorithm::Md5));
        assert_eq!(sha256, Checksum::Sha256(Digest::of(b"abc")));
        let field = Digest::of(b"abc").field();
        assert_eq!(sha256.of_file(), (HeaderName::from_static("repr-digest"), field.clone()));
        assert_eq!(sha256.of_part(), (HeaderName::from_static("content-digest"), field));
        assert_eq!(md5.of_part(), (CONTENT_MD5, "kAFQmDzST7DWlj99KOF/cg==".to_owned()));
        assert_eq!((sha256.algorithm(), md5.algorithm()), (Algorithm::Sha256, Algorithm::Md5));
    }

    #[test]
    fn only_what_an_answer_shows_is_confirmed() {
        let (sha256, md5) = (sum(Algorithm::Sha256), sum(Algorithm::Md5));
        assert!(sha256.is_confirmed_by(&answer("x-modelyard-verified", "sha-256")));
        assert!(!sha256.is_confirmed_by(&answer("x-modelyard-verified", "sha-512")));
        assert!(!sha256.is_confirmed_by(&HeaderMap::new()));
        assert!(md5.is_confirmed_by(&answer("etag", "\"900150983cd24fb0d6963f7d28e17f72\"")));
        assert!(!md5.is_confirmed_by(&answer("etag", "\"of-an-encrypted-part\"")));
    }
}
