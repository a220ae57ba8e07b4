//! One place for a worker: starting, serving, restarting.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::failure::{Failure, StartError};
use super::queue::{Job, Shared};
use super::status::{State, resident};
use super::wire::{Part, Question};
use super::worker::{Answered, Gone, Worker};
use super::{Call, Reply, batch};

/// The first pause before a restart; it doubles with each end that follows on another.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause before a restart.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// So many ends without an answer in between, and the place is broken.
const ENDS_MAX: u32 = 5;
/// The pause of a broken place until it is tried again.
const PAUSE_BROKEN: Duration = Duration::from_secs(60);
/// How often a worker's memory is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// A worker is replaced when it holds so much of its memory, in percent.
const FULL: u64 = 90;

/// Why a worker serves no longer.
enum Over {
    /// The pool is closed.
    Closed,
    /// It has grown too much.
    Full,
    /// It has ended.
    Gone(Gone),
}

/// A place of a pool, by its number.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) shared: Arc<Shared>,
    pub(crate) at: usize,
    /// Ends since the last answer.
    pub(crate) ends: u32,
}

impl Slot {
    /// Serves until the pool is closed, with this worker first, if there is one.
    pub(crate) async fn run(mut self, mut first: Option<Worker>) {
        loop {
            let worker = match first.take() {
                Some(worker) => Ok(worker),
                None => self.start().await,
            };
            let why = match worker {
                Ok(mut worker) => match self.serve(&mut worker).await {
                    Over::Closed => return,
                    Over::Full => {
                        tracing::info!(
                            pid = worker.id(),
                            "a model's worker is replaced: it is full"
                        );
                        self.update(|place| {
                            place.last_end = Some("was replaced: its memory was full".into());
                        });
                        continue;
                    }
                    Over::Gone(Gone(why)) => why,
                },
                Err(error) => error.to_string(),
            };
            self.pause(why).await;
        }
    }

    /// Starts a worker for this place.
    pub(crate) async fn start(&self) -> Result<Worker, StartError> {
        let started = |pid, output| {
            self.update(|place| {
                place.state = State::Starting;
                place.pid = Some(pid);
                place.output = Some(output);
                place.starts += 1;
            });
        };
        let worker = Worker::start(&self.shared.config, started).await?;
        let greeting = worker.greeting();
        if let Some(why) = &greeting.unbatched {
            self.shared.stop_batching(why);
        }
        let mut inside = self.shared.lock();
        inside.versions = Some(greeting.versions.clone());
        inside.enforces = greeting.enforces;
        drop(inside);
        Ok(worker)
    }

    fn update(&self, change: impl FnOnce(&mut super::queue::Place)) {
        change(&mut self.shared.lock().places[self.at]);
    }

    /// Waits after an end: longer after each that follows on another.
    async fn pause(&mut self, why: String) {
        tracing::warn!(why, "a model's worker is gone");
        self.ends = self.ends.saturating_add(1);
        let is_broken = self.ends >= ENDS_MAX;
        self.update(|place| {
            place.state = if is_broken { State::Broken } else { State::Waiting };
            place.pid = None;
            place.last_end = Some(why);
        });
        self.shared.fail_if_broken();
        let doubled = PAUSE_MIN * 2_u32.saturating_pow(self.ends - 1).min(1 << 20);
        let pause = if is_broken { PAUSE_BROKEN } else { doubled.min(PAUSE_MAX) };
        sleep(pause + pause.mul_f64(self.spread())).await;
    }

    /// Up to a half, other for each place and each pause: so that not all start at once.
    fn spread(&self) -> f64 {
        let seed = (self.at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(self.ends);
        let mixed = seed.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 56;
        f64::from(u8::try_from(mixed).unwrap_or(0)) / 512.0
    }

    async fn serve(&mut self, worker: &mut Worker) -> Over {
        let (mut together, mut looked) = (0, Instant::now());
        loop {
            self.update(|place| place.state = State::Idle);
            let shared = Arc::clone(&self.shared);
            let jobs = tokio::select! {
                jobs = shared.take(together) => jobs,
                gone = worker.idle() => return Over::Gone(gone),
            };
            let Some(jobs) = jobs else { return Over::Closed };
            together = jobs.len();
            self.update(|place| place.state = State::Busy);
            if let Err(gone) = self.answer_all(worker, jobs).await {
                return Over::Gone(gone);
            }
            self.ends = 0;
            self.update(|place| place.requests += together as u64);
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                let held = resident(worker.id()).zip(self.shared.config.memory_max_bytes);
                if held.is_some_and(|(held, most)| held >= most / 100 * FULL) {
                    return Over::Full;
                }
            }
        }
    }

