//! The Python side of a model: its environment and its workers, made when they are first needed.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use modelyard_artifacts::ArtifactPath;
use modelyard_environments::{
    EnvManager, Environment, Environments, Mlflow, Progress, UvProject, Wanted,
};
use modelyard_models::mlmodel::{Environment as Description, MlModel, MlModelError};
use tokio::sync::watch;

use crate::workers::{Batching, Pool, Status, WorkerConfig};

/// After a failure to start, requests are refused for so long before the next attempt.
const RETRY: Duration = Duration::from_secs(30);
/// The longest text file beside a model that describes its environment, in bytes.
const DESCRIPTION_MAX_BYTES: u64 = 4 << 20;

/// How a model gets its Python.
#[derive(Debug, Clone)]
pub struct PythonOptions {
    /// Who provides the environment.
    pub manager: EnvManager,
    /// Where environments lie, and what installers see.
    pub environments: Environments,
    /// Processes for the model.
    pub workers: NonZeroUsize,
    /// Whether frames of several requests go to the model as one.
    pub batching: Batching,
    /// How long a request may take.
    pub deadline: Duration,
    /// Memory of one process, in bytes.
    pub memory_max_bytes: Option<u64>,
    /// The version of MLflow to install over what the model asks for, if any.
    pub install_mlflow: Option<String>,
    /// Whether a request to a native model may start it, which may mean to build an environment.
    pub on_demand: bool,
}

/// The workers of one model, or the way to them.
#[derive(Debug)]
pub(super) struct Python {
    folder: PathBuf,
    wanted: Wanted,
    /// Variables of this process that the model says it wants to see.
    variables: Vec<String>,
    options: PythonOptions,
    state: watch::Sender<State>,
}

#[derive(Debug, Clone)]
enum State {
    Idle,
    Starting,
    Ready(Started),
    Failed { why: String, at: Instant },
}

/// Workers, and what keeps their environment from being removed.
#[derive(Debug, Clone)]
struct Started {
    pool: Pool,
    _environment: Arc<Environment>,
}

impl Python {
    /// # Errors
    /// If what the model says of its environment cannot be read.
    pub(super) fn new(
        folder: &Path,
        model: &MlModel,
        options: PythonOptions,
    ) -> Result<Self, MlModelError> {
        let wanted = wanted(folder, model, options.install_mlflow.clone())?;
        let variables = model.environment_variables().into_iter().map(str::to_owned).collect();
        let state = watch::Sender::new(State::Idle);
        Ok(Self { folder: folder.to_owned(), wanted, variables, options, state })
    }

    /// The workers, started if need be. Whoever does not wait any longer does not stop the start.
    ///
    /// # Errors
    /// Why there are none, in words for the person who runs the server.
    pub(super) async fn pool(self: &Arc<Self>) -> Result<Pool, String> {
        let mut state = self.state.subscribe();
        loop {
            self.start_if_needed();
            match &*state.borrow_and_update() {
                State::Ready(started) => return Ok(started.pool.clone()),
                State::Failed { why, .. } => return Err(why.clone()),
                State::Idle | State::Starting => {}
            }
            if state.changed().await.is_err() {
                return Err("the server stops".to_owned());
            }
        }
    }

    /// Whether a request to a native model may start it.
    pub(super) fn is_on_demand(&self) -> bool {
        self.options.on_demand
    }

    /// What the workers do, if there are any.
    pub(super) fn status(&self) -> Option<Status> {
        match &*self.state.borrow() {
            State::Ready(started) => Some(started.pool.status()),
            _ => None,
        }
    }

    /// An environment that is there already, without differences from what the model asks for.
    pub(super) async fn at_hand(&self) -> Option<Environment> {
        let found = self.options.environments.find(self.options.manager, &self.wanted).await;
        found.ok().flatten().filter(|environment| environment.warnings.is_empty())
    }

