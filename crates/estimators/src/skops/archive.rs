//! The zip archive around a skops file. What its directory says about sizes is not believed.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::FORMAT;
use crate::error::{Error, Result};
use crate::limits::{
    ENTRIES_MAX, FILE_MAX_BYTES, SCHEMA_MAX_BYTES, UNPACK_RATIO_MAX, UNPACKED_MAX_BYTES, within,
};

/// Small archives may unpack to this much whatever their ratio.
const UNPACKED_ANY_BYTES: usize = 1 << 20;

pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that may be unpacked, and how many of them still may.
    limit: usize,
    left: usize,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self> {
        within("the bytes of a skops file", bytes.len(), FILE_MAX_BYTES)?;
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        within("the entries of a skops file", zip.len(), ENTRIES_MAX)?;
        let left = bytes.len().saturating_mul(UNPACK_RATIO_MAX).max(UNPACKED_ANY_BYTES);
        let limit = left.min(UNPACKED_MAX_BYTES);
        Ok(Self { zip, limit, left: limit })
    }

    /// Bytes that have been unpacked.
    pub(super) fn unpacked(&self) -> usize {
        self.limit - self.left
    }

    pub(super) fn schema(&mut self) -> Result<Vec<u8>> {
        let schema = self.entry("schema.json")?;
        within("the bytes of a skops schema", schema.len(), SCHEMA_MAX_BYTES)?;
        Ok(schema)
    }

    /// The contents of the entry `name`. Its checksum is checked.
    pub(super) fn entry(&mut self, name: &str) -> Result<Vec<u8>> {
        let entry = self.zip.by_name(name).map_err(damaged)?;
        let mut bytes = Vec::new();
        // One byte more than allowed tells that there is more.
        let limit = self.left as u64 + 1;
        let read = entry.take(limit).read_to_end(&mut bytes);
        read.map_err(|error| Error::broken(FORMAT, error.to_string()))?;
        let Some(left) = self.left.checked_sub(bytes.len()) else {
            return Err(Error::broken(FORMAT, "the archive unpacks to far more than it is"));
        };
        self.left = left;
        Ok(bytes)
    }
}

fn damaged(error: ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(what) => Error::python(format!("the skops file: {what}")),
        other => Error::broken(FORMAT, other.to_string()),
    }
}
