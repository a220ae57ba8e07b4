//! From a wish to an interpreter.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::cache::{Acquired, Claim, Lease, Place, Record, blocking};
use crate::error::Error;
use crate::install::{Installer, Job};
use crate::manager::EnvManager;
use crate::plan::Plan;
use crate::progress::{Progress, Report, Stage};
use crate::pythons::{self, Python};
use crate::settings::Settings;
use crate::wanted::Wanted;
use crate::{conda, local, uv, virtualenv};

/// Finds and builds environments, lists and removes them.
#[derive(Debug, Clone)]
pub struct Environments {
    pub(crate) settings: Settings,
}

/// An environment that is ready. It is not removed while this is held.
#[derive(Debug)]
pub struct Environment {
    /// Its interpreter.
    pub python: PathBuf,
    /// The interpreter's version, such as `3.11.7`.
    pub python_version: String,
    /// Its folder; `None` if it is the operator's own Python.
    pub folder: Option<PathBuf>,
    /// Who provides it.
    pub manager: EnvManager,
    /// Whether it was built just now.
    pub built: bool,
    /// What differs from what was wanted, each in one sentence or as MLflow lists it.
    pub warnings: Vec<String>,
    _lease: Option<Lease>,
}

impl Environment {
    /// The variables that make programs find this environment, as activating it would: `PATH` begins with its programs.
    /// `path` is the value that goes on behind. What conda's packages have run on activation is not run.
    pub fn variables(&self, path: Option<&OsStr>) -> Vec<(&'static str, OsString)> {
        let Some(folder) = &self.folder else {
            return path.map(|path| ("PATH", path.to_owned())).into_iter().collect();
        };
        let mut paths = folder.join("bin").into_os_string();
        if let Some(path) = path.filter(|path| !path.is_empty()) {
            paths.push(":");
            paths.push(path);
        }
        let name = match self.manager {
            EnvManager::Conda => "CONDA_PREFIX",
            _ => "VIRTUAL_ENV",
        };
        vec![("PATH", paths), (name, folder.clone().into())]
    }
}

impl Environments {
    /// Nothing is read or made yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Finds the environment that is wanted, or builds it, and tells `report` what happens meanwhile.
    ///
    /// Whoever wants the same at the same time, in this process or another, waits. Dropping the future ends what it
    /// started.
    pub async fn prepare(
        &self,
        manager: EnvManager,
        wanted: &Wanted,
        report: &(dyn Fn(Progress<'_>) + Send + Sync),
    ) -> Result<Environment, Error> {
        let no_conda_yaml = wants_no_conda(manager, wanted);
        if manager == EnvManager::Local || no_conda_yaml {
            let mut found = local::check(&self.settings, wanted, report).await?;
            if no_conda_yaml {
                let warning = "the model has no conda.yaml: the local Python is used";
                found.warnings.insert(0, warning.to_owned());
            }
            return Ok(Environment {
                python: found.python,
                python_version: found.version,
                folder: None,
                manager: EnvManager::Local,
                built: false,
                warnings: found.warnings,
                _lease: None,
            });
        }
        let (place, plan, base) = self.place(manager, wanted, report).await?;
        let mut built = false;
        loop {
            let claim = match place.acquire(report).await? {
                Acquired::Missing(claim) => claim,
                Acquired::Ready(lease, record) => {
                    return Ok(Environment { built, ..ready(manager, &place, lease, record) });
                }
            };
            self.build(&plan, base.clone(), claim, report).await?;
            built = true;
        }
    }

    /// Finds the environment that is wanted, if it is there already: nothing is built.
    pub async fn find(
        &self,
        manager: EnvManager,
        wanted: &Wanted,
    ) -> Result<Option<Environment>, Error> {
        let quietly = |_: Progress<'_>| {};
        if manager == EnvManager::Local || wants_no_conda(manager, wanted) {
            return self.prepare(manager, wanted, &quietly).await.map(Some);
        }
        let (place, ..) = self.place(manager, wanted, &quietly).await?;
        match place.acquire(&quietly).await? {
            Acquired::Ready(lease, record) => Ok(Some(ready(manager, &place, lease, record))),
            Acquired::Missing(_) => Ok(None),
        }
    }

    /// Where an environment lies, or is to be built, and how.
    async fn place(
        &self,
        manager: EnvManager,
        wanted: &Wanted,
        report: Report<'_>,
    ) -> Result<(Place, Plan, Option<Python>), Error> {
        let plan = Plan::read(manager, wanted, &self.settings.pass)?;
        let base = self.base(&plan, report).await?;
        let (plan, base, key) = blocking(move || {
            let key = plan.key(base.as_ref().map(|python| &python.version))?;
            Ok((plan, base, key))
        })
        .await?;
        Ok((Place::new(&self.settings.root, &key), plan, base))
    }

    /// The interpreter for a plan that names none. Conda brings its own.
    async fn base(&self, plan: &Plan, report: Report<'_>) -> Result<Option<Python>, Error> {
        if plan.python.is_some() || plan.conda_yaml.is_some() {
            return Ok(None);
        }
        report(Progress::Stage(Stage::FindingPython));
        pythons::default(&self.settings).await.map(Some)
    }

    async fn build(
        &self,
        plan: &Plan,
        base: Option<Python>,
        claim: Claim,
        report: Report<'_>,
    ) -> Result<(), Error> {
        claim.begin().await?;
        let mut variables = self.settings.installer_variables();
        // For `uv sync`, which has no argument for either.
        let environment = claim.place.scratch().join("environment");
        variables.insert("UV_PROJECT_ENVIRONMENT".into(), environment.into());
        variables.insert("UV_VENV_RELOCATABLE".into(), "1".into());
        let job = Job { settings: &self.settings, plan, claim: &claim, report, variables, base };
        match Self::run(&job).await {
            Ok((folder, record)) => claim.finish(folder, record).await,
            Err(error) => {
                // The error that counts is the first.
                let _ = claim.clear().await;
                Err(error)
            }
        }
    }

    async fn run(job: &Job<'_>) -> Result<(PathBuf, Record), Error> {
        job.begin()?;
        let (built, uv) = match job.plan.manager {
            EnvManager::Uv => {
                let uv = uv::find(job.settings)?;
                (uv::build(job, &uv).await?, Some(uv))
            }
            EnvManager::Conda => (conda::build(job, &conda::find(job.settings)?).await?, None),
            EnvManager::Virtualenv | EnvManager::Local => (virtualenv::build(job).await?, None),
        };
        let installer = uv.as_deref().map_or(Installer::Pip, Installer::Uv);
        let answer = job.complete(installer, &built.folder).await?;
        let record = job.record(&answer, built.warnings);
        Ok((built.folder, record))
    }
}

/// Conda builds from `conda.yaml` only; as in MLflow a model without one gets the local Python.
fn wants_no_conda(manager: EnvManager, wanted: &Wanted) -> bool {
    manager == EnvManager::Conda && wanted.conda_yaml.is_none()
}

fn ready(manager: EnvManager, place: &Place, lease: Lease, record: Record) -> Environment {
    Environment {
        python: place.python(),
        python_version: record.python,
        folder: Some(place.environment()),
        manager,
        built: false,
        warnings: record.warnings,
        _lease: Some(lease),
    }
}
