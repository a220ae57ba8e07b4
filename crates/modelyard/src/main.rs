//! The machine-learning life cycle in one binary.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod commands;
mod context;

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
    Server(commands::server::Args),
    /// Print the versions of Modelyard and of the MLflow release it is compatible with.
    Version,
    /// Print the completion script of a shell.
    Completions(commands::completions::Args),
}

/// Every command returns an error with a message for the user; data goes to stdout, all else to
/// stderr. Wrong usage ends with code 2, as clap does; a command that fails, with 1.
fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Server(args) => commands::server::run(args),
        Command::Version => commands::version::run(),
        Command::Completions(args) => commands::completions::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => commands::fail(&error),
    }
}
