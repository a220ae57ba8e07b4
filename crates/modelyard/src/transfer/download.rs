//! Downloading a file or a folder.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use modelyard_protocol::Context;

use super::destination::{Destination, Incoming};
use super::interrupt::clean_up_on_interrupt;
use super::plan::Wanted;
use super::workers::{Signal, each};
use super::{BUFFER_BYTES, Plan, Tree};
use crate::client::Body;
use crate::output::Console;
use crate::output::progress::Progress;

/// Broken connections in a row, none of which got further, after which a file is given up.
const BREAKS_MAX: u32 = 5;
/// The pause after the first break; it doubles.
const BREAK_PAUSE: Duration = Duration::from_millis(250);

/// Downloads what was planned into `folder`, which is made if it is missing, and returns where it
/// lies now. Each file appears under its name when it is complete.
///
/// # Errors
/// Names the first file that could not be downloaded, and says how many are there already.
pub(crate) fn download(
    tree: &Tree,
    plan: &Plan,
    folder: &Path,
    context: &Context,
    console: &Console,
) -> anyhow::Result<PathBuf> {
    let destination = Destination::open(folder, context)?;
    clean_up_on_interrupt(&destination);
    for folder in &plan.folders {
        destination.make_folder(folder)?;
    }
    let progress = Progress::new(console, "Downloading", plan.size());
    let all = each(&plan.files, |wanted, signal| {
        let transfer = Transfer { tree, wanted, progress: &progress, signal };
        let cannot = || format!("cannot download {}", wanted.from);
        transfer.run(&destination).with_context(cannot)
    });
    all.map_err(|(done, error)| match plan.files.len() {
        0 | 1 => error,
        count => error.context(format!("{done} of {count} files were downloaded, then")),
    })?;
    let top = plan.name.as_ref().map(|name| folder.join(name.as_str()));
    Ok(top.unwrap_or_else(|| folder.to_owned()))
}

/// One file under way.
struct Transfer<'a> {
    tree: &'a Tree,
    wanted: &'a Wanted,
    progress: &'a Progress,
    signal: &'a Signal,
}

impl Transfer<'_> {
    /// Fetches the file; after a broken connection, the rest of it if it is still the same.
    fn run(&self, destination: &Destination) -> anyhow::Result<()> {
        let mut incoming = destination.begin(&self.wanted.to)?;
        let (mut have, mut furthest, mut etag, mut breaks) = (0, 0, None, 0);
        loop {
            let mut body = self.tree.get(&self.wanted.from, have, etag.as_deref())?;
            if body.start != have {
                self.progress.take_back(have);
                have = 0;
                incoming.restart()?;
            }
            if have == 0
                && let Some(size) = body.file_size
            {
                self.progress.correct(self.wanted.size, size);
            }
            etag = body.etag.take();
            match self.copy(&mut body, &mut incoming, &mut have)? {
                None => return incoming.complete(),
                Some(broken) => {
                    breaks = if have > furthest { 1 } else { breaks + 1 };
                    furthest = furthest.max(have);
                    if breaks > BREAKS_MAX {
                        return Err(broken.into());
                    }
                    std::thread::sleep(BREAK_PAUSE * (1 << (breaks - 1)));
                }
            }
        }
    }

    /// Copies until the end. Returns how the connection broke, if it did.
    fn copy(
        &self,
        body: &mut Body,
        incoming: &mut Incoming,
        have: &mut u64,
    ) -> anyhow::Result<Option<io::Error>> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            self.signal.check()?;
            match body.reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    incoming.write(&buffer[..count])?;
                    *have += count as u64;
                    self.progress.advance(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Ok(Some(error)),
            }
        }
        let whole = body.file_size.is_none_or(|size| size == *have);
        Ok((!whole).then(|| io::Error::other("the connection ended before the file did")))
    }
}
