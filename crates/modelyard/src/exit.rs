//! The exit codes of the binary.

use std::process::ExitCode;

use crate::client;
use crate::output::StdoutClosed;

/// Something failed that no other code names.
pub(crate) const FAILURE: u8 = 1;
/// The command line or the environment is wrong; clap ends with the same code.
pub(crate) const USAGE: u8 = 2;
/// What was asked for does not exist.
pub(crate) const NOT_FOUND: u8 = 3;
/// The server wants other credentials, or these may not do it.
pub(crate) const DENIED: u8 = 4;
/// The server cannot be reached or is busy; trying later may help.
pub(crate) const UNAVAILABLE: u8 = 5;

/// Wrong use that only shows once the command runs.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Something that was asked for is not there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotFound(pub(crate) String);

/// Whether there is nothing to tell: whoever read our output has gone.
pub(crate) fn is_silent(error: &anyhow::Error) -> bool {
    error.is::<StdoutClosed>()
}

/// The exit code that an error stands for.
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(error.chain().find_map(code_of_cause).unwrap_or(FAILURE))
}

fn code_of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if cause.is::<StdoutClosed>() {
        return Some(0);
    }
    if cause.is::<Usage>() {
        return Some(USAGE);
    }
    if cause.is::<NotFound>() {
        return Some(NOT_FOUND);
    }
    let error = cause.downcast_ref::<client::Error>()?;
    let codes = [
        (error.is_usage(), USAGE),
        (error.is_not_found(), NOT_FOUND),
        (error.is_denied(), DENIED),
        (error.is_unavailable(), UNAVAILABLE),
    ];
    codes.into_iter().find_map(|(applies, code)| applies.then_some(code))
}
