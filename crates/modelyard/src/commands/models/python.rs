//! The flags about a model's Python.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;
use modelyard_deployments::served::PythonOptions;
use modelyard_deployments::workers::Batching;
use modelyard_environments::{EnvManager, Environments, Settings};

use crate::exit::Usage;

const PYTHON: &str = "Python";

/// Flags of commands that may need a model's Python.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = PYTHON)]
pub(super) struct PythonArgs {
    /// Who provides the model's Python: local (the Python that is there), uv, virtualenv or conda
    /// [default: uv if it is there, otherwise virtualenv]. Without this flag or --python, requests to
    /// a model of the native engine start none: the few that only Python can answer are refused.
    #[arg(long, value_name = "MANAGER", env = "MODELYARD_ENV_MANAGER")]
    env_manager: Option<EnvManager>,
    /// The interpreter for --env-manager local [default: python3].
    #[arg(long, value_name = "PATH", value_hint = ValueHint::ExecutablePath)]
    python: Option<PathBuf>,
    /// Fetch nothing when an environment is built: what is missing is an error.
    #[arg(long)]
    offline: bool,
    /// Install this version of MLflow over what the model asks for.
    #[arg(long, value_name = "VERSION", num_args = 0..=1,
          default_missing_value = modelyard_server::MLFLOW_VERSION)]
    install_mlflow: Option<String>,
    /// Processes that answer what Python has to answer.
    #[arg(long, short, value_name = "N", default_value = "1", env = "MLFLOW_MODELS_WORKERS")]
    workers: NonZeroUsize,
    /// Rows of several requests that go to the model together while all processes are busy; 0 keeps
    /// requests apart.
    #[arg(long, value_name = "ROWS", default_value = "1000")]
    batch_rows: usize,
    /// Memory of one process; one that grows to it is replaced.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(64..=1_048_576))]
    worker_memory: Option<u64>,
}

impl PythonArgs {
    /// What the flags mean. `deadline` is how long an answer may take.
    pub(super) fn options(&self, deadline: Duration) -> anyhow::Result<PythonOptions> {
        let mut settings =
            Settings::read(std::env::vars_os()).map_err(|error| Usage(error.to_string()))?;
        settings.python = self.python.clone();
        settings.offline |= self.offline;
        let manager = self.env_manager.unwrap_or_else(|| match self.python {
            Some(_) => EnvManager::Local,
            None if is_on_path("uv") => EnvManager::Uv,
            None => EnvManager::Virtualenv,
        });
        if self.python.is_some() && manager != EnvManager::Local {
            let why = format!("--python is for --env-manager local, not for {manager}");
            return Err(Usage(why).into());
        }
        let batching = match self.batch_rows {
            0 => Batching::Off,
            rows_max => Batching::Adaptive { rows_max, delay_max: Duration::ZERO },
        };
        Ok(PythonOptions {
            manager,
            environments: Environments::new(settings),
            workers: self.workers,
            batching,
            deadline,
            memory_max_bytes: self.worker_memory.map(|mib| mib << 20),
            install_mlflow: self.install_mlflow.clone(),
            on_demand: self.env_manager.is_some() || self.python.is_some(),
        })
    }
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
