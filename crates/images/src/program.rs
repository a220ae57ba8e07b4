//! What a program needs of this machine to start where nothing else is: its loader and its libraries.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::elf::Elf;
use crate::error::Error;
use crate::layer::Layer;
use crate::platform::Platform;

/// What to use where the libraries of this machine do not do.
const ADVICE: &str = "use a modelyard that is linked statically (built for *-unknown-linux-musl)";
/// Most libraries of a program; one with a graphical interface has some hundred.
const LIBRARIES_MAX: usize = 500;
/// A library longer than this is not searched for its release; glibc's is 2 MiB long.
const RELEASE_MAX_BYTES: u64 = 16 << 20;
/// How glibc begins to say what it is.
const RELEASE: &[u8] = b"GNU C Library (";
/// Where Debian keeps the licences of the libraries that a Rust program loads, by their names.
const LICENCES: [(&str, &str); 2] = [
    ("libc.so.6", "/usr/share/doc/libc6/copyright"),
    ("libgcc_s.so.1", "/usr/share/doc/libgcc-s1/copyright"),
];

/// A program with what it loads.
#[derive(Debug)]
pub struct Program {
    file: PathBuf,
    platform: Platform,
    /// Loader and libraries: where the loader looks for them, in the image as on this machine.
    shared: BTreeMap<String, PathBuf>,
}

impl Program {
    /// Finds what the program in a file loads.
    ///
    /// # Errors
    /// If it is no program, or loads what is not on this machine or not where every loader looks.
    pub fn find(file: &Path) -> Result<Self, Error> {
        let elf = Elf::read(file)?;
        let mut shared = BTreeMap::new();
        let (file, platform) = (file.to_owned(), elf.platform);
        let Some(loader) = elf.interpreter.clone() else {
            // What is linked statically needs none, what is no program has none.
            if elf.needed.is_empty() {
                return Ok(Self { file, platform, shared });
            }
            return Err(Error::program(&file, "a library, not a program"));
        };
        let (true, Some(name)) = (loader.is_absolute(), loader.file_name()) else {
            return Err(Error::program(&file, format!("it names no loader by its path: {ADVICE}")));
        };
        if !Elf::read(&loader).is_ok_and(|found| found.platform == platform) {
            let why = format!("its loader {} is not on this machine: {ADVICE}", loader.display());
            return Err(Error::program(&file, why));
        }
        shared.insert(name.to_string_lossy().into_owned(), loader);
        let mut waiting = VecDeque::from([(file.clone(), elf)]);
        while let Some((owner, elf)) = waiting.pop_front() {
            if let Some(folders) = elf.run_path {
                let why = format!("it looks for libraries in {folders}: {ADVICE}");
                return Err(Error::program(&owner, why));
            }
            for name in elf.needed {
                if shared.contains_key(&name) {
                    continue;
                }
                let (path, library) = library(&name, platform).ok_or_else(|| {
                    let why = format!("its library {name} is not on this machine: {ADVICE}");
                    Error::program(&owner, why)
                })?;
                shared.insert(name, path.clone());
                if shared.len() > LIBRARIES_MAX {
                    return Err(Error::program(&file, "more than 500 libraries"));
                }
                waiting.push_back((path, library));
            }
        }
        Ok(Self { file, platform, shared })
    }

    /// What machines it runs on.
    pub fn platform(&self) -> Platform {
        self.platform
    }

    /// The loader and the libraries, as paths of this machine and of the image; none if it is linked statically.
    pub fn shared(&self) -> impl Iterator<Item = &Path> {
        self.shared.values().map(PathBuf::as_path)
    }

    /// What glibc among the libraries calls itself: `GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36`.
    pub fn libc_release(&self) -> Option<String> {
        let file = File::open(self.shared.get("libc.so.6")?).ok()?;
        let mut bytes = Vec::new();
        file.take(RELEASE_MAX_BYTES).read_to_end(&mut bytes).ok()?;
        let at = bytes.windows(RELEASE.len()).position(|window| window == RELEASE)?;
        let line = bytes.get(at..)?.split(|byte| !matches!(byte, b' '..=b'~')).next()?;
        Some(String::from_utf8_lossy(line).trim_end_matches('.').to_owned())
    }

    /// Adds the program at a path of the image, with all that it loads, and the libraries' licences if this machine
    /// has them.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn add_to(&self, layer: &mut Layer, at: &str) -> Result<(), Error> {
        layer.add_program(at, &self.file)?;
        for path in self.shared.values() {
            layer.add_program(&path.to_string_lossy(), path)?;
        }
        for (name, licence) in LICENCES {
            if self.shared.contains_key(name) && fs::metadata(licence).is_ok_and(|it| it.is_file())
            {
                layer.add_file(licence, Path::new(licence))?;
            }
        }
        Ok(())
    }
}

/// A library where loaders look without being told: the cache that tells them of more is not in the image.
fn library(name: &str, platform: Platform) -> Option<(PathBuf, Elf)> {
    let machine = platform.library_folder();
    let folders = [
        format!("/lib/{machine}"),
        format!("/usr/lib/{machine}"),
        "/lib64".to_owned(),
        "/usr/lib64".to_owned(),
        "/lib".to_owned(),
        "/usr/lib".to_owned(),
    ];
    // A name with a slash is a path, which loaders take as it is.
    let name = Path::new(name).file_name().filter(|only| *only == name)?;
    folders.iter().map(|folder| Path::new(folder).join(name)).find_map(|path| {
        let elf = Elf::read(&path).ok().filter(|elf| elf.platform == platform)?;
        Some((path, elf))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_with_its_loader_and_the_libraries_of_its_libraries() {
        let program = Program::find(&std::env::current_exe().unwrap()).unwrap();
        let names: Vec<&String> = program.shared.keys().collect();
        assert!(names.iter().any(|name| name.starts_with("ld-")), "{names:?}");
        assert!(names.iter().any(|name| name.starts_with("libc.")), "{names:?}");
        if program.shared.contains_key("libc.so.6") {
            let release = program.libc_release().unwrap();
            assert!(release.contains("release version 2."), "{release}");
        }
    }

    /// Written over a program's headers: it then names neither a loader nor libraries.
    fn made_static(program: &mut [u8]) {
        let word = |at: usize| u16::from_le_bytes([program[at], program[at + 1]]).into();
        // In 64-bit files: where the headers begin (never far), how long one is, how many there are.
        let (begin, length, count): (usize, usize, usize) = (word(32), word(54), word(56));
        for header in program[begin..].chunks_exact_mut(length).take(count) {
            // PT_DYNAMIC and PT_INTERP become PT_NULL.
            if matches!(header[0], 2 | 3) && header[1..4] == [0; 3] {
                header[0] = 0;
            }
        }
    }

    #[test]
    fn a_program_that_is_linked_statically_needs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        let mut bytes = fs::read("/bin/true").unwrap();
        made_static(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let program = Program::find(&path).unwrap();
        assert_eq!((program.shared().count(), program.libc_release()), (0, None));
    }

    #[test]
    fn what_cannot_start_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        fs::write(&script, "#!/bin/sh\n".repeat(100)).unwrap();
        let why = Program::find(&script).unwrap_err().to_string();
        assert!(why.contains("no program for Linux"), "{why}");
        assert!(Program::find(folder.path()).is_err());

        let program = Program::find(&std::env::current_exe().unwrap()).unwrap();
        let library = program.shared().find(|path| path.ends_with("libgcc_s.so.1"));
        if let Some(library) = library {
            let why = Program::find(library).unwrap_err().to_string();
            assert!(why.contains("not a program"), "{why}");
        }
    }
}
