//! The log: lines on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::SubscriberBuilder;
use tracing_subscriber::fmt::format::{DefaultFields, Format as Lines};

use crate::client::Variables;
use crate::exit::Usage;

/// The variable that sets what is logged.
const FILTER: &str = "MODELYARD_LOG";
/// MLflow's variable for the level, in Python's words.
const MLFLOWS_LEVEL: &str = "MLFLOW_LOGGING_LEVEL";

/// The form of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Starts logging. `MODELYARD_LOG` goes before `debug`, that before `MLFLOW_LOGGING_LEVEL`.
///
/// # Errors
/// If a variable cannot be understood, or logging has been started before.
pub(crate) fn start(format: Format, debug: bool, variables: Variables<'_>) -> anyhow::Result<()> {
    let filter = filter(if debug { "debug" } else { mlflows_level(variables)? })?;
    let builder = subscriber(filter);
    let started = match format {
        Format::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}

/// Starts logging of faults only, for a command that serves itself for a moment, unless the command
/// logs already.
///
/// # Errors
/// If `MODELYARD_LOG` cannot be understood.
pub(crate) fn start_quietly() -> anyhow::Result<()> {
    let builder = subscriber(filter("error")?).with_ansi(std::io::stderr().is_terminal());
    // Fails only where logging has been started.
    let _ = builder.try_init();
    Ok(())
}

/// Lines on stderr. Where nobody reads them any more they are lost: complaining about that would panic,
/// in the middle of a request.
fn subscriber(
    filter: EnvFilter,
) -> SubscriberBuilder<DefaultFields, Lines, EnvFilter, fn() -> std::io::Stderr> {
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr as fn() -> std::io::Stderr)
        .log_internal_errors(false)
}

/// The level that MLflow's server would log at.
fn mlflows_level(variables: Variables<'_>) -> Result<&'static str, Usage> {
    let level = variables(MLFLOWS_LEVEL).unwrap_or_default();
    match level.trim().to_ascii_uppercase().as_str() {
        "DEBUG" => Ok("debug"),
        "" | "INFO" => Ok("info"),
        "WARN" | "WARNING" => Ok("warn"),
        "ERROR" | "CRITICAL" | "FATAL" => Ok("error"),
        _ => Err(Usage(format!(
            "{MLFLOWS_LEVEL}={level}: use DEBUG, INFO, WARNING, ERROR or CRITICAL"
        ))),
    }
}

fn filter(default: &str) -> anyhow::Result<EnvFilter> {
    match std::env::var(FILTER) {
        Ok(text) if !text.is_empty() => EnvFilter::try_new(&text)
            .map_err(|error| anyhow::anyhow!("{FILTER}={text} is not understood: {error}")),
        _ => Ok(EnvFilter::new(default)),
    }
}

#[cfg(test)]
mod tests {
    use super::mlflows_level;

    #[test]
    fn pythons_levels_have_counterparts() {
        for (theirs, ours) in [("", "info"), ("debug", "debug"), ("WARNING", "warn")] {
            assert_eq!(mlflows_level(&|_| Some(theirs.to_owned())).expect("a level"), ours);
        }
        assert!(mlflows_level(&|_| Some("LOUD".to_owned())).is_err());
    }
}
