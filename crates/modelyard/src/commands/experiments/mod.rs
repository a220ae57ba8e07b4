//! `modelyard experiments …`.

mod change;
mod read;
mod show;

use super::{connection, later};

/// Arguments of `modelyard experiments`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: connection::Args,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create an experiment.
    Create(change::CreateArgs),
    /// Find experiments; all active ones if nothing else is asked for.
    #[command(visible_alias = "list")]
    Search(read::SearchArgs),
    /// Show one experiment.
    Get(read::GetArgs),
    /// Mark an experiment and its runs as deleted.
    Delete(IdArgs),
    /// Bring a deleted experiment and its runs back.
    Restore(IdArgs),
    /// Give an experiment another name.
    Rename(change::RenameArgs),
    /// Write all runs of an experiment as comma-separated values.
    Csv(read::CsvArgs),
    /// Not built yet.
    #[command(hide = true)]
    Update(later::Args),
}

/// The experiment a command works on.
#[derive(Debug, clap::Args)]
struct IdArgs {
    /// The experiment.
    #[arg(long, short = 'x', value_name = "ID")]
    experiment_id: String,
}

/// Runs the command that was asked for.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Update(_) => return Err(later::about_traces("experiments update")),
        Command::Create(args) => args.check()?,
        _ => {}
    }
    let creates = matches!(args.command, Command::Create(_));
    let session = args.connection.open(creates)?;
    match &args.command {
        Command::Create(args) => change::create(&session, args),
        Command::Search(args) => read::search(&session, args),
        Command::Get(args) => read::get(&session, args),
        Command::Delete(args) => change::delete(&session, args),
        Command::Restore(args) => change::restore(&session, args),
        Command::Rename(args) => change::rename(&session, args),
        Command::Csv(args) => read::csv(&session, args),
        Command::Update(_) => Ok(()),
    }
}
