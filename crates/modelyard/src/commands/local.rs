//! Commands without a tracking server: this process serves the local data folder to itself.

use anyhow::Context as _;
use clap::Parser as _;
use modelyard_database::DatabaseUri;
use modelyard_server::config::{Security, Serving};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::server;
use crate::client::Address;
use crate::config::Config;
use crate::exit::NotFound;
use crate::logging;

/// Only this machine can connect.
const HOST: &str = "127.0.0.1";

/// The flags of `modelyard server`, none given: what the environment says, then the defaults.
#[derive(Debug, clap::Parser)]
struct Flags {
    #[command(flatten)]
    server: server::Args,
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
        let flags = Flags::try_parse_from(["modelyard"])?;
        let mut config = Config::new(&flags.server, &here)?;
        if !creates {
            require_database(&config)?;
        }
        config.server.static_prefix = String::new();
        config.server.serving = Serving::Everything;
        config.server.security = Security::for_host(HOST);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let started = runtime.block_on(async {
            let services = server::open(&config).await?;
            let listener = TcpListener::bind((HOST, 0)).await?;
            let port = listener.local_addr()?.port();
            let until = async {
                // A sender that is gone means the same.
                let _ = stopped.await;
            };
            let serve = modelyard_server::serve(listener, config.server, services, until);
            anyhow::Ok((port, tokio::spawn(serve)))
        });
        let (port, serving) = started.context("cannot open the local data folder")?;
        let address = Address::parse(&format!("http://{HOST}:{port}"))?;
        Ok(Self { address, stop: Some(stop), serving: Some(serving), runtime })
    }
}

/// A folder that is not there holds nothing; making an empty one would only hide a wrong place.
fn require_database(config: &Config) -> Result<(), NotFound> {
    match &config.database {
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
