//! `modelyard db …`.

use std::path::PathBuf;

use modelyard_database::{DatabaseUri, Look};
use modelyard_store::{Settings, Store};

use super::storage;
use crate::backup::postgres;
use crate::config::Data;
use crate::exit::NotFound;
use crate::output::Console;
use crate::{backup, context};

/// Arguments of `modelyard db`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Bring the schema of a database up to date, after a copy of it was made.
    Upgrade(Box<UpgradeArgs>),
}

/// Arguments of `upgrade`.
#[derive(Debug, clap::Args)]
struct UpgradeArgs {
    /// The database, as for --backend-store-uri [default: that of the server's flags].
    #[arg(value_name = "URI")]
    url: Option<String>,
    #[command(flatten)]
    storage: storage::Args,
}

impl Args {
    /// The configuration file, if one is given.
    pub(crate) fn config(&self) -> &Option<String> {
        let Command::Upgrade(args) = &self.command;
        &args.storage.config
    }
}

/// Runs the command that was asked for.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let Command::Upgrade(args) = &args.command;
    let data = match &args.url {
        Some(url) => args.storage.data_with(url)?,
        None => args.storage.data()?,
    };
    storage::require_database(&data)?;
    storage::runtime()?.block_on(upgrade(&data))
}

async fn upgrade(data: &Data) -> anyhow::Result<()> {
    let context = context::operating_system();
    let console = Console::stderr(false);
    backup::marker::refuse_unfinished(data, &context).await?;
    let look = data.database.look().await?;
    let newest = modelyard_store::newest_schema_version();
    let Some(version) = look.schema_version else {
        let why = format!("the database {} is empty: `modelyard server` fills it", data.database);
        return Err(NotFound(why).into());
    };
    if version == newest {
        console.say(&format!("{} is up to date, at version {version}.", data.database));
        return Ok(());
    }
    if version < newest
        && let DatabaseUri::Postgres(_) = &data.database
    {
        snapshot(data, &look, version, &console).await?;
    }
    let settings = Settings { artifact_root: data.artifacts.artifact_root.clone() };
    Store::open(&data.database, settings, context).await?;
    if let DatabaseUri::Sqlite(path) = &data.database {
        console.say(&format!("The database as it was is in {}.before-v{version}.", path.display()));
    }
    console.say(&format!("{} is upgraded from version {version} to {newest}.", data.database));
    Ok(())
}

/// Dumps a PostgreSQL database, if PostgreSQL's programs are there.
async fn snapshot(data: &Data, look: &Look, version: i64, console: &Console) -> anyhow::Result<()> {
    if let Err(error) = postgres::find("pg_dump") {
        console.say(&format!("modelyard: upgrading without a copy of the database: {error}"));
        return Ok(());
    }
    std::fs::create_dir_all(&data.folder)?;
    let target: PathBuf = data.folder.join(format!("postgresql.before-v{version}.dump"));
    let (database, look, dump) = (data.database.clone(), look.clone(), target.clone());
    tokio::task::spawn_blocking(move || postgres::dump(&database, &look, &dump)).await??;
    console.say(&format!("The database as it was is in {}.", target.display()));
    Ok(())
}
