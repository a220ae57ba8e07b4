//! Checksums.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Bytes read from a file at once.
const PORTION_BYTES: usize = 256 << 10;

/// A SHA-256 under way.
pub(crate) struct Digest(Sha256);

impl Digest {
    /// Of nothing yet.
    pub(crate) fn new() -> Self {
        Self(Sha256::new())
    }

    /// Adds bytes.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum in hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        self.0.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Copies what `from` yields; its size and checksum.
///
/// # Errors
/// Those of reading and writing.
pub(crate) fn copy(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<(u64, String)> {
    let (mut digest, mut size_bytes) = (Digest::new(), 0);
    let mut buffer = vec![0; PORTION_BYTES];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok((size_bytes, digest.finish())),
            Ok(read) => {
                digest.add(&buffer[..read]);
                to.write_all(&buffer[..read])?;
                size_bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The size and checksum of a file.
///
/// # Errors
/// Those of reading.
pub(crate) fn of_file(path: &Path) -> io::Result<(u64, String)> {
    copy(&mut File::open(path)?, &mut io::sink())
}

#[cfg(test)]
mod tests {
    use super::Digest;

    #[test]
    fn the_checksum_is_the_known_one() {
        let mut digest = Digest::new();
        digest.add(b"a");
        digest.add(b"bc");
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.finish(), known);
    }
}
