//! PostgreSQL's own programs, which know how to copy a database.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use modelyard_database::{DatabaseUri, Look};

/// Where Debian and its kin put the programs of each version, which `PATH` need not name.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Finds a program.
///
/// # Errors
/// With what to install.
pub(crate) fn find(program: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(VERSIONS)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((number, entry.path().join("bin")))
        })
        .collect();
    // An older program refuses a newer server.
    versions.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    folders.extend(versions.into_iter().map(|(_, folder)| folder));
    let found = folders.into_iter().map(|folder| folder.join(program)).find(|it| it.is_file());
    found.with_context(|| {
        format!(
            "{program} is not installed, and only it copies a PostgreSQL database well. Install \
             PostgreSQL's client programs, at least as new as the server (on Debian: apt install \
             postgresql-client), or copy the database by other means"
        )
    })
}

/// Writes a dump of the database into a new file, as of one moment while others write.
///
/// # Errors
/// What `pg_dump` says.
pub(crate) fn dump(database: &DatabaseUri, look: &Look, target: &Path) -> anyhow::Result<()> {
    let mut args = vec!["--format=custom".to_owned(), "--no-owner".to_owned()];
    args.push("--no-privileges".to_owned());
    // The rest of a shared database is somebody else's.
    if let Some(namespace) = look.namespace.as_deref().filter(|name| *name != "public") {
        args.push(format!("--schema=\"{}\"", namespace.replace('"', "\"\"")));
    }
    args.push(format!("--file={}", target.display()));
    run("pg_dump", database, &args)?;
    std::fs::File::open(target).and_then(|file| file.sync_all()).context("cannot sync the dump")
}

/// Brings a dump back into an empty database: all of it, or nothing.
///
/// # Errors
/// What `pg_restore` says.
pub(crate) fn restore(database: &DatabaseUri, dump: &Path) -> anyhow::Result<()> {
    let name = database.environment()?.into_iter().find(|(name, _)| *name == "PGDATABASE");
    let (_, name) = name.context("the PostgreSQL URI names no database")?;
    let mut args: Vec<String> =
        ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
            .map(str::to_owned)
            .into();
    // As the value of a flag, so that it is a name whatever it looks like.
    args.push(format!("--dbname={}", quoted(&name)));
    args.push(dump.display().to_string());
    run("pg_restore", database, &args)
}

/// Checks that a dump can be read to its end.
///
/// # Errors
/// What `pg_restore` says.
pub(crate) fn check(dump: &Path) -> anyhow::Result<()> {
    let nowhere = DatabaseUri::Sqlite(PathBuf::new());
    run("pg_restore", &nowhere, &["--file=/dev/null".to_owned(), dump.display().to_string()])
}

/// A database's name as a connection string, of which PostgreSQL's programs also take the bare form, but then
/// look for `=` and `://` in it.
fn quoted(name: &str) -> String {
    format!("dbname='{}'", name.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[expect(clippy::disallowed_methods, reason = "only PostgreSQL's own programs copy its databases")]
fn run(program: &str, database: &DatabaseUri, args: &[String]) -> anyhow::Result<()> {
    let mut command = Command::new(find(program)?);
    command.args(args).envs(database.environment()?).stdin(Stdio::null());
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::bail!("{program} failed: {}", said.trim())
}
