//! `modelyard openapi`.

use crate::output::to_stdout;

/// Writes the description of our own API to stdout.
pub(crate) fn run() -> anyhow::Result<()> {
    let document = modelyard_server::openapi()?;
    to_stdout(|out| writeln!(out, "{document}"))
}
