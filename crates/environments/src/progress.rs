//! What is told while an environment is prepared.

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A part of the work begins.
    Stage(Stage),
    /// A line that a tool wrote, without its end and cut at some thousand bytes.
    Line(&'a str),
}

/// The parts of the work. Not each of them is needed each time, and installing may begin again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Another process builds the same environment.
    Waiting,
    /// An interpreter is looked for and asked what it is.
    FindingPython,
    /// The empty environment is made.
    Creating,
    /// What is built before the rest is installed.
    InstallingBuildDependencies,
    /// The packages are installed from what is on this machine.
    InstallingOffline,
    /// The packages are installed.
    Installing,
    /// mlflow itself is installed, because the rest did not bring it.
    InstallingMlflow,
    /// The environment is tried.
    Checking,
}

/// Who is told.
pub(crate) type Report<'a> = &'a (dyn Fn(Progress<'_>) + Send + Sync);
