//! Starts and stops the measured servers and reads what they cost from `/proc`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// The kernel counts processor time for user space in hundredths of a second (`USER_HZ`).
const TICKS_PER_S: f64 = 100.0;
/// The slowest peer compiles itself on its very first start.
const START_TIMEOUT: Duration = Duration::from_secs(180);
const SETTLE_TIMEOUT: Duration = Duration::from_secs(120);
const SETTLE_WINDOW: Duration = Duration::from_millis(500);
/// Share of a core below which a server counts as idle.
const IDLE_SHARE: f64 = 0.1;
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// Processor time spent while measuring.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// The server with all its children, in seconds.
    pub(crate) server_s: f64,
    /// The generator itself, in seconds.
    pub(crate) generator_s: f64,
    /// Cores that everything else on the machine kept busy.
    pub(crate) others_share: f64,
}

/// Memory of a process tree, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// Resident pages; pages shared by several processes count once for each.
    pub(crate) rss: u64,
    /// Proportional share: a page shared by n processes counts 1/n for each.
    pub(crate) pss: u64,
}

/// A server that answers.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its first answer on `/health`.
    pub(crate) started_in: Duration,
    log: PathBuf,
}

/// A command line, run in a process group of its own.
#[expect(clippy::disallowed_methods, reason = "the bench stands outside the house's executor")]
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    // With it set, every start of a Python server compiles all its modules again.
    command.env_remove("PYTHONDONTWRITEBYTECODE").process_group(0).stdin(Stdio::null());
    command
}

/// A loopback address nobody listens on at this moment.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

impl Running {
    /// Spawns `command`, its output going to `log`, and waits until `/health` answers 200.
    pub(crate) fn start(mut command: Command, address: SocketAddr, log: &Path) -> Result<Self> {
        let out = fs::File::create(log)?;
        command.stdout(out.try_clone()?).stderr(out);
        let begun = Instant::now();
        let child = command.spawn().with_context(|| format!("start {command:?}"))?;
        let mut running =
            Self { child, address, started_in: Duration::ZERO, log: log.to_path_buf() };
        while !healthy(address) {
            if let Some(status) = running.child.try_wait()? {
                bail!("server ended at start ({status}):\n{}", running.log_tail());
            }
            if begun.elapsed() > START_TIMEOUT {
                bail!("server not ready in {START_TIMEOUT:?}:\n{}", running.log_tail());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        running.started_in = begun.elapsed();
        Ok(running)
    }

    /// Waits until the server does nothing: worker processes go on starting after the first answer.
    pub(crate) fn settle(&self) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < SETTLE_TIMEOUT {
            let before = self.cpu_s()?;
            std::thread::sleep(SETTLE_WINDOW);
            if self.cpu_s()? - before <= SETTLE_WINDOW.as_secs_f64() * IDLE_SHARE {
                return Ok(());
            }
        }
        bail!("server still busy {SETTLE_TIMEOUT:?} after its start:\n{}", self.log_tail())
    }

    /// Processor time of the tree so far, in seconds.
    pub(crate) fn cpu_s(&self) -> Result<f64> {
        tree(self.child.id()).into_iter().map(cpu_of).sum()
    }

    /// Memory of the tree at this moment.
    pub(crate) fn memory(&self) -> Memory {
        tree(self.child.id())
            .into_iter()
            .filter_map(memory_of)
            .fold(Memory::default(), |sum, m| Memory { rss: sum.rss + m.rss, pss: sum.pss + m.pss })
    }

    /// Processes in the tree.
    pub(crate) fn processes(&self) -> usize {
        tree(self.child.id()).len()
    }

    /// Asks the server to end, waits, then kills what is left of its tree.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let members = tree(self.child.id());
        signal("-TERM", &[self.child.id()])?;
        let begun = Instant::now();
        while begun.elapsed() < STOP_TIMEOUT && self.child.try_wait()?.is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let left: Vec<u32> =
            members.into_iter().filter(|pid| Path::new(&format!("/proc/{pid}")).exists()).collect();
        if !left.is_empty() {
            signal("-KILL", &left)?;
        }
        self.child.wait()?;
        Ok(())
    }

    fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // On the way out of an error there is nobody left to tell.
        let _ = self.end();
    }
}

fn signal(name: &str, pids: &[u32]) -> Result<()> {
    let mut kill = command(Path::new("kill"));
    kill.arg(name).args(pids.iter().map(u32::to_string)).stderr(Stdio::null());
    kill.status().context("kill")?;
    Ok(())
}

fn healthy(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

/// `root` and all its descendants that live now.
fn tree(root: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if let Some(fields) = stat(pid)
            && let Some(parent) = fields.get(1).and_then(|field| field.parse::<u32>().ok())
        {
            parents.push((pid, parent));
        }
    }
    let mut members = vec![root];
    let mut at = 0;
    while let Some(&parent) = members.get(at) {
        members.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    members
}

/// Fields of `/proc/PID/stat` after the command name: state, parent, ...
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// Own time and that of ended, awaited children; a process that is gone by now counts nothing.
fn cpu_of(pid: u32) -> Result<f64> {
    let Some(fields) = stat(pid) else { return Ok(0.0) };
    // utime, stime, cutime, cstime: fields 14-17 of proc(5), 11-14 after the name.
    let ticks: f64 = fields
        .get(11..15)
        .context("short /proc/PID/stat")?
        .iter()
        .map(|field| field.parse::<f64>().context("ticks"))
        .sum::<Result<f64>>()?;
    Ok(ticks / TICKS_PER_S)
}

fn memory_of(pid: u32) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    };
    Some(Memory { rss: field("Rss:")?, pss: field("Pss:")? })
}

/// Processor time of this process alone, in seconds.
pub(crate) fn own_cpu_s() -> Result<f64> {
    let fields = stat(std::process::id()).context("/proc/self/stat")?;
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    Ok((ticks(11).context("utime")? + ticks(12).context("stime")?) / TICKS_PER_S)
}

/// Busy time of all cores since boot, in seconds.
pub(crate) fn machine_busy_s() -> Result<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().context("/proc/stat")?;
    let fields: Vec<f64> =
        line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|&at| fields.get(at)).sum::<f64>();
    Ok(busy / TICKS_PER_S)
}
