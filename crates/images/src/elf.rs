//! What the header of a program or library says about what it needs: files of strangers, so every number is checked
//! by the reader underneath.

use std::fs::File;
use std::path::{Path, PathBuf};

use object::elf::{
    DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_STRTAB, EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC,
    FileHeader64, PT_LOAD, ProgramHeader64,
};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};
use object::{LittleEndian, ReadCache, ReadRef as _};

use crate::error::Error;
use crate::platform::Platform;

/// Longest name in a dynamic section; file systems have 255 for a name, 4,096 for a path.
const NAME_MAX_BYTES: u64 = 4096;

const FOREIGN: &str = "a program for neither linux/amd64 nor linux/arm64";

/// A program or a library.
#[derive(Debug)]
pub(crate) struct Elf {
    pub(crate) platform: Platform,
    /// The loader that starts it.
    pub(crate) interpreter: Option<PathBuf>,
    /// Names of libraries.
    pub(crate) needed: Vec<String>,
    /// Where it wants its libraries looked for.
    pub(crate) run_path: Option<String>,
}

type Header = FileHeader64<LittleEndian>;
type Segment = ProgramHeader64<LittleEndian>;
type Data<'a> = &'a ReadCache<File>;

impl Elf {
    /// Reads the headers of a file.
    ///
    /// # Errors
    /// If it is no program or library of a known platform.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io("reading", path))?;
        let data = ReadCache::new(file);
        let parsed = parse(&data).map_err(|error| format!("no program for Linux ({error})"));
        let elf = parsed.and_then(|elf| elf.ok_or_else(|| FOREIGN.to_owned()));
        elf.map_err(|why| Error::program(path, why))
    }
}

/// `None` if it is for another kind of machine.
fn parse(data: Data<'_>) -> Result<Option<Elf>, String> {
    let wrong = |error: object::Error| error.to_string();
    let header = Header::parse(data).map_err(wrong)?;
    let endian = header.endian().map_err(wrong)?;
    let platform = match (header.e_type(endian), header.e_machine(endian)) {
        (ET_EXEC | ET_DYN, EM_X86_64) => Platform::LinuxAmd64,
        (ET_EXEC | ET_DYN, EM_AARCH64) => Platform::LinuxArm64,
        _ => return Ok(None),
    };
    let segments = header.program_headers(endian, data).map_err(wrong)?;
    let mut elf = Elf { platform, interpreter: None, needed: Vec::new(), run_path: None };
    for segment in segments {
        if let Some(path) = segment.interpreter(endian, data).map_err(wrong)? {
            elf.interpreter = Some(PathBuf::from(text(path)));
        }
        let entries = segment.dynamic(endian, data).map_err(wrong)?.unwrap_or_default();
        let names = entries.iter().find(|entry| entry.tag(endian) == DT_STRTAB);
        let names = names.map_or(0, |entry| entry.val(endian));
        for entry in entries {
            let name = || {
                name_at(data, segments, names.saturating_add(entry.val(endian)))
                    .ok_or("a name of its dynamic section is not in the file")
            };
            match entry.tag(endian) {
                DT_NEEDED => elf.needed.push(name()?),
                DT_RPATH | DT_RUNPATH => elf.run_path = Some(name()?),
                _ => {}
            }
        }
    }
    Ok(Some(elf))
}

/// The text at an address of the loaded program.
fn name_at(data: Data<'_>, segments: &[Segment], address: u64) -> Option<String> {
    let endian = LittleEndian;
    let at =
        segments.iter().filter(|segment| segment.p_type(endian) == PT_LOAD).find_map(|it| {
            let inside = address.checked_sub(it.p_vaddr(endian))?;
            (inside < it.p_filesz(endian)).then(|| it.p_offset(endian).checked_add(inside))?
        })?;
    let end = at.checked_add(NAME_MAX_BYTES)?.min(data.len().ok()?);
    data.read_bytes_at_until(at..end, 0).ok().map(text)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_program_is_an_error_and_no_panic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        let whole = std::fs::read("/bin/true").unwrap();
        std::fs::write(&path, &whole).unwrap();
        let read = Elf::read(&path).unwrap();
        assert!(read.needed.iter().any(|name| name.starts_with("libc.")), "{read:?}");
        for at in 0..1024 {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            std::fs::write(&path, &damaged).unwrap();
            let _ = Elf::read(&path);
        }
        for length in [0, 1, 63, 64, 1000, 4096] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(Elf::read(&path).is_err(), "{length} bytes");
        }
    }
}
