//! Headers of tar archives.

use tar::{EntryType, Header};

/// The header of what belongs to root and is of the time 0; its path is set when it is appended.
pub(crate) fn header(kind: EntryType, mode: u32, size_bytes: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size_bytes);
    header
}
