//! The commands: one file each, with its `Args` (what was written) and its `run`.

use std::process::ExitCode;

pub(crate) mod completions;
pub(crate) mod server;
pub(crate) mod version;

/// Says on stderr why a command failed, causes included.
#[expect(clippy::print_stderr, reason = "this is where the user reads it")]
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("modelyard: {error:#}");
    ExitCode::FAILURE
}
