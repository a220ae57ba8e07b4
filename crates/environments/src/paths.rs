//! The files and folders of a model that its requirements name: digested for the key, copied for the installer.
//!
//! They are copied because an installer that builds a package writes into its folder, and the model's is not to change.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::Error;

/// Most files of one model that requirements name; a package of sources has some hundred.
const FILES_MAX: usize = 20_000;

/// The digest of what lies at these paths below a folder.
pub(crate) fn digest(folder: Option<&Path>, paths: &[PathBuf]) -> Result<Vec<u8>, Error> {
    let mut digest = Sha256::new();
    for path in paths {
        walk(folder, path, &mut |inside, file| {
            let size = file.metadata()?.len();
            digest.update((inside.as_os_str().len() as u64).to_le_bytes());
            digest.update(inside.as_os_str().as_encoded_bytes());
            digest.update(size.to_le_bytes());
            let mut buffer = vec![0; 64 * 1024];
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok(()),
                    read => digest.update(&buffer[..read]),
                }
            }
        })?;
    }
    Ok(digest.finalize().to_vec())
}

/// Copies what lies at these paths to the same paths below another folder.
pub(crate) fn copy(folder: Option<&Path>, paths: &[PathBuf], target: &Path) -> Result<(), Error> {
    for path in paths {
        walk(folder, path, &mut |inside, file| {
            let copy = target.join(inside);
            if let Some(parent) = copy.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut copy = File::create(copy)?;
            io::copy(file, &mut copy)?;
            copy.flush()
        })?;
    }
    Ok(())
}

type Visit<'a> = &'a mut dyn FnMut(&Path, &mut File) -> io::Result<()>;

/// Visits the files at and below a path in the order of their names. Links are refused: they may lead anywhere.
fn walk(folder: Option<&Path>, path: &Path, visit: Visit<'_>) -> Result<(), Error> {
    let line = path.display().to_string();
    let folder = folder.ok_or_else(|| {
        Error::requirement(&line, "it is a path, but there is no folder of the model")
    })?;
    let mut waiting = vec![path.to_owned()];
    let mut seen = 0;
    while let Some(inside) = waiting.pop() {
        seen += 1;
        if seen > FILES_MAX {
            return Err(Error::requirement(&line, format!("more than {FILES_MAX} files")));
        }
        let whole = folder.join(&inside);
        let kind = kind_of(folder, &inside).map_err(Error::io("reading", &whole))?;
        if kind.is_dir() {
            let entries = fs::read_dir(&whole).and_then(|entries| {
                entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()
            });
            let mut names = entries.map_err(Error::io("reading", &whole))?;
            names.sort();
            waiting.extend(names.into_iter().rev().map(|name| inside.join(name)));
        } else if kind.is_file() {
            let mut file = File::open(&whole).map_err(Error::io("reading", &whole))?;
            visit(&inside, &mut file).map_err(Error::io("reading", &whole))?;
        } else {
            return Err(Error::requirement(&line, "links and devices are not installed"));
        }
    }
    Ok(())
}

/// What lies at a path, links on the way to it not followed: the first of them is the answer.
fn kind_of(folder: &Path, inside: &Path) -> io::Result<fs::FileType> {
    let mut whole = folder.to_owned();
    let mut kind = fs::metadata(folder)?.file_type();
    for part in inside.components() {
        whole.push(part);
        kind = fs::symlink_metadata(&whole)?.file_type();
        if kind.is_symlink() {
            break;
        }
    }
    Ok(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_and_names_make_the_digest_and_links_are_refused() {
        let model = tempfile::tempdir().unwrap();
        let folder = Some(model.path());
        fs::create_dir_all(model.path().join("code/pkg")).unwrap();
        fs::write(model.path().join("code/pkg/a.py"), "1").unwrap();
        let paths = [PathBuf::from("code")];
        let first = digest(folder, &paths).unwrap();
        assert_eq!(first, digest(folder, &paths).unwrap());
        fs::write(model.path().join("code/pkg/a.py"), "2").unwrap();
        let second = digest(folder, &paths).unwrap();
        assert_ne!(first, second);
        fs::rename(model.path().join("code/pkg/a.py"), model.path().join("code/pkg/b.py")).unwrap();
        assert_ne!(second, digest(folder, &paths).unwrap());

        let target = tempfile::tempdir().unwrap();
        copy(folder, &paths, target.path()).unwrap();
        assert_eq!(fs::read_to_string(target.path().join("code/pkg/b.py")).unwrap(), "2");

        std::os::unix::fs::symlink("/etc", model.path().join("link")).unwrap();
        for path in ["link", "link/hosts"] {
            let error = digest(folder, &[PathBuf::from(path)]).unwrap_err().to_string();
            assert!(error.contains("links"), "{error}");
        }
        assert!(digest(None, &paths).unwrap_err().to_string().contains("no folder"));
        let missing = digest(folder, &[PathBuf::from("none.whl")]).unwrap_err().to_string();
        assert!(missing.contains("none.whl"), "{missing}");
    }
}
