//! A program that all test processes share: started by the first that needs it, ended some seconds after the last.
//!
//! Each program has a folder under the temporary one. Every user holds a shared lock on its file `users` until its
//! process ends, however it ends; a small shell script waits for the moment when nobody does, ends the program and
//! removes its data.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take until it answers.
const START: Duration = Duration::from_secs(60);
/// Ends the program when the lock file `$1/users` is free of users; `$2` is its data, `$3` the signal for it, the
/// rest starts it.
const KEEPER: &str = r#"
root=$1; data=$2; signal=$3; shift 3
"$@" & program=$!
while sleep 5; do
    kill -0 "$program" 2>/dev/null || exit 1
    exec 9>>"$root/users"
    if flock --nonblock --exclusive 9; then
        kill -"$signal" "$program"; wait "$program"; rm -rf "$data" "$root/url"; exit 0
    fi
    exec 9>&-
done
"#;

/// The folder of a program; its name changes with what older test programs would not expect there.
pub(crate) fn root(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("modelyard-test-{name}-{}", own_uid()))
}

/// The URL of the running program. If none runs, `start` makes one over the empty folder it is given and says its
/// URL.
///
/// # Panics
/// If it does not answer.
pub(crate) fn join(
    root: &Path,
    answers: impl Fn(&str) -> bool,
    start: impl FnOnce(&Path) -> String,
) -> String {
    fs::create_dir_all(root).expect("create the program's folder");
    let owner = fs::metadata(root).expect("stat the program's folder").uid();
    assert_eq!(owner, own_uid(), "{} belongs to somebody else", root.display());
    // Users first: from here on nobody ends a program that runs. The file must stay open until the
    // process ends, which releases the lock.
    let users = lock_file(root, "users");
    users.lock_shared().expect("lock `users`");
    std::mem::forget(users);
    let starting = lock_file(root, "starting");
    starting.lock().expect("lock `starting`");
    if let Some(url) = fs::read_to_string(root.join("url")).ok().filter(|url| answers(url)) {
        return url;
    }
    remove_leftovers(root);
    let data = root.join(format!("data-{}", std::process::id()));
    fs::create_dir(&data).expect("create the data folder");
    let url = start(&data);
    let deadline = Instant::now() + START;
    while !answers(&url) {
        let log = root.join("log");
        assert!(Instant::now() < deadline, "{url} does not answer; see {}", log.display());
        std::thread::sleep(Duration::from_millis(50));
    }
    fs::write(root.join("url"), &url).expect("write the URL");
    url
}

/// Starts the keeper, which starts the program, detached from this process and its terminal.
///
/// # Panics
/// If that fails.
pub(crate) fn keep(root: &Path, data: &Path, signal: &str, program: &Command) {
    let log = File::create(root.join("log")).expect("create the log");
    let mut keeper = Command::new("setsid");
    keeper.args(["--fork", "sh", "-c", KEEPER, "keeper"]).arg(root).arg(data).arg(signal);
    keeper.arg(program.get_program()).args(program.get_args());
    keeper.stdin(Stdio::null()).stdout(log.try_clone().expect("share the log")).stderr(log);
    let status = keeper.current_dir("/").status().expect("run setsid");
    assert!(status.success(), "setsid failed: {status}");
}

fn lock_file(root: &Path, name: &str) -> File {
    File::options().create(true).append(true).open(root.join(name)).expect("open a lock file")
}

fn remove_leftovers(root: &Path) {
    for entry in fs::read_dir(root).expect("list the program's folder").flatten() {
        if entry.file_name().to_string_lossy().starts_with("data-") {
            // A leftover that cannot be removed does no harm.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

pub(crate) fn own_uid() -> u32 {
    fs::metadata("/proc/self").expect("read /proc/self").uid()
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind a free port");
    listener.local_addr().expect("read the port").port()
}
