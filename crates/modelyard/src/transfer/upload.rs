//! Uploading files, several at once.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;

use super::workers::{Signal, each};
use super::{Outgoing, Tree};
use crate::output::Console;
use crate::output::progress::Progress;

/// Uploads all files, or fails with the first that could not be.
///
/// # Errors
/// Names the file, and says how many are in the store already.
pub(crate) fn upload(tree: &Tree, files: &[Outgoing], console: &Console) -> anyhow::Result<()> {
    let total = files.iter().map(|file| file.size).sum();
    let progress = Progress::new(console, "Uploading", total);
    let all = each(files, |file, signal| one(tree, file, &progress, signal));
    all.map_err(|(done, error)| match files.len() {
        0 | 1 => error,
        count => error.context(format!("{done} of {count} files were uploaded, then")),
    })
}

fn one(tree: &Tree, file: &Outgoing, progress: &Progress, signal: &Signal) -> anyhow::Result<()> {
    let before = AtomicU64::new(0);
    let sent = |position: u64| -> io::Result<()> {
        signal.check()?;
        let before = before.swap(position, Ordering::Relaxed);
        if position >= before {
            progress.advance(position - before);
        } else {
            progress.take_back(before - position);
        }
        Ok(())
    };
    tree.put(&file.path, &file.file, file.size, &sent)
        .with_context(|| format!("cannot upload {} as {}", file.file.display(), file.path))
}
