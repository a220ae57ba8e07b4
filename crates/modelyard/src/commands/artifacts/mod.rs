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
    ///
    /// It goes with its SHA-256. Modelyard compares it before anything is stored, and so does S3 with the MD5 of the
    /// parts that go to it; MLflow's server compares nothing. The line at the end says what was compared. A file that
    /// changes meanwhile is an error.
    LogArtifact(log::FileArgs),
    /// Upload a folder, with all that is in it, to a run.
    ///
    /// Each file goes with its checksum, as with log-artifact.
    LogArtifacts(log::FolderArgs),
    /// List the artifacts of a run.
    List(list::Args),
    /// Download a file or a folder, and print where it is.
    ///
    /// The SHA-256 of each file is compared with the one that Modelyard tells; a file that differs is fetched again, and
    /// given up and removed if it differs three times. MLflow's server tells none: then only the length is compared,
    /// if it tells that. The line at the end, on stderr, says what was compared.
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
