//! Who wants to know what changed: the live pages of the UI.

use tokio::sync::broadcast;

/// How many changes a slow listener may lag behind before it is told to read everything anew.
const BACKLOG: usize = 1_024;

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// An experiment: created, renamed, deleted, restored, tagged.
    Experiment,
    /// A run: created, updated, deleted, restored, or its inputs.
    Run,
    /// A run's metrics.
    Metrics,
    /// A run's params.
    Params,
    /// A run's tags.
    Tags,
    /// A logged model.
    Models,
}

/// A committed change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    /// The experiment it belongs to.
    pub experiment_id: i64,
    /// The run, if it is a run's.
    pub run_id: Option<String>,
    /// What was changed.
    pub kind: ChangeKind,
}

/// The sender's end.
pub(crate) struct Changes(broadcast::Sender<Change>);

impl Changes {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }

    /// Tells the listeners; costs nothing when there are none.
    pub(crate) fn tell(&self, experiment_id: i64, run_id: Option<&str>, kind: ChangeKind) {
        if self.0.receiver_count() > 0 {
            // Fails only when the last listener has just left.
            let _ = self.0.send(Change { experiment_id, run_id: run_id.map(Into::into), kind });
        }
    }
}
