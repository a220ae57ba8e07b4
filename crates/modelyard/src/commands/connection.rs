//! Which server a command talks to.

use std::sync::Arc;

use clap::ValueHint;
use modelyard_protocol::Context;

use super::local::LocalServer;
use crate::client::{Address, Client, Settings, shows_progress};
use crate::context;
use crate::output::{Clock, Console};

/// Arguments of every command that talks to a tracking server.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// Address of the tracking server, such as http://localhost:5000. Without it, the data folder
    /// that `modelyard server` would use here [env: MLFLOW_TRACKING_URI].
    // Read by hand: clap would repeat it in every usage line as if it had been typed.
    #[arg(
        long,
        global = true,
        value_name = "URI",
        value_hint = ValueHint::Url,
        help_heading = "Connection"
    )]
    tracking_uri: Option<String>,
}

/// What a command works with.
pub(crate) struct Session {
    /// The tracking server.
    pub(crate) client: Client,
    /// Time and randomness.
    pub(crate) context: Context,
    /// Stderr.
    pub(crate) console: Console,
    /// The server, if it is this process. Dropped after the client's connections.
    _server: Option<LocalServer>,
}

impl Session {
    /// Writes times for the person at the terminal.
    pub(crate) fn clock(&self) -> Clock {
        Clock::local(self.context.now_ms())
    }
}

impl Args {
    /// Connects to the tracking server; nothing is sent yet. Without one, serves the local data
    /// folder, which is only made for a command that `creates` something.
    pub(crate) fn open(&self, creates: bool) -> anyhow::Result<Session> {
        let console = Console::stderr(shows_progress(&variable)?);
        let context = context::operating_system();
        let say = {
            let console = console.clone();
            Arc::new(move |line: &str| console.say(&format!("modelyard: {line}")))
        };
        let written = self.tracking_uri.clone().or_else(|| variable("MLFLOW_TRACKING_URI"));
        let uri = written.filter(|uri| !uri.trim().is_empty());
        let (server, address, settings) = match uri {
            Some(uri) => {
                let address = Address::parse(&uri)?;
                let settings = Settings::read(&address, &variable)?;
                (None, address, settings)
            }
            None => {
                let server = LocalServer::start(creates)?;
                let address = server.address.clone();
                // Credentials are for a server elsewhere.
                let settings = Settings::read(&address, &|_| None)?;
                (Some(server), address, settings)
            }
        };
        let client = Client::new(address, settings, context.clone(), say);
        Ok(Session { client, context, console, _server: server })
    }
}

/// An environment variable; empty counts as unset, as with MLflow.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
