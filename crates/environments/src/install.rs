//! A build: its steps, and what is installed in which order.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::{Claim, Record, make_folder};
use crate::check::{Answer, Question};
use crate::error::Error;
use crate::paths;
use crate::plan::Plan;
use crate::process::{Program, run};
use crate::progress::{Progress, Report, Stage};
use crate::pythons::Python;
use crate::requirements::Requirements;
use crate::settings::Settings;
use crate::wanted::Mlflow;

/// One build of an environment.
pub(crate) struct Job<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) plan: &'a Plan,
    pub(crate) claim: &'a Claim,
    pub(crate) report: Report<'a>,
    /// What installers see of the environment.
    pub(crate) variables: BTreeMap<OsString, OsString>,
    /// The interpreter that is taken if the plan names no version.
    pub(crate) base: Option<Python>,
}

/// An environment before it is finished.
pub(crate) struct Built {
    pub(crate) folder: PathBuf,
    pub(crate) warnings: Vec<String>,
}

/// Who installs into an environment that is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Installer<'a> {
    /// The environment's own `pip`.
    Pip,
    /// The program `uv`.
    Uv(&'a Path),
}

/// One program of a build.
pub(crate) struct Step<'a> {
    /// What it does, for the error: `uv venv`.
    pub(crate) name: &'a str,
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) folder: &'a Path,
}

