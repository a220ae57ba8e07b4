//! A process with all that it has started.

use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// The group of a process, until the process has been waited for: its number may then be another's.
#[derive(Debug)]
pub(crate) struct Group(Mutex<Option<Pid>>);

impl Group {
    pub(crate) fn new(leader: Option<Pid>) -> Self {
        Self(Mutex::new(leader))
    }

    /// Kills all of the group.
    pub(crate) fn kill(&self) {
        if let Some(id) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // It may have ended by itself, which is as good.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }

    /// Kills what the leader has left behind, once; to be called as soon as the leader was waited
    /// for. While one member lives, nobody else gets the group's number.
    pub(crate) fn end(&self) {
        if let Some(id) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

/// Kills the group when it is dropped: when its task ends, be it because the runtime ends.
pub(crate) struct KillOnDrop(pub(crate) std::sync::Arc<Group>);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.0.kill();
    }
}
