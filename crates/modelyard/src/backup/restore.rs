//! Bringing a backup back: artifacts first, the database last, under a marker that keeps every server away
//! until all is there. Broken off, it goes on where it stopped.

use std::fs::{self, File};
use std::path::Path;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use modelyard_artifacts::{ArtifactPath, Repositories, Repository, Walk};
use modelyard_database::DatabaseUri;
use modelyard_protocol::Context;

use super::folder::{first_in, sync_folder_of};
use super::manifest::{self, Listed, Manifest, StoreName};
use super::marker::{MARKER, Marker, unfinished_database};
use super::{
    ARTIFACTS, PARALLEL, check, copy_file, digest, digest_of, postgres, repository, webhook_key,
};
use crate::config::Data;
use crate::exit::Usage;

/// Restores a backup to where the flags say.
///
/// # Errors
/// [`Usage`] if there is something already; damage of the backup; those of the disk and the database. What was
/// restored until then stays, under the marker.
pub(crate) async fn restore(
    data: &Data,
    backup: &Path,
    context: &Context,
) -> anyhow::Result<Manifest> {
    let (manifest, manifest_sha256) = Manifest::read(backup)?;
    if check::is_sqlite(&manifest)? != matches!(data.database, DatabaseUri::Sqlite(_)) {
        return Err(Usage(format!(
            "the backup holds a database of {}, which cannot become {}; name another with \
             --backend-store-uri",
            manifest.database.engine, data.database
        ))
        .into());
    }
    let database = check::check_database(backup, &manifest).await;
    database.with_context(|| format!("the backup's {}", manifest.database.file))?;
    webhook_key::check_place(data, backup, &manifest)?;
    let resumed = may_go_on(data, backup, &manifest_sha256)?;
    if !resumed {
        check_empty(data).await?;
        fs::create_dir_all(&data.folder)?;
        let files = manifest.stores.iter().filter(|it| it.copied).map(|it| it.files).sum();
        let marker = Marker { backup: fs::canonicalize(backup)?, manifest_sha256, files };
        marker.put(data)?;
    }
    restore_artifacts(data, backup, &manifest, resumed, context).await?;
    webhook_key::restore(data, backup, &manifest)?;
    restore_database(data, backup, &manifest).await?;
    Marker::remove(data)?;
    Ok(manifest)
}

/// Whether this restore was begun before.
///
/// # Errors
/// [`Usage`] if it is that of another backup.
fn may_go_on(data: &Data, backup: &Path, manifest_sha256: &str) -> anyhow::Result<bool> {
    match Marker::read(data)? {
        None => Ok(false),
        Some(marker) if marker.manifest_sha256 == manifest_sha256 => Ok(true),
        Some(marker) => Err(Usage(format!(
            "{} holds an unfinished restore of {}, which is not {}; finish that, or remove the folder",
            data.folder.display(),
            marker.backup.display(),
            backup.display()
        ))
        .into()),
    }
}

/// Refuses a place where something is.
async fn check_empty(data: &Data) -> anyhow::Result<()> {
    let occupied = |place: &dyn std::fmt::Display, found: &str| {
        Usage(format!(
            "{place} holds {found}: a backup is only restored into an empty place. Name another with \
             --data-dir, or move what is there away"
        ))
    };
    if let Some(found) = first_in(&data.folder, &|name| name == MARKER)? {
        return Err(occupied(&data.folder.display(), &found).into());
    }
    match &data.database {
        DatabaseUri::Sqlite(path) if path.exists() => {
            Err(occupied(&path.display(), "something").into())
        }
        DatabaseUri::Sqlite(_) => Ok(()),
        DatabaseUri::Postgres(_) => match data.database.look().await?.tables {
            0 => Ok(()),
            tables => Err(occupied(&data.database, &format!("{tables} tables")).into()),
        },
    }
}

async fn restore_artifacts(
    data: &Data,
    backup: &Path,
    manifest: &Manifest,
    resumed: bool,
    context: &Context,
) -> anyhow::Result<()> {
    let (config, of_system) = (data.artifacts.clone(), context.clone());
    let artifacts =
        tokio::task::spawn_blocking(move || Repositories::open(config, &of_system)).await??;
    let own = artifacts.own();
    for store in manifest.stores.iter().filter(|store| store.copied) {
        let target = own.iter().find(|(role, _)| StoreName::from(*role) == store.name);
        let Some((_, target)) = target else {
            Marker::remove(data)?;
            return Err(Usage(format!(
                "the backup holds {} artifacts of {}, for which these flags have no place; give the \
                 flags that the server had",
                store.files, store.location
            ))
            .into());
        };
        if !resumed && let Some(found) = Walk::new(target, None).next().await? {
            let place = target.local_folder().map(|it| it.display().to_string());
            Marker::remove(data)?;
            return Err(Usage(format!(
                "the artifact store {} holds {}: a backup is only restored into an empty place",
                place.as_deref().unwrap_or(store.name.as_str()),
                found.path
            ))
            .into());
        }
        let source = repository(backup.join(ARTIFACTS).join(store.name.as_str()), context).await?;
        let lines = stream::iter(Manifest::list(backup, store)?);
        let copies =
            lines.map(|line| restore_one(line, &source, target)).buffer_unordered(PARALLEL);
        copies.try_collect::<()>().await?;
    }
    Ok(())
}

/// Copies one artifact, unless it is there.
async fn restore_one(
    line: anyhow::Result<Listed>,
    source: &Repository,
    target: &Repository,
) -> anyhow::Result<()> {
    let Listed { path, size_bytes, sha256 } = line?;
    let name = ArtifactPath::parse(&path).with_context(|| format!("the backup lists '{path}'"))?;
    if let Ok(there) = target.open(&name).await
        && there.size_bytes == size_bytes
        && Some(digest_of(there).await?) == sha256
    {
        return Ok(());
    }
    let opened = source.open(&name).await;
    let file = opened.with_context(|| format!("the backup is damaged: {path}"))?;
    let (copied_bytes, copied) = copy_file(file, &name, target).await?;
    if copied_bytes != size_bytes || Some(copied) != sha256 {
        anyhow::bail!("the backup is damaged: {path} has another size or checksum");
    }
    Ok(())
}

async fn restore_database(data: &Data, backup: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let from = manifest::inside(backup, &manifest.database.file)?;
    if let (DatabaseUri::Sqlite(path), Some(half)) = (&data.database, unfinished_database(data)) {
        let (path, expected) = (path.clone(), manifest.database.sha256.clone());
        let copy = move || {
            let mut to = File::create(&half)?;
            let (_, sha256) = digest::copy(&mut File::open(&from)?, &mut to)?;
            if sha256 != expected {
                anyhow::bail!("the backup is damaged: the database has another checksum");
            }
            to.sync_all()?;
            fs::rename(&half, &path)?;
            Ok(sync_folder_of(&path)?)
        };
        return tokio::task::spawn_blocking(copy).await?.context("cannot restore the database");
    }
    // All of it was there at once, if this was broken off behind it.
    if data.database.look().await?.schema_version == Some(manifest.database.schema_version) {
        return Ok(());
    }
    let database = data.database.clone();
    tokio::task::spawn_blocking(move || postgres::restore(&database, &from)).await?
}
