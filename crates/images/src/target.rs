//! Where an image goes: beside its place until it is whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};

use modelyard_protocol::Context;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tar::{Archive, Builder, EntryType};

use crate::archive::header;
use crate::document::{FoundIndex, INDEX_FILE, LAYOUT_FILE};
use crate::error::Error;
use crate::layout::DOCKER_FILE;

/// What is said of what is not replaced; there is no flag that replaces it all the same.
const NOT_REPLACED: &str = "only an image layout with one image is replaced: name another place, or \
                            remove what is there";
/// An index is a few hundred bytes for each image.
const INDEX_MAX_BYTES: u64 = 4 << 20;

/// The place of an image.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    parent: PathBuf,
    is_archive: bool,
}

/// A layout that has no name yet; removed if it does not get one.
#[derive(Debug)]
pub(crate) struct Unfinished {
    folder: PathBuf,
    archive: PathBuf,
}

impl Target {
    /// The place, if an image can be written there.
    pub(crate) fn at(path: &Path) -> Result<Self, Error> {
        // A symbolic link stays; what it points to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let Some(name) = path.file_name() else {
            return Err(Error::target(&path, "name a new folder, or a file that ends with .tar"));
        };
        let name = name.to_string_lossy().to_ascii_lowercase();
        if name.ends_with(".gz") || name.ends_with(".tgz") || name.ends_with(".zst") {
            let why = "layers are compressed already: name a folder, or a file that ends with .tar";
            return Err(Error::target(&path, why));
        }
        let is_archive = name.ends_with(".tar");
        let found = match fs::metadata(&path) {
            Ok(about) if is_archive => about.is_file() && is_image_archive(&path),
            Ok(about) => {
                about.is_dir() && is_replaceable(&path).map_err(Error::io("reading", &path))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(Error::io("reading", &path)(error)),
        };
        if !found {
            return Err(Error::target(&path, NOT_REPLACED));
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self { path, parent, is_archive })
    }

    pub(crate) fn is_archive(&self) -> bool {
        self.is_archive
    }

    /// Makes a folder for the layout.
    pub(crate) fn begin(&self, context: &Context) -> Result<Unfinished, Error> {
        fs::create_dir_all(&self.parent).map_err(Error::io("creating", &self.parent))?;
        let beside = || self.parent.join(format!(".modelyard-{}.part", context.uuid_hex()));
        let unfinished = Unfinished { folder: beside(), archive: beside() };
        fs::create_dir(&unfinished.folder).map_err(Error::io("creating", &unfinished.folder))?;
        Ok(unfinished)
    }
}

impl Unfinished {
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives the layout, or the archive of it, its name; on disk when it returns.
    pub(crate) fn finish(&self, target: &Target) -> Result<(), Error> {
        // Packing took a while; what has come meanwhile is not ours to remove.
        let Target { path, .. } = &Target::at(&target.path)?;
        if target.is_archive {
            self.archive().map_err(Error::io("writing", &self.archive))?;
            fs::rename(&self.archive, path).map_err(Error::io("writing", path))?;
        } else {
            self.take_place(path).map_err(Error::io("writing", path))?;
        }
        let synced = File::open(&target.parent).and_then(|parent| parent.sync_all());
        synced.map_err(Error::io("writing", &target.parent))
    }

    /// Renames the folder; what was there before then has the folder's old name.
    fn take_place(&self, path: &Path) -> io::Result<()> {
        for folder in ["blobs/sha256", "blobs", "."] {
            File::open(self.folder.join(folder))?.sync_all()?;
        }
        // Goes if nothing or an empty folder is there.
        let Err(error) = fs::rename(&self.folder, path) else { return Ok(()) };
        if !matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists)
        {
            return Err(error);
        }
        if renameat_with(CWD, &self.folder, CWD, path, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
        // A file system that cannot exchange two folders.
        fs::rename(path, &self.archive)?;
        fs::rename(&self.folder, path).inspect_err(|_| {
            // Back to what it was; the first error is the one worth telling.
            let _ = fs::rename(&self.archive, path);
        })
    }

    /// Packs the layout: what names the others first, so that a reader finds it soon.
    fn archive(&self) -> io::Result<()> {
        let file = File::options().write(true).create_new(true).open(&self.archive)?;
        let mut archive = Builder::new(BufWriter::new(&file));
        let mut names = Vec::new();
        for entry in fs::read_dir(self.folder.join("blobs/sha256"))? {
            names.push(format!("blobs/sha256/{}", entry?.file_name().to_string_lossy()));
        }
        names.sort();
        for name in [LAYOUT_FILE, INDEX_FILE, DOCKER_FILE] {
            self.append(&mut archive, name)?;
        }
        for folder in ["blobs/", "blobs/sha256/"] {
            let mut header = header(EntryType::Directory, 0o755, 0);
            archive.append_data(&mut header, folder, io::empty())?;
        }
        for name in names {
            self.append(&mut archive, &name)?;
        }
        archive.into_inner()?.flush()?;
        file.sync_all()
    }

    fn append(&self, archive: &mut Builder<impl io::Write>, name: &str) -> io::Result<()> {
        let file = File::open(self.folder.join(name))?;
        let mut header = header(EntryType::Regular, 0o644, file.metadata()?.len());
        archive.append_data(&mut header, name, file)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What is left is hidden and says whose it was.
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.archive).or_else(|_| fs::remove_dir_all(&self.archive));
    }
}

/// Whether a folder is empty, or a layout of one image and nothing else.
fn is_replaceable(folder: &Path) -> io::Result<bool> {
    let mut is_empty = true;
    for entry in fs::read_dir(folder)? {
        is_empty = false;
        let name = entry?.file_name();
        let known = ["blobs", LAYOUT_FILE, INDEX_FILE].iter().any(|known| name == *known);
        if !known {
            return Ok(false);
        }
    }
    if is_empty {
        return Ok(true);
    }
    let Ok(index) = File::open(folder.join(INDEX_FILE)) else { return Ok(false) };
    let mut text = String::new();
    index.take(INDEX_MAX_BYTES).read_to_string(&mut text)?;
    let index = serde_json::from_str::<FoundIndex>(&text);
    let has_one = index.is_ok_and(|index| index.manifests.len() <= 1);
    Ok(has_one && folder.join(LAYOUT_FILE).is_file())
}

/// Whether a file is an archive as this writes them.
fn is_image_archive(path: &Path) -> bool {
    let first = || -> io::Result<bool> {
        let mut archive = Archive::new(File::open(path)?);
        let first = archive.entries()?.next().transpose()?;
        Ok(first.is_some_and(|entry| entry.path_bytes().as_ref() == LAYOUT_FILE.as_bytes()))
    };
    first().unwrap_or(false)
}
