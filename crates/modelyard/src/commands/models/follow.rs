//! A server that follows an alias: another version takes the place of the one before, without a gap.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use modelyard_deployments::served::{Engines, Live, Options, PythonOptions, Served};
use modelyard_models::scoring::Details;
use tokio::runtime::Handle;

use super::folder::{Folder, Found};

/// How long the workers of a version that was replaced may take to end.
const STOP: Duration = Duration::from_secs(5);
/// When a version that did not serve is tried again, which may have been for want of a network …
const RETRY_FIRST: Duration = Duration::from_secs(30);
/// … and at last, after pauses that double.
const RETRY_LAST: Duration = Duration::from_secs(1800);
/// How often it is looked whether the follower has ended.
const STEP: Duration = Duration::from_millis(10);

/// How each version is served.
pub(super) struct Load {
    /// The name, if it is not to be the registered model's.
    pub(super) name: Option<String>,
    pub(super) details: Details,
    pub(super) engines: Engines,
    pub(super) python: Option<PythonOptions>,
    /// Whether the native engine is compared with Python.
    pub(super) checks: bool,
}

impl Load {
    pub(super) fn load(&self, folder: &Folder) -> anyhow::Result<Served> {
        let options = Options {
            name: self.name.clone().unwrap_or_else(|| folder.name.clone()),
            version: folder.version.clone(),
            details: self.details,
            engines: self.engines,
        };
        Ok(Served::load(&folder.path, options, self.python.clone())?)
    }

    /// Compares the engines of a model, while it answers.
    pub(super) fn check_later(&self, served: &Served) {
        if self.checks {
            let served = served.clone();
            tokio::spawn(async move { served.check_itself().await });
        }
    }
}

/// What is needed to replace a model, and the files of the one that is served.
pub(super) struct Follower {
    pub(super) live: Live,
    pub(super) load: Load,
    pub(super) found: Found,
    pub(super) folder: Folder,
    /// How long requests of a version that was replaced may go on.
    pub(super) deadline: Duration,
}

/// A version that did not serve.
struct Failed {
    version: String,
    at: Instant,
    /// How long it is left alone.
    pause: Duration,
}

impl Failed {
    fn again(version: String, before: Option<Self>) -> Self {
        let pause = before.map_or(RETRY_FIRST, |failed| (failed.pause * 2).min(RETRY_LAST));
        Self { version, at: Instant::now(), pause }
    }

    fn is_due(&self) -> bool {
        self.at.elapsed() >= self.pause
    }
}

/// A follower at work, until this is dropped.
pub(super) struct Following {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Looks every so often whether another version is meant; never with `None`. The files that are
    /// served stay for as long as the answer is kept.
    pub(super) fn start(
        self,
        every: Option<Duration>,
        runtime: Handle,
    ) -> anyhow::Result<Following> {
        let (stop, stopped) = channel();
        let run = move || self.run(every, &runtime, &stopped);
        let thread = std::thread::Builder::new().name("follow".to_owned()).spawn(run)?;
        Ok(Following { stop: Some(stop), thread: Some(thread) })
    }

    fn run(mut self, every: Option<Duration>, runtime: &Handle, stopped: &Receiver<()>) {
        let Some(every) = every else {
            // Ends when the other side is dropped.
            let _ = stopped.recv();
            return;
        };
        let mut failed: Option<Failed> = None;
        while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            let version = match self.found.version_now() {
                Ok(Some(version)) => version,
                Ok(None) => {
                    let _ = stopped.recv();
                    return;
                }
                Err(why) => {
                    tracing::warn!("cannot ask which version is meant: {why:#}");
                    continue;
                }
            };
            if self.folder.version.as_ref() == Some(&version) {
                failed = None;
                continue;
            }
            let before = failed.take().filter(|failed| failed.version == version);
            if before.as_ref().is_some_and(|failed| !failed.is_due()) {
                failed = before;
                continue;
            }
            match self.replace(runtime) {
                Ok(()) => tracing::info!(version, "another version answers now"),
                Err(why) => {
                    let stays = self.folder.version.as_deref().unwrap_or("-");
                    tracing::error!("version {version} does not serve, {stays} stays: {why:#}");
                    failed = Some(Failed::again(version, before));
                }
            }
        }
    }

    /// Loads the version that is meant, tries it, and lets it answer. The one before finishes what it
    /// has.
    fn replace(&mut self, runtime: &Handle) -> anyhow::Result<()> {
        let folder = self.found.folder()?;
        let served = self.load.load(&folder)?;
        let old = runtime.block_on(async {
            served.start().await.map_err(anyhow::Error::msg)?;
            if let Err(why) = served.try_example().await {
                served.stop(STOP).await;
                return Err(anyhow::Error::msg(why));
            }
            self.load.check_later(&served);
            Ok(self.live.replace(served))
        })?;
        runtime.block_on(async {
            old.drained(self.deadline).await;
            old.stop(STOP).await;
        });
        // The files before go with the last that could read them.
        drop(old);
        self.folder = folder;
        Ok(())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else { return };
        let began = Instant::now();
        while !thread.is_finished() && began.elapsed() < STOP {
            std::thread::sleep(STEP);
        }
    }
}
