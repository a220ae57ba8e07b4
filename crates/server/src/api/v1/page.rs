//! Views and pages of lists.

use modelyard_protocol::Error;
use modelyard_protocol::page_token::{Fingerprint, KeyValue, ListKind, PageToken};
use modelyard_store::View as StoreView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which objects to list: those in use, deleted ones, or both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum View {
    /// In use.
    #[default]
    Active,
    /// Deleted.
    Deleted,
    /// Both.
    All,
}

impl From<View> for StoreView {
    fn from(view: View) -> Self {
        match view {
            View::Active => Self::ActiveOnly,
            View::Deleted => Self::DeletedOnly,
            View::All => Self::All,
        }
    }
}

/// A list that is read page by page.
pub(super) struct Pages {
    kind: ListKind,
    fingerprint: u64,
    keys: usize,
}

impl Pages {
    /// The pages of one query over a list ordered by `keys` keys.
    pub(super) fn new(kind: ListKind, query: &Fingerprint, keys: usize) -> Self {
        // Tokens of MLflow's API are for other queries.
        let fingerprint = query.clone().text("modelyard/v1").finish();
        Self { kind, fingerprint, keys }
    }

    /// Where the page of `token` begins.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when the token belongs to another query.
    pub(super) fn after(&self, token: Option<&str>) -> Result<Option<Vec<KeyValue>>, Error> {
        match token {
            None | Some("") => Ok(None),
            Some(token) => {
                let token = PageToken::decode(token, self.kind, self.fingerprint, self.keys)?;
                Ok(Some(token.keys))
            }
        }
    }

    /// The token of the page that begins after `keys`.
    pub(super) fn token(&self, keys: Vec<KeyValue>) -> String {
        PageToken { kind: self.kind, fingerprint: self.fingerprint, keys }.encode()
    }
}

/// Checks how many rows are asked for.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` outside of 1 to `max`.
pub(super) fn limit(asked: Option<i64>, default: usize, max: usize) -> Result<usize, Error> {
    let Some(asked) = asked else { return Ok(default) };
    usize::try_from(asked).ok().filter(|asked| (1..=max).contains(asked)).ok_or_else(|| {
        Error::invalid(format!(
            "Invalid value {asked} for parameter 'max_results': use 1 to {max}."
        ))
    })
}
