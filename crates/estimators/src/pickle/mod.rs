//! Pickles, protocols 0 to 5, as Python, cloudpickle and joblib write them, read without executing
//! anything: classes and functions are names, and a call is a record of the name and its arguments.
//!
//! The few calls whose results are data (numpy's arrays and types, sets, ordered dictionaries,
//! encoded bytes) become those data. All others stay records, which the compiler knows or refuses.

mod calls;
mod joblib;
mod machine;
mod numpy;
mod opcode;
mod text;

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::limits::{FILE_MAX_BYTES, within};

const FORMAT: &str = "pickle";

/// Reads one pickle.
pub(crate) fn read(bytes: &[u8]) -> Result<Graph> {
    within("the bytes of a pickle", bytes.len(), FILE_MAX_BYTES)?;
    if let Some(how) = compression(bytes) {
        return Err(Error::python(format!("the pickle is compressed with {how}")));
    }
    machine::Machine::new(bytes).run()
}

/// joblib and users compress pickles in these ways; Python finds out by the first bytes as well.
fn compression(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 6] = [
        (b"\x1f\x8b", "gzip"),
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ", "xz"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"ZF", "joblib's old zlib"),
    ];
    let zlib = matches!(bytes, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]);
    let magic = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, how)| *how);
    magic.or(zlib.then_some("zlib"))
}

#[cfg(test)]
mod tests;
