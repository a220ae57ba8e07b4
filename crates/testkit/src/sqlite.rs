//! Looks into a SQLite file from outside.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// What `PRAGMA integrity_check` says of a database that nobody has open: `ok`, or its complaints.
///
/// # Panics
/// If the file is no database or cannot be opened.
pub fn sqlite_integrity(file: &Path) -> String {
    let conn = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .expect("open the database");
    let mut check = conn.prepare("PRAGMA integrity_check").expect("prepare the check");
    let lines = check.query_map([], |row| row.get::<_, String>(0)).expect("run the check");
    lines.map(|line| line.expect("read the check's answer")).collect::<Vec<_>>().join("\n")
}
