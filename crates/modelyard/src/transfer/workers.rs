//! Several transfers at once.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Transfers at once: hides the network's delay between small files, and is gentle to the server.
pub(super) const PARALLEL: usize = 8;

/// What a worker looks at from time to time.
pub(super) struct Signal(AtomicBool);

impl Signal {
    /// An error once another worker has failed: going on would be in vain.
    pub(super) fn check(&self) -> std::io::Result<()> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(std::io::Error::other("another transfer failed")),
            false => Ok(()),
        }
    }
}

/// Does `work` for each item, several at once, until all are done or one fails.
///
/// # Errors
/// The first one, with the number of items that were done.
pub(super) fn each<T: Sync>(
    items: &[T],
    work: impl Fn(&T, &Signal) -> anyhow::Result<()> + Sync,
) -> Result<(), (usize, anyhow::Error)> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let signal = Signal(AtomicBool::new(false));
    let first_error = Mutex::new(None);
    let worker = || {
        while signal.check().is_ok()
            && let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed))
        {
            match work(item, &signal) {
                Ok(()) => _ = done.fetch_add(1, Ordering::Relaxed),
                Err(error) => {
                    let mut first = first_error.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(error);
                    signal.0.store(true, Ordering::Relaxed);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..items.len().min(PARALLEL) {
            scope.spawn(worker);
        }
    });
    match first_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err((done.into_inner(), error)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_done_once() {
        let items: Vec<usize> = (0..1000).collect();
        let sum = AtomicUsize::new(0);
        let all = each(&items, |item, _| {
            sum.fetch_add(*item, Ordering::Relaxed);
            Ok(())
        });
        assert!(all.is_ok());
        assert_eq!(sum.into_inner(), 499_500);
        assert!(each(&[] as &[u8], |_, _| Ok(())).is_ok());
    }

    #[test]
    fn the_first_failure_ends_the_rest() {
        let items: Vec<usize> = (0..100_000).collect();
        let failed = each(&items, |item, signal| {
            signal.check()?;
            anyhow::ensure!(*item != 50, "item {item}");
            Ok(())
        });
        let (done, error) = failed.expect_err("one failed");
        assert_eq!(error.to_string(), "item 50");
        assert!((43..100_000).contains(&done), "{done}");
    }
}
