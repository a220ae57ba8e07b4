//! Remarks and progress on stderr, without getting into each other's way.

use std::io::Write as _;

use indicatif::{MultiProgress, ProgressDrawTarget};

use super::text::visible_lines;

/// Stderr: lines of text, and below them, on a terminal only, the progress bars.
#[derive(Clone)]
pub(crate) struct Console {
    pub(super) bars: MultiProgress,
}

impl Console {
    /// The process's stderr, with progress bars if `progress` and it is a terminal.
    pub(crate) fn stderr(progress: bool) -> Self {
        // This draw target shows nothing unless stderr is a terminal.
        Self::on(if progress { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() })
    }

    pub(super) fn on(target: ProgressDrawTarget) -> Self {
        Self { bars: MultiProgress::with_draw_target(target) }
    }

    /// Says one line, above the progress bars.
    pub(crate) fn say(&self, line: &str) {
        // With stderr closed there is nobody to tell.
        self.bars.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{}", visible_lines(line));
        });
    }
}