    /// Answers calls, together if they are more than one and else one by one.
    async fn answer_all(&self, worker: &mut Worker, jobs: Vec<Job>) -> Result<(), Gone> {
        let jobs = if jobs.len() > 1 { self.answer_batch(worker, jobs).await? } else { jobs };
        let mut rest = jobs.into_iter();
        while let Some(job) = rest.next() {
            if let Err(gone) = self.answer_one(worker, job).await {
                // These were not inside the worker: they go on with another one.
                self.shared.put_back(rest);
                return Err(gone);
            }
        }
        Ok(())
    }

    /// Answers calls as one. Those that must be asked one by one come back.
    async fn answer_batch(&self, worker: &mut Worker, jobs: Vec<Job>) -> Result<Vec<Job>, Gone> {
        let frames: Vec<_> = jobs.iter().filter_map(|job| batch::frame(&job.call)).collect();
        let params = match &jobs[0].call {
            Call::Typed { request } => request.params.as_ref(),
            Call::Raw { .. } => None,
        };
        let question = Question::batch(&frames, params);
        let deadline = jobs.iter().map(|job| job.deadline).max().unwrap_or_else(Instant::now);
        match worker.ask(question, deadline + self.shared.config.grace).await {
            Ok(Answered::Parts(parts)) if parts.len() == jobs.len() => {
                for (job, part) in jobs.into_iter().zip(parts) {
                    self.shared.answer(job, reply(part, false));
                }
                Ok(Vec::new())
            }
            // One of them fails all: which, is seen when each is alone.
            Ok(Answered::Parts(_)) => Ok(jobs),
            Ok(Answered::Unsplit) => {
                self.shared.stop_batching("the model does not give one answer for each row");
                Ok(jobs)
            }
            Err(gone) => {
                for job in jobs {
                    self.died(worker, &gone, job);
                }
                Err(gone)
            }
        }
    }

    async fn answer_one(&self, worker: &mut Worker, job: Job) -> Result<(), Gone> {
        if job.answer.is_closed() {
            self.shared.answer(job, Err(Failure::Deadline));
            return Ok(());
        }
        let (question, is_raw) = match &job.call {
            Call::Typed { request } => (Question::typed(request), false),
            Call::Raw { content_type, body } => {
                (Question::raw(content_type.as_deref(), body), true)
            }
        };
        match worker.ask(question, job.deadline + self.shared.config.grace).await {
            Ok(Answered::Parts(mut parts)) if parts.len() == 1 => {
                let part = parts.swap_remove(0);
                self.shared.answer(job, reply(part, is_raw));
                Ok(())
            }
            Ok(_) => {
                let gone = Gone("gave no answer".into());
                self.died(worker, &gone, job);
                Err(gone)
            }
            Err(gone) => {
                self.died(worker, &gone, job);
                Err(gone)
            }
        }
    }

    fn died(&self, worker: &Worker, gone: &Gone, job: Job) {
        let last_lines = worker.output().last_lines();
        self.shared.answer(job, Err(Failure::Died { why: gone.0.clone(), last_lines }));
    }
}

fn reply(part: Part, is_raw: bool) -> Result<Reply, Failure> {
    match part {
        Part::Tensor(tensor) => {
            Ok(Reply::Output(modelyard_models::scoring::Output::Tensor(tensor)))
        }
        Part::Json(json) => Ok(Reply::Json(json)),
        // A mistake in a request as it came is MLflow's answer to it, as any other.
        Part::Text { status, content_type, body, is_error } if is_error && !is_raw => {
            Err(Failure::of_answer(status, content_type, body))
        }
        Part::Text { status, content_type, body, .. } => {
            Ok(Reply::Answer { status, content_type, body })
        }
    }
}
