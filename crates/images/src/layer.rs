//! The entries of a layer, and packing them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use tar::{Builder, EntryType};

use crate::archive::header;
use crate::error::Error;

/// Most entries of a folder that is added; a model of many shards has some hundred files.
const ENTRIES_MAX: usize = 100_000;
/// Deepest folder in a folder that is added.
const DEPTH_MAX: usize = 64;
/// How names begin that stand for what is removed from the layers below.
const WHITEOUT: &[u8] = b".wh.";

/// Files and folders of an image, each owned by root and of the time 0, in the order of their paths.
#[derive(Debug, Default)]
pub struct Layer {
    entries: BTreeMap<PathBuf, Entry>,
    comment: String,
}

#[derive(Debug)]
enum Entry {
    Folder,
    File { mode: u32, content: Content },
}

/// Where the bytes of a file come from.
#[derive(Debug)]
enum Content {
    Bytes(Vec<u8>),
    /// A file of this machine.
    Machine(PathBuf),
    /// A file in a folder that is not left.
    Inside(Arc<Dir>, PathBuf, PathBuf),
}

impl Layer {
    /// A layer without entries, with a remark for its history.
    pub fn new(comment: impl Into<String>) -> Self {
        Self { entries: BTreeMap::new(), comment: comment.into() }
    }

    /// The remark.
    pub(crate) fn comment(&self) -> &str {
        &self.comment
    }

    /// Adds a file with these bytes at an absolute path of the image.
    ///
    /// # Errors
    /// If an image cannot have a file there.
    pub fn add_bytes(&mut self, at: &str, bytes: impl Into<Vec<u8>>) -> Result<(), Error> {
        self.add(Path::new(at), 0o644, Content::Bytes(bytes.into()))
    }

    /// Adds a file of this machine at an absolute path of the image.
    ///
    /// # Errors
    /// If an image cannot have a file there.
    pub fn add_file(&mut self, at: &str, file: &Path) -> Result<(), Error> {
        self.add(Path::new(at), 0o644, Content::Machine(file.to_owned()))
    }

    /// As [`add_file`](Self::add_file), but everybody may execute it.
    ///
    /// # Errors
    /// If an image cannot have a file there.
    pub fn add_program(&mut self, at: &str, file: &Path) -> Result<(), Error> {
        self.add(Path::new(at), 0o755, Content::Machine(file.to_owned()))
    }

    /// Adds a folder of this machine with all that is in it. Links to files in it become those files.
    ///
    /// # Errors
    /// If it cannot be read, or holds what a layer does not take: links that lead out of it or to folders, devices,
    /// sockets, pipes.
    pub fn add_folder(&mut self, at: &str, folder: &Path) -> Result<(), Error> {
        let handle = Dir::open_ambient_dir(folder, ambient_authority());
        let handle = Arc::new(handle.map_err(Error::io("reading", folder))?);
        self.add_folders(&inside_image(Path::new(at))?)?;
        let before = self.entries.len();
        let mut waiting = vec![PathBuf::new()];
        while let Some(below) = waiting.pop() {
            let shown = folder.join(&below);
            if below.components().count() > DEPTH_MAX {
                return Err(Error::entry(&shown, format!("deeper than {DEPTH_MAX} folders")));
            }
            let listed = if below.as_os_str().is_empty() { Path::new(".") } else { &below };
            for entry in handle.read_dir(listed).map_err(Error::io("reading", &shown))? {
                let entry = entry.map_err(Error::io("reading", &shown))?;
                let inside = below.join(entry.file_name());
                let shown = folder.join(&inside);
                let kind = entry.file_type().map_err(Error::io("reading", &shown))?;
                let target = Path::new(at).join(&inside);
                if kind.is_dir() {
                    self.add_folders(&inside_image(&target)?)?;
                    waiting.push(inside);
                } else {
                    let content = Content::Inside(Arc::clone(&handle), inside, shown);
                    // Now, not after gigabytes have been packed.
                    content.open()?;
                    self.add(&target, 0o644, content)?;
                }
                if self.entries.len() - before > ENTRIES_MAX {
                    return Err(Error::entry(folder, format!("more than {ENTRIES_MAX} files")));
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, at: &Path, mode: u32, content: Content) -> Result<(), Error> {
        let path = inside_image(at)?;
        self.add_folders(path.parent().unwrap_or(Path::new("")))?;
        match self.entries.insert(path, Entry::File { mode, content }) {
            Some(Entry::Folder) => Err(Error::entry(at, "a file where a folder is to be")),
            _ => Ok(()),
        }
    }

    /// Adds a folder and those above it.
    fn add_folders(&mut self, folder: &Path) -> Result<(), Error> {
        for folder in folder.ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
            let entry = self.entries.entry(folder.to_owned()).or_insert(Entry::Folder);
            if !matches!(entry, Entry::Folder) {
                return Err(Error::entry(folder, "a folder where a file is to be"));
            }
        }
        Ok(())
    }

    /// Writes the layer as a tar archive.
    ///
    /// # Errors
    /// Those of reading the files and of writing.
    pub(crate) fn pack(&self, out: impl Write, blob: &Path) -> Result<(), Error> {
        let mut archive = Builder::new(out);
        let writing = |error| Error::io("writing", blob)(error);
        for (path, entry) in &self.entries {
            match entry {
                Entry::Folder => {
                    let mut header = header(EntryType::Directory, 0o755, 0);
                    let path = path.join("");
                    archive.append_data(&mut header, path, io::empty()).map_err(writing)?;
                }
                Entry::File { mode, content } => {
                    let (size, mut reader) = content.open()?;
                    let mut header = header(EntryType::Regular, *mode, size);
                    let whole = Whole { reader: &mut reader, left: size };
                    archive
                        .append_data(&mut header, path, whole)
                        .map_err(Error::io("packing", content.path(path)))?;
                }
            }
        }
        archive.into_inner().and_then(|mut out| out.flush()).map_err(writing)
    }
}

/// An absolute path of an image, as layers write it.
fn inside_image(at: &Path) -> Result<PathBuf, Error> {
    let is_name = |part: Component<'_>| match part {
        Component::Normal(name) => !name.as_bytes().starts_with(WHITEOUT),
        _ => false,
    };
    match at.strip_prefix("/") {
        Ok(below) if below.components().all(is_name) => Ok(below.to_owned()),
        _ => Err(Error::entry(at, "images have no such paths ('.wh.…' removes files there)")),
    }
}

impl Content {
    /// The size and the bytes.
    fn open(&self) -> Result<(u64, Box<dyn Read + '_>), Error> {
        let (file, path) = match self {
            Self::Bytes(bytes) => return Ok((bytes.len() as u64, Box::new(bytes.as_slice()))),
            Self::Machine(path) => {
                let about = fs::metadata(path).map_err(Error::io("reading", path))?;
                only_file(about.is_file(), path)?;
                (File::open(path), path)
            }
            Self::Inside(folder, inside, path) => {
                let about = folder.metadata(inside).map_err(|error| left(path, error))?;
                only_file(about.is_file(), path)?;
                (folder.open(inside).map(cap_std::fs::File::into_std), path)
            }
        };
        let file = file.map_err(Error::io("reading", path))?;
        let size = file.metadata().map_err(Error::io("reading", path))?.len();
        Ok((size, Box::new(file)))
    }

