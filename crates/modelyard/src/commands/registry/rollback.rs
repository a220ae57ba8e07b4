//! `modelyard registry rollback`.

use super::why::Who;
use crate::commands::connection::Session;
use crate::output::{json, to_stdout};

/// Arguments of `rollback`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The registered model.
    #[arg(value_name = "MODEL")]
    model: String,
    /// The alias.
    #[arg(value_name = "ALIAS")]
    alias: String,
    /// The version to go back to, one that the alias named before; the last such if not given.
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Why; kept in the audit trail.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    who: Who,
    /// Print the versions as JSON instead of a sentence.
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    output: Option<String>,
}

pub(super) fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let client = args.who.client(session, Some(&args.reason))?;
    let back = client.roll_back(&args.model, &args.alias, args.to.as_deref())?;
    to_stdout(|out| match args.output {
        Some(_) => json(out, &back),
        None => writeln!(
            out,
            "'{}' of '{}' went back from version {} to {}.",
            args.alias, args.model, back.from_version, back.to_version
        ),
    })
}
