//! Running a program to its end. Two functions, [`run`] and [`ask`], are all that the rest of the crate knows of it.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

/// How many last lines are kept: an installer's reason is in them.
const LAST_LINES: usize = 60;
/// Where a line is cut, in bytes.
const LINE_MAX_BYTES: usize = 4096;
/// Most bytes of an answer.
const ANSWER_MAX_BYTES: u64 = 4 << 20;
/// How long the pipe is read on after the end of the program, for a process that left its group may hold it open.
const REST: Duration = Duration::from_secs(2);

/// A program with its arguments; no shell reads them.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) folder: &'a Path,
    /// All that it sees of the environment.
    pub(crate) variables: &'a BTreeMap<OsString, OsString>,
    /// A locked file that it gets as its (empty) standard input, so that the lock lasts as long as it does.
    pub(crate) lock: Option<&'a File>,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) success: bool,
    /// Its exit status, in words.
    pub(crate) how: String,
    pub(crate) last_lines: Vec<String>,
}

/// Runs a program, tells each line that it writes, and waits for its end. Whatever it started ends with it, and also
/// if this is dropped.
pub(crate) async fn run(
    program: &Program<'_>,
    line: &mut (dyn FnMut(&str) + Send),
) -> io::Result<Ended> {
    let (reader, writer) = io::pipe()?;
    let output = writer.try_clone()?;
    let (mut child, group) = start(program, output.into(), writer.into())?;
    let mut reader = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
    let mut lines = Lines::default();
    let mut buffer = vec![0; 16 * 1024];
    let mut open = true;
    let status = loop {
        tokio::select! {
            read = reader.read(&mut buffer), if open => {
                let read = read?;
                open = read > 0;
                lines.take(&buffer[..read], line);
            }
            status = child.wait() => break status?,
        }
    };
    drop(group);
    let rest = async {
        while open {
            let Ok(read) = reader.read(&mut buffer).await else { break };
            open = read > 0;
            lines.take(&buffer[..read], line);
        }
    };
    // What a process outside the group still writes is not waited for.
    let _ = tokio::time::timeout(REST, rest).await;
    Ok(lines.end(status, line))
}

/// Runs a program and returns what it writes to its standard output, too.
pub(crate) async fn ask(program: &Program<'_>) -> io::Result<(Ended, String)> {
    let (mut child, group) = start(program, Stdio::piped(), Stdio::piped())?;
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let (status, answer, said) = tokio::join!(
        async {
            let status = child.wait().await;
            drop(group);
            status
        },
        bounded(output),
        bounded(errors)
    );
    let mut lines = Lines::default();
    lines.take(&said, &mut |_| {});
    let ended = lines.end(status?, &mut |_| {});
    Ok((ended, String::from_utf8_lossy(&answer).into_owned()))
}

async fn bounded(output: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(output) = output {
        // What was read counts; the pipe is closed behind the bound, and the program sees that.
        let _ = output.take(ANSWER_MAX_BYTES).read_to_end(&mut bytes).await;
    }
    bytes
}

fn start(program: &Program<'_>, output: Stdio, errors: Stdio) -> io::Result<(Child, Group)> {
    let input = match program.lock {
        Some(lock) => Stdio::from(lock.try_clone()?),
        None => Stdio::null(),
    };
    let mut command = Command::new(program.program);
    command
        .args(&program.arguments)
        .current_dir(program.folder)
        .env_clear()
        .envs(program.variables)
        .stdin(input)
        .stdout(output)
        .stderr(errors)
        .process_group(0);
    let child = command.spawn()?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    Ok((child, Group(pid)))
}

/// Ends a process group when it is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It fails where nobody of the group is left.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// Cuts what is written into lines and keeps the last ones.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
    last: VecDeque<String>,
}

impl Lines {
    fn take(&mut self, bytes: &[u8], tell: &mut (dyn FnMut(&str) + Send)) {
        for byte in bytes {
            if matches!(byte, b'\n' | b'\r') {
                self.finish(tell);
            } else if self.begun.len() < LINE_MAX_BYTES {
                self.begun.push(*byte);
            }
        }
    }

    fn finish(&mut self, tell: &mut (dyn FnMut(&str) + Send)) {
        let line = String::from_utf8_lossy(&self.begun).trim_end().to_owned();
        self.begun.clear();
        if line.is_empty() {
            return;
        }
        tell(&line);
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    fn end(mut self, status: ExitStatus, tell: &mut (dyn FnMut(&str) + Send)) -> Ended {
        self.finish(tell);
        Ended {
            success: status.success(),
            how: status.to_string(),
            last_lines: self.last.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<OsString> {
        vec!["-c".into(), script.into()]
    }

    fn program(arguments: Vec<OsString>, variables: &BTreeMap<OsString, OsString>) -> Program<'_> {
        let (program, folder) = (Path::new("/bin/sh"), Path::new("/"));
        Program { program, arguments, folder, variables, lock: None }
    }

    #[tokio::test]
    async fn lines_of_both_outputs_are_told_and_the_last_are_kept() {
        let variables = BTreeMap::from([("A".into(), "b".into())]);
        let script =
            "i=0; while [ $i -lt 99 ]; do echo $i; i=$((i+1)); done; echo $A$HOME >&2; exit 3";
        let mut told = 0;
        let ended = run(&program(shell(script), &variables), &mut |_| told += 1).await.unwrap();
        assert!(!ended.success);
        assert_eq!((told, ended.how.as_str()), (100, "exit status: 3"));
        assert_eq!((ended.last_lines.len(), ended.last_lines.last().unwrap().as_str()), (60, "b"));
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut_and_answers_are_bounded() {
        let variables = BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]);
        let script = "head -c 9000000 /dev/zero | tr '\\0' x";
        let ended = run(&program(shell(script), &variables), &mut |_| {}).await.unwrap();
        assert_eq!(ended.last_lines[0].len(), LINE_MAX_BYTES);
        let (_, answer) = ask(&program(shell(script), &variables)).await.unwrap();
        assert_eq!(answer.len() as u64, ANSWER_MAX_BYTES);
    }

    #[tokio::test]
    async fn what_a_program_leaves_running_ends_with_it() {
        let variables = BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]);
        let mut child = None;
        let script = "sleep 600 & echo $!";
        run(&program(shell(script), &variables), &mut |line| child = line.parse().ok())
            .await
            .unwrap();
        gone(child.unwrap()).await;
    }

    #[tokio::test]
    async fn dropping_the_future_ends_the_whole_group() {
        let variables = BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]);
        let (tell, told) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut tell = Some(tell);
            let script = "(sleep 600; true) & echo $!; wait";
            let line = &mut |line: &str| drop(tell.take().unwrap().send(line.parse::<i32>()));
            run(&program(shell(script), &variables), line).await.map(|_| ())
        });
        let child = told.await.unwrap().unwrap();
        task.abort();
        gone(child).await;
    }

    /// Waits until a process has ended; somebody else's zombie counts as ended.
    async fn gone(pid: i32) {
        loop {
            let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let state = status.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
            if matches!(state, None | Some(Some('Z' | 'X'))) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