    /// Workers in an environment, beside those that answer requests.
    pub(super) async fn start_in(&self, environment: &Environment) -> Result<Pool, String> {
        let mut config = WorkerConfig::new(&environment.python, &self.folder);
        config.workers = self.options.workers;
        config.deadline = self.options.deadline;
        config.batch = self.options.batching;
        config.memory_max_bytes = self.options.memory_max_bytes;
        let path = std::env::var_os("PATH");
        let own = environment.variables(path.as_deref()).into_iter();
        config.environment = own.map(|(name, value)| (name.into(), value)).collect();
        let named = self.variables.iter();
        let named = named.filter_map(|name| Some((name.into(), std::env::var_os(name)?)));
        config.environment.extend(named);
        Pool::start(config).await.map_err(|error| {
            let lines = error.last_lines().join("\n  ");
            if lines.is_empty() { error.to_string() } else { format!("{error}\n  {lines}") }
        })
    }

    /// Ends the workers, once what they work on is done.
    pub(super) async fn stop(&self, grace: Duration) {
        let State::Ready(started) = self.state.send_replace(State::Idle) else { return };
        started.pool.stop(grace).await;
    }

    fn start_if_needed(self: &Arc<Self>) {
        let begins = self.state.send_if_modified(|state| {
            let needed = match state {
                State::Idle => true,
                State::Failed { at, .. } => at.elapsed() > RETRY,
                State::Starting | State::Ready(_) => false,
            };
            if needed {
                *state = State::Starting;
            }
            needed
        });
        if begins {
            let this = Arc::clone(self);
            tokio::spawn(async move {
                let state = match this.start().await {
                    Ok(started) => State::Ready(started),
                    Err(why) => {
                        tracing::error!("Python does not start: {why}");
                        State::Failed { why, at: Instant::now() }
                    }
                };
                this.state.send_replace(state);
            });
        }
    }

    async fn start(&self) -> Result<Started, String> {
        let manager = self.options.manager;
        let report = |progress: Progress<'_>| match progress {
            Progress::Stage(stage) => tracing::info!(%manager, ?stage, "preparing Python"),
            Progress::Line(line) => tracing::debug!(%manager, "{line}"),
        };
        let environment = self.options.environments.prepare(manager, &self.wanted, &report);
        let environment = environment.await.map_err(|error| error.to_string())?;
        for warning in &environment.warnings {
            tracing::warn!("{warning}");
        }
        let pool = self.start_in(&environment).await?;
        tracing::info!(python = %environment.python.display(), "Python is ready");
        Ok(Started { pool, _environment: Arc::new(environment) })
    }
}

/// The environment that the files beside a model describe.
///
/// # Errors
/// If they cannot be read.
pub fn description(folder: &Path, model: &MlModel) -> Result<Description, MlModelError> {
    Description::read(model, &|name| text(folder, name))
}

/// What the files beside a model ask for.
fn wanted(
    folder: &Path,
    model: &MlModel,
    install_mlflow: Option<String>,
) -> Result<Wanted, MlModelError> {
    let described = description(folder, model)?;
    let lines = |all: Vec<modelyard_models::mlmodel::Requirement>| {
        all.into_iter().map(|line| line.text + "\n").collect::<String>()
    };
    let conda = model.pyfunc().and_then(|pyfunc| pyfunc.conda_file()).unwrap_or("conda.yaml");
    let uv_project = text(folder, "uv.lock").zip(text(folder, "pyproject.toml"));
    let mlflow = match install_mlflow {
        Some(version) => Mlflow::Installed { version },
        None => Mlflow::Ensured { saved_with: model.mlflow_version().map(str::to_owned) },
    };
    Ok(Wanted {
        python: described.python,
        build_dependencies: described.build_dependencies,
        requirements: lines(described.requirements),
        constraints: lines(described.constraints),
        conda_yaml: text(folder, conda),
        uv_project: uv_project.map(|(lock, pyproject)| UvProject { lock, pyproject }),
        folder: Some(folder.to_owned()),
        mlflow,
    })
}

/// The text of a file beside the `MLmodel` file.
fn text(folder: &Path, name: &str) -> Option<String> {
    let file = ArtifactPath::parse(name).ok()?;
    let path = folder.join(file.as_str());
    let is_short = std::fs::metadata(&path).ok()?.len() <= DESCRIPTION_MAX_BYTES;
    is_short.then(|| std::fs::read_to_string(path).ok()).flatten()
}
