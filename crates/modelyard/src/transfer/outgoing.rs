//! What is to be uploaded: local files and their names in the store, all checked beforehand.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use modelyard_artifacts::ArtifactPath;

/// A local file and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) file: PathBuf,
    pub(crate) path: ArtifactPath,
    /// Bytes.
    pub(crate) size: u64,
}

/// One file, into `target` (`None` is the root), under its own name.
///
/// # Errors
/// If it is missing, no file, or has a name that artifacts cannot have.
pub(crate) fn file(file: &Path, target: Option<&ArtifactPath>) -> anyhow::Result<Outgoing> {
    let metadata = stat(file)?;
    if metadata.is_dir() {
        bail!("{} is a folder; `log-artifacts` uploads folders", file.display());
    }
    // `.` and `..` have no name of their own.
    let named = fs::canonicalize(file)?;
    let own_name = file.file_name().or(named.file_name()).map(Path::new).unwrap_or(file);
    outgoing(file, &metadata, &name(own_name)?.below(target)?)
}

/// All files in a folder and the folders below it, into `target` (`None` is the root).
///
/// Symbolic links are followed. Folders without files leave no trace: artifact stores know files
/// only.
///
/// # Errors
/// If something cannot be read, is neither file nor folder, or has a name that artifacts cannot
/// have; nothing is left out silently.
pub(crate) fn folder(
    folder: &Path,
    target: Option<&ArtifactPath>,
) -> anyhow::Result<Vec<Outgoing>> {
    if !stat(folder)?.is_dir() {
        bail!("{} is a file; `log-artifact` uploads single files", folder.display());
    }
    let mut found = Vec::new();
    let mut above = vec![fs::canonicalize(folder)?];
    walk(folder, target, &mut above, &mut found)?;
    Ok(found)
}

fn walk(
    folder: &Path,
    target: Option<&ArtifactPath>,
    above: &mut Vec<PathBuf>,
    found: &mut Vec<Outgoing>,
) -> anyhow::Result<()> {
    let cannot_list = || format!("cannot list {}", folder.display());
    let entries = fs::read_dir(folder).with_context(cannot_list)?;
    let mut entries: Vec<_> = entries.collect::<Result<_, _>>().with_context(cannot_list)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let file = entry.path();
        let metadata = stat(&file)?;
        let path = name(Path::new(&entry.file_name()))?.below(target)?;
        if !metadata.is_dir() {
            found.push(outgoing(&file, &metadata, &path)?);
            continue;
        }
        let real = fs::canonicalize(&file)?;
        if above.contains(&real) {
            bail!("{} is a symbolic link to a folder that contains it", file.display());
        }
        above.push(real);
        walk(&file, Some(&path), above, found)?;
        above.pop();
    }
    Ok(())
}

/// Follows links.
fn stat(file: &Path) -> anyhow::Result<Metadata> {
    fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))
}

fn outgoing(file: &Path, metadata: &Metadata, path: &ArtifactPath) -> anyhow::Result<Outgoing> {
    if !metadata.is_file() {
        bail!("{} is neither a file nor a folder", file.display());
    }
    Ok(Outgoing { file: file.to_owned(), path: path.clone(), size: metadata.len() })
}

/// The name of a local file, if artifacts can have it.
fn name(file_name: &Path) -> anyhow::Result<ArtifactPath> {
    let Some(text) = file_name.to_str() else {
        bail!("the name of {} is not UTF-8", file_name.display());
    };
    let cannot_have = || format!("{} cannot be the name of an artifact", file_name.display());
    ArtifactPath::parse(text).with_context(cannot_have)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn paths(found: &[Outgoing]) -> Vec<(&str, u64)> {
        found.iter().map(|one| (one.path.as_str(), one.size)).collect()
    }

    fn tree() -> tempfile::TempDir {
        let temp = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(temp.path().join("a/empty")).expect("a folder");
        fs::write(temp.path().join("a/ü 1.txt"), "12").expect("a file");
        fs::write(temp.path().join("b"), "").expect("a file");
        temp
    }

    #[test]
    fn a_folder_is_its_files() {
        let temp = tree();
        let found = folder(temp.path(), None).expect("readable");
        assert_eq!(paths(&found), [("a/ü 1.txt", 2), ("b", 0)]);
        let below = ArtifactPath::parse("x/y").expect("a path");
        let found = folder(temp.path(), Some(&below)).expect("readable");
        assert_eq!(paths(&found), [("x/y/a/ü 1.txt", 2), ("x/y/b", 0)]);
    }

    #[test]
    fn links_are_followed_but_not_in_circles() {
        let temp = tree();
        symlink("a", temp.path().join("c")).expect("a link");
        let found = folder(temp.path(), None).expect("readable");
        assert_eq!(paths(&found), [("a/ü 1.txt", 2), ("b", 0), ("c/ü 1.txt", 2)]);
        symlink("..", temp.path().join("a/up")).expect("a link");
        let error = folder(temp.path(), None).expect_err("a circle").to_string();
        assert!(error.contains("a/up is a symbolic link to a folder that contains it"), "{error}");
    }

    #[test]
    fn what_cannot_be_uploaded_is_named() {
        let temp = tree();
        let text = |result: anyhow::Result<Vec<Outgoing>>| format!("{:#}", result.expect_err("no"));
        fs::write(temp.path().join("a\\b"), "").expect("a file");
        let error = text(folder(temp.path(), None));
        assert!(error.contains("a\\b cannot be the name of an artifact"), "{error}");
        fs::remove_file(temp.path().join("a\\b")).expect("removed");
        symlink("nowhere", temp.path().join("dangling")).expect("a link");
        let error = text(folder(temp.path(), None));
        assert!(error.contains("dangling"), "{error}");
    }

    #[test]
    fn files_and_folders_have_their_own_commands() {
        let temp = tree();
        let error = file(&temp.path().join("a"), None).expect_err("a folder").to_string();
        assert!(error.contains("`log-artifacts`"), "{error}");
        let error = folder(&temp.path().join("b"), None).expect_err("a file").to_string();
        assert!(error.contains("`log-artifact`"), "{error}");
        let one = file(&temp.path().join("a/ü 1.txt"), None).expect("a file");
        assert_eq!(paths(&[one]), [("ü 1.txt", 2)]);
    }
}
