//! The workers of one model.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use modelyard_models::scoring::Request;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::config::WorkerConfig;
use super::failure::{Failure, StartError};
use super::queue::{Job, Shared};
use super::slot::Slot;
use super::status::{Status, WorkerStatus, resident};
use super::{Call, Reply};

/// Processes that serve one model. It is cheap to clone; when the last clone is dropped, the
/// processes are killed.
#[derive(Debug, Clone)]
pub struct Pool(Arc<Owner>);

#[derive(Debug)]
struct Owner {
    shared: Arc<Shared>,
    /// The tasks that own the processes.
    slots: Mutex<JoinSet<()>>,
}

impl Pool {
    /// Starts a pool; returns when the first process has loaded the model. The others load it behind
    /// that.
    pub async fn start(config: WorkerConfig) -> Result<Self, StartError> {
        let shared = Arc::new(Shared::new(config));
        let slot = |at| Slot { shared: Arc::clone(&shared), at, ends: 0 };
        let first = slot(0);
        let worker = first.start().await?;
        let mut slots = JoinSet::new();
        slots.spawn(first.run(Some(worker)));
        for at in 1..shared.config.workers.get() {
            slots.spawn(slot(at).run(None));
        }
        Ok(Self(Arc::new(Owner { shared, slots: Mutex::new(slots) })))
    }

    /// Asks the model.
    pub async fn predict(&self, call: Call) -> Result<Reply, Failure> {
        let (answer, outcome) = oneshot::channel();
        let queued = Instant::now();
        let deadline = queued + self.0.shared.config.deadline;
        self.0.shared.push(Job { call, queued, taken: queued, deadline, answer })?;
        match timeout_at(deadline, outcome).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Failure::Unavailable { why: "it was stopped".into() }),
            Err(_) => Err(Failure::Deadline),
        }
    }

    /// Whether the model gets for a decoded request exactly what MLflow's own code would give it.
    /// Otherwise the request should be sent as it came: as [`Call::Typed`] it is answered, too, but
    /// the model may see another type of a text or of a missing value.
    pub fn takes(&self, content_type: Option<&str>, request: &Request) -> bool {
        let inside = self.0.shared.lock();
        let Some(versions) = &inside.versions else { return false };
        !inside.enforces && super::batch::is_exact(content_type, request, versions)
    }

    /// What it does at the moment.
    pub fn status(&self) -> Status {
        let inside = self.0.shared.lock();
        let workers = inside.places.iter().map(|place| WorkerStatus {
            pid: place.pid,
            state: place.state,
            restarts: place.starts.saturating_sub(1),
            requests: place.requests,
            rss_bytes: place.pid.and_then(resident),
            last_end: place.last_end.clone(),
            last_lines: place.output.as_ref().map(|output| output.last_lines()).unwrap_or_default(),
        });
        Status {
            workers: workers.collect(),
            queued: inside.queue.len(),
            in_flight: inside.in_flight,
            batches: inside.batches.clone(),
            versions: inside.versions.clone(),
        }
    }

    /// Takes no more calls, waits up to `grace` for those that are there, and ends the processes.
    /// Calls that are left are [`Failure::Unavailable`].
    pub async fn stop(&self, grace: Duration) {
        self.0.shared.close();
        let _ = timeout(grace, self.0.shared.settle()).await;
        let mut slots = std::mem::take(&mut *self.0.lock());
        slots.shutdown().await;
        self.0.shared.lock().queue.clear();
    }
}

impl Owner {
    fn lock(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
