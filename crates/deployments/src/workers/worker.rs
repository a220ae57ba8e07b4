//! One process with the model.

use std::time::Duration;

use modelyard_executor::{Output, Process, Program};
use tokio::time::{Instant, timeout, timeout_at};

use super::channel::{Channel, Closed};
use super::config::WorkerConfig;
use super::failure::StartError;
use super::wire::{Greeting, Message, Part, Question};

/// The program of the process. It comes as an argument, so that no file must be written.
const SOURCE: &str = include_str!("worker.py");
/// How long a process may be silent while nothing is asked of it: it beats once a second.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long is waited for the end of a process that has closed its socket, or was killed.
const END_MAX: Duration = Duration::from_secs(5);

/// A running worker that has loaded the model.
#[derive(Debug)]
pub(crate) struct Worker {
    process: Process,
    channel: Channel,
    greeting: Greeting,
}

/// How a worker ended, as a verb: "was ended by signal 9".
#[derive(Debug)]
pub(crate) struct Gone(pub(crate) String);

/// What comes of a question.
#[derive(Debug)]
pub(crate) enum Answered {
    Parts(Vec<Part>),
    /// The model's answer to a batch cannot be told apart.
    Unsplit,
}

impl Worker {
    /// Starts a process and waits until it has loaded the model. `started` hears of the process as
    /// soon as there is one.
    pub(crate) async fn start(
        config: &WorkerConfig,
        started: impl FnOnce(u32, Output),
    ) -> Result<Self, StartError> {
        let spawn =
            |error| StartError::Spawn { python: config.python.display().to_string(), error };
        let (channel, theirs) = Channel::pair().map_err(spawn)?;
        let mut program = Program::new(&config.python, &config.model);
        program.arguments = ["-I", "-c", SOURCE].map(Into::into).into();
        program.environment = config.variables();
        program.stdin = Some(theirs);
        let process = Process::start(program).await.map_err(spawn)?;
        started(process.id(), process.output().clone());
        let mut starting = Starting { process, channel };
        let loaded = timeout(config.start_deadline, starting.load(config)).await;
        let Starting { process, channel } = starting;
        let why = match loaded {
            Ok(Ok(greeting)) => return Ok(Self { process, channel, greeting }),
            Ok(Err(why)) => Some(why),
            Err(_) => None,
        };
        let end = end_of(&process, None).await;
        let last_lines = process.output().last_lines();
        Err(match why {
            None => StartError::Late { limit: config.start_deadline, last_lines },
            Some(Refusal::Failed(why)) => StartError::Load { why, last_lines },
            Some(Refusal::Malformed(why)) => StartError::Died { why: why.into(), last_lines },
            Some(Refusal::Ended) => StartError::Died { why: end, last_lines },
        })
    }

    pub(crate) fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn output(&self) -> &Output {
        self.process.output()
    }

    /// Asks a question. A worker that has no answer by the given time is killed.
    pub(crate) async fn ask(
        &mut self,
        question: Question,
        until: Instant,
    ) -> Result<Answered, Gone> {
        let channel = &mut self.channel;
        let asked = async {
            channel.send(question).await?;
            loop {
                match channel.next().await? {
                    Message::Beat => {}
                    Message::Answer(parts) => return Ok(Answered::Parts(parts)),
                    Message::Unsplit => return Ok(Answered::Unsplit),
                    Message::Ready(_) | Message::Failed(_) => return Err(Closed::Ended),
                }
            }
        };
        match timeout_at(until, while_alive(&self.process, asked)).await {
            Ok(Ok(answered)) => Ok(answered),
            Ok(Err(closed)) => Err(self.gone(closed).await),
            Err(_) => {
                let why = "was killed, because it did not answer,";
                Err(Gone(end_of(&self.process, Some(why)).await))
            }
        }
    }

    /// Listens to an idle worker until it is gone. May be given up and called again.
    pub(crate) async fn idle(&mut self) -> Gone {
        loop {
            match timeout(SILENCE_MAX, while_alive(&self.process, self.channel.next())).await {
                Ok(Ok(Message::Beat)) => {}
                Ok(Ok(_)) => {
                    let why = "spoke without being asked";
                    return Gone(end_of(&self.process, Some(why)).await);
                }
                Ok(Err(closed)) => return self.gone(closed).await,
                Err(_) => {
                    let why = "was killed, because it gave no sign of life,";
                    return Gone(end_of(&self.process, Some(why)).await);
                }
            }
        }
    }

    async fn gone(&self, closed: Closed) -> Gone {
        let why = match closed {
            Closed::Ended => None,
            Closed::Malformed(malformed) => Some(malformed.0),
        };
        Gone(end_of(&self.process, why).await)
    }
}

struct Starting {
    process: Process,
    channel: Channel,
}

enum Refusal {
    Failed(String),
    Ended,
    Malformed(&'static str),
}

impl From<Closed> for Refusal {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Ended => Self::Ended,
            Closed::Malformed(malformed) => Self::Malformed(malformed.0),
        }
    }
}

impl Starting {
    async fn load(&mut self, config: &WorkerConfig) -> Result<Greeting, Refusal> {
        let model =
            config.model.to_str().ok_or(Refusal::Malformed("has a path that is no text"))?;
        let question = Question::load(model, config.memory_max_bytes, config.batch.is_on());
        let channel = &mut self.channel;
        while_alive(&self.process, channel.send(question)).await?;
        loop {
            match while_alive(&self.process, channel.next()).await? {
                Message::Beat => {}
                Message::Ready(greeting) => return Ok(greeting),
                Message::Failed(why) => return Err(Refusal::Failed(why)),
                Message::Answer(_) | Message::Unsplit => {
                    return Err(Refusal::Malformed("answered without being asked"));
                }
            }
        }
    }
}

/// Does something with a process while it lives: a child that it has forked may hold its socket
/// open.
async fn while_alive<T>(
    process: &Process,
    work: impl Future<Output = Result<T, Closed>>,
) -> Result<T, Closed> {
    tokio::select! {
        // What it has said before its end counts.
        biased;
        done = work => done,
        _ = process.wait() => Err(Closed::Ended),
    }
}

/// Waits for the end of a process, which is killed for a reason or if it takes its time; why it is
/// gone. When this returns, what it has printed is there.
async fn end_of(process: &Process, why: Option<&str>) -> String {
    if why.is_none()
        && let Ok(exit) = timeout(END_MAX, process.wait()).await
    {
        return exit.to_string();
    }
    process.kill();
    let _ = timeout(END_MAX, process.wait()).await;
    why.unwrap_or("was killed, because it closed its socket,").to_owned()
}
