//! One process and its output.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::group::{Group, KillOnDrop};
use crate::output::{Keep, Lines, Output, Stream};
use crate::spawner;

/// How long output is read on after the process has ended: a child that left the group may hold it.
const DRAIN: Duration = Duration::from_secs(1);

/// Called with each line that a process prints, on a thread of the runtime: it must not block.
pub type OnLine = Arc<dyn Fn(Stream, &str) + Send + Sync>;

/// What to start, and how.
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments, without its name.
    pub arguments: Vec<OsString>,
    /// All of its environment: nothing is inherited.
    pub environment: Vec<(OsString, OsString)>,
    /// The folder it starts in.
    pub folder: PathBuf,
    /// Its standard input; without one, it reads nothing.
    pub stdin: Option<OwnedFd>,
    /// How much of its output is kept.
    pub keep: Keep,
    /// Who else gets each line.
    pub on_line: Option<OnLine>,
}

impl Program {
    /// A program in a folder, without arguments or environment.
    pub fn new(path: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: folder.into(),
            stdin: None,
            keep: Keep::default(),
            on_line: None,
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Its code, if it ended by itself.
    pub code: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
}

impl Exit {
    /// Whether it ended with code 0.
    pub fn is_success(self) -> bool {
        self.code == Some(0)
    }

    fn of(status: ExitStatus) -> Self {
        Self { code: status.code(), signal: status.signal() }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "ended with code {code}"),
            (None, Some(signal)) => write!(f, "was ended by signal {signal}"),
            (None, None) => write!(f, "ended"),
        }
    }
}

/// A process that was started. When it is dropped, its whole group is killed.
#[derive(Debug)]
pub struct Process {
    id: u32,
    group: Arc<Group>,
    output: Output,
    exit: watch::Receiver<Option<Exit>>,
}

impl Process {
    /// Starts a program in a group of its own. Fails if it cannot be executed.
    pub async fn start(program: Program) -> io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "this is the place that starts processes")]
        let mut command = Command::new(&program.path);
        command
            .args(&program.arguments)
            .env_clear()
            .envs(program.environment)
            .current_dir(&program.folder)
            .stdin(program.stdin.map_or_else(Stdio::null, Stdio::from))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = spawner::spawn(command).await?;
        let id = child.id().unwrap_or(0);
        let leader = i32::try_from(id).ok().and_then(Pid::from_raw);
        let group = Arc::new(Group::new(leader));
        let guard = KillOnDrop(Arc::clone(&group));
        let output = Output::new(program.keep);
        let mut readers = JoinSet::new();
        let sink = |stream| Sink {
            stream,
            lines: Lines::new(program.keep.line_bytes),
            output: output.clone(),
            on_line: program.on_line.clone(),
        };
        if let Some(out) = child.stdout.take() {
            readers.spawn(sink(Stream::Out).read(out));
        }
        if let Some(err) = child.stderr.take() {
            readers.spawn(sink(Stream::Err).read(err));
        }
        let (ended, exit) = watch::channel(None);
        tokio::spawn(supervise(child, guard, readers, ended));
        Ok(Self { id, group, output, exit })
    }

    /// Its number in the system.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it has printed.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Kills it and all that it has started and that has not left its group.
    pub fn kill(&self) {
        self.group.kill();
    }

    /// Waits until it has ended and its output has been read.
    pub async fn wait(&self) -> Exit {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await;
        ended.ok().and_then(|exit| *exit).unwrap_or(Exit { code: None, signal: None })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.group.kill();
    }
}

/// Waits for the process, ends what it has left behind, and tells.
async fn supervise(
    mut child: Child,
    guard: KillOnDrop,
    mut readers: JoinSet<()>,
    ended: watch::Sender<Option<Exit>>,
) {
    let status = child.wait().await;
    guard.0.end();
    let drained = async { while readers.join_next().await.is_some() {} };
    // Readers that are not done are ended with their set.
    let _ = tokio::time::timeout(DRAIN, drained).await;
    ended.send_replace(Some(match status {
        Ok(status) => Exit::of(status),
        Err(_) => Exit { code: None, signal: None },
    }));
}

/// Where the output of one stream goes.
struct Sink {
    stream: Stream,
    lines: Lines,
    output: Output,
    on_line: Option<OnLine>,
}

impl Sink {
    async fn read(mut self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 8 << 10];
        let Self { stream, lines, output, on_line } = &mut self;
        let mut keep = |line: &str| {
            output.push(line);
            if let Some(on_line) = on_line {
                on_line(*stream, line);
            }
        };
        while let Ok(read) = from.read(&mut buffer).await {
            if read == 0 {
                break;
            }
            lines.feed(&buffer[..read], &mut keep);
        }
        lines.finish(keep);
    }
}
