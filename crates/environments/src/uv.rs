//! Environments by `uv`. They can be moved, so they are built aside and come to their place finished.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::make_folder;
use crate::error::Error;
use crate::install::{Built, Installer, Job, Step, arguments, other_patch};
use crate::progress::Stage;
use crate::pythons;
use crate::settings::Settings;
use crate::tools;

const ADVICE: &str = "install it (https://docs.astral.sh/uv, `pip install uv`), or use the environment manager \
                      virtualenv or local";

/// Where `uv` lies: in `PATH`, or where its installer puts it.
pub(crate) fn find(settings: &Settings) -> Result<PathBuf, Error> {
    let home = settings.variable("HOME").map(PathBuf::from);
    let installed = [".local/bin/uv", ".cargo/bin/uv"];
    let installed = installed.iter().filter_map(|path| Some(home.as_ref()?.join(path)));
    tools::on_path(settings, "uv")
        .or_else(|| installed.into_iter().find(|path| tools::is_program(path)))
        .ok_or_else(|| Error::MissingTool { tool: "uv".to_owned(), advice: ADVICE })
}

/// Builds the environment of a plan.
pub(crate) async fn build(job: &Job<'_>, uv: &Path) -> Result<Built, Error> {
    let folder = job.claim.place.scratch().join("environment");
    let warnings = create(job, uv, &folder).await?;
    match &job.plan.uv_project {
        Some(_) => sync(job, uv, &folder).await?,
        None => job.install_all(Installer::Uv(uv), &folder).await?,
    }
    Ok(Built { folder, warnings })
}

/// Makes the empty environment: with the wanted patch of Python if it is here or can be fetched, or else with another
/// patch of the same version.
async fn create(job: &Job<'_>, uv: &Path, folder: &Path) -> Result<Vec<String>, Error> {
    job.stage(Stage::FindingPython);
    let Some(wanted) = &job.plan.python else {
        let base = job.base.as_ref().map(|python| python.path.clone().into_os_string());
        return venv(job, uv, folder, base).await.map(|()| Vec::new());
    };
    // uv is not left to search: it stops at the first stand-in of pyenv that does not answer.
    let found = pythons::find(job.settings, wanted).await;
    if let Some(python) = found.exact {
        return venv(job, uv, folder, Some(python.path.into())).await.map(|()| Vec::new());
    }
    let refused = match venv(job, uv, folder, Some(wanted.to_string().into())).await {
        Err(refused @ Error::Failed { .. }) => refused,
        done => return done.map(|()| Vec::new()),
    };
    if let Some(python) = found.similar {
        venv(job, uv, folder, Some(python.path.into())).await?;
        return Ok(vec![other_patch(wanted, &python.version.to_string())]);
    }
    if wanted.patch.is_none() {
        return Err(refused);
    }
    match venv(job, uv, folder, Some(wanted.minor_text().into())).await {
        Err(Error::Failed { .. }) => Err(refused),
        done => done.map(|()| vec![other_patch(wanted, &wanted.minor_text())]),
    }
}

async fn venv(
    job: &Job<'_>,
    uv: &Path,
    folder: &Path,
    python: Option<OsString>,
) -> Result<(), Error> {
    job.stage(Stage::Creating);
    // An attempt that failed may have begun it.
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(Error::io("removing", folder))?;
    }
    let mut words = arguments(&["venv", "--relocatable", "--no-project"]);
    words.extend(python.map(|python| ["--python".into(), python]).into_iter().flatten());
    words.push(folder.into());
    let files = job.files();
    job.run(Step { name: "uv venv", program: uv, arguments: words, folder: &files }).await
}

/// Installs what `uv` locked, without the project itself, whose sources are not logged.
async fn sync(job: &Job<'_>, uv: &Path, folder: &Path) -> Result<(), Error> {
    let Some(locked) = &job.plan.uv_project else { return Ok(()) };
    job.stage(Stage::Installing);
    let project = job.claim.place.scratch().join("project");
    make_folder(&project)?;
    for (name, text) in [("uv.lock", &locked.lock), ("pyproject.toml", &locked.pyproject)] {
        let path = project.join(name);
        fs::write(&path, text).map_err(Error::io("writing", &path))?;
    }
    let mut words = arguments(&["sync", "--frozen", "--no-dev", "--no-install-project"]);
    words.extend(arguments(&["--compile-bytecode", "--python"]));
    words.push(folder.join("bin/python").into());
    job.run_uv("uv sync", uv, words, &project, true).await
}