impl Job<'_> {
    /// The folder in which installers run, with the requirements and the files they name. Nothing else of the model is
    /// there: installers would read settings from it.
    pub(crate) fn files(&self) -> PathBuf {
        self.claim.place.scratch().join("files")
    }

    /// Makes that folder.
    pub(crate) fn begin(&self) -> Result<(), Error> {
        make_folder(&self.files())?;
        paths::copy(self.plan.folder.as_deref(), &self.plan.paths(), &self.files())
    }

    /// Writes a file there.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.files().join(name);
        fs::write(&path, text).map_err(Error::io("writing", &path))?;
        Ok(path)
    }

    pub(crate) fn stage(&self, stage: Stage) {
        (self.report)(Progress::Stage(stage));
    }

    /// Runs a program; that it fails is an error with its last lines.
    pub(crate) async fn run(&self, step: Step<'_>) -> Result<(), Error> {
        let program = Program {
            program: step.program,
            arguments: step.arguments,
            folder: step.folder,
            variables: &self.variables,
            lock: Some(self.claim.lock()),
        };
        let ended = run(&program, &mut |line| (self.report)(Progress::Line(line))).await;
        let ended = ended.map_err(Error::io("starting", step.program))?;
        if ended.success {
            return Ok(());
        }
        let step = step.name.to_owned();
        Err(Error::Failed { step, how: ended.how, last_lines: ended.last_lines })
    }

    /// Installs what the plan asks for into the environment in `folder`.
    pub(crate) async fn install_all(
        &self,
        installer: Installer<'_>,
        folder: &Path,
    ) -> Result<(), Error> {
        let plan = self.plan;
        let constraints = (!plan.constraints.is_empty())
            .then(|| self.write("modelyard-constraints.txt", &plan.constraints.text()))
            .transpose()?;
        if !plan.build_dependencies.is_empty() {
            self.stage(Stage::InstallingBuildDependencies);
            let wanted = &plan.build_dependencies;
            self.install(installer, folder, ("modelyard-build.txt", wanted), None).await?;
        }
        if !plan.requirements.is_empty() {
            self.stage(Stage::Installing);
            let wanted = ("modelyard-requirements.txt", &plan.requirements);
            self.install(installer, folder, wanted, constraints.as_deref()).await?;
        }
        Ok(())
    }

    /// Sees to it that mlflow is there as the plan wants it, and asks the environment's Python what it is.
    pub(crate) async fn complete(
        &self,
        installer: Installer<'_>,
        folder: &Path,
    ) -> Result<Answer, Error> {
        let python = folder.join("bin/python");
        let wanted = self.plan.mlflow.requirement();
        let mut answer = self.check(&python).await?;
        let install = match &self.plan.mlflow {
            Mlflow::Ensured { .. } => !answer.mlflow,
            Mlflow::Installed { .. } => true,
            Mlflow::NotNeeded => false,
        };
        if let (true, Some(line)) = (install, &wanted) {
            self.stage(Stage::InstallingMlflow);
            let requirements = Requirements::read(line, &[])?;
            let file = ("modelyard-mlflow.txt", &requirements);
            self.install(installer, folder, file, None).await?;
            answer = self.check(&python).await?;
        }
        if wanted.is_some() && !answer.mlflow {
            let advice = "add mlflow to the model's requirements";
            return Err(Error::NoMlflow { python, advice, last_lines: Vec::new() });
        }
        Ok(answer)
    }

    async fn check(&self, python: &Path) -> Result<Answer, Error> {
        self.stage(Stage::Checking);
        let question = Question {
            python,
            variables: &self.variables,
            lock: Some(self.claim.lock()),
            import: false,
            requirements: &[],
        };
        question.ask().await?.map_err(|ended| Error::Failed {
            step: "the environment's Python".to_owned(),
            how: ended.how,
            last_lines: ended.last_lines,
        })
    }

    /// Installs requirements from a file of that name.
    async fn install(
        &self,
        installer: Installer<'_>,
        folder: &Path,
        (name, wanted): (&str, &Requirements),
        constraints: Option<&Path>,
    ) -> Result<(), Error> {
        let python = folder.join("bin/python");
        let limits = constraints.map(|file| ["-c".into(), file.into()]).into_iter().flatten();
        let limits: Vec<OsString> = limits.collect();
        let Installer::Uv(uv) = installer else {
            let file = self.write(name, &wanted.text())?;
            let mut arguments: Vec<OsString> =
                ["-I", "-m", "pip", "install", "-r"].map(OsString::from).into();
            arguments.push(file.into());
            arguments.extend(limits);
            let files = self.files();
            let step = Step { name: "pip install", program: &python, arguments, folder: &files };
            return self.run(step).await;
        };
        let file = self.write(name, &wanted.uv_text())?;
        let mut arguments: Vec<OsString> =
            ["pip", "install", "--compile-bytecode", "--python"].map(OsString::from).into();
        arguments.push(python.into());
        arguments.extend(wanted.uv_arguments().into_iter().map(OsString::from));
        arguments.extend(["-r".into(), file.into()]);
        arguments.extend(limits);
        let files = self.files();
        self.run_uv("uv pip install", uv, arguments, &files, wanted.all_pinned()).await
    }

    /// Runs `uv`, without the network at first if what it has kept is as good: it answers at once if that is not all.
    pub(crate) async fn run_uv(
        &self,
        name: &str,
        uv: &Path,
        arguments: Vec<OsString>,
        folder: &Path,
        kept_is_as_good: bool,
    ) -> Result<(), Error> {
        if kept_is_as_good && !self.settings.offline {
            self.stage(Stage::InstallingOffline);
            let mut arguments = arguments.clone();
            arguments.push("--offline".into());
            let step = Step { name, program: uv, arguments, folder };
            match self.run(step).await {
                Err(Error::Failed { .. }) => self.stage(Stage::Installing),
                done => return done,
            }
        }
        self.run(Step { name, program: uv, arguments, folder }).await
    }

    /// What is noted of the environment.
    pub(crate) fn record(&self, answer: &Answer, warnings: Vec<String>) -> Record {
        Record {
            manager: self.plan.manager.name().to_owned(),
            python: answer.python.clone(),
            requirements: self.plan.requirements.normalised(),
            warnings,
        }
    }
}

/// Arguments of a program.
pub(crate) fn arguments<T: AsRef<OsStr>>(words: &[T]) -> Vec<OsString> {
    words.iter().map(|word| word.as_ref().to_owned()).collect()
}

/// The warning that another patch of a version is taken.
pub(crate) fn other_patch(wanted: &impl std::fmt::Display, taken: &str) -> String {
    format!("Python {wanted} is not on this machine: Python {taken} is taken instead")
}
