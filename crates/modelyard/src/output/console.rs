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
    /// The process's stderr.
    pub(crate) fn stderr() -> Self {
        // The draw target shows nothing unless stderr is a terminal.
        Self { bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()) }
    }

    /// Says one line, above the progress bars.
    pub(crate) fn say(&self, line: &str) {
        // With stderr closed there is nobody to tell.
        self.bars.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{}", visible_lines(line));
        });
    }
}
