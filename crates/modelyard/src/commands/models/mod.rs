//! `modelyard models …`.

mod build_image;
mod folder;
mod follow;
mod inspect;
mod python;
mod serve;

use super::connection;

/// Arguments of `modelyard models`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: connection::Args,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Answer requests over HTTP, as `mlflow models serve` does.
    Serve(Box<serve::Args>),
    /// Show what a model takes and gives, and which engine serves it and why.
    Inspect(inspect::Args),
    /// Write an OCI image that serves a model without Python; needs no Docker.
    BuildImage(build_image::Args),
}

/// Runs the command that was asked for.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Serve(serve) => serve::run(&args.connection, serve),
        Command::Inspect(inspect) => inspect::run(&args.connection, inspect),
        Command::BuildImage(build) => build_image::run(&args.connection, build),
    }
}
