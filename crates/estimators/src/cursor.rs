//! A position in bytes that somebody else wrote: every read is checked, none allocates.

use crate::error::{Error, Result};

#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    format: &'static str,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8], format: &'static str) -> Self {
        Self { bytes, at: 0, format }
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    pub(crate) fn damaged(&self, what: impl Into<String>) -> Error {
        Error::damaged(self.format, self.at, what)
    }

    /// The next `count` bytes, however large the number is that the file claims.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let Some(taken) = self.rest().get(..count) else {
            let have = self.rest().len();
            return Err(self.damaged(format!("{count} bytes are announced, {have} are there")));
        };
        self.at += count;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let taken = self.take(N)?;
        taken.try_into().ok().ok_or_else(|| self.damaged("a number is cut off"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// A length that the file claims: 1, 2, 4 or 8 bytes, little-endian, and within the rest.
    pub(crate) fn length<const N: usize>(&mut self) -> Result<usize> {
        let mut wide = [0; 8];
        wide[..N].copy_from_slice(&self.array::<N>()?);
        let claimed = u64::from_le_bytes(wide);
        match usize::try_from(claimed) {
            Ok(length) if length <= self.rest().len() => Ok(length),
            _ => Err(self.damaged(format!("{claimed} bytes are announced, fewer are there"))),
        }
    }

    /// Up to the next line feed, which is read and left out.
    pub(crate) fn line(&mut self) -> Result<&'a [u8]> {
        let Some(length) = self.rest().iter().position(|byte| *byte == b'\n') else {
            return Err(self.damaged("a line has no end"));
        };
        let line = self.take(length)?;
        self.at += 1;
        Ok(line)
    }

    pub(crate) fn text(&mut self, length: usize) -> Result<&'a str> {
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).ok().ok_or_else(|| self.damaged("a text is not UTF-8"))
    }
}
