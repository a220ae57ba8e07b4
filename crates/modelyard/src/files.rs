//! Files that are written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use modelyard_protocol::Context;

/// Writes a file beside its final place and moves it there once it is complete. What is no regular
/// file, such as `/dev/stdout` or a pipe, is written directly.
///
/// # Errors
/// Those of the system; the file that was there before is then unchanged.
pub(crate) fn replace(
    path: &Path,
    context: &Context,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => {
            let file = OpenOptions::new().write(true).open(path)?;
            return fill(&file, write);
        }
        _ => {}
    }
    // A symbolic link stays; what it points to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let temporary = beside(&target, context);
    let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    let written = fill(&file, write)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, target));
    if written.is_err() {
        // The first error is the one worth telling.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn fill(file: &File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush()
}

fn beside(target: &Path, context: &Context) -> PathBuf {
    target.with_file_name(temporary_name(context))
}

/// A name that nobody else uses, for a file that is not complete yet.
pub(crate) fn temporary_name(context: &Context) -> String {
    format!(".modelyard-{}.part", context.uuid_hex())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("runs.csv");
        let context = context::operating_system();
        replace(&path, &context, |out| out.write_all(b"old")).expect("written");
        let failed = replace(&path, &context, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("the server went away"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).expect("still there"), b"old");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn a_symbolic_link_keeps_pointing() {
        let folder = tempfile::tempdir().expect("a folder");
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").expect("written");
        std::os::unix::fs::symlink("real", &link).expect("a link");
        replace(&link, &context::operating_system(), |out| out.write_all(b"new")).expect("written");
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
        assert_eq!(fs::read(&real).expect("there"), b"new");
    }

    #[test]
    fn devices_are_written_not_replaced() {
        let context = context::operating_system();
        replace(Path::new("/dev/null"), &context, |out| out.write_all(b"x")).expect("written");
        assert!(!fs::metadata("/dev/null").expect("there").is_file());
    }
}
