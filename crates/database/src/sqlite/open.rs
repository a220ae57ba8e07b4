//! Opening a connection with the settings the house relies on.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::{Error, Result};

/// Marks a file as ours (`Mdyd`), so that a foreign database is refused instead of changed.
const APPLICATION_ID: i64 = 0x4d64_7964;

/// Below this version SQLite can corrupt a database in WAL mode when a checkpoint meets a crash.
const OLDEST_SAFE_SQLITE: i32 = 3_051_003;

/// How long a connection waits for another process that holds the lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many prepared statements a connection keeps.
const STATEMENT_CACHE: usize = 256;

/// The page cache of a connection in KiB (negative is SQLite's way to say KiB). Filled only by use.
const WRITER_CACHE: i64 = -32_768;
const READER_CACHE: i64 = -8_192;

/// The write-ahead log is copied back into the database each time it has grown by this many pages of
/// 4 KiB. Larger than SQLite's 1,000: fewer syncs of the main file under load, for 16 MiB of disk.
const CHECKPOINT_PAGES: i64 = 4_000;

/// Makes those who open databases in one folder wait for each other, until the result is dropped: SQLite's own
/// locks leave gaps while a new file gets its mark and its log.
pub(super) fn lock_folder(path: &Path) -> Result<File> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let cannot = |error: &dyn std::fmt::Display| cannot_open(path, error);
    let folder = File::open(folder).map_err(|error| cannot(&error))?;
    match folder.lock() {
        Err(error) if error.kind() != ErrorKind::Unsupported => Err(cannot(&error)),
        _ => Ok(folder),
    }
}

/// Opens the writer's connection, creating the file when it is absent.
pub(super) fn writable(path: &Path) -> Result<Connection> {
    open_writable(path).map_err(|error| named(path, error))
}

fn open_writable(path: &Path) -> Result<Connection> {
    if rusqlite::version_number() < OLDEST_SAFE_SQLITE {
        let version = rusqlite::version();
        return Err(Error::Refused(format!(
            "SQLite {version} is older than 3.51.3, the first safe one"
        )));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn =
        Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, &error))?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    let empty = std::fs::metadata(path).is_ok_and(|file| file.len() == 0);
    if empty {
        // Nothing can be lost yet, so the first steps of a new file share one sync.
        conn.pragma_update(None, "synchronous", "OFF")?;
    }
    adopt(&conn, path)?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::Refused(format!(
            "{} cannot use a write-ahead log (journal mode {mode}); is it on a network file system?",
            path.display()
        )));
    }
    if empty {
        // Before the first commit: a log beside an empty file would be thrown away.
        File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(|error| cannot_open(path, &error))?;
    }
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "cache_size", WRITER_CACHE)?;
    conn.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    common(&conn)?;
    Ok(conn)
}

/// Opens a connection that cannot write.
pub(super) fn read_only(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn =
        Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, &error))?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", READER_CACHE)?;
    common(&conn)?;
    Ok(conn)
}

/// Opens a connection that cannot write to a database of ours that others may have open.
pub(crate) fn beside_others(path: &Path) -> Result<Connection> {
    let _alone = lock_folder(path)?;
    let opened = read_only(path).and_then(|conn| {
        recognise(&conn, path)?;
        // Writing a copy counts as writing; the file itself is open for reading only.
        conn.pragma_update(None, "query_only", false)?;
        Ok(conn)
    });
    opened.map_err(|error| named(path, error))
}

/// Opens a database of ours that nobody writes to, without leaving a trace beside it.
pub(crate) fn unchanging(path: &Path) -> Result<Connection> {
    let Some(name) = path.to_str() else {
        return Err(cannot_open(path, &"the path is not UTF-8"));
    };
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
        .map_err(|error| cannot_open(path, &error))?;
    let prepared = common(&conn).and_then(|()| recognise(&conn, path));
    prepared.map_err(|error| named(path, error))?;
    Ok(conn)
}

fn common(conn: &Connection) -> Result<()> {
    conn.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    conn.pragma_update(None, "foreign_keys", true)?;
    // Views and triggers of a planted database file must not call functions with side effects.
    conn.pragma_update(None, "trusted_schema", false)?;
    super::functions::register(conn)?;
    Ok(())
}

/// Accepts an empty file, and one that carries our mark.
fn adopt(conn: &Connection, path: &Path) -> Result<()> {
    if !recognise(conn, path)? {
        conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(())
}

/// Whether the file carries our mark; if not, it is empty.
fn recognise(conn: &Connection, path: &Path) -> Result<bool> {
    let id: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    // Also of one that is ours: the schema may be damaged where the mark is not.
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id == APPLICATION_ID {
        return Ok(true);
    }
    if id != 0 || tables > 0 {
        return Err(Error::Refused(foreign(conn, path)));
    }
    Ok(false)
}

fn foreign(conn: &Connection, path: &Path) -> String {
    let mlflow =
        "SELECT count(*) FROM sqlite_schema WHERE name IN ('alembic_version', 'experiments')";
    let path = path.display();
    match conn.query_row(mlflow, [], |row| row.get::<_, i64>(0)) {
        Ok(2) => format!(
            "{path} is a database of MLflow, which has another schema; \
             name a new file, for example --backend-store-uri sqlite:///modelyard.db"
        ),
        _ => format!("{path} is a database of another program; name a new file"),
    }
}

/// Puts the file's name before what is wrong with it.
fn named(path: &Path, error: Error) -> Error {
    match error {
        Error::Refused(why) if !why.contains(&*path.to_string_lossy()) => cannot_open(path, &why),
        error => error,
    }
}

fn cannot_open(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::Refused(format!("cannot open the database {}: {error}", path.display()))
}
