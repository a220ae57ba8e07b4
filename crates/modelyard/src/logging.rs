//! The log: lines on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// The variable that sets what is logged.
const FILTER: &str = "MODELYARD_LOG";

/// The form of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Starts logging.
///
/// # Errors
/// If `MODELYARD_LOG` cannot be understood, or logging has been started before.
pub(crate) fn start(format: Format, debug: bool) -> anyhow::Result<()> {
    let filter = filter(if debug { "debug" } else { "info" })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        Format::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}

/// Starts logging of faults only, for a command that serves itself for a moment.
///
/// # Errors
/// As for [`start`].
pub(crate) fn start_quietly() -> anyhow::Result<()> {
    let builder = tracing_subscriber::fmt().with_env_filter(filter("error")?);
    let builder = builder.with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    builder.try_init().map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}

fn filter(default: &str) -> anyhow::Result<EnvFilter> {
    match std::env::var(FILTER) {
        Ok(text) if !text.is_empty() => EnvFilter::try_new(&text)
            .map_err(|error| anyhow::anyhow!("{FILTER}={text} is not understood: {error}")),
        _ => Ok(EnvFilter::new(default)),
    }
}
