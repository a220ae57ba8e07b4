//! The servers that are compared and how each is started with its own defaults on SQLite.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::{Running, command, free_address};

/// Name of the SQLite file in a server's folder.
pub(crate) const DATABASE: &str = "tracking.db";

/// A tracking server under measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Peer {
    /// This project.
    Modelyard,
    /// `mlflow server`.
    Mlflow,
    /// FastTrackML's `fml server`.
    Fml,
}

impl Peer {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Modelyard => "modelyard",
            Self::Mlflow => "mlflow",
            Self::Fml => "fml",
        }
    }

    /// Whether it can be measured in this workload: FastTrackML has neither an artifact proxy (W7) nor a
    /// registry (W8).
    pub(crate) fn has_workload(self, workload: &str) -> bool {
        self != Self::Fml || !matches!(workload, "W7" | "W8")
    }
}

/// Where the servers' programs lie; a peer without one is left out.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Programs {
    /// The built `modelyard`.
    #[arg(long, env = "MODELYARD_BENCH_MODELYARD", value_name = "PATH")]
    modelyard: Option<PathBuf>,
    /// `mlflow` of an environment with MLflow 3.17.2.
    #[arg(long, env = "MODELYARD_BENCH_MLFLOW", value_name = "PATH")]
    mlflow: Option<PathBuf>,
    /// `fml` of an environment with FastTrackML.
    #[arg(long, env = "MODELYARD_BENCH_FML", value_name = "PATH")]
    fml: Option<PathBuf>,
}

impl Programs {
    /// The peers that can be started, ours first.
    pub(crate) fn available(&self) -> Vec<Peer> {
        [Peer::Modelyard, Peer::Mlflow, Peer::Fml]
            .into_iter()
            .filter(|peer| self.path(*peer).is_some())
            .collect()
    }

    fn path(&self, peer: Peer) -> Option<&Path> {
        match peer {
            Peer::Modelyard => self.modelyard.as_deref(),
            Peer::Mlflow => self.mlflow.as_deref(),
            Peer::Fml => self.fml.as_deref(),
        }
    }

    /// Starts `peer` on the data in `folder`, which may be empty, and waits until it answers.
    pub(crate) fn start(&self, peer: Peer, folder: &Path) -> Result<Running> {
        std::fs::create_dir_all(folder)?;
        let folder = std::fs::canonicalize(folder)?;
        let address = free_address()?;
        let program = self
            .path(peer)
            .with_context(|| format!("no program given for {}", peer.name()))?
            .canonicalize()?;
        let mut line = command(&program);
        arguments(&mut line, peer, &folder, address);
        Running::start(line, address, &folder.join("server.log"))
    }
}

fn arguments(line: &mut Command, peer: Peer, folder: &Path, address: SocketAddr) {
    let database = folder.join(DATABASE);
    let artifacts = folder.join("artifacts");
    line.current_dir(folder).arg("server");
    match peer {
        Peer::Modelyard | Peer::Mlflow => {
            line.args(["--host", &address.ip().to_string(), "--port", &address.port().to_string()]);
            line.arg("--backend-store-uri").arg(format!("sqlite:///{}", database.display()));
            line.arg("--artifacts-destination").arg(artifacts);
        }
        Peer::Fml => {
            line.args(["--log-level", "warn", "--listen-address", &address.to_string()]);
            line.arg("--database-uri").arg(format!("sqlite://{}", database.display()));
            line.arg("--default-artifact-root").arg(artifacts);
        }
    }
}
