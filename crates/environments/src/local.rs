//! The Python that is there, as it is.

use std::path::PathBuf;

use crate::check::Question;
use crate::error::Error;
use crate::progress::{Progress, Report, Stage};
use crate::pythons;
use crate::requirements::{self, Requirements};
use crate::settings::Settings;
use crate::version::PythonVersion;
use crate::wanted::{Mlflow, Wanted};

/// Projects whose versions MLflow does not compare.
const PASSED_OVER: [&str; 2] = ["databricks-feature-lookup", "databricks-agents"];

/// What was found.
pub(crate) struct Local {
    pub(crate) python: PathBuf,
    pub(crate) version: String,
    pub(crate) warnings: Vec<String>,
}

/// Asks the operator's Python whether it has mlflow, and what it lacks of the model's requirements. What it lacks is
/// a warning, as in MLflow; that mlflow cannot be imported is an error.
pub(crate) async fn check(
    settings: &Settings,
    wanted: &Wanted,
    report: Report<'_>,
) -> Result<Local, Error> {
    report(Progress::Stage(Stage::FindingPython));
    let found = pythons::default(settings).await?;
    report(Progress::Stage(Stage::Checking));
    // What cannot be read is not compared: nothing is installed from it.
    let lines = Requirements::read(&wanted.requirements, &settings.pass);
    let lines = lines.map(|read| read.lines).unwrap_or_default();
    let question = Question {
        python: &found.path,
        variables: &settings.local_variables(),
        lock: None,
        import: wanted.mlflow != Mlflow::NotNeeded,
        requirements: &compared(&lines),
    };
    let answer = question.ask().await?.map_err(|ended| Error::NoMlflow {
        python: found.path.clone(),
        advice: "install it there, name another interpreter, or use the environment manager uv or virtualenv",
        last_lines: ended.last_lines,
    })?;
    let python = wanted.python.as_deref().and_then(|wanted| PythonVersion::read(wanted).ok());
    let python = python
        .filter(|python| !python.same_minor(&found.version))
        .map(|python| format!("python (current: {}, required: python=={python})", found.version));
    Ok(Local {
        python: found.path,
        version: answer.python,
        warnings: python.into_iter().chain(answer.mismatches).collect(),
    })
}

/// The requirements with a name, without the hashes of their files.
fn compared(lines: &[String]) -> Vec<String> {
    let named = lines.iter().filter(|line| {
        requirements::name(line).is_some_and(|name| !PASSED_OVER.contains(&name.as_str()))
    });
    named.map(|line| line.split(" --hash").next().unwrap_or(line).trim_end().to_owned()).collect()
}
