//! Changes that the store knows nothing of: those of artifacts.

use tokio::sync::broadcast;

/// How many changes a slow listener may lag behind before it is told to read everything anew.
const BACKLOG: usize = 1_024;

/// An artifact of a run was written or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArtifactChange {
    pub(crate) experiment_id: i64,
    pub(crate) run_id: String,
}

/// Tells the live pages of the UI.
pub(crate) struct ArtifactChanges(broadcast::Sender<ArtifactChange>);

impl ArtifactChanges {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }

    /// The changes from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<ArtifactChange> {
        self.0.subscribe()
    }

    /// Something below `path`, as the artifact proxy knows it, has changed. Only what lies where runs
    /// keep their artifacts by default (`EXPERIMENT/RUN/artifacts/…`) belongs to a run.
    pub(crate) fn tell(&self, path: &str) {
        if self.0.receiver_count() > 0
            && let Some(change) = run_of(path)
        {
            self.send(change);
        }
    }

    /// Something among the artifacts of a run has changed.
    pub(crate) fn tell_run(&self, experiment_id: i64, run_id: String) {
        self.send(ArtifactChange { experiment_id, run_id });
    }

    fn send(&self, change: ArtifactChange) {
        // Fails only when nobody listens.
        let _ = self.0.send(change);
    }
}

fn run_of(path: &str) -> Option<ArtifactChange> {
    let mut parts = path.split('/');
    let experiment_id = parts.next()?.parse().ok()?;
    let run_id = parts.next()?.to_owned();
    (parts.next() == Some("artifacts")).then_some(ArtifactChange { experiment_id, run_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_runs_are_told() {
        let changes = ArtifactChanges::new();
        changes.tell("1/before/artifacts/a.txt");
        let mut listener = changes.listen();
        for path in [
            "1/run/artifacts/model/a.txt",
            "1/models/m-1/artifacts/a",
            "x/run/artifacts/a",
            "1",
            "",
        ] {
            changes.tell(path);
        }
        let told = listener.try_recv().expect("a change");
        assert_eq!(told, ArtifactChange { experiment_id: 1, run_id: "run".into() });
        assert!(listener.try_recv().is_err());
    }
}
