//! The configuration file: values of the flags of `modelyard server`, in TOML.
//!
//! What it says becomes the defaults of the flags, so that the command line and the environment go
//! before it.

use std::path::Path;

use clap::{Args as _, Command};
use toml::{Table, Value};

use crate::commands::server::Args;
use crate::exit::Usage;

/// Flags that are no settings, or that only take back another.
const NO_KEYS: [&str; 4] = ["config", "help", "no-serve-artifacts", "disable-workspaces"];

/// What a file says: long flags, without the dashes, with their values.
pub(crate) struct Defaults(Vec<(String, Vec<&'static str>)>);

impl Defaults {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`Usage`] naming the file, and the key that no flag has or whose value no flag can have.
    pub(crate) fn read(path: &Path) -> Result<Self, Usage> {
        let wrong = |why: String| Usage(format!("the configuration {}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let place = error.span().map_or(0, |span| span.start);
            let line = text.as_bytes().iter().take(place).filter(|byte| **byte == b'\n').count();
            wrong(format!("line {}: {}", line + 1, error.message().replace('\n', " ")))
        })?;
        let flags = Args::augment_args(Command::new("server"));
        let is_key = |key: &str| {
            flags.get_arguments().any(|arg| arg.get_long() == Some(key)) && !NO_KEYS.contains(&key)
        };
        let mut defaults = Vec::new();
        for (key, value) in table {
            if !is_key(&key) {
                return Err(wrong(format!(
                    "there is no key '{key}'; the keys are the long flags of `modelyard server`, \
                     such as port or serve-artifacts, without the dashes"
                )));
            }
            let values = words(&value).ok_or_else(|| {
                wrong(format!("'{key}' takes a text, a number, a truth value or a list of them"))
            })?;
            defaults.push((key, values));
        }
        Ok(Self(defaults))
    }

    /// The command with these defaults, as far as it has the flags.
    pub(crate) fn of(&self, mut command: Command) -> Command {
        for (key, values) in &self.0 {
            let arg = command.get_arguments().find(|arg| arg.get_long() == Some(key));
            let Some(arg) = arg else { continue };
            let unset = arg.get_env().is_some_and(|variable| {
                std::env::var_os(variable).is_some_and(|value| value.is_empty())
            });
            let id = arg.get_id().clone();
            command = command.mut_arg(id, |arg| {
                let arg = arg.default_values(values.iter().copied());
                // An empty variable counts as unset; clap would take it for a value.
                if unset { arg.env("") } else { arg }
            });
        }
        command
    }
}

/// The value as it would be typed.
fn words(value: &Value) -> Option<Vec<&'static str>> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    };
    let all: Option<Vec<String>> = match value {
        Value::Array(values) => values.iter().map(one).collect(),
        value => one(value).map(|word| vec![word]),
    };
    // clap keeps defaults for as long as the process lives, and this happens once.
    Some(all?.into_iter().map(|word| &*word.leak()).collect())
}
