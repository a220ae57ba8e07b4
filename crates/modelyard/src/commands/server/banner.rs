//! What the person who starts the server is told.

use std::io::Write;

use modelyard_artifacts::{Place, Repository};
use modelyard_server::{MLFLOW_VERSION, Services, VERSION};

use crate::config::Config;
use crate::logging::Format;

/// Says on stderr where the server is, where its data lie, and how to go on.
pub(super) fn print(config: &Config, services: &Services, port: u16, log_format: Format) {
    let (url, artifacts) = (url(config, port), artifacts(services));
    if log_format == Format::Json {
        for note in &config.notes {
            tracing::warn!("{note}");
        }
        let database = config.data.database.to_string();
        tracing::info!(url, database, artifacts, version = VERSION, "listening");
        return;
    }
    let mut text = String::new();
    for note in &config.notes {
        text.push_str(&format!("modelyard: {note}\n"));
    }
    text.push_str(&format!(
        "Modelyard {VERSION}, compatible with MLflow {MLFLOW_VERSION}\n\n  \
         Listening on  {url}\n  \
         Database      {}\n  \
         Artifacts     {artifacts}\n\n  \
         import mlflow\n  \
         mlflow.set_tracking_uri(\"{url}\")\n\n",
        config.data.database,
    ));
    // If stderr is closed, there is nobody to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// The address to paste: one that works on this machine.
fn url(config: &Config, port: u16) -> String {
    let host = match config.host.trim_matches(['[', ']']) {
        "0.0.0.0" | "::" => "localhost".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    format!("http://{host}:{port}{}", config.server.static_prefix)
}

/// Where the artifacts of new experiments end up.
fn artifacts(services: &Services) -> String {
    let root = services.artifacts.artifact_root();
    match (root.place(), services.artifacts.destination()) {
        (Place::Proxied(_), Some(Repository::Local(local))) => {
            format!("{} (through this server)", local.folder().display())
        }
        (Place::Proxied(_), Some(Repository::Cloud(cloud))) => {
            format!("{cloud} (through this server)")
        }
        _ => format!("{root} (clients go there themselves)"),
    }
}
