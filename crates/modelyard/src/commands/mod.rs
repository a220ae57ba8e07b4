//! The commands: one file each, with its `Args` (what was written) and its `run`.

use std::process::ExitCode;

use crate::exit;
use crate::output::text::visible_lines;

pub(crate) mod artifacts;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod connection;
pub(crate) mod db;
pub(crate) mod experiments;
pub(crate) mod gc;
pub(crate) mod later;
mod local;
pub(crate) mod models;
pub(crate) mod openapi;
pub(crate) mod registry;
pub(crate) mod restore;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod server;
mod source;
mod storage;
pub(crate) mod tags;
pub(crate) mod trash;
pub(crate) mod verify;
pub(crate) mod version;
pub(crate) mod webhooks;

/// Says on stderr why a command failed, causes included.
#[expect(clippy::print_stderr, reason = "this is where the user reads it")]
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    if !exit::is_silent(error) {
        // The text may come from a server.
        eprintln!("modelyard: {}", visible_lines(&format!("{error:#}")));
    }
    exit::code(error)
}

/// What clap says is wrong, without its hints about flags.
pub(crate) fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
