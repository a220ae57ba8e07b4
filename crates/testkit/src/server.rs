//! The built binary as a server with a data folder of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::{Answer, Client};

/// How long the server may take to start, or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the line with the address begins with.
const LISTENING: &str = "Listening on";

/// How to start a server.
#[derive(Debug, Clone)]
pub struct Setup {
    binary: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Setup {
    /// The binary at `binary`: in tests of the crate `modelyard`, `env!("CARGO_BIN_EXE_modelyard")`.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into(), args: Vec::new(), env: Vec::new() }
    }

    /// Adds arguments after `modelyard server`.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the server on a free port over an empty data folder, and waits until it listens.
    ///
    /// # Panics
    /// If it does not.
    pub fn start(self) -> Server {
        let data = TempDir::with_prefix("modelyard-test-").expect("create a data folder");
        let process = Process::start(&self, data.path(), 0);
        Server { setup: self, data, process, client: Client::default() }
    }

    /// Runs a start that is expected to fail: the exit status and stderr.
    ///
    /// # Panics
    /// If the process does not end by itself.
    pub fn fail(self) -> (ExitStatus, String) {
        let data = TempDir::with_prefix("modelyard-test-").expect("create a data folder");
        let mut child = self.command(data.path(), 0).spawn().expect("start the binary");
        let status = wait(&mut child);
        let mut said = String::new();
        let mut stderr = child.stderr.take().expect("stderr is piped");
        stderr.read_to_string(&mut said).expect("read stderr");
        (status, said)
    }

    fn command(&self, data: &Path, port: u16) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars() {
            if name.starts_with("MLFLOW_") || name.starts_with("MODELYARD_") {
                command.env_remove(name);
            }
        }
        command.arg("server").args(&self.args).env("MLFLOW_PORT", port.to_string());
        command.env("MODELYARD_DATA_DIR", data).envs(self.env.iter().cloned()).current_dir(data);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }
}

/// A running server. Killed and its data removed when dropped.
#[derive(Debug)]
pub struct Server {
    setup: Setup,
    data: TempDir,
    process: Process,
    client: Client,
}

impl Server {
    /// Starts the binary with default settings.
    pub fn start(binary: impl Into<PathBuf>) -> Self {
        Setup::new(binary).start()
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The base address, for example `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.process.url
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// What the server has written to stderr so far.
    pub fn log(&self) -> String {
        self.process.log.lock().expect("the log").clone()
    }

    /// The line of stderr that holds `part`, once it is there.
    ///
    /// # Panics
    /// If it does not come.
    pub fn log_line(&self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(line) = self.log().lines().find(|line| line.contains(part)) {
                return line.to_owned();
            }
            assert!(Instant::now() < deadline, "no line of the log has '{part}':\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// A POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, body)
    }

    /// Any method with a JSON body.
    pub fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.send(method, path, &[("content-type", "application/json")], body.as_bytes())
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.client.send(method, &format!("{}{path}", self.url()), headers, body)
    }

    /// A bare connection, for requests no client would send.
    pub fn connect(&self) -> TcpStream {
        let address = self.url().strip_prefix("http://").expect("an http address");
        let stream = TcpStream::connect(address).expect("connect");
        stream.set_read_timeout(Some(PATIENCE)).expect("set a time-out");
        stream
    }

    /// Sends bytes and reads until the server closes.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).expect("send the request");
        let mut answer = Vec::new();
        // A connection that the server resets has still delivered what came before.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.child.kill().expect("kill the server");
        self.process.child.wait().expect("wait for the server");
    }

    /// Starts again on the same data and port, after [`Server::kill`] or [`Server::terminate`].
    pub fn restart(&mut self) {
        let port = self.url().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        self.process = Process::start(&self.setup, self.data.path(), port.expect("a port"));
        self.client = Client::default();
    }

    /// Starts again like [`Server::restart`], but kills the process after `life`, wherever it is
    /// by then; to be started again.
    pub fn restart_and_kill(&mut self, life: Duration) {
        let mut child = self.setup.command(self.data.path(), 0).spawn().expect("start the binary");
        std::thread::sleep(life);
        child.kill().expect("kill the server");
        child.wait().expect("wait for the server");
    }

    /// Sends SIGTERM without waiting.
    pub fn signal_stop(&self) {
        let pid = self.pid().to_string();
        let status = Command::new("kill").args(["-TERM", &pid]).status().expect("run kill");
        assert!(status.success(), "kill -TERM {pid}: {status}");
    }

    /// Waits until the process ends by itself.
    pub fn wait(&mut self) -> ExitStatus {
        wait(&mut self.process.child)
    }

    /// SIGTERM, then waits for the end.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal_stop();
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.child.kill();
        let _ = self.process.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the server ---\n{}", self.log());
        }
    }
}

/// One run of the binary.
#[derive(Debug)]
struct Process {
    child: Child,
    url: String,
    log: Arc<Mutex<String>>,
}

impl Process {
    fn start(setup: &Setup, data: &Path, port: u16) -> Self {
        let mut child = setup.command(data, port).spawn().expect("start the binary");
        let log = Arc::new(Mutex::new(String::new()));
        let addresses = follow(&mut child, Arc::clone(&log));
        let Ok(url) = addresses.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!("the server does not start:\n{}", log.lock().expect("the log"));
        };
        Self { child, url, log }
    }
}

/// Collects stderr, and sends the address once it is there.
fn follow(child: &mut Child, log: Arc<Mutex<String>>) -> Receiver<String> {
    let (sender, receiver) = channel();
    let stderr = child.stderr.take().expect("stderr is piped");
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut log = log.lock().expect("the log");
            log.push_str(&line);
            log.push('\n');
            if let Some(url) = line.trim_start().strip_prefix(LISTENING) {
                // Nobody waits after the first time.
                let _ = sender.send(url.trim().to_owned());
            }
        }
    });
    receiver
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("wait for the server") {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("the server does not stop");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
