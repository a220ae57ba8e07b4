//! Blobs under their digests.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::layer::Layer;

/// The name of a blob that is not complete yet.
const PARTIAL: &str = "partial";
/// Bytes written at once.
const BUFFER_BYTES: usize = 256 << 10;

/// What a layout's `blobs` folder holds, as it grows.
#[derive(Debug)]
pub(crate) struct Blobs {
    /// `blobs/sha256`.
    folder: PathBuf,
}

/// A blob that is there.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    /// `sha256:…`.
    pub(crate) digest: String,
    pub(crate) size_bytes: u64,
}

impl Blob {
    /// Its path in the layout.
    pub(crate) fn path(&self) -> String {
        format!("blobs/{}", self.digest.replace(':', "/"))
    }
}

impl Blobs {
    /// Makes the folder in a layout.
    pub(crate) fn create(layout: &Path) -> Result<Self, Error> {
        let folder = layout.join("blobs/sha256");
        fs::create_dir_all(&folder).map_err(Error::io("creating", &folder))?;
        Ok(Self { folder })
    }

    /// Adds bytes.
    pub(crate) fn add(&self, bytes: &[u8]) -> Result<Blob, Error> {
        let path = self.folder.join(PARTIAL);
        let write = || -> io::Result<Digesting<File>> {
            let mut out = Digesting::new(File::create(&path)?);
            out.write_all(bytes)?;
            Ok(out)
        };
        let out = write().map_err(Error::io("writing", &path))?;
        self.keep(out)
    }

    /// Adds a layer; also gives the digest of what it is uncompressed.
    pub(crate) fn add_layer(&self, layer: &Layer) -> Result<(Blob, String), Error> {
        let path = self.folder.join(PARTIAL);
        let writing = |error| Error::io("writing", &path)(error);
        let file = Digesting::new(File::create(&path).map_err(writing)?);
        let compressed = GzEncoder::new(
            BufWriter::with_capacity(BUFFER_BYTES, file),
            // The level of `gzip` and of Docker.
            Compression::new(6),
        );
        let mut plain = Digesting::new(compressed);
        layer.pack(BufWriter::with_capacity(BUFFER_BYTES, &mut plain), &path)?;
        let (compressed, _, diff_id) = plain.finish();
        let buffer = compressed.finish().map_err(writing)?;
        let file = buffer.into_inner().map_err(|error| writing(error.into_error()))?;
        Ok((self.keep(file)?, diff_id))
    }

    /// Gives what was written its name, on disk.
    fn keep(&self, out: Digesting<File>) -> Result<Blob, Error> {
        let (file, size_bytes, digest) = out.finish();
        let path = self.folder.join(PARTIAL);
        let name = digest.trim_start_matches("sha256:");
        file.sync_all()
            .and_then(|()| fs::rename(&path, self.folder.join(name)))
            .map_err(Error::io("writing", &path))?;
        Ok(Blob { digest, size_bytes })
    }
}

/// Counts and digests what goes through.
struct Digesting<W> {
    inner: W,
    digest: Sha256,
    size_bytes: u64,
}

impl<W> Digesting<W> {
    fn new(inner: W) -> Self {
        Self { inner, digest: Sha256::new(), size_bytes: 0 }
    }

    /// What is underneath, how many bytes there were, and their digest.
    fn finish(self) -> (W, u64, String) {
        let text = self.digest.finalize().iter().fold("sha256:".to_owned(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        (self.inner, self.size_bytes, text)
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.size_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
