//! Environments by `conda`, `mamba` or `micromamba`, from the text of `conda.yaml`. Conda writes the folder into the
//! packages' files, so they are built in place.
//!
//! The text goes to conda as it is, as MLflow gives it: what its `pip` part says is not judged here.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::install::{Built, Job, Step, arguments};
use crate::progress::Stage;
use crate::settings::Settings;
use crate::tools;

const ADVICE: &str = "install conda, mamba or micromamba (https://conda-forge.org/download), set MLFLOW_CONDA_HOME to \
                      where it is, or use the environment manager uv or virtualenv";
const CREATE_ADVICE: &str =
    "MLFLOW_CONDA_CREATE_ENV_CMD names it: install it where conda is, or unset the variable";

/// The program that makes environments: that of `MLFLOW_CONDA_CREATE_ENV_CMD`, in `MLFLOW_CONDA_HOME`, beside
/// `CONDA_EXE` or in `PATH`, as in MLflow; without the variable the first of conda's kind.
pub(crate) fn find(settings: &Settings) -> Result<PathBuf, Error> {
    let home = settings.variable("MLFLOW_CONDA_HOME").map(|home| Path::new(home).join("bin"));
    let beside = settings.variable("CONDA_EXE").and_then(|conda| Path::new(conda).parent());
    let folder = home.or_else(|| beside.map(Path::to_owned));
    let program = |name: &str| match &folder {
        Some(folder) => Some(folder.join(name)).filter(|path| tools::is_program(path)),
        None if Path::new(name).is_absolute() => {
            Some(PathBuf::from(name)).filter(|path| tools::is_program(path))
        }
        None => tools::on_path(settings, name),
    };
    if let Some(named) = settings.variable("MLFLOW_CONDA_CREATE_ENV_CMD") {
        let tool = named.to_string_lossy().into_owned();
        let found = program(&tool);
        return found.ok_or(Error::MissingTool { tool, advice: CREATE_ADVICE });
    }
    ["conda", "mamba", "micromamba"]
        .into_iter()
        .find_map(program)
        .ok_or_else(|| Error::MissingTool { tool: "conda".to_owned(), advice: ADVICE })
}

/// Builds the environment of a plan.
pub(crate) async fn build(job: &Job<'_>, conda: &Path) -> Result<Built, Error> {
    let folder = job.claim.place.environment();
    job.stage(Stage::Creating);
    let text = job.plan.conda_yaml.as_deref().unwrap_or_default();
    let file = job.write("conda.yaml", text)?;
    // MLflow names the second in its `pip` part.
    for (name, wanted) in
        [("requirements.txt", &job.plan.requirements), ("constraints.txt", &job.plan.constraints)]
    {
        job.write(name, &wanted.text())?;
    }
    // micromamba makes an environment from a file by the command that makes any.
    let is_micromamba = conda.file_name().is_some_and(|name| name == "micromamba");
    let mut words = arguments(if is_micromamba { &["create"][..] } else { &["env", "create"] });
    words.extend(["--prefix".into(), folder.clone().into(), "--file".into(), file.into()]);
    let name = format!("{} env create", conda.file_name().unwrap_or_default().display());
    let files = job.files();
    job.run(Step { name: &name, program: conda, arguments: words, folder: &files }).await?;
    Ok(Built { folder, warnings: Vec::new() })
}
