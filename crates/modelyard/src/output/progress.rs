//! The progress of a transfer.

use std::sync::Once;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Console;

/// Transfers shorter than this show no bar.
const DELAY: Duration = Duration::from_millis(400);
const TEMPLATE: &str =
    "{prefix} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";

/// A bar of bytes, shared by all files of one transfer.
pub(crate) struct Progress {
    bar: ProgressBar,
    console: Console,
    start: Instant,
    shown: Once,
}

impl Progress {
    /// A bar for `total` bytes. It appears, on a terminal, once the transfer has taken a moment.
    pub(crate) fn new(console: &Console, verb: &'static str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        bar.set_prefix(verb);
        let (start, shown) = (Instant::now(), Once::new());
        Self { bar, console: console.clone(), start, shown }
    }

    /// Counts bytes that have passed.
    pub(crate) fn advance(&self, bytes: u64) {
        self.show();
        self.bar.inc(bytes);
    }

    /// Takes bytes back that must pass again.
    pub(crate) fn take_back(&self, bytes: u64) {
        self.bar.dec(bytes);
    }

    /// Corrects the total by a file that is longer or shorter than its listing said.
    pub(crate) fn correct(&self, listed: u64, real: u64) {
        self.bar.dec_length(listed);
        self.bar.inc_length(real);
    }

    fn show(&self) {
        if !self.shown.is_completed() && self.start.elapsed() >= DELAY {
            self.shown.call_once(|| {
                self.console.bars.add(self.bar.clone());
            });
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
