//! Finding programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::settings::Settings;

/// The program of that name in the folders of `PATH`, which this process's own current folder is never one of.
pub(crate) fn on_path(settings: &Settings, name: &str) -> Option<PathBuf> {
    on_path_but(settings, name, |_| false)
}

/// The same, without the folders that are `passed` over.
pub(crate) fn on_path_but(
    settings: &Settings,
    name: &str,
    passed: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let path = settings.variable("PATH").unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"));
    let folders = std::env::split_paths(path);
    let folders = folders.filter(|folder| folder.is_absolute() && !passed(folder));
    folders.map(|folder| folder.join(name)).find(|program| is_program(program))
}

/// Whether it is a file that may be executed.
pub(crate) fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_executable_files_of_absolute_folders() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("plain"), "").unwrap();
        std::os::unix::fs::symlink("/bin/sh", temp.path().join("tool")).unwrap();
        let path = std::env::join_paths([Path::new("relative"), temp.path()]).unwrap();
        let variables = [("HOME".into(), "/h".into()), ("PATH".into(), path)];
        let settings = Settings::read(variables).unwrap();
        assert_eq!(on_path(&settings, "tool"), Some(temp.path().join("tool")));
        assert_eq!(on_path(&settings, "plain"), None);
        assert_eq!(on_path_but(&settings, "tool", |folder| folder == temp.path()), None);
    }
}
