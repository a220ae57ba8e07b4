//! `modelyard verify`.

use std::path::PathBuf;

use clap::ValueHint;

use super::storage;
use crate::config::store_variables;
use crate::output::{Clock, Console};
use crate::{backup, context};

/// Arguments of `modelyard verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the backup.
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
}

/// Checks all checksums of a backup, its database, and that artifacts in buckets are there; changes nothing.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let context = context::operating_system();
    let variables = store_variables();
    let checked = backup::check::check(&args.folder, &variables, &context);
    let (manifest, findings) = storage::runtime()?.block_on(checked)?;
    let place = args.folder.display();
    if findings.count > 0 {
        let more = findings.count - findings.first.len() as u64;
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        anyhow::bail!(
            "the backup {place} is not whole, {} findings:\n  {}{more}",
            findings.count,
            findings.first.join("\n  ")
        );
    }
    let files: u64 = manifest.stores.iter().filter(|it| it.copied).map(|it| it.files).sum();
    let listed = manifest.stores.iter().filter(|it| !it.copied);
    let buckets: String =
        listed.map(|it| format!("; {} artifacts are in {}", it.files, it.location)).collect();
    let time = Clock::local(context.now_ms()).time_and_age(manifest.begun_ms);
    let console = Console::stderr(false);
    storage::tell_of_closed_secrets(&console, &manifest.webhook_secrets);
    console.say(&format!(
        "The backup {place} of {time} is whole: the database, {files} artifacts{buckets}."
    ));
    Ok(())
}
