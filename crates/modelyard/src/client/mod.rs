//! A small blocking client of MLflow's REST API, as the command line needs it.
//!
//! It speaks to Modelyard and to MLflow's own server alike. One [`Client`] is one server with one
//! set of credentials; it can be shared between threads.

mod address;
mod answer;
mod artifacts;
mod author;
mod checksum;
mod credentials;
mod credentials_file;
mod error;
mod experiments;
mod file_source;
mod logged_models;
mod number;
mod parts;
mod registry;
mod request;
mod retry;
mod runs;
mod settings;
mod trail;
mod trash;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use modelyard_protocol::Context;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::{HeaderName, HeaderValue};

pub(crate) use address::Address;
pub(crate) use artifacts::{Body, Sent};
pub(crate) use credentials::Variables;
pub(crate) use error::Error;
pub(crate) use experiments::{Experiment, ExperimentSearch};
pub(crate) use number::Number;
pub(crate) use parts::IN_PARTS_FROM_BYTES;
pub(crate) use registry::{Model, NewVersion, RegistrySearch, Version, VersionName};
pub(crate) use runs::{Dataset, NewRun, Run, RunSearch, Tag, ViewType};
pub(crate) use settings::{Settings, shows_progress};
pub(crate) use trail::{Check, Event, EventSearch, Outcome, Policy as AliasPolicy};
pub(crate) use trash::{Deleted, TrashKind};
pub(crate) use webhooks::{Delivery, TestResult, Webhook, WebhookChange};

use retry::Policy;

/// Time to set up a connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Connections kept open between requests: one for each parallel transfer.
const IDLE_CONNECTIONS: usize = 32;

/// A tracking server and the credentials for it.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    address: Address,
    authorization: Option<HeaderValue>,
    workspace: Option<HeaderValue>,
    /// Who makes changes and why, for the audit trail.
    author: Vec<(HeaderName, HeaderValue)>,
    policy: Policy,
    timeout: Duration,
    context: Context,
    say: Say,
}

/// Where remarks go that are no part of the result, such as "the server is busy, waiting".
pub(crate) type Say = Arc<dyn Fn(&str) + Send + Sync>;

impl Client {
    /// A client of the server at `address`. Nothing is sent yet.
    pub(crate) fn new(address: Address, settings: Settings, context: Context, say: Say) -> Self {
        if settings.insecure && address.is_https() {
            say(&format!(
                "warning: MLFLOW_TRACKING_INSECURE_TLS is set: the certificate of {address} is \
                 not checked, and whoever sits in between can read and change everything"
            ));
        }
        let mut config = Config::builder()
            .user_agent(concat!("modelyard/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // A redirect would turn POST into GET and send credentials elsewhere: it is reported.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(IDLE_CONNECTIONS)
            .max_idle_connections_per_host(IDLE_CONNECTIONS)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_read(Some(settings.timeout))
            .timeout_per_write(Some(settings.timeout))
            .tls_config(settings.tls);
        if address.is_loopback() {
            config = config.proxy(None);
        }
        Self {
            agent: config.build().into(),
            address,
            authorization: settings.authorization,
            workspace: settings.workspace,
            author: Vec::new(),
            policy: Policy { retries: settings.retries },
            timeout: settings.timeout,
            context,
            say,
        }
    }

    /// The server.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The same client for another `host[:port]`; credentials stay behind unless it is the same
    /// server, because an artifact URI is written by whoever made the experiment.
    ///
    /// # Errors
    /// [`Error::Address`] if `authority` is not a host and port.
    pub(crate) fn at(&self, authority: &str) -> Result<Self, Error> {
        if self.address.is_at(authority) {
            return Ok(self.clone());
        }
        let address = self.address.at(authority)?;
        Ok(Self {
            address,
            authorization: None,
            workspace: None,
            author: Vec::new(),
            ..self.clone()
        })
    }
}
