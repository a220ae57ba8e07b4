//! `modelyard openapi`.

use std::io::Write;

/// Writes the description of our own API to stdout.
pub(crate) fn run() -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{}", modelyard_server::openapi()?)?;
    Ok(())
}
