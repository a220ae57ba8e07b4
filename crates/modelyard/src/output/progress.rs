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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    /// A terminal that keeps all that was written to it.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn add(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
            Ok(())
        }

        fn text(&self) -> String {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    impl indicatif::TermLike for Screen {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _lines: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _lines: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _columns: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _columns: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.add(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.add(text)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.add("<cleared>")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a transfer of two pieces, `began` ago, shows until its end.
    fn shown(began: Duration) -> String {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let mut progress = Progress::new(&Console::on(target), "Uploading", 2048);
        progress.start = Instant::now().checked_sub(began).expect("a moment ago");
        progress.advance(1024);
        progress.advance(512);
        drop(progress);
        screen.text()
    }

    #[test]
    fn a_long_transfer_shows_a_bar_and_clears_it() {
        let text = shown(DELAY);
        for part in ["Uploading", "2.00 KiB", "<cleared>"] {
            assert!(text.contains(part), "{part}: {text:?}");
        }
    }

    #[test]
    fn a_short_transfer_shows_nothing() {
        assert_eq!(shown(Duration::ZERO), "");
    }

    #[test]
    fn bars_can_be_switched_off() {
        assert!(Console::stderr(false).bars.is_hidden());
        let off = |_: &str| Some("False".to_owned());
        assert!(!crate::client::shows_progress(&off).expect("a switch"));
        assert!(crate::client::shows_progress(&|_| None).expect("the default"));
        assert!(crate::client::shows_progress(&|_| Some("maybe".to_owned())).is_err());
    }
}
