//! Running a program to its end. Two functions, [`run`] and [`ask`], are all that the rest of the crate knows of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use modelyard_executor::{Exit, Keep, OnLine, Process, Stream};
use tokio::sync::mpsc;

/// How many last lines are kept: an installer's reason is in them.
const LAST_LINES: usize = 60;
/// Most bytes of an answer, which is one line.
const ANSWER_MAX_BYTES: usize = 4 << 20;
/// Most lines that wait to be told; those that come meanwhile are not told.
const WAITING_MAX: usize = 1000;

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
    let (tell, mut told) = mpsc::channel(WAITING_MAX);
    let on_line = Arc::new(move |_, text: &str| {
        // A line that is not told is still among the last.
        let _ = tell.try_send(text.to_owned());
    });
    let keep = Keep { lines: LAST_LINES, ..Keep::default() };
    let process = start(program, keep, on_line).await?;
    while let Some(text) = told.recv().await {
        if !text.is_empty() {
            line(&text);
        }
    }
    Ok(ended(process.wait().await, process.output().last_lines()))
}

/// Runs a program and returns the last line of its standard output, too.
pub(crate) async fn ask(program: &Program<'_>) -> io::Result<(Ended, String)> {
    let answer = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&answer);
    let on_line = Arc::new(move |stream, text: &str| {
        if stream == Stream::Out && !text.is_empty() {
            text.clone_into(&mut kept.lock().unwrap_or_else(PoisonError::into_inner));
        }
    });
    let keep = Keep { lines: LAST_LINES, bytes: ANSWER_MAX_BYTES, line_bytes: ANSWER_MAX_BYTES };
    let process = start(program, keep, on_line).await?;
    let exit = process.wait().await;
    let answer = std::mem::take(&mut *answer.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((ended(exit, process.output().last_lines()), answer))
}

async fn start(program: &Program<'_>, keep: Keep, on_line: OnLine) -> io::Result<Process> {
    let mut started = modelyard_executor::Program::new(program.program, program.folder);
    started.arguments.clone_from(&program.arguments);
    started.environment =
        program.variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    started.stdin = program.lock.map(File::try_clone).transpose()?.map(OwnedFd::from);
    started.keep = keep;
    started.on_line = Some(on_line);
    Process::start(started).await
}

fn ended(exit: Exit, last_lines: Vec<String>) -> Ended {
    let last_lines = last_lines.into_iter().filter(|line| !line.is_empty()).collect();
    Ended { success: exit.is_success(), how: exit.to_string(), last_lines }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
        assert_eq!((told, ended.how.as_str()), (100, "ended with code 3"));
        assert_eq!((ended.last_lines.len(), ended.last_lines.last().unwrap().as_str()), (60, "b"));
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
