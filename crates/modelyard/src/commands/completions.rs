//! `modelyard completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::output::to_stdout;

/// Arguments of `modelyard completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell to complete in.
    shell: Shell,
}

/// Writes the script to stdout.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut command = crate::Cli::command();
    // clap_complete panics when it cannot write; a vector always takes it.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "modelyard", &mut script);
    to_stdout(|out| out.write_all(&script))
}
