//! Lists that are read page by page.

use modelyard_protocol::Error;
use modelyard_protocol::page_token::{Fingerprint, ListKind, PageToken};
use modelyard_store::Cursor;

/// A list that is read page by page.
pub(super) struct Paging {
    kind: ListKind,
    fingerprint: u64,
    keys: usize,
}

impl Paging {
    /// The pages of one query over a list ordered by `keys` keys.
    pub(super) fn new(kind: ListKind, query: &Fingerprint, keys: usize) -> Self {
        Self { kind, fingerprint: query.finish(), keys }
    }

    /// Where the page of a request's `page_token` begins; an empty one asks for the first page.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when the token belongs to another query.
    pub(super) fn after(&self, token: &str) -> Result<Option<Cursor>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        PageToken::decode(token, self.kind, self.fingerprint, self.keys).map(|it| Some(it.keys))
    }

    /// The token of the page that begins after a place.
    pub(super) fn token(&self, after: Cursor) -> String {
        PageToken { kind: self.kind, fingerprint: self.fingerprint, keys: after }.encode()
    }
}
