//! Why there is no environment.

use std::io;
use std::path::{Path, PathBuf};

/// Why there is no environment. The texts say what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A line of the requirements may not or cannot be given to an installer.
    #[error("the requirement '{line}' cannot be used: {why}")]
    Requirement {
        /// The line.
        line: String,
        /// What is wrong with it.
        why: String,
    },
    /// The wanted Python has no version.
    #[error("'{0}' is not a version of Python, such as 3.11 or 3.11.7")]
    PythonVersion(String),
    /// This machine has no Python of that version.
    #[error(
        "Python {wanted} is not on this machine (found: {found}); install it, for example with \
             `pyenv install {wanted}`, or use the environment manager uv, which fetches it"
    )]
    NoPython {
        /// The version.
        wanted: String,
        /// Those that were found.
        found: String,
    },
    /// A program is not on this machine.
    #[error("{tool} is not on this machine: {advice}")]
    MissingTool {
        /// Its name.
        tool: String,
        /// How to get it, or what to use instead.
        advice: &'static str,
    },
    /// A program failed.
    #[error("{step} failed ({how}){}", tail(last_lines))]
    Failed {
        /// What it was to do.
        step: String,
        /// Its exit status.
        how: String,
        /// What it wrote last.
        last_lines: Vec<String>,
    },
    /// The Python that was named, or that was built, cannot import mlflow.
    #[error("{} cannot import mlflow; {advice}{}", python.display(), tail(last_lines))]
    NoMlflow {
        /// The interpreter.
        python: PathBuf,
        /// What to do.
        advice: &'static str,
        /// What it said.
        last_lines: Vec<String>,
    },
    /// An environment is broken, but in use, so it cannot be built anew.
    #[error("the environment {} is broken (its Python is gone) but still in use: stop what uses it", .0.display())]
    BrokenInUse(PathBuf),
    /// Neither a folder was named nor is there a home.
    #[error("there is no folder for environments: set MODELYARD_ENV_ROOT, or HOME")]
    NoRoot,
    /// A file or folder could not be read or written.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: what was done, and to what.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// For a requirement.
    pub(crate) fn requirement(line: &str, why: impl Into<String>) -> Self {
        Self::Requirement { line: line.to_owned(), why: why.into() }
    }
}

fn tail(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |text, line| text + "\n  " + line)
}
