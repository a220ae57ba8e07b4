//! What the commands show: data on stdout, everything else on stderr.

pub(crate) mod console;
pub(crate) mod csv;
mod fields;
pub(crate) mod progress;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod time;

use std::io::{self, BufWriter, IsTerminal, Write};

pub(crate) use console::Console;
pub(crate) use fields::Fields;
pub(crate) use table::{Cell, Column, Table, section};
pub(crate) use time::Clock;

/// How a command writes what it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Columns for the eye; long texts are cut to the width of a terminal.
    Table,
    /// Everything, for programs.
    Json,
    /// Comma-separated values with a header, for spreadsheets and data frames.
    Csv,
}

impl Format {
    /// JSON where MLflow's command prints JSON and a program reads it, a table for a person.
    pub(crate) fn json_unless_terminal(chosen: Option<Self>) -> Self {
        let default = || if io::stdout().is_terminal() { Self::Table } else { Self::Json };
        chosen.unwrap_or_else(default)
    }
}

/// What is known of the terminal behind stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// Columns; `None` when the output goes elsewhere and nothing needs to be cut.
    pub(crate) width: Option<usize>,
    /// Whether colours are welcome.
    pub(crate) colours: bool,
}

impl Terminal {
    /// The terminal behind stdout. Colours honour <https://no-color.org>.
    pub(crate) fn stdout() -> Self {
        if !io::stdout().is_terminal() {
            return Self { width: None, colours: false };
        }
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self { width, colours: !dumb && !is_set("NO_COLOR") }
    }
}

/// Whoever read our stdout has gone away, as `head` does: no reason to complain.
#[derive(Debug, thiserror::Error)]
#[error("stdout was closed")]
pub(crate) struct StdoutClosed;

/// Writes to stdout through a buffer.
///
/// # Errors
/// [`StdoutClosed`] when nobody reads any more, otherwise the system's error.
pub(crate) fn to_stdout(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    write(&mut out).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => StdoutClosed.into(),
        _ => anyhow::Error::new(error).context("cannot write to stdout"),
    })
}

/// Writes a value as indented JSON, with a final line break.
pub(crate) fn json(out: &mut dyn Write, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
