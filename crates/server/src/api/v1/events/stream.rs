//! One client's stream of events.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::Stream;
use modelyard_store::ChangeKind as Stored;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Change, ChangeKind};
use crate::AppState;
use crate::changes::ArtifactChange;

/// The shortest time between two bursts of events.
const PAUSE: Duration = Duration::from_millis(250);
/// After a change, the pause before the next are looked at: a server that takes thousands of writes
/// a second wakes each open page only so often.
const NAP: Duration = Duration::from_millis(25);
/// The longest silence: proxies close connections that are silent for a minute or less.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Different changes that are remembered between two bursts; more than that is a `resync`.
const PENDING_MAX: usize = 1_000;
/// Sent first: how long a browser waits before it connects again, in milliseconds.
const HELLO: &str = "retry: 2000\n\n";
const SILENCE: &str = ":\n\n";
const RESYNC: &str = "event: resync\ndata: {}\n\n";

/// Which changes a client wants to hear of.
pub(super) struct Filter {
    pub(super) experiment: Option<i64>,
    pub(super) run: Option<String>,
}

impl Filter {
    fn passes(&self, experiment: i64, run: Option<&str>) -> bool {
        self.experiment.is_none_or(|wanted| experiment == wanted)
            && self.run.as_ref().is_none_or(|wanted| run == Some(wanted))
    }
}

/// The stream of a client that listens from now on.
pub(super) fn open(
    app: &AppState,
    filter: Filter,
) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
    let listener = Listener {
        changes: app.store.changes(),
        artifacts: app.artifact_changes.listen(),
        stopping: app.stopping.clone(),
        filter,
        pending: BTreeSet::new(),
        missed: false,
        last_sent: None,
    };
    futures_util::stream::unfold(listener, async |mut listener| {
        let text = listener.next().await?;
        Some((Ok(text), listener))
    })
}

struct Listener {
    changes: Receiver<modelyard_store::Change>,
    artifacts: Receiver<ArtifactChange>,
    stopping: CancellationToken,
    filter: Filter,
    /// Changes that wait for the next burst.
    pending: BTreeSet<Change>,
    /// Whether some were missed, so that the client must read everything anew.
    missed: bool,
    last_sent: Option<Instant>,
}

impl Listener {
    /// The next piece of the stream; `None` when it ends.
    ///
    /// A client that does not read is not asked for more here: the channel then overtakes it, and it
    /// learns so by `resync`. If it does not read at all, the connection's own time-out ends it.
    async fn next(&mut self) -> Option<Bytes> {
        let Some(last_sent) = self.last_sent else {
            self.last_sent = Some(Instant::now());
            return Some(Bytes::from_static(HELLO.as_bytes()));
        };
        loop {
            let has_news = self.missed || !self.pending.is_empty();
            let due = last_sent + if has_news { PAUSE } else { HEARTBEAT };
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return None,
                () = sleep_until(due) => {
                    self.last_sent = Some(Instant::now());
                    return Some(self.burst());
                }
                change = self.changes.recv() => match change {
                    Ok(it) => self.note(it.experiment_id, it.run_id, it.kind.into()),
                    Err(RecvError::Lagged(_)) => self.missed = true,
                    Err(RecvError::Closed) => return None,
                },
                change = self.artifacts.recv() => match change {
                    Ok(it) => self.note(it.experiment_id, Some(it.run_id), ChangeKind::Artifacts),
                    Err(RecvError::Lagged(_)) => self.missed = true,
                    Err(RecvError::Closed) => return None,
                },
            }
            // Not woken for each of many changes, but soon enough that none is missed.
            sleep_until(due.min(Instant::now() + NAP)).await;
            self.note_waiting();
        }
    }

    /// Notes what has come meanwhile.
    fn note_waiting(&mut self) {
        loop {
            match self.changes.try_recv() {
                Ok(it) => self.note(it.experiment_id, it.run_id, it.kind.into()),
                Err(TryRecvError::Lagged(_)) => self.missed = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        loop {
            match self.artifacts.try_recv() {
                Ok(it) => self.note(it.experiment_id, Some(it.run_id), ChangeKind::Artifacts),
                Err(TryRecvError::Lagged(_)) => self.missed = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
    }

    fn note(&mut self, experiment_id: i64, run_id: Option<String>, kind: ChangeKind) {
        if self.missed || !self.filter.passes(experiment_id, run_id.as_deref()) {
            return;
        }
        self.pending.insert(Change { experiment_id: experiment_id.to_string(), run_id, kind });
        self.missed = self.pending.len() > PENDING_MAX;
    }

    /// What has come together since the last burst.
    fn burst(&mut self) -> Bytes {
        let pending = std::mem::take(&mut self.pending);
        if std::mem::take(&mut self.missed) {
            return Bytes::from_static(RESYNC.as_bytes());
        }
        if pending.is_empty() {
            return Bytes::from_static(SILENCE.as_bytes());
        }
        let mut text = String::new();
        for change in pending {
            // A struct of texts is always written.
            let data = serde_json::to_string(&change).unwrap_or_default();
            text.push_str("event: change\ndata: ");
            text.push_str(&data);
            text.push_str("\n\n");
        }
        text.into()
    }
}

impl From<Stored> for ChangeKind {
    fn from(kind: Stored) -> Self {
        match kind {
            Stored::Experiment => Self::Experiment,
            Stored::Run => Self::Run,
            Stored::Metrics => Self::Metrics,
            Stored::Params => Self::Params,
            Stored::Tags => Self::Tags,
            Stored::Models => Self::Models,
        }
    }
}
