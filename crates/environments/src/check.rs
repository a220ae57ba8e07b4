//! Asking an interpreter what it is and what it has.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::error::Error;
use crate::process::{Ended, Program, ask};

/// The question. It runs with the interpreters of strangers' environments, and answers on its last line.
const SCRIPT: &str = include_str!("check.py");
/// How long an answer may take: the first import of a large package compiles it, on a slow disk for a minute.
const DEADLINE: Duration = Duration::from_secs(300);

/// What an interpreter answers.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Answer {
    /// Its version, of three numbers.
    pub(crate) python: String,
    /// Its own path, where it is known.
    pub(crate) executable: Option<PathBuf>,
    /// Whether it finds mlflow, or, if that was asked for, could import it.
    pub(crate) mlflow: bool,
    /// The requirements that are not met: `numpy (current: 1.0, required: numpy==2.0)`.
    pub(crate) mismatches: Vec<String>,
}

/// A question to one interpreter.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) python: &'a Path,
    pub(crate) variables: &'a BTreeMap<OsString, OsString>,
    pub(crate) lock: Option<&'a File>,
    /// Whether mlflow is imported, and the variables `PYTHON…` count; else it is only looked for.
    pub(crate) import: bool,
    /// The requirements that are to be met.
    pub(crate) requirements: &'a [String],
}

impl Question<'_> {
    /// The answer, or how the interpreter failed instead.
    pub(crate) async fn ask(self) -> Result<Result<Answer, Ended>, Error> {
        let mut arguments: Vec<OsString> = Vec::new();
        if !self.import {
            // Without what lies in the folder, the user's packages and the variables.
            arguments.push("-I".into());
        }
        let how = if self.import { "import" } else { "find" };
        arguments.extend(["-c".into(), SCRIPT.into(), how.into()]);
        arguments.extend(self.requirements.iter().map(OsString::from));
        let program = Program {
            program: self.python,
            arguments,
            folder: Path::new("/"),
            variables: self.variables,
            lock: self.lock,
        };
        let answered = tokio::time::timeout(DEADLINE, ask(&program)).await;
        let Ok(answered) = answered else {
            let how = format!("no answer for {} seconds", DEADLINE.as_secs());
            return Ok(Err(Ended { success: false, how, last_lines: Vec::new() }));
        };
        let (ended, text) = answered.map_err(Error::io("starting", self.python))?;
        let answer = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
        Ok(answer.filter(|_| ended.success).ok_or(ended))
    }
}
