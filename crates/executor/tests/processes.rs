//! Processes are started as they are described, and none of them outlives its owner.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use modelyard_executor::{Keep, Process, Program, Stream};

/// A program of a shell, which the tests may use to describe one in a line.
fn shell(script: &str) -> Program {
    let mut program = Program::new("/bin/sh", std::env::temp_dir());
    program.arguments = vec!["-c".into(), script.into()];
    program.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    program
}

/// Waits until a process is gone, as a zombie or for good.
async fn gone(id: &str) {
    let stat = format!("/proc/{id}/stat");
    for _ in 0..1000 {
        let state = std::fs::read_to_string(&stat).unwrap_or_default();
        let state = state.rsplit_once(") ").map_or("", |(_, rest)| rest);
        if state.is_empty() || state.starts_with('Z') {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("process {id} still runs");
}

/// The line that a process prints first.
async fn first_line(process: &Process) -> String {
    loop {
        if let Some(line) = process.output().last_lines().first() {
            return line.clone();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn output_and_end_are_told() {
    let heard: Arc<Mutex<Vec<(Stream, String)>>> = Arc::default();
    let mut program = shell("echo one; echo two >&2; pwd; exit 3");
    program.folder = "/usr".into();
    let sink = Arc::clone(&heard);
    program.on_line = Some(Arc::new(move |stream, line| {
        sink.lock().unwrap().push((stream, line.to_owned()));
    }));
    let process = Process::start(program).await.unwrap();
    let exit = process.wait().await;
    assert_eq!((exit.code, exit.signal), (Some(3), None));
    assert_eq!(exit.to_string(), "ended with code 3");
    let mut lines = process.output().last_lines();
    lines.sort_unstable();
    assert_eq!(lines, ["/usr", "one", "two"]);
    assert!(heard.lock().unwrap().contains(&(Stream::Err, "two".to_owned())));
}

#[tokio::test]
async fn the_environment_is_only_what_is_given_and_arguments_are_no_script() {
    let mut program = Program::new("/usr/bin/env", "/");
    program.environment = vec![("GIVEN".into(), "$HOME; `id`".into())];
    let process = Process::start(program).await.unwrap();
    assert!(process.wait().await.is_success());
    assert_eq!(process.output().last_lines(), ["GIVEN=$HOME; `id`"]);
    assert!(Process::start(Program::new("/nowhere/at/all", "/")).await.is_err());
}

#[tokio::test]
async fn standard_input_is_what_is_given_or_nothing() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut program = shell("read line; echo \"got $line\" >&0; cat");
    program.stdin = Some(theirs.into());
    let process = Process::start(program).await.unwrap();
    ours.write_all(b"hello\n").unwrap();
    let mut answer = [0; 10];
    ours.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"got hello\n");
    drop(ours);
    assert!(process.wait().await.is_success());
    let nothing = Process::start(shell("cat; echo end")).await.unwrap();
    assert!(nothing.wait().await.is_success());
    assert_eq!(nothing.output().last_lines(), ["end"]);
}

#[tokio::test]
async fn a_flood_of_output_is_bounded() {
    let mut program = shell("yes | head -c 3000000; head -c 3000000 /dev/zero; echo; echo end");
    program.keep = Keep { lines: 10, bytes: 1000, line_bytes: 100 };
    let process = Process::start(program).await.unwrap();
    assert!(process.wait().await.is_success());
    let lines = process.output().last_lines();
    assert_eq!(lines.last().unwrap(), "end");
    assert!(lines.len() <= 10 && lines.iter().map(String::len).sum::<usize>() <= 1000);
}

#[tokio::test]
async fn killing_ends_the_whole_group() {
    let process = Process::start(shell("sleep 1000 & echo $!; wait")).await.unwrap();
    let grandchild = first_line(&process).await;
    process.kill();
    let exit = process.wait().await;
    assert_eq!(exit.signal, Some(9));
    assert_eq!(exit.to_string(), "was ended by signal 9");
    gone(&grandchild).await;
}

#[tokio::test]
async fn what_a_process_leaves_behind_ends_with_it() {
    let process = Process::start(shell("sleep 1000 & echo $!")).await.unwrap();
    let grandchild = first_line(&process).await;
    assert!(process.wait().await.is_success());
    gone(&grandchild).await;
}

#[tokio::test]
async fn nothing_outlives_its_owner() {
    let process = Process::start(shell("sleep 1000 & echo $!; wait")).await.unwrap();
    let (id, grandchild) = (process.id().to_string(), first_line(&process).await);
    drop(process);
    gone(&id).await;
    gone(&grandchild).await;
}

#[test]
fn nothing_outlives_the_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (id, grandchild, process) = first.block_on(async {
        let process = Process::start(shell("sleep 1000 & echo $!; wait")).await.unwrap();
        (process.id().to_string(), first_line(&process).await, process)
    });
    drop(first);
    runtime().block_on(async {
        gone(&id).await;
        gone(&grandchild).await;
        assert_eq!(process.wait().await.code, None);
    });
}
