//! `modelyard runs …`.

mod change;
mod columns;
pub(crate) mod csv;
mod read;
mod show;

use super::{connection, later};

/// Arguments of `modelyard runs`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: connection::Args,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Find runs of an experiment; all active ones if nothing else is asked for.
    #[command(visible_alias = "search")]
    List(read::ListArgs),
    /// Show everything known of one run.
    Describe(read::DescribeArgs),
    /// Create a run that has already ended.
    Create(change::CreateArgs),
    /// Mark a run as deleted.
    Delete(IdArgs),
    /// Bring a deleted run back.
    Restore(IdArgs),
    /// Not built yet.
    #[command(hide = true)]
    LinkTraces(later::Args),
}

/// The run a command works on.
#[derive(Debug, clap::Args)]
struct IdArgs {
    /// The run.
    #[arg(long, short, value_name = "ID")]
    run_id: String,
}

/// Runs the command that was asked for.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if let Command::LinkTraces(_) = args.command {
        return Err(later::about_traces("runs link-traces"));
    }
    let creates = matches!(args.command, Command::Create(_));
    let session = args.connection.open(creates)?;
    match &args.command {
        Command::List(args) => read::list(&session, args),
        Command::Describe(args) => read::describe(&session, args),
        Command::Create(args) => change::create(&session, args),
        Command::Delete(args) => change::delete(&session, args),
        Command::Restore(args) => change::restore(&session, args),
        Command::LinkTraces(_) => Ok(()),
    }
}
