//! What a pool tells about itself.

/// A pool at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Its processes.
    pub workers: Vec<WorkerStatus>,
    /// Calls that wait.
    pub queued: usize,
    /// Calls that are in a process.
    pub in_flight: usize,
    /// Calls put together.
    pub batches: Batches,
    /// What runs in the processes, since the first has started.
    pub versions: Option<Versions>,
}

/// One process, or what takes the place of one that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerStatus {
    /// Its number in the system.
    pub pid: Option<u32>,
    /// What it does.
    pub state: State,
    /// How many processes had this place before.
    pub restarts: u64,
    /// Calls that it and those before it have answered.
    pub requests: u64,
    /// Memory that it holds, in bytes, where the system tells.
    pub rss_bytes: Option<u64>,
    /// Why the last process of this place ended.
    pub last_end: Option<String>,
    /// What was printed last.
    pub last_lines: Vec<String>,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It loads the model.
    Starting,
    /// It waits for a call.
    Idle,
    /// A call is in it.
    Busy,
    /// It has ended, and is started again after a pause.
    Waiting,
    /// It has ended time and again; the pause is a long one, and no call waits for it.
    Broken,
}

/// Calls put together, since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batches {
    /// How often more than one call went to the model at once.
    pub batches: u64,
    /// How many calls were in those.
    pub calls: u64,
    /// Most calls of one.
    pub largest: usize,
    /// Why the pool has stopped to put calls together, if it has.
    pub off: Option<String>,
}

/// Versions of what runs in a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// Python.
    pub python: String,
    /// MLflow.
    pub mlflow: String,
    /// pandas.
    pub pandas: String,
    /// NumPy.
    pub numpy: String,
}

/// The memory of a process in bytes.
pub(crate) fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}
