//! `modelyard version`.

use std::io::Write;

use modelyard_server::{MLFLOW_VERSION, VERSION};

/// Writes both versions to stdout.
pub(crate) fn run() -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "modelyard {VERSION} (compatible with MLflow {MLFLOW_VERSION})")?;
    Ok(())
}
