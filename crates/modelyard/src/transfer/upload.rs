//! Uploading files, several at once.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use anyhow::Context as _;

use super::workers::{Signal, each};
use super::{Compared, Outgoing, Tree};
use crate::output::Console;
use crate::output::progress::Progress;

/// Uploads all files, or fails with the first that could not be. Returns whose checksums were compared.
///
/// # Errors
/// Names the file, and says how many are in the store already.
pub(crate) fn upload(
    tree: &Tree,
    files: &[Outgoing],
    console: &Console,
) -> anyhow::Result<Compared> {
    let total = files.iter().map(|file| file.size).sum();
    let progress = Progress::new(console, "Uploading", total);
    let by_checksum = AtomicUsize::new(0);
    let all = each(files, |file, signal| {
        let compared = one(tree, file, &progress, signal)?;
        by_checksum.fetch_add(compared.into(), Ordering::Relaxed);
        Ok(())
    });
    all.map_err(|(done, error)| match files.len() {
        0 | 1 => error,
        count => error.context(format!("{done} of {count} files were uploaded, then")),
    })?;
    Ok(Compared {
        files: files.len(),
        by_checksum: by_checksum.into_inner(),
        is_local: tree.local_folder().is_some(),
    })
}

fn one(tree: &Tree, file: &Outgoing, progress: &Progress, signal: &Signal) -> anyhow::Result<bool> {
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
