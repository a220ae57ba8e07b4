//! `modelyard backup`.

use std::path::PathBuf;

use clap::ValueHint;

use super::storage;
use crate::output::Console;
use crate::{backup, context};

/// Arguments of `modelyard backup`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The server may run and write meanwhile. The backup holds everything that was \
acknowledged before it began: the database as of one moment, and the artifacts, each whole."
)]
pub(crate) struct Args {
    /// The folder to make; it must not be there yet.
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
    #[command(flatten)]
    pub(crate) storage: storage::Args,
}

/// Makes a backup.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let data = args.storage.data()?;
    storage::require_database(&data)?;
    let context = context::operating_system();
    let console = Console::stderr(false);
    let manifest = storage::runtime()?.block_on(async {
        backup::marker::refuse_unfinished(&data, &context).await?;
        backup::create::create(&data, &args.folder, &context).await
    })?;
    let mut text = format!("The backup is in {}: the database", args.folder.display());
    if manifest.webhook_secrets.key.is_some() {
        text += ", the key of webhooks' secrets (whoever has both can read them)";
    }
    storage::tell_of_closed_secrets(&console, &manifest.webhook_secrets);
    for store in &manifest.stores {
        match store.copied {
            true => text += &format!(", {} artifacts ({} bytes)", store.files, store.bytes),
            false => console.say(&format!(
                "modelyard: the {} artifacts in {} are listed, not copied: such a store has backups of \
                 its own",
                store.files, store.location
            )),
        }
    }
    for location in &manifest.not_included {
        console.say(&format!("modelyard: {location} is not in the backup; copy it by other means"));
    }
    console.say(&format!("{text}."));
    Ok(())
}
