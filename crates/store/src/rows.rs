//! Small types that several tables share.

use modelyard_protocol::ModelVersionStatus;
use modelyard_protocol::page_token::KeyValue as Key;
use modelyard_protocol::states::RegistryAction;
pub use modelyard_protocol::states::{
    LifecycleStage as Lifecycle, LoggedModelStatus, ModelStage, RunStatus, ViewType as View,
};

use crate::{Error, Result};

/// The lifecycles that belong to a view.
pub(crate) const fn lifecycles(view: View) -> &'static [Lifecycle] {
    match view {
        View::ActiveOnly => &[Lifecycle::Active],
        View::DeletedOnly => &[Lifecycle::Deleted],
        View::All => &[Lifecycle::Active, Lifecycle::Deleted],
    }
}

/// A key with a text: a tag or a param.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The rows, in order.
    pub rows: Vec<T>,
    /// Where the next page starts; `None` on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page of the rows that were found in order, each with its place: one more than `limit` tells that
    /// another page follows.
    pub(crate) fn cut(mut found: Vec<(T, Cursor)>, limit: usize) -> Self {
        let more = found.len() > limit;
        found.truncate(limit);
        let next = if more { found.last().map(|(_, cursor)| cursor.clone()) } else { None };
        Self { rows: found.into_iter().map(|(row, _)| row).collect(), next }
    }
}

/// How many rows to ask for, to learn whether more than `limit` follow.
pub(crate) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

/// The place of a row in a sorted list: its values of the ordering's keys. The next page is what follows
/// it, however many rows were added before.
pub type Cursor = Vec<Key>;

/// The number in the cursor of a list that has only it for a key.
pub(crate) fn after_number(after: Option<&[Key]>) -> Result<Option<i64>> {
    match after {
        None => Ok(None),
        Some([Key::Integer(number)]) => Ok(Some(*number)),
        Some(_) => Err(Error::invalid(
            "Invalid page token. Use the next_page_token of the previous answer as it is.",
        )),
    }
}

/// The number that is stored for a state.
pub(crate) fn number(state: i16) -> i64 {
    i64::from(state)
}

/// Reads a stored lifecycle.
pub(crate) fn lifecycle(number: i64) -> modelyard_database::Result<Lifecycle> {
    state(number, "lifecycle", Lifecycle::from_number)
}

/// Reads the stored status of a run.
pub(crate) fn run_status(number: i64) -> modelyard_database::Result<RunStatus> {
    state(number, "run status", RunStatus::from_number)
}

/// Reads the stored status of a logged model.
pub(crate) fn model_status(number: i64) -> modelyard_database::Result<LoggedModelStatus> {
    state(number, "logged model status", LoggedModelStatus::from_number)
}

/// Reads the stored stage of a version.
pub(crate) fn model_stage(number: i64) -> modelyard_database::Result<ModelStage> {
    state(number, "stage", ModelStage::from_number)
}

/// Reads the stored status of a version.
pub(crate) fn version_status(number: i64) -> modelyard_database::Result<ModelVersionStatus> {
    state(number, "version status", ModelVersionStatus::from_number)
}

/// Reads a stored action.
pub(crate) fn action(number: i64) -> modelyard_database::Result<RegistryAction> {
    state(number, "action", RegistryAction::from_number)
}

pub(crate) fn state<T>(
    number: i64,
    what: &str,
    of: fn(i16) -> Option<T>,
) -> modelyard_database::Result<T> {
    i16::try_from(number).ok().and_then(of).ok_or_else(|| {
        modelyard_database::Error::Other(format!("the database holds the unknown {what} {number}"))
    })
}
