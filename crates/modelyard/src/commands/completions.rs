//! `modelyard completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;

/// Arguments of `modelyard completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell to complete in.
    shell: Shell,
}

/// Writes the script to stdout.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut command = crate::Cli::command();
    clap_complete::generate(args.shell, &mut command, "modelyard", &mut std::io::stdout());
    Ok(())
}
