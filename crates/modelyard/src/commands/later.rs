//! Commands and flags of `mlflow` whose subject is not built yet: known by name, and refused.

use crate::exit::Usage;

/// Whatever follows the name of such a command.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<String>,
}

/// Says that `what` is about traces, which are not there.
pub(crate) fn about_traces(what: &str) -> anyhow::Error {
    Usage(format!("{what}: this is about traces, which Modelyard does not have yet")).into()
}
