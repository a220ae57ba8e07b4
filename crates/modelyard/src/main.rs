//! The machine-learning life cycle in one binary.

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

mod backup;
mod client;
mod commands;
mod config;
mod context;
mod exit;
mod files;
mod logging;
mod output;
mod transfer;

/// Requests make many small allocations on one thread and free them on another, which glibc's is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The machine-learning life cycle in one binary: an MLflow-compatible tracking server, and its
/// command line.
#[derive(Debug, Parser)]
#[command(name = "modelyard", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the tracking server with its web UI.
    #[command(visible_alias = "ui")]
    Server(Box<commands::server::Args>),
    /// Create, find, show and change experiments.
    Experiments(commands::experiments::Args),
    /// Find, show and change runs.
    Runs(commands::runs::Args),
    /// Upload, list and download the artifacts of runs.
    Artifacts(commands::artifacts::Args),
    /// Registered models: versions, aliases, checks, and who changed what.
    Registry(Box<commands::registry::Args>),
    /// Serve models, and see how they are served.
    Models(commands::models::Args),
    /// Create, find, test and change webhooks, and see what they were told.
    Webhooks(commands::webhooks::Args),
    /// List what was deleted, take it back, or remove it for good.
    Trash(commands::trash::Args),
    /// Remove what was deleted for good, with its artifacts.
    Gc(Box<commands::gc::Args>),
    /// Copy the database and the artifacts into a folder, also while the server runs.
    Backup(Box<commands::backup::Args>),
    /// Check a backup.
    Verify(commands::verify::Args),
    /// Bring a backup back, into an empty place.
    Restore(Box<commands::restore::Args>),
    /// Work on the database itself.
    Db(commands::db::Args),
    /// Print the versions of Modelyard and of the MLflow release it is compatible with.
    Version,
    /// Print the OpenAPI document of the server's own API.
    Openapi,
    /// Print the completion script of a shell.
    Completions(commands::completions::Args),
}

/// Every command returns an error with a message for the user; data goes to stdout, all else to
/// stderr. Wrong usage ends with code 2, as clap does; a command that fails, with 1.
fn main() -> ExitCode {
    let cli = match with_file(Cli::parse()) {
        Ok(cli) => cli,
        Err(error) => return commands::fail(&error.into()),
    };
    let outcome = match cli.command {
        Command::Server(args) => commands::server::run(&args),
        Command::Experiments(args) => commands::experiments::run(&args),
        Command::Runs(args) => commands::runs::run(&args),
        Command::Artifacts(args) => commands::artifacts::run(&args),
        Command::Registry(args) => commands::registry::run(&args),
        Command::Models(args) => commands::models::run(&args),
        Command::Webhooks(args) => commands::webhooks::run(&args),
        Command::Trash(args) => commands::trash::run(&args),
        Command::Gc(args) => commands::gc::run(&args),
        Command::Backup(args) => commands::backup::run(&args),
        Command::Verify(args) => commands::verify::run(&args),
        Command::Restore(args) => commands::restore::run(&args),
        Command::Db(args) => commands::db::run(&args),
        Command::Version => commands::version::run(),
        Command::Openapi => commands::openapi::run(),
        Command::Completions(args) => commands::completions::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => commands::fail(&error),
    }
}

/// The command line again, with what the server's configuration file says, if one is given.
fn with_file(cli: Cli) -> Result<Cli, exit::Usage> {
    let (name, file) = match &cli.command {
        Command::Server(args) => ("server", &args.config),
        Command::Gc(args) => ("gc", &args.storage.config),
        Command::Backup(args) => ("backup", &args.storage.config),
        Command::Restore(args) => ("restore", &args.storage.config),
        Command::Db(args) => ("db", args.config()),
        _ => return Ok(cli),
    };
    let Some(file) = file.as_deref().filter(|file| !file.is_empty()) else { return Ok(cli) };
    let defaults = config::Defaults::read(file.as_ref())?;
    let command = Cli::command().mut_subcommand(name, |command| match name {
        "db" => command.mut_subcommand("upgrade", |upgrade| defaults.of(upgrade)),
        _ => defaults.of(command),
    });
    let read = command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    // All else has been read before without a complaint.
    let wrong =
        |error| exit::Usage(format!("the configuration {file}: {}", commands::first_line(&error)));
    read.map_err(wrong)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_does_not_contradict_itself() {
        super::Cli::command().debug_assert();
    }
}
