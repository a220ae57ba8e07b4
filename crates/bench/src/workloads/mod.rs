//! The workloads W1 to W8, each one file, each run on every server in turn.

pub(crate) mod artifact;
pub(crate) mod batch;
pub(crate) mod history;
pub(crate) mod lifecycle;
pub(crate) mod metric;
pub(crate) mod registry;
pub(crate) mod search;
pub(crate) mod start;

use anyhow::Result;

use crate::peers::Peer;
use crate::suite::Suite;

/// A workload by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Workload {
    /// Start and idle memory.
    W1,
    /// One `runs/log-metric` a request.
    W2,
    /// `runs/log-batch` of 1,000 metrics.
    W3,
    /// Run life cycle.
    W4,
    /// `runs/search`.
    W5,
    /// `metrics/get-history`.
    W6,
    /// Artifact proxy.
    W7,
    /// Model registry.
    W8,
}

impl Workload {
    pub(crate) const ALL: [Self; 8] =
        [Self::W1, Self::W2, Self::W3, Self::W4, Self::W5, Self::W6, Self::W7, Self::W8];

    const fn name(self) -> &'static str {
        match self {
            Self::W1 => "W1",
            Self::W2 => "W2",
            Self::W3 => "W3",
            Self::W4 => "W4",
            Self::W5 => "W5",
            Self::W6 => "W6",
            Self::W7 => "W7",
            Self::W8 => "W8",
        }
    }

    async fn on(self, suite: &mut Suite, peer: Peer) -> Result<()> {
        if !peer.has_workload(self.name()) {
            return Ok(());
        }
        match self {
            Self::W1 => start::run(suite, peer),
            Self::W2 => metric::run(suite, peer).await,
            Self::W3 => batch::run(suite, peer).await,
            Self::W4 => lifecycle::run(suite, peer).await,
            Self::W5 => search::run(suite, peer).await,
            Self::W6 => history::run(suite, peer).await,
            Self::W7 => artifact::run(suite, peer).await,
            Self::W8 => registry::run(suite, peer).await,
        }
    }

    /// Runs on all of the suite's peers; one that fails is noted and does not stop the others.
    pub(crate) async fn run(self, suite: &mut Suite) {
        for peer in suite.peers.clone() {
            if let Err(error) = self.on(suite, peer).await {
                suite.note_failure(self.name(), peer, &error);
            }
        }
    }
}
