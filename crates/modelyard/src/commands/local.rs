//! Commands without a tracking server: this process serves the local data folder to itself.

use anyhow::Context as _;
use clap::{CommandFactory as _, FromArgMatches as _};
use modelyard_database::DatabaseUri;
use modelyard_server::ServerConfig;
use modelyard_server::config::{Security, Serving};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::connection::variable;
use super::{first_line, server};
use crate::client::Address;
use crate::config::{CONNECTIONS_MAX, Data, Defaults, check_environment};
use crate::exit::{NotFound, Usage};
use crate::logging;

/// Only this machine can connect.
const HOST: &str = "127.0.0.1";

/// The flags of `modelyard server` about its data, none given: what the environment says, then the
/// defaults. What it says of the network is of no concern here.
#[derive(Debug, clap::Parser)]
struct Flags {
    #[command(flatten)]
    data: server::DataArgs,
}

/// A server of the local data folder on a free port of this machine. It ends when dropped, after
/// the requests it has accepted.
///
/// A server that runs on the same folder is no obstacle: the database is made for several
/// processes.
pub(crate) struct LocalServer {
    pub(crate) address: Address,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
    runtime: Runtime,
}

impl LocalServer {
    /// Starts it over what `modelyard server` would use here.
    ///
    /// # Errors
    /// [`NotFound`] if there is no data folder yet and the command would find nothing in it
    /// (`creates` is false); whatever keeps `modelyard server` from starting.
    pub(crate) fn start(creates: bool) -> anyhow::Result<Self> {
        logging::start_quietly()?;
        let here = std::env::current_dir().context("the working folder cannot be read")?;
        let mut data = flags()?
            .try_get_matches_from(["modelyard"])
            .and_then(|matches| Flags::from_arg_matches(&matches))
            .map_err(|error| by_variable(&first_line(&error)))
            .and_then(|flags| {
                Data::new(&flags.data, &here).map_err(|error| by_variable(&error.to_string()))
            })?;
        check_environment(&variable)?;
        if !creates {
            require_database(&data)?;
        }
        let config = ServerConfig {
            serving: Serving::Everything,
            static_prefix: String::new(),
            security: Security::for_host(HOST),
            rules: data.rules,
            model_sources: data.model_sources.clone(),
            connections_max: CONNECTIONS_MAX,
        };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let started = runtime.block_on(async {
            // Lives too short to wait for anybody: what webhooks are to be told waits for a server.
            data.webhooks.sends = false;
            let services = server::open(&data).await?;
            let listener = TcpListener::bind((HOST, 0)).await?;
            let port = listener.local_addr()?.port();
            let until = async {
                // A sender that is gone means the same.
                let _ = stopped.await;
            };
            let serve = modelyard_server::serve(listener, config, services, until);
            anyhow::Ok((port, tokio::spawn(serve)))
        });
        let (port, serving) = started.context("cannot open the local data folder")?;
        let address = Address::parse(&format!("http://{HOST}:{port}"))?;
        Ok(Self { address, stop: Some(stop), serving: Some(serving), runtime })
    }
}

/// The flags, with what the server's configuration file says.
fn flags() -> Result<clap::Command, Usage> {
    let file = variable(server::CONFIG);
    let defaults = file.map(|file| Defaults::read(file.as_ref())).transpose()?;
    Ok(match defaults {
        Some(defaults) => defaults.of(Flags::command()),
        None => Flags::command(),
    })
}

/// The complaint with the variables in the place of flags, which nobody has typed.
fn by_variable(complaint: &str) -> Usage {
    let mut text = complaint.to_owned();
    for arg in Flags::command().get_arguments() {
        if let (Some(long), Some(variable)) = (arg.get_long(), arg.get_env()) {
            let value = arg.get_value_names().and_then(|names| names.first());
            let value = value.map(|name| format!("--{long} <{name}>")).unwrap_or_default();
            let variable = variable.to_string_lossy();
            if !value.is_empty() {
                text = text.replace(&value, &variable);
            }
            text = text.replace(&format!("--{long}"), &variable);
        }
    }
    Usage(text)
}

/// A folder that is not there holds nothing; making an empty one would only hide a wrong place.
fn require_database(data: &Data) -> Result<(), NotFound> {
    match &data.database {
        DatabaseUri::Sqlite(path) if !path.exists() => Err(NotFound(format!(
            "there is no tracking server and no data here: neither --tracking-uri nor \
             MLFLOW_TRACKING_URI is set, and {} does not exist. Start `modelyard server`, or go \
             to the folder it was started in",
            path.display()
        ))),
        _ => Ok(()),
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended already.
            let _ = stop.send(());
        }
        if let Some(serving) = self.serving.take() {
            // What was acknowledged is on disk, whatever happens now.
            let _ = self.runtime.block_on(serving);
        }
    }
}
