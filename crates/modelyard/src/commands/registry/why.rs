//! Who makes a change, and why.

use crate::client::Client;
use crate::commands::connection::{Session, variable};

/// Arguments of every command that changes something.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Why {
    /// Why; kept in the audit trail.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    who: Who,
}

/// Arguments of a command whose reason is asked for elsewhere.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Who {
    /// Who makes the change, for the audit trail; the login name if not given. The server prefers
    /// the user of MLFLOW_TRACKING_USERNAME.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
}

impl Why {
    /// The client that says so with each request.
    pub(super) fn client(&self, session: &Session) -> anyhow::Result<Client> {
        self.who.client(session, self.reason.as_deref())
    }
}

impl Who {
    /// The client that says so with each request.
    pub(super) fn client(&self, session: &Session, reason: Option<&str>) -> anyhow::Result<Client> {
        let login = || variable("LOGNAME").or_else(|| variable("USER"));
        let actor = self.actor.clone().or_else(login);
        Ok(session.client.speaking_for(actor.as_deref(), reason)?)
    }
}
