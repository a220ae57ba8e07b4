//! Downloading a file or a folder.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use modelyard_protocol::Context;
use modelyard_protocol::digest::{Digest, Hasher};

use super::destination::{Destination, Incoming};
use super::interrupt::clean_up_on_interrupt;
use super::plan::Wanted;
use super::workers::{Signal, each};
use super::{BUFFER_BYTES, Compared, Plan, Tree};
use crate::client::Body;
use crate::output::Console;
use crate::output::progress::Progress;

/// Broken connections in a row, none of which got further, after which a file is given up.
const BREAKS_MAX: u32 = 5;
/// Times that a file arrives with another checksum after which it is given up: each costs all of it, so fewer.
const MISMATCHES_MAX: u32 = 3;
/// The pause after the first break; it doubles.
const BREAK_PAUSE: Duration = Duration::from_millis(250);

/// A finished download.
pub(crate) struct Downloaded {
    /// Where it lies.
    pub(crate) path: PathBuf,
    pub(crate) files: usize,
    /// All files together.
    pub(crate) bytes: u64,
    pub(crate) compared: Compared,
}

/// Downloads what was planned into `folder`, which is made if it is missing. Each file appears
/// under its name when it is complete, and has the checksum that the server tells, if it tells one.
///
/// # Errors
/// Names the first file that could not be downloaded, and says how many are there already.
pub(crate) fn download(
    tree: &Tree,
    plan: &Plan,
    folder: &Path,
    context: &Context,
    console: &Console,
) -> anyhow::Result<Downloaded> {
    let destination = Destination::open(folder, context)?;
    clean_up_on_interrupt(&destination);
    for folder in &plan.folders {
        destination.make_folder(folder)?;
    }
    let progress = Progress::new(console, "Downloading", plan.size());
    let (by_checksum, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let all = each(&plan.files, |wanted, signal| {
        let transfer = Transfer { tree, wanted, progress: &progress, signal };
        let cannot = || format!("cannot download {}", wanted.from);
        let got = transfer.run(&destination).with_context(cannot)?;
        by_checksum.fetch_add(got.compared.into(), Ordering::Relaxed);
        bytes.fetch_add(got.bytes, Ordering::Relaxed);
        Ok(())
    });
    let files = plan.files.len();
    all.map_err(|(done, error)| match files {
        0 | 1 => error,
        count => error.context(format!("{done} of {count} files were downloaded, then")),
    })?;
    let top = plan.name.as_ref().map(|name| folder.join(name.as_str()));
    let is_local = tree.local_folder().is_some();
    Ok(Downloaded {
        path: top.unwrap_or_else(|| folder.to_owned()),
        files,
        bytes: bytes.into_inner(),
        compared: Compared { files, by_checksum: by_checksum.into_inner(), is_local },
    })
}

/// What arrived is not what the server has.
#[derive(Debug, thiserror::Error)]
#[error(
    "what arrived is not what the server has: its SHA-256 is {found}, the server says {told}. It was \
     damaged on the way, or has changed in the store; the {times} attempts are removed"
)]
struct Mismatch {
    told: Digest,
    found: Digest,
    times: u32,
}

/// A file that arrived.
struct Got {
    bytes: u64,
    /// Whether its checksum was compared.
    compared: bool,
}

/// What of a file is there.
#[derive(Default)]
struct Have {
    bytes: u64,
    /// The version it is of.
    etag: Option<String>,
    /// What the whole file is to have, and of what is there.
    digest: Option<(Digest, Hasher)>,
}

/// One file under way.
struct Transfer<'a> {
    tree: &'a Tree,
    wanted: &'a Wanted,
    progress: &'a Progress,
    signal: &'a Signal,
}

impl Transfer<'_> {
    /// Fetches the file; after a broken connection, the rest of it if it is still the same; with
    /// another checksum than the server tells, all of it again.
    fn run(&self, destination: &Destination) -> anyhow::Result<Got> {
        let mut incoming = destination.begin(&self.wanted.to)?;
        let mut have = Have::default();
        let (mut furthest, mut breaks, mut mismatches) = (0, 0, 0);
        loop {
            let mut body = self.tree.get(&self.wanted.from, have.bytes, have.etag.as_deref())?;
            if body.start != have.bytes {
                let is_told = have.digest.is_some();
                self.start_anew(&mut have, &mut incoming)?;
                if is_told && body.digest.is_none() {
                    // The rest was asked for, and of another version than the digest is of.
                    continue;
                }
            }
            if have.bytes == 0 {
                have.digest = body.digest.map(|told| (told, Hasher::default()));
                if let Some(size) = body.file_size {
                    self.progress.correct(self.wanted.size, size);
                }
            }
            have.etag = body.etag.take();
            if let Some(broken) = self.copy(&mut body, &mut incoming, &mut have)? {
                breaks = if have.bytes > furthest { 1 } else { breaks + 1 };
                furthest = furthest.max(have.bytes);
                if breaks > BREAKS_MAX {
                    return Err(broken.into());
                }
                std::thread::sleep(BREAK_PAUSE * (1 << (breaks - 1)));
                continue;
            }
            let compared = have.digest.take().map(|(told, hasher)| (told, hasher.finish()));
            match compared {
                Some((told, found)) if told != found => {
                    mismatches += 1;
                    if mismatches == MISMATCHES_MAX {
                        return Err(Mismatch { told, found, times: mismatches }.into());
                    }
                    self.start_anew(&mut have, &mut incoming)?;
                    std::thread::sleep(BREAK_PAUSE * mismatches);
                }
                _ => {
                    incoming.complete()?;
                    return Ok(Got { bytes: have.bytes, compared: compared.is_some() });
                }
            }
        }
    }

    /// Forgets what is there.
    fn start_anew(&self, have: &mut Have, incoming: &mut Incoming) -> io::Result<()> {
        self.progress.take_back(have.bytes);
        *have = Have::default();
        incoming.restart()
    }

    /// Copies until the end. Returns how the connection broke, if it did.
    fn copy(
        &self,
        body: &mut Body,
        incoming: &mut Incoming,
        have: &mut Have,
    ) -> anyhow::Result<Option<io::Error>> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            self.signal.check()?;
            match body.reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    let bytes = &buffer[..count];
                    incoming.write(bytes)?;
                    if let Some((_, hasher)) = &mut have.digest {
                        hasher.add(bytes);
                    }
                    have.bytes += count as u64;
                    self.progress.advance(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Ok(Some(error)),
            }
        }
        let whole = body.file_size.is_none_or(|size| size == have.bytes);
        Ok((!whole).then(|| io::Error::other("the connection ended before the file did")))
    }
}
