//! `modelyard registry …`: registered models, their versions and aliases, and who changed what.

mod aliases;
mod checks;
mod history;
mod models;
mod policies;
mod rollback;
mod show;
mod since;
mod version;
mod versions;
mod why;

use super::connection::{self, Session};

/// Arguments of `modelyard registry`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: connection::Args,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Registered models.
    #[command(subcommand)]
    Models(models::Command),
    /// Versions of registered models.
    #[command(subcommand)]
    Versions(versions::Command),
    /// Names that move from version to version.
    #[command(subcommand)]
    Aliases(aliases::Command),
    /// Protected aliases: which checks a version must have passed.
    #[command(subcommand)]
    Policy(policies::Command),
    /// Outcomes of checks of versions.
    #[command(subcommand)]
    Checks(checks::Command),
    /// Move an alias back to the version that it named before.
    Rollback(rollback::Args),
    /// Show who changed what in the registry, when and why; the latest first.
    History(history::Args),
}

/// Runs the command that was asked for.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let creates = match &args.command {
        Command::Models(command) => command.creates(),
        _ => false,
    };
    if let Command::History(args) = &args.command {
        args.check()?;
    }
    let session: Session = args.connection.open(creates)?;
    match &args.command {
        Command::Models(command) => models::run(&session, command),
        Command::Versions(command) => versions::run(&session, command),
        Command::Aliases(command) => aliases::run(&session, command),
        Command::Policy(command) => policies::run(&session, command),
        Command::Checks(command) => checks::run(&session, command),
        Command::Rollback(args) => rollback::run(&session, args),
        Command::History(args) => history::run(&session, args),
    }
}
