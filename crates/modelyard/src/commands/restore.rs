//! `modelyard restore`.

use std::path::PathBuf;

use clap::ValueHint;

use super::storage;
use crate::output::Console;
use crate::{backup, context};

/// Arguments of `modelyard restore`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The data folder, the database and the artifact store must be empty or not be there. \
A restore that was broken off goes on when it is started again; until then no server starts on it."
)]
pub(crate) struct Args {
    /// The folder of the backup.
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
    #[command(flatten)]
    pub(crate) storage: storage::Args,
}

/// Brings a backup back.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let data = args.storage.data()?;
    let context = context::operating_system();
    let restored = backup::restore::restore(&data, &args.folder, &context);
    let manifest = storage::runtime()?.block_on(restored)?;
    let console = Console::stderr(false);
    for store in manifest.stores.iter().filter(|store| !store.copied) {
        console.say(&format!(
            "modelyard: the {} artifacts of {} were never in the backup; they are expected to be there",
            store.files, store.location
        ));
    }
    let files: u64 = manifest.stores.iter().filter(|it| it.copied).map(|it| it.files).sum();
    console.say(&format!(
        "Restored: the database {}, {files} artifacts. Start `modelyard server` with the same flags.",
        data.database
    ));
    Ok(())
}
