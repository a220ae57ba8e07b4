//! Checking a backup, without changing anything in it.

use std::path::Path;
use std::pin::pin;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use modelyard_artifacts::{ArtifactFile, ArtifactPath, Repository, Variables, Walk};
use modelyard_database::Engine;
use modelyard_protocol::Context;

use super::manifest::{self, Manifest, StoreCopy};
use super::{ARTIFACTS, PARALLEL, digest, digest_of, postgres, repository, webhook_key};

/// What was found wrong: the first findings, and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) first: Vec<String>,
    pub(crate) count: u64,
}

/// Findings told one by one; more would only hide them.
const TOLD: usize = 20;

impl Findings {
    fn add(&mut self, finding: String) {
        self.count += 1;
        if self.first.len() < TOLD {
            self.first.push(finding);
        }
    }
}

/// Checks the database and every file of a backup against its manifest; and whether the artifacts that are only
/// listed are in their buckets, with their sizes.
///
/// # Errors
/// If the manifest or a list cannot be read; all else is a finding.
pub(crate) async fn check(
    backup: &Path,
    variables: &Variables,
    context: &Context,
) -> anyhow::Result<(Manifest, Findings)> {
    let (manifest, _) = Manifest::read(backup)?;
    let mut findings = Findings::default();
    if let Err(error) = check_database(backup, &manifest).await {
        findings.add(format!("{}: {error:#}", manifest.database.file));
    }
    if let Some(key) = &manifest.webhook_secrets.key
        && let Err(error) = webhook_key::check(backup, key)
    {
        findings.add(format!("{}: {error:#}", key.file));
    }
    for store in &manifest.stores {
        let checked = match store.copied {
            true => check_store(backup, store, context, &mut findings).await,
            false => check_bucket(backup, store, variables, &mut findings).await,
        };
        if let Err(error) = checked {
            findings.add(format!("{error:#}"));
        }
    }
    Ok((manifest, findings))
}

/// Checks the copy of the database.
///
/// # Errors
/// With what is wrong with it.
pub(super) async fn check_database(backup: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let copy = &manifest.database;
    let path = manifest::inside(backup, &copy.file)?;
    let (is_sqlite, expected) = (is_sqlite(manifest)?, (copy.size_bytes, copy.sha256.clone()));
    let newest = modelyard_store::newest_schema_version();
    if copy.schema_version > newest {
        anyhow::bail!(
            "it has schema version {}, this program knows {newest}; use a newer program",
            copy.schema_version
        );
    }
    let check = move || {
        if digest::of_file(&path)? != expected {
            anyhow::bail!("it is damaged: its size or checksum is another");
        }
        if !is_sqlite {
            return match postgres::find("pg_restore") {
                Ok(_) => postgres::check(&path),
                // Its checksum is right, which is as much as can be said here.
                Err(_) => Ok(()),
            };
        }
        modelyard_database::check_file(&path)?;
        Ok(())
    };
    tokio::task::spawn_blocking(check).await?
}

/// Whether the copy is a SQLite file.
///
/// # Errors
/// If it is of an engine that this program does not know.
pub(super) fn is_sqlite(manifest: &Manifest) -> anyhow::Result<bool> {
    match manifest.database.engine.as_str() {
        name if name == Engine::Sqlite.name() => Ok(true),
        name if name == Engine::Postgres.name() => Ok(false),
        other => anyhow::bail!("databases of kind '{other}' are not known; use a newer program"),
    }
}

async fn check_store(
    backup: &Path,
    store: &StoreCopy,
    context: &Context,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let name = store.name.as_str();
    let lines = Manifest::list(backup, store)?;
    let folder = backup.join(ARTIFACTS).join(name);
    if !folder.is_dir() {
        anyhow::bail!("{ARTIFACTS}/{name} is missing, with {} artifacts", store.files);
    }
    let repository = repository(folder, context).await?;
    let mut there = 0;
    for line in lines {
        let line = line?;
        let shown = format!("{ARTIFACTS}/{name}/{}", line.path);
        match check_file(&repository, &line.path, line.size_bytes, line.sha256.as_deref()).await {
            Ok(()) => there += 1,
            Err(Fault::Missing) => findings.add(format!("{shown}: it is missing")),
            Err(Fault::Other(why)) => {
                there += 1;
                findings.add(format!("{shown}: {why}"));
            }
        }
    }
    let mut found = 0;
    let mut walk = Walk::new(&repository, None);
    while walk.next().await?.is_some() {
        found += 1;
    }
    if found > there {
        findings.add(format!("{ARTIFACTS}/{name}: {} files are not in the list", found - there));
    }
    Ok(())
}

/// Looks for what the list of a bucket names; what came later is no finding.
async fn check_bucket(
    backup: &Path,
    store: &StoreCopy,
    variables: &Variables,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let lines = Manifest::list(backup, store)?;
    let bucket = Repository::of_bucket(&store.location, variables)?;
    // Once, instead of for every file.
    bucket.check().await?;
    let bucket = &bucket;
    let looks = stream::iter(lines).map(async |line| {
        let line = line?;
        let found = open_file(bucket, &line.path, line.size_bytes).await;
        anyhow::Ok(found.err().map(|fault| (line.path, fault)))
    });
    let mut looks = pin!(looks.buffered(PARALLEL));
    while let Some(fault) = looks.try_next().await? {
        match fault {
            None => {}
            Some((path, Fault::Missing)) => {
                findings.add(format!("{}/{path}: it is missing", store.location));
            }
            Some((path, Fault::Other(why))) => {
                findings.add(format!("{}/{path}: {why}", store.location));
            }
        }
    }
    Ok(())
}

enum Fault {
    Missing,
    Other(String),
}

async fn check_file(
    repository: &Repository,
    path: &str,
    size_bytes: u64,
    sha256: Option<&str>,
) -> Result<(), Fault> {
    let file = open_file(repository, path, size_bytes).await?;
    match digest_of(file).await {
        Ok(found) if Some(found.as_str()) == sha256 => Ok(()),
        Ok(_) => Err(Fault::Other("it is damaged: its checksum is another".to_owned())),
        Err(error) => Err(Fault::Other(error.to_string())),
    }
}

/// A file that has the size it should have.
async fn open_file(
    repository: &Repository,
    path: &str,
    size_bytes: u64,
) -> Result<ArtifactFile, Fault> {
    let path = ArtifactPath::parse(path).map_err(|error| Fault::Other(error.to_string()))?;
    let file = match repository.open(&path).await {
        Ok(file) => file,
        Err(modelyard_artifacts::Error::NotFound(_)) => return Err(Fault::Missing),
        Err(error) => return Err(Fault::Other(error.to_string())),
    };
    if file.size_bytes != size_bytes {
        let size = file.size_bytes;
        return Err(Fault::Other(format!("it has {size} bytes instead of {size_bytes}")));
    }
    Ok(file)
}
