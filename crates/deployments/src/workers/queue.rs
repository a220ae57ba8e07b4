//! The calls that wait, and the state that processes and callers share.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use modelyard_executor::Output;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::config::{Batching, WorkerConfig};
use super::failure::Failure;
use super::status::{Batches, State, Versions};
use super::{Call, Reply, batch};

/// A call on its way.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) call: Call,
    pub(crate) queued: Instant,
    /// When a worker took it.
    pub(crate) taken: Instant,
    pub(crate) deadline: Instant,
    pub(crate) answer: oneshot::Sender<Result<Reply, Failure>>,
}

/// What is known of the worker at one place.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) state: State,
    pub(crate) pid: Option<u32>,
    pub(crate) output: Option<Output>,
    pub(crate) starts: u64,
    pub(crate) requests: u64,
    pub(crate) last_end: Option<String>,
}

impl Place {
    fn new() -> Self {
        Self {
            state: State::Waiting,
            pid: None,
            output: None,
            starts: 0,
            requests: 0,
            last_end: None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Inside {
    pub(crate) queue: VecDeque<Job>,
    pub(crate) places: Vec<Place>,
    pub(crate) in_flight: usize,
    pub(crate) batches: Batches,
    pub(crate) versions: Option<Versions>,
    pub(crate) enforces: bool,
    /// Processes that wait for a call.
    idle: usize,
    is_closed: bool,
    /// How long a call is inside a process, smoothed.
    mean: Duration,
}

/// What processes and callers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: WorkerConfig,
    inside: Mutex<Inside>,
    /// A call has come.
    arrived: Notify,
    /// The last call is done.
    settled: Notify,
}

impl Shared {
    pub(crate) fn new(config: WorkerConfig) -> Self {
        let inside = Inside {
            queue: VecDeque::new(),
            places: (0..config.workers.get()).map(|_| Place::new()).collect(),
            in_flight: 0,
            batches: Batches::default(),
            versions: None,
            enforces: true,
            idle: 0,
            is_closed: false,
            mean: Duration::ZERO,
        };
        Self { config, inside: inside.into(), arrived: Notify::new(), settled: Notify::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call wait, unless too many do or nobody would come for it.
    pub(crate) fn push(&self, job: Job) -> Result<(), Failure> {
        let mut inside = self.lock();
        if inside.is_closed {
            return Err(Failure::Unavailable { why: "it is being stopped".into() });
        }
        if let Some(why) = inside.broken() {
            return Err(Failure::Unavailable { why });
        }
        if inside.queue.len() >= self.config.queue_max + inside.idle {
            inside.queue.retain(|job| !job.answer.is_closed());
        }
        if inside.queue.len() >= self.config.queue_max + inside.idle {
            return Err(Failure::Busy { retry_after: inside.time_of_queue() });
        }
        inside.queue.push_back(job);
        drop(inside);
        self.arrived.notify_one();
        Ok(())
    }

    /// The next call, or some that can be one; `None` when the pool is closed and no call waits.
    /// `together` is how many calls the caller had the last time.
    pub(crate) async fn take(&self, together: usize) -> Option<Vec<Job>> {
        let mut idle = None;
        loop {
            let arrived = self.arrived.notified();
            let wait = {
                let mut inside = self.lock();
                inside.queue.retain(|job| !job.answer.is_closed());
                // Who has been idle takes a call at once.
                match inside.company(self.config.batch, idle.is_none(), together) {
                    Next::Nothing if inside.is_closed => return None,
                    Next::Nothing => None,
                    Next::Wait(until) => Some(until),
                    Next::Take => {
                        let jobs = inside.take(self.config.batch);
                        if !inside.queue.is_empty() {
                            self.arrived.notify_one();
                        }
                        return Some(jobs);
                    }
                }
            };
            match wait {
                Some(until) => tokio::select! {
                    () = arrived => {}
                    () = sleep_until(until) => {}
                },
                None => {
                    idle.get_or_insert_with(|| Idle::begin(self));
                    arrived.await;
                }
            }
        }
    }

    /// Answers a call that was taken, if somebody waits still.
    pub(crate) fn answer(&self, job: Job, result: Result<Reply, Failure>) {
        let mut inside = self.lock();
        inside.in_flight -= 1;
        inside.mean = (inside.mean * 7 + job.taken.elapsed()) / 8;
        if inside.in_flight == 0 && inside.queue.is_empty() {
            self.settled.notify_waiters();
        }
        drop(inside);
        let _ = job.answer.send(result);
    }

    /// Lets calls that were taken wait again, before all others.
    pub(crate) fn put_back(&self, jobs: impl DoubleEndedIterator<Item = Job>) {
        let mut inside = self.lock();
        for job in jobs.rev() {
            inside.in_flight -= 1;
            inside.queue.push_front(job);
        }
        drop(inside);
        self.arrived.notify_one();
    }

    /// Answers all that waits, when no process is left that would.
    pub(crate) fn fail_if_broken(&self) {
        let (why, jobs) = {
            let mut inside = self.lock();
            let Some(why) = inside.broken() else { return };
            (why, std::mem::take(&mut inside.queue))
        };
        for job in jobs {
            let _ = job.answer.send(Err(Failure::Unavailable { why: why.clone() }));
        }
    }

    /// Takes no more calls; what waits is served still.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_waiters();
    }

    /// Waits until no call waits or is inside a process.
    pub(crate) async fn settle(&self) {
        loop {
            let settled = self.settled.notified();
            {
                let mut inside = self.lock();
                inside.queue.retain(|job| !job.answer.is_closed());
                if inside.queue.is_empty() && inside.in_flight == 0 {
                    return;
                }
            }
            settled.await;
        }
    }

    /// Puts no more calls together.
    pub(crate) fn stop_batching(&self, why: &str) {
        let mut inside = self.lock();
        if inside.batches.off.is_none() {
            tracing::info!(why, "requests to a model are no longer put together");
            inside.batches.off = Some(why.to_owned());
        }
    }
}

enum Next {
    Nothing,
    Wait(Instant),
    Take,
}

impl Inside {
    /// Why no process is there and none will soon be.
    fn broken(&self) -> Option<String> {
        let all = self.places.iter().all(|place| place.state == State::Broken);
        let why = || self.places.iter().find_map(|place| place.last_end.clone());
        all.then(|| format!("its workers fail time and again: one {}", why().unwrap_or_default()))
    }

    /// About how long what waits will take.
    fn time_of_queue(&self) -> Duration {
        let waiting = u32::try_from(self.queue.len()).unwrap_or(u32::MAX);
        let workers = u32::try_from(self.places.len()).unwrap_or(1).max(1);
        (self.mean * waiting / workers).clamp(Duration::from_secs(1), Duration::from_secs(60))
    }

    /// Whether to take what waits, or to wait until more comes. A process that is free again does so
    /// for a moment if its calls have come together before.
    fn company(&self, batching: Batching, was_busy: bool, together: usize) -> Next {
        let Some(first) = self.queue.front() else { return Next::Nothing };
        let Batching::Adaptive { rows_max, delay_max } = batching else { return Next::Take };
        let until = first.queued + delay_max;
        let many = together > 1 || self.queue.len() > 1;
        let alone = !was_busy || !many || self.idle > 0 || self.is_closed;
        if alone || self.batches.off.is_some() || batch::frame(&first.call).is_none() {
            return Next::Take;
        }
        let fitting = self.queue.iter().filter(|job| batch::fits(&first.call, &job.call));
        let rows: usize = fitting.filter_map(|job| batch::frame(&job.call)).map(|f| f.rows()).sum();
        if rows >= rows_max || Instant::now() >= until { Next::Take } else { Next::Wait(until) }
    }

    /// The first call, and with batching those behind it that fit to it.
    fn take(&mut self, batching: Batching) -> Vec<Job> {
        let mut jobs: Vec<Job> = self.queue.pop_front().into_iter().collect();
        let rows_max = match batching {
            Batching::Adaptive { rows_max, .. } if self.batches.off.is_none() => rows_max,
            _ => 0,
        };
        let rows = |job: &Job| batch::frame(&job.call).map(|frame| frame.rows());
        let mut total = jobs.first().and_then(rows).unwrap_or(rows_max);
        let mut at = 0;
        while total < rows_max && at < self.queue.len() {
            let job = &self.queue[at];
            let more = rows(job).filter(|more| total + more <= rows_max);
            match more {
                Some(more) if batch::fits(&jobs[0].call, &job.call) => {
                    total += more;
                    jobs.extend(self.queue.remove(at));
                }
                _ => at += 1,
            }
        }
        if jobs.len() > 1 {
            self.batches.batches += 1;
            self.batches.calls += jobs.len() as u64;
            self.batches.largest = self.batches.largest.max(jobs.len());
        }
        self.in_flight += jobs.len();
        let now = Instant::now();
        jobs.iter_mut().for_each(|job| job.taken = now);
        jobs
    }
}

/// A process that waits for a call.
struct Idle<'a>(&'a Shared);

impl<'a> Idle<'a> {
    fn begin(shared: &'a Shared) -> Self {
        shared.lock().idle += 1;
        Self(shared)
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.lock().idle -= 1;
    }
}
