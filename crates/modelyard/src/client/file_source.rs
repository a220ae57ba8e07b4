//! A local file, or a part of it, on its way to a server.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;

use super::Error;
use super::artifacts::Sent;
use super::checksum::{Algorithm, Checksum, Summing};
use super::request::Source;

/// Bytes read at once for a checksum.
const PORTION_BYTES: usize = 256 << 10;

/// Which bytes of a local file.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) path: &'a Path,
    /// Where it begins, in bytes.
    pub(super) offset: u64,
    /// Bytes.
    pub(super) size: u64,
    /// Bytes of the whole file, as it was when the upload was planned.
    pub(super) file_size: u64,
}

impl Piece<'_> {
    /// Reads the piece for its checksum.
    ///
    /// # Errors
    /// [`Error::LocalFile`] if it cannot be read, or the file has another size by now.
    pub(super) fn checksum(&self, algorithm: Algorithm) -> Result<Checksum, Error> {
        let mut summing = Summing::by(algorithm);
        let mut sum = || {
            let mut file = self.open()?.take(self.size);
            let mut buffer = vec![0; PORTION_BYTES];
            loop {
                match file.read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(count) => summing.add(&buffer[..count]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        };
        sum().map_err(|cause| self.error(cause))?;
        Ok(summing.so_far())
    }

    fn open(&self) -> io::Result<File> {
        let mut file = File::open(self.path)?;
        if file.metadata()?.len() != self.file_size {
            return Err(io::Error::other(CHANGED));
        }
        file.seek(io::SeekFrom::Start(self.offset))?;
        Ok(file)
    }

    /// A failure to read it.
    pub(super) fn error(&self, cause: io::Error) -> Error {
        Error::LocalFile { path: self.path.display().to_string(), cause }
    }
}

const CHANGED: &str =
    "it changed while it was uploaded; nothing of it is stored. Try again when it is complete";

/// A piece to be sent, whose checksum the receiver is told before.
pub(super) struct FileSource<'a> {
    pub(super) piece: Piece<'a>,
    pub(super) checksum: Checksum,
    pub(super) sent: Sent<'a>,
    failure: RefCell<Option<io::Error>>,
}

impl<'a> FileSource<'a> {
    pub(super) fn new(piece: Piece<'a>, checksum: Checksum, sent: Sent<'a>) -> Self {
        Self { piece, checksum, sent, failure: RefCell::default() }
    }
}

impl Source for FileSource<'_> {
    fn open(&self) -> Result<Box<dyn Read + '_>, Error> {
        let inner = self.piece.open().map_err(|cause| self.piece.error(cause))?;
        (self.sent)(0).map_err(|cause| self.piece.error(cause))?;
        let summing = Summing::by(self.checksum.algorithm());
        Ok(Box::new(Outgoing { source: self, inner, position: 0, summing }))
    }

    fn failure(&self) -> Option<Error> {
        self.failure.take().map(|cause| self.piece.error(cause))
    }
}

/// A file being sent: counted, cut at the length that was announced, and blamed if it fails.
struct Outgoing<'a> {
    source: &'a FileSource<'a>,
    inner: File,
    position: u64,
    summing: Summing,
}

impl Outgoing<'_> {
    /// Reads on. The last bytes are kept back if the whole is not what was announced: so the receiver does not get
    /// it to its end, whether or not it compares checksums.
    fn read_on(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.inner.read(buffer)? {
            0 => return Err(io::Error::other(CHANGED)),
            count => count,
        };
        self.position += count as u64;
        self.summing.add(&buffer[..count]);
        let is_whole = self.position == self.source.piece.size;
        if is_whole && self.summing.so_far() != self.source.checksum {
            return Err(io::Error::other(CHANGED));
        }
        (self.source.sent)(self.position).map(|()| count)
    }
}

impl Read for Outgoing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.piece.size - self.position;
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        self.read_on(&mut buffer[..wanted]).map_err(|cause| {
            let text = cause.to_string();
            self.source.failure.replace(Some(cause));
            io::Error::other(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SIZE: u64 = 600_000;

    /// What is sent of a file that `change` meets between its checksum and its sending: the bytes, and the error.
    fn sent(offset: u64, size: u64, change: impl FnOnce(&Path)) -> (u64, Option<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("f");
        fs::write(&path, vec![b'a'; SIZE as usize]).expect("written");
        let piece = Piece { path: &path, offset, size, file_size: SIZE };
        let checksum = piece.checksum(Algorithm::Sha256).expect("readable");
        change(&path);
        let source = FileSource::new(piece, checksum, &|_| Ok(()));
        let mut reader = match source.open() {
            Ok(reader) => reader,
            Err(error) => return (0, Some(error.to_string())),
        };
        let mut got = Vec::new();
        let outcome = reader.read_to_end(&mut got);
        let failure = source.failure().map(|error| error.to_string());
        assert_eq!(outcome.is_err(), failure.is_some());
        (got.len() as u64, failure)
    }

    #[test]
    fn a_file_that_stays_is_sent_whole() {
        assert_eq!(sent(0, SIZE, |_| {}), (SIZE, None));
        assert_eq!(sent(10, 20, |_| {}), (20, None));
    }

    #[test]
    fn a_file_that_changes_is_never_sent_to_its_end() {
        let other =
            |len: usize| move |path: &Path| fs::write(path, vec![b'b'; len]).expect("written");
        for (offset, size) in [(0, SIZE), (10, 300_000)] {
            let (got, error) = sent(offset, size, other(SIZE as usize));
            assert!(got < size, "{got} of {size}");
            assert!(error.expect("an error").contains("it changed while it was uploaded"));
        }
        for len in [0, 7, SIZE as usize + 1] {
            let (got, error) = sent(0, SIZE, other(len));
            assert_eq!(got, 0);
            assert!(error.expect("an error").contains("it changed while it was uploaded"));
        }
    }
}
