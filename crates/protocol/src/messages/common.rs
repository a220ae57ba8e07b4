//! What several areas share.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::validate;
use crate::wire::{Field, Kind, Message, missing};

/// A response without content: `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// A tag or parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyValue {
    /// The key.
    #[serde(default)]
    pub key: String,
    /// The value; may be empty.
    #[serde(default)]
    pub value: String,
}

pub(super) const KEY_VALUE: Message =
    Message(&[Field::new("key", Kind::Text, &[]), Field::new("value", Kind::Text, &[])]);

/// The run that a request names in `run_id` or, as old clients do, in `run_uuid`.
pub(super) fn either<'a>(run_id: &'a str, run_uuid: &'a str) -> &'a str {
    if run_id.is_empty() { run_uuid } else { run_id }
}

/// Checks how many things a list has. `what` is what the message calls them.
pub(super) fn count_at_most(count: usize, limit: usize, what: &str) -> Result<(), Error> {
    if count <= limit {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "A request can contain at most {limit} {what}. Got {count} {what}. Please split up {what} \
         across multiple requests and try again."
    )))
}

/// Checks a list of tags or parameters that MLflow stores unchecked: keys present and of the length
/// that keys may have.
pub(super) fn check_pairs(pairs: &[KeyValue], list: &str) -> Result<(), Error> {
    for (index, pair) in pairs.iter().enumerate() {
        check_pair(pair, "key", "value").or_else(|_wrong| {
            // Building the paths costs more than the check, so it waits for a failure.
            let path = |field| format!("{list}[{index}].{field}");
            check_pair(pair, &path("key"), &path("value"))
        })?;
    }
    Ok(())
}

fn check_pair(pair: &KeyValue, key_path: &str, value_path: &str) -> Result<(), Error> {
    if pair.key.is_empty() {
        return Err(missing(key_path));
    }
    validate::text(&pair.key, limits::MAX_KEY_CHARS, key_path)?;
    validate::storable(&pair.value, value_path)
}

/// Refuses a list in which a key occurs twice.
pub(super) fn refuse_repeated(pairs: &[KeyValue], what: &str) -> Result<(), Error> {
    let mut seen = HashSet::new();
    match pairs.iter().find(|pair| !seen.insert(pair.key.as_str())) {
        None => Ok(()),
        // MLflow notices it in the database, hence its code.
        Some(pair) => Err(Error::new(
            ErrorCode::BadRequest,
            format!(
                "Duplicate {what} keys have been submitted: ['{}']. Please ensure the request \
                 contains only one value per key.",
                pair.key
            ),
        )),
    }
}
