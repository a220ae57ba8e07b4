//! SQLite: one writer thread with group commit, and a few read-only connections.

mod functions;
mod open;
mod readers;
mod writer;

use std::path::Path;

pub(crate) use open::{beside_others, unchanging};
pub(crate) use readers::Readers;
pub(crate) use writer::{Job, Writer, stopped};

use crate::{Conn, Result};

/// An open SQLite database.
pub(crate) struct Sqlite {
    /// Closed before the writer: whoever closes a database last puts its log away, and only the writer may.
    pub(crate) readers: Readers,
    pub(crate) writer: Writer,
}

impl Sqlite {
    /// Opens or creates the file, lets `prepare` bring its schema up to date, and starts the threads.
    pub(crate) fn open(path: &Path, prepare: impl FnOnce(&mut Conn) -> Result<()>) -> Result<Self> {
        // Until the end of this function.
        let _alone = open::lock_folder(path)?;
        let mut conn = Conn::Sqlite(open::writable(path)?);
        prepare(&mut conn)?;
        let readers = Readers::new(path)?;
        let writer = Writer::start(conn)?;
        Ok(Self { readers, writer })
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // Reads for which nobody waits any more are ending, but hold their connections until then.
        self.readers.wait_until_idle();
    }
}