    fn path<'a>(&'a self, in_image: &'a Path) -> &'a Path {
        match self {
            Self::Bytes(_) => in_image,
            Self::Machine(path) | Self::Inside(.., path) => path,
        }
    }
}

/// Looked at before it is opened: opening a pipe would wait for who writes to it.
fn only_file(is_file: bool, path: &Path) -> Result<(), Error> {
    if is_file {
        return Ok(());
    }
    let why = "only files, folders, and links to files of the same folder can be put into an image";
    Err(Error::entry(path, why))
}

/// What a link that cannot be followed is called.
fn left(path: &Path, error: io::Error) -> Error {
    let is_link = fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink());
    let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    if is_link {
        let why = format!(
            "a link out of its folder, or to nothing ({error}): put the file itself there, for \
             example with `cp --dereference`, or remove {name}"
        );
        return Error::entry(path, why);
    }
    Error::io("reading", path)(error)
}

/// Exactly as many bytes as the header says: an archive with more or fewer would be none.
struct Whole<'a> {
    reader: &'a mut dyn Read,
    left: u64,
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.reader.read(&mut buffer[..room])?;
        if read == 0 && room > 0 {
            return Err(io::Error::other("the file became shorter while it was read"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn refused(prepare: impl FnOnce(&Path)) -> String {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("model.pkl"), "weights").unwrap();
        prepare(folder.path());
        let mut layer = Layer::new("");
        layer.add_folder("/opt", folder.path()).unwrap_err().to_string()
    }

    #[test]
    fn what_leads_out_of_a_folder_or_is_no_file_is_refused() {
        let link = |target: &'static str| {
            refused(move |folder| symlink(target, folder.join("link")).unwrap())
        };
        for target in ["/etc/hostname", "../../etc/hostname", "missing", "link"] {
            assert!(link(target).contains("a link out of its folder, or to nothing"), "{target}");
        }
        for target in [".", "/dev"] {
            assert!(!link(target).is_empty());
        }
        let socket = refused(|folder| {
            std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap();
        });
        assert!(socket.contains("only files, folders"), "{socket}");
        let whiteout = refused(|folder| fs::write(folder.join(".wh.etc"), "").unwrap());
        assert!(whiteout.contains("removes files"), "{whiteout}");
    }

    #[test]
    fn links_to_files_of_the_folder_become_those_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("blobs")).unwrap();
        fs::write(folder.path().join("blobs/1"), "weights").unwrap();
        symlink("blobs/1", folder.path().join("model.pkl")).unwrap();
        let mut layer = Layer::new("");
        layer.add_folder("/opt", folder.path()).unwrap();
        let mut packed = Vec::new();
        layer.pack(&mut packed, Path::new("blob")).unwrap();
        let mut archive = tar::Archive::new(packed.as_slice());
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (
                entry.path().unwrap().to_string_lossy().into_owned(),
                entry.header().mode().unwrap(),
                text,
            )
        });
        let wanted = [
            ("opt/", 0o755, ""),
            ("opt/blobs/", 0o755, ""),
            ("opt/blobs/1", 0o644, "weights"),
            ("opt/model.pkl", 0o644, "weights"),
        ];
        let wanted = wanted.map(|(path, mode, text)| (path.to_owned(), mode, text.to_owned()));
        assert_eq!(entries.collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_file_that_becomes_shorter_is_an_error() {
        let mut reader: &[u8] = b"abc";
        let whole = Whole { reader: &mut reader, left: 4 };
        let error = io::copy(&mut { whole }, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("shorter"), "{error}");
    }

    #[test]
    fn paths_are_those_that_images_can_have() {
        let mut layer = Layer::new("");
        layer.add_bytes("/etc/passwd", "x").unwrap();
        for path in ["etc/group", "/etc/../group", "/etc/passwd/x", "/etc/.wh.passwd", "/etc"] {
            assert!(layer.add_bytes(path, "x").is_err(), "{path}");
        }
    }
}
