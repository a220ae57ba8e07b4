//! The limit on open files.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Files kept for everything but connections: the database, its readers, artifacts in transfer.
const RESERVE: u64 = 512;
/// The fewest connections worth starting with.
const LEAST: u64 = 64;

/// Raises the limit as far as this user may, and returns how many connections it leaves room for.
///
/// The limit that shells set (1024) is for programs of old that cannot count further.
pub(crate) fn for_connections() -> u32 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!("the limit on open files stays as it is: {error}");
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let room = files.saturating_sub(RESERVE).max(LEAST);
    u32::try_from(room).unwrap_or(u32::MAX)
}
