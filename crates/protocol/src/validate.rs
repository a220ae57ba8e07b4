//! Rules on names, lengths and values, with MLflow's messages.

use crate::error::Error;

/// Parses an experiment id.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when it is not an integer.
pub fn experiment_id(text: &str) -> Result<i64, Error> {
    text.trim().parse().map_err(|_not_an_integer| {
        Error::invalid(format!(
            "Invalid experiment ID '{text}'. Experiment ID must be a valid integer."
        ))
    })
}
