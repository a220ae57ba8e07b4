//! Where the commands work that go to the database and the artifacts themselves.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueHint;
use modelyard_database::DatabaseUri;
use tokio::runtime::Runtime;

use super::connection::variable;
use super::server::{CONFIG, DataArgs};
use crate::backup::manifest::WebhookSecrets;
use crate::config::{Data, check_environment};
use crate::exit::NotFound;
use crate::logging;
use crate::output::Console;

/// The server's flags about what is kept and where.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// The configuration file of the server, whose values apply here, too.
    #[arg(long, value_name = "FILE", env = CONFIG, value_hint = ValueHint::FilePath,
          help_heading = "Storage")]
    pub(crate) config: Option<String>,
}

impl Args {
    /// What the flags mean.
    ///
    /// # Errors
    /// [`Usage`](crate::exit::Usage) as of `modelyard server`.
    pub(crate) fn data(&self) -> anyhow::Result<Data> {
        check_environment(&variable)?;
        Ok(Data::new(&self.data, &here()?)?)
    }

    /// As [`data`](Self::data), with another database.
    ///
    /// # Errors
    /// As of `data`.
    pub(crate) fn data_with(&self, database: &str) -> anyhow::Result<Data> {
        let mut data = self.data.clone();
        data.backend_store_uri = Some(database.to_owned());
        data.registry_store_uri = None;
        check_environment(&variable)?;
        Ok(Data::new(&data, &here()?)?)
    }
}

/// The working folder.
pub(crate) fn here() -> anyhow::Result<PathBuf> {
    std::env::current_dir().context("the working folder cannot be read")
}

/// Refuses to work on a database that is not there; making an empty one would only hide a wrong place.
///
/// # Errors
/// [`NotFound`].
pub(crate) fn require_database(data: &Data) -> Result<(), NotFound> {
    match &data.database {
        DatabaseUri::Sqlite(path) if !path.exists() => Err(NotFound(format!(
            "there is no database {}: go to the folder in which `modelyard server` was started, or name \
             its --data-dir or --backend-store-uri",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// Says that a backup does not hold the key of the secrets in it, if that is so.
pub(crate) fn tell_of_closed_secrets(console: &Console, secrets: &WebhookSecrets) {
    if secrets.closed() > 0 {
        console.say(&format!(
            "modelyard: the key that opens the secrets of {} webhooks is not in the backup: keep what the server is \
             given with MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY",
            secrets.closed()
        ));
    }
}

/// What such a command runs on, with the log at warnings.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    logging::start_quietly()?;
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
