//! `modelyard server`.

mod args;
mod banner;
mod listen;
mod open_files;

use std::io;

use anyhow::Context as _;
use modelyard_artifacts::Repositories;
use modelyard_server::Services;
use modelyard_store::{Settings, Store};

pub(crate) use args::{Args, Compatibility};

use crate::config::Config;
use crate::{context, logging};

/// Serves until the process is asked to stop.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    logging::start(args.log_format, args.dev)?;
    let here = std::env::current_dir().context("the working folder cannot be read")?;
    let config = Config::new(args, &here)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config, args.log_format))
}

async fn serve(mut config: Config, log_format: logging::Format) -> anyhow::Result<()> {
    config.server.connections_max =
        config.server.connections_max.min(open_files::for_connections());
    // First the port: if it is taken, nothing else should have happened.
    let listener = listen::listen(&config.host, config.port).await?;
    let port = listener.local_addr()?.port();
    let services = open(&config).await?;
    banner::print(&config, &services, port, log_format);
    modelyard_server::serve(listener, config.server, services, listen::stop_signal()?).await;
    tracing::info!("stopped");
    Ok(())
}

/// Opens the store and the artifacts.
pub(crate) async fn open(config: &Config) -> anyhow::Result<Services> {
    if let Some(folder) = &config.database_folder {
        create_folder(folder)?;
    }
    let context = context::operating_system();
    let artifacts = {
        let (config, context) = (config.artifacts.clone(), context.clone());
        tokio::task::spawn_blocking(move || Repositories::open(config, &context)).await?
    };
    let artifacts = artifacts.context("cannot open the artifact store")?;
    let settings = Settings { artifact_root: artifacts.artifact_root().as_str().to_owned() };
    let store = Store::open(&config.database, settings, context.clone())
        .await
        .with_context(|| format!("cannot open the database {}", config.database))?;
    Ok(Services { store, artifacts, context })
}

fn create_folder(folder: &std::path::Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::PermissionDenied => "this user may not write there".to_owned(),
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                "there is a file of that name".to_owned()
            }
            _ => error.to_string(),
        };
        anyhow::anyhow!("cannot create the folder {}: {why}", folder.display())
    })
}
