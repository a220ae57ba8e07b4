//! The interpreters of this machine.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::check::Question;
use crate::error::Error;
use crate::settings::Settings;
use crate::tools;
use crate::version::PythonVersion;

/// An interpreter that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Python {
    pub(crate) path: PathBuf,
    pub(crate) version: PythonVersion,
}

/// What was found for a version.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The version itself, or its newest patch if that was all that was asked for.
    pub(crate) exact: Option<Python>,
    /// The newest other patch of it.
    pub(crate) similar: Option<Python>,
    /// All versions that were seen, for a message.
    pub(crate) seen: Vec<String>,
}

impl Found {
    /// The error that there is none.
    pub(crate) fn none(self, wanted: &PythonVersion) -> Error {
        let found = if self.seen.is_empty() { "none".to_owned() } else { self.seen.join(", ") };
        Error::NoPython { wanted: wanted.to_string(), found }
    }
}

/// The interpreter of those who want no version: the operator's, or that of `PATH`.
pub(crate) async fn default(settings: &Settings) -> Result<Python, Error> {
    let path = default_path(settings)?;
    let asked = ask(&path, &settings.local_variables()).await;
    let (mut python, itself) = asked.ok_or_else(|| Error::NoPython {
        wanted: "3".to_owned(),
        found: format!("{}, which does not run", path.display()),
    })?;
    // What lies in `PATH` may be a stand-in that chooses by the folder it is called in.
    if settings.python.is_none() {
        python.path = itself.filter(|path| tools::is_program(path)).unwrap_or(python.path);
    }
    Ok(python)
}

/// Where that lies.
pub(crate) fn default_path(settings: &Settings) -> Result<PathBuf, Error> {
    let missing = |tool: String| Error::MissingTool {
        tool,
        advice: "install Python 3, or name an interpreter",
    };
    match &settings.python {
        Some(named) if named.components().count() > 1 => Ok(named.clone()),
        Some(named) => {
            let name = named.to_string_lossy();
            tools::on_path(settings, &name).ok_or_else(|| missing(name.into_owned()))
        }
        None => ["python3", "python"]
            .into_iter()
            .find_map(|name| tools::on_path(settings, name))
            .ok_or_else(|| missing("python3".to_owned())),
    }
}

/// Looks for a version: at the operator's interpreter, at those of `pyenv` and `uv`, and in `PATH`.
pub(crate) async fn find(settings: &Settings, wanted: &PythonVersion) -> Found {
    let variables = settings.installer_variables();
    let mut found = Found::default();
    let mut matching: Vec<Python> = Vec::new();
    for (path, named) in candidates(settings, wanted) {
        if let Some(named) = &named
            && !named.same_minor(wanted)
        {
            found.seen.push(named.to_string());
            continue;
        }
        let Some((python, _)) = ask(&path, &variables).await else { continue };
        found.seen.push(python.version.to_string());
        if python.version.same_minor(wanted) {
            matching.push(python);
        }
    }
    found.seen.sort_by_key(|text| PythonVersion::read(text).ok());
    found.seen.dedup();
    // The first of equal ones: the operator's before others.
    matching.reverse();
    let newest =
        |pythons: Vec<Python>| pythons.into_iter().max_by(|a, b| a.version.cmp(&b.version));
    let (exact, others): (Vec<_>, Vec<_>) = matching
        .into_iter()
        .partition(|python| wanted.patch.is_none() || python.version == *wanted);
    found.exact = newest(exact);
    found.similar = newest(others);
    found
}

/// Where interpreters may be, with the versions that names of folders tell.
fn candidates(
    settings: &Settings,
    wanted: &PythonVersion,
) -> Vec<(PathBuf, Option<PythonVersion>)> {
    let mut all = Vec::new();
    if settings.python.is_some() {
        all.extend(default_path(settings).ok().map(|path| (path, None)));
    }
    let home = settings.variable("HOME").map(PathBuf::from);
    let pyenv = settings.variable("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(home.as_ref()?.join(".pyenv")));
    for folder in pyenv.iter().flat_map(|root| folders(&root.join("versions"))) {
        let version = folder.file_name().and_then(|name| PythonVersion::read(name.to_str()?).ok());
        all.extend(version.map(|version| (folder.join("bin/python"), Some(version))));
    }
    let data = settings.variable("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| Some(home.as_ref()?.join(".local/share")));
    let uv = settings.variable("UV_PYTHON_INSTALL_DIR").map(PathBuf::from);
    let uv = uv.or_else(|| Some(data?.join("uv/python")));
    for folder in uv.iter().flat_map(|root| folders(root)) {
        // cpython-3.12.1-linux-x86_64-gnu
        let name = folder.file_name().and_then(|name| name.to_str());
        let version = name.and_then(|name| name.strip_prefix("cpython-")?.split('-').next());
        let version = version.and_then(|version| PythonVersion::read(version).ok());
        all.extend(version.map(|version| (folder.join("bin/python3"), Some(version))));
    }
    // pyenv's stand-ins start what is in its list already, and fail where it is not chosen.
    let is_shims = |folder: &Path| pyenv.as_ref().is_some_and(|root| folder == root.join("shims"));
    let names =
        [format!("python{}", wanted.minor_text()), "python3".to_owned(), "python".to_owned()];
    for name in names {
        all.extend(tools::on_path_but(settings, &name, is_shims).map(|path| (path, None)));
    }
    all.retain(|(path, _)| tools::is_program(path));
    all
}

/// The folders in a folder; none if it cannot be read.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut folders: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    folders
}

/// An interpreter with its version, and what it takes for its own path; `None` if it does not run.
async fn ask(
    path: &Path,
    variables: &BTreeMap<OsString, OsString>,
) -> Option<(Python, Option<PathBuf>)> {
    let question =
        Question { python: path, variables, lock: None, import: false, requirements: &[] };
    let answer = question.ask().await.ok()?.ok()?;
    let version = PythonVersion::read(&answer.python).ok()?;
    Some((Python { path: path.to_owned(), version }, answer.executable))
}
