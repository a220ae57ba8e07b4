//! `modelyard artifacts …`.

mod download;
mod list;
mod log;
mod path;

use super::connection;

/// Arguments of `modelyard artifacts`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: connection::Args,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Upload a file to a run.
    LogArtifact(log::FileArgs),
    /// Upload a folder, with all that is in it, to a run.
    LogArtifacts(log::FolderArgs),
    /// List the artifacts of a run.
    List(list::Args),
    /// Download a file or a folder, and print where it is.
    Download(download::Args),
}

/// Runs the command that was asked for.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let session = args.connection.open(false)?;
    match &args.command {
        Command::LogArtifact(args) => log::file(&session, args),
        Command::LogArtifacts(args) => log::folder(&session, args),
        Command::List(args) => list::run(&session, args),
        Command::Download(args) => download::run(&session, args),
    }
}
