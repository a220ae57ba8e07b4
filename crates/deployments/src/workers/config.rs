//! What a pool is told.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

/// Variables that say how many threads a library of numbers starts: each would start one for each
/// core, in each worker.
const THREADS: [&str; 4] =
    ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"];

/// Variables of the server that workers get, too; others may hold what is none of a model's business.
const INHERITED: [&str; 8] =
    ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"];

/// How a pool serves a model.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// The interpreter of the model's environment.
    pub python: PathBuf,
    /// The folder with the model's `MLmodel`.
    pub model: PathBuf,
    /// How many processes.
    pub workers: NonZeroUsize,
    /// How long a call may take, waiting included.
    pub deadline: Duration,
    /// How long a process may take until it has loaded the model.
    pub start_deadline: Duration,
    /// How long a call may go on beyond its deadline before its process is killed.
    pub grace: Duration,
    /// Most calls that wait for a process; one more is [`super::Failure::Busy`].
    pub queue_max: usize,
    /// Whether calls are put together.
    pub batch: Batching,
    /// Memory of one process in bytes. One that has grown close to it is replaced between two
    /// requests; a request that needs much more (about 256 MiB) gets Python's `MemoryError`.
    pub memory_max_bytes: Option<u64>,
    /// The environment of the processes, beside a few harmless variables of the server's own.
    pub environment: Vec<(OsString, OsString)>,
}

impl WorkerConfig {
    /// One process for a model, with the usual limits: calls of a minute, as MLflow's server has them.
    pub fn new(python: impl Into<PathBuf>, model: impl Into<PathBuf>) -> Self {
        Self {
            python: python.into(),
            model: model.into(),
            workers: NonZeroUsize::MIN,
            deadline: Duration::from_secs(60),
            start_deadline: Duration::from_secs(300),
            grace: Duration::from_secs(5),
            queue_max: 100,
            batch: Batching::Off,
            memory_max_bytes: None,
            environment: Vec::new(),
        }
    }

    /// All variables of a process. What the configuration says comes last, and so wins.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = (cores / self.workers).max(1).to_string();
        let inherited = INHERITED.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        let mut all: Vec<(OsString, OsString)> =
            inherited.map(|(name, value)| (name.into(), value)).collect();
        all.extend(THREADS.iter().map(|name| (name.into(), threads.clone().into())));
        all.extend(self.environment.iter().cloned());
        all
    }
}

/// Whether frames of several requests become one call of the model. Right for models whose answer
/// to a row does not depend on other rows; floats may then differ in their last bits, as the
/// libraries sum more rows in another order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batching {
    /// Each request is one call.
    Off,
    /// What waits while all processes are busy is put together. It is switched off when the model's
    /// example or its answers show that it is none of such models.
    Adaptive {
        /// Most rows of one call.
        rows_max: usize,
        /// Longest time that a request waits for others to come while a process is free.
        delay_max: Duration,
    },
}

impl Batching {
    pub(crate) fn is_on(self) -> bool {
        self != Self::Off
    }
}
