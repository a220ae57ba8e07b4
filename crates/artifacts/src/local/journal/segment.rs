//! One of the two files of a journal.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::record::{self, HEAD_BYTES};
use crate::path::ArtifactPath;

/// Bytes of one segment. Half a second of small uploads at full speed; the file is written through
/// once, so that later writes change no metadata and one fsync costs one write.
pub(super) const SEGMENT_BYTES: usize = 8 << 20;

/// What a segment is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Holds nothing that matters.
    Clean,
    /// Takes new records.
    Active,
    /// Full or no longer wanted: waits until the tree on disk holds all that it holds.
    Retiring,
}

/// A segment file and what is known of its content.
pub(super) struct Segment {
    pub(super) file: Arc<File>,
    /// Distinguishes this use of the file from earlier ones; grows with every use.
    pub(super) epoch: u64,
    pub(super) phase: Phase,
    /// Where the next record goes.
    pub(super) end: usize,
    /// Every path it has a record of.
    pub(super) paths: HashSet<ArtifactPath>,
    /// Records whose files are not in the tree yet.
    pub(super) applying: usize,
}

impl Segment {
    /// Fills a new file and makes it durable.
    pub(super) fn create(file: File) -> io::Result<Self> {
        file.write_all_at(&vec![0; SEGMENT_BYTES], 0)?;
        file.sync_all()?;
        Ok(Self {
            file: Arc::new(file),
            epoch: 0,
            phase: Phase::Clean,
            end: HEAD_BYTES,
            paths: HashSet::new(),
            applying: 0,
        })
    }

    /// Whether it holds a record of `path` or of anything below it.
    pub(super) fn concerns(&self, path: &ArtifactPath) -> bool {
        self.paths.contains(path) || self.paths.iter().any(|held| held.is_within(path))
    }

    pub(super) fn has_room_for(&self, record_bytes: usize) -> bool {
        self.end + record_bytes <= SEGMENT_BYTES
    }
}

/// Opens a new epoch in the file, durably: older records are void from here on.
pub(super) fn void(file: &File, epoch: u64) -> io::Result<()> {
    file.write_all_at(&record::segment_header(epoch), 0)?;
    file.sync_data()
}
