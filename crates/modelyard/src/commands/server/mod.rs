//! `modelyard server`.

mod args;
mod banner;
mod data;
mod listen;
pub(crate) mod open_files;
mod predecessor;
mod webhooks;

use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use modelyard_artifacts::{ArtifactUri, Error as ArtifactError, Place, Repositories};
use modelyard_server::Services;
use modelyard_store::{Settings, Store};
use modelyard_webhooks::Webhooks;

pub(crate) use args::{Args, CONFIG, Compatibility};
pub(crate) use data::DataArgs;
pub(crate) use listen::{listen, stop_signal};
pub(crate) use webhooks::WebhookArgs;

use super::connection::variable;
use crate::config::{Config, Data};
use crate::exit::Usage;
use crate::{backup, context, logging};

/// Serves until the process is asked to stop.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    logging::start(args.log_format, args.dev, &variable)?;
    let here = std::env::current_dir().context("the working folder cannot be read")?;
    let mut config = Config::new(args, &here, &variable)?;
    config.notes.extend(predecessor::note(&args.data, &config.data, &here));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config, args.log_format))
}

async fn serve(mut config: Config, log_format: logging::Format) -> anyhow::Result<()> {
    config.server.connections_max =
        config.server.connections_max.min(open_files::for_connections());
    // First the port: if it is taken, nothing else should have happened.
    let listener = listen(&config.host, config.port).await?;
    let port = listener.local_addr()?.port();
    let services = open(&config.data).await?;
    banner::print(&config, &services, port, log_format);
    modelyard_server::serve(listener, config.server, services, stop_signal()?).await;
    tracing::info!("stopped");
    Ok(())
}

/// Opens the store and the artifacts.
pub(crate) async fn open(data: &Data) -> anyhow::Result<Services> {
    let context = context::operating_system();
    backup::marker::refuse_unfinished(data, &context).await?;
    if let Some(folder) = &data.database_folder {
        create_folder(folder)?;
    }
    let artifacts = {
        let (config, context) = (data.artifacts.clone(), context.clone());
        tokio::task::spawn_blocking(move || Repositories::open(config, &context)).await?
    };
    let artifacts = artifacts.map_err(|error| explain(data, error))?;
    artifacts.check().await.map_err(|error| explain(data, error))?;
    let settings = Settings { artifact_root: artifacts.artifact_root().as_str().to_owned() };
    let store = Store::open(&data.database, settings, context.clone())
        .await
        .with_context(|| format!("cannot open the database {}", data.database))?;
    let webhooks = Arc::new(Webhooks::new(data.webhooks.clone(), context.clone()));
    Ok(Services { store: Arc::new(store), artifacts, webhooks, context })
}

/// Which of the artifact locations is at fault, and what to do.
fn explain(data: &Data, error: ArtifactError) -> anyhow::Error {
    let config = &data.artifacts;
    let destination = config.destination.as_deref().map(|uri| ("--artifacts-destination", uri));
    if let (ArtifactError::Unsupported { .. }, Some((flag, uri))) = (&error, destination) {
        return anyhow::Error::new(Usage(format!(
            "{flag} {uri}: this server keeps artifacts in folders, S3, Google Cloud Storage and Azure \
             Blob Storage. Clients that reach another store can go there by themselves: give \
             --default-artifact-root {uri} instead"
        )));
    }
    if let ArtifactError::Configuration(why) = error {
        return anyhow::Error::new(Usage(why));
    }
    let root = Some(("--default-artifact-root", config.artifact_root.as_str()));
    for (flag, uri) in destination.into_iter().chain(root) {
        match ArtifactUri::parse(uri, &config.working_dir) {
            Ok(parsed) => {
                // What keeps the folder from being there keeps it from being opened.
                if let Place::Local(folder) = parsed.place()
                    && let Err(why) = create_folder(folder)
                {
                    return why.context(flag);
                }
            }
            Err(why) => return anyhow::Error::new(Usage(format!("{flag} {uri}: {why}"))),
        }
    }
    let places: Vec<&str> = destination.into_iter().chain(root).map(|(_, uri)| uri).collect();
    anyhow::Error::new(error)
        .context(format!("cannot open the artifact store at {}", places.join(" or ")))
}

fn create_folder(folder: &Path) -> anyhow::Result<()> {
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
