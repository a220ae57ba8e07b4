//! After a crash: the records that are not void.

use std::fs::File;
use std::io::{self, Read as _};

use super::FILE_NAMES;
use super::record::{self, HEAD_BYTES, Record};
use crate::error::{Error, Result};
use crate::path::ArtifactPath;

/// Hands every record of a dead process's journal to `redo`, in the order of writing, and returns
/// how many there were. `open` opens a file of that journal by name.
///
/// # Errors
/// When the journal cannot be read, or the first error of `redo`. The journal must then be kept.
pub(in crate::local) fn recover(
    open: impl Fn(&str) -> io::Result<File>,
    mut redo: impl FnMut(&ArtifactPath, &[u8]) -> Result<()>,
) -> Result<usize> {
    let mut segments = Vec::new();
    for name in FILE_NAMES {
        let mut file = match open(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io("opening an artifact journal")(error)),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::io("reading an artifact journal"))?;
        // No header: the process died before it took a record.
        if let Some(epoch) = record::read_segment_header(&bytes) {
            segments.push((epoch, bytes));
        }
    }
    segments.sort_by_key(|(epoch, _)| *epoch);
    let mut redone = 0;
    for (epoch, bytes) in &segments {
        let mut rest = &bytes[HEAD_BYTES..];
        while let Some(Record { path, data }) = record::take(*epoch, &mut rest) {
            redo(&path, data)?;
            redone += 1;
        }
    }
    Ok(redone)
}
