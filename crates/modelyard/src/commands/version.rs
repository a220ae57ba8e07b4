//! `modelyard version`.

use modelyard_server::{MLFLOW_VERSION, VERSION};

use crate::output::to_stdout;

/// Writes both versions to stdout.
pub(crate) fn run() -> anyhow::Result<()> {
    to_stdout(|out| writeln!(out, "modelyard {VERSION} (compatible with MLflow {MLFLOW_VERSION})"))
}
