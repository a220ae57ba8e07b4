//! Environments by `venv` or `virtualenv`, and `pip`. Their programs name their folder, so they are built in place.
//!
//! MLflow has `pyenv` compile the wanted patch of Python, which takes minutes and often fails. Here a Python of this
//! machine is taken that has the wanted minor version, by whomever it was installed.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::install::{Built, Installer, Job, Step, arguments, other_patch};
use crate::process::{Program, ask};
use crate::progress::Stage;
use crate::pythons::{self, Python};
use crate::tools;

/// Builds the environment of a plan.
pub(crate) async fn build(job: &Job<'_>) -> Result<Built, Error> {
    let folder = job.claim.place.environment();
    job.stage(Stage::FindingPython);
    let (python, warnings) = python(job).await?;
    job.stage(Stage::Creating);
    create(job, &python.path, &folder).await?;
    job.install_all(Installer::Pip, &folder).await?;
    Ok(Built { folder, warnings })
}

async fn python(job: &Job<'_>) -> Result<(Python, Vec<String>), Error> {
    let Some(wanted) = &job.plan.python else {
        let base = job.base.clone();
        let missing = || Error::NoPython { wanted: "3".to_owned(), found: "none".to_owned() };
        return base.map(|python| (python, Vec::new())).ok_or_else(missing);
    };
    let mut found = pythons::find(job.settings, wanted).await;
    if let Some(python) = found.exact.take() {
        return Ok((python, Vec::new()));
    }
    match found.similar.take() {
        Some(python) => {
            let warning = other_patch(wanted, &python.version.to_string());
            Ok((python, vec![warning]))
        }
        None => Err(found.none(wanted)),
    }
}

async fn create(job: &Job<'_>, python: &Path, folder: &Path) -> Result<(), Error> {
    let files = job.files();
    // Debian's Python has these modules in a package of their own.
    let able = Program {
        program: python,
        arguments: arguments(&["-I", "-c", "import ensurepip, venv"]),
        folder: &files,
        variables: &job.variables,
        lock: Some(job.claim.lock()),
    };
    let (able, _) = ask(&able).await.map_err(Error::io("starting", python))?;
    if able.success {
        let mut words = arguments(&["-I", "-m", "venv"]);
        words.push(folder.into());
        let step =
            Step { name: "python -m venv", program: python, arguments: words, folder: &files };
        return job.run(step).await;
    }
    let tool = virtualenv(job).ok_or_else(|| Error::MissingTool {
        tool: format!("the module venv of {}", python.display()),
        advice: "install it (`apt-get install python3-venv` on Debian) or virtualenv, or use the environment manager uv",
    })?;
    let words = [Path::new("--python"), python, folder].map(Path::as_os_str);
    let step =
        Step { name: "virtualenv", program: &tool, arguments: arguments(&words), folder: &files };
    job.run(step).await
}

fn virtualenv(job: &Job<'_>) -> Option<PathBuf> {
    tools::on_path(job.settings, "virtualenv")
}
