//! Views and pages of lists.

use modelyard_protocol::Error;
use modelyard_protocol::page_token::{Fingerprint, ListKind};
use modelyard_store::View as StoreView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::paging::Paging;

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

/// The pages of one query over a list ordered by `keys` keys.
pub(super) fn pages(kind: ListKind, query: Fingerprint, keys: usize) -> Paging {
    // Tokens of MLflow's API are for other queries.
    Paging::new(kind, &query.text("modelyard/v1"), keys)
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
