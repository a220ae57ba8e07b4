//! Making a backup.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::pin::pin;

use anyhow::Context as _;
use futures_util::{TryStreamExt as _, stream};
use modelyard_artifacts::{Error as ArtifactError, FoundFile, Repositories, Repository, Walk};
use modelyard_database::{DatabaseUri, Engine};
use modelyard_protocol::Context;

use super::folder::{Unfinished, sync_folder_of};
use super::manifest::{DatabaseCopy, FORMAT, Listed, MANIFEST, Manifest, StoreCopy, StoreName};
use super::{
    ARTIFACTS, DATABASE, LISTS, PARALLEL, copy_file, digest, postgres, repository, webhook_key,
};
use crate::config::Data;

/// Writes a backup to a new folder.
///
/// # Errors
/// Whatever keeps it from being whole; then there is no backup of that name.
pub(crate) async fn create(
    data: &Data,
    target: &Path,
    context: &Context,
) -> anyhow::Result<Manifest> {
    let unfinished = Unfinished::begin(target)?;
    let folder = unfinished.path.as_path();
    let begun_ms = context.now_ms();
    // First the database: what it names was uploaded before.
    let database = copy_database(data, folder).await?;
    let webhook_secrets = webhook_key::copy(data, &copied(data, folder, &database), folder).await?;
    let artifacts = {
        let (config, context) = (data.artifacts.clone(), context.clone());
        tokio::task::spawn_blocking(move || Repositories::open(config, &context)).await??
    };
    fs::create_dir(folder.join(LISTS))?;
    let mut stores = Vec::new();
    let mut not_included = data.artifacts.allowed.clone();
    for (role, source) in artifacts.own() {
        let name = StoreName::from(role);
        let location = source.location();
        // Clients may go to the root with credentials that this machine has not.
        if name == StoreName::Root
            && source.local_folder().is_none()
            && let Err(error) = source.check().await
        {
            not_included.push(format!("{location} ({error})"));
            continue;
        }
        stores.push(copy_store(&source, name, location, folder, context).await?);
    }
    let manifest = Manifest {
        format: FORMAT,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        begun_ms,
        database,
        webhook_secrets,
        stores,
        not_included,
    };
    write_manifest(folder, &manifest)?;
    unfinished.finish()?;
    Ok(manifest)
}

async fn copy_database(data: &Data, folder: &Path) -> anyhow::Result<DatabaseCopy> {
    let look = data.database.look().await?;
    if look.schema_version.is_none() {
        anyhow::bail!("there is nothing to copy in the database {}", data.database);
    }
    fs::create_dir(folder.join(DATABASE))?;
    let (engine, file) = match data.database {
        DatabaseUri::Sqlite(_) => (Engine::Sqlite, format!("{DATABASE}/modelyard.db")),
        DatabaseUri::Postgres(_) => (Engine::Postgres, format!("{DATABASE}/modelyard.dump")),
    };
    let target = folder.join(&file);
    let schema_version = match engine {
        Engine::Sqlite => {
            data.database.copy_to(target.clone()).await.context("cannot copy the database")?;
            // As it is in the copy: a newer program may have started meanwhile.
            let checked = target.clone();
            tokio::task::spawn_blocking(move || modelyard_database::check_file(&checked)).await??
        }
        Engine::Postgres => {
            let (database, target) = (data.database.clone(), target.clone());
            tokio::task::spawn_blocking(move || {
                postgres::dump(&database, &look, &target)?;
                anyhow::Ok(look.schema_version.unwrap_or_default())
            })
            .await??
        }
    };
    sync_folder_of(&target)?;
    let (size_bytes, sha256) = digest::of_file(&target)?;
    Ok(DatabaseCopy { engine: engine.name().to_owned(), file, size_bytes, sha256, schema_version })
}

/// What can be read in place of the database: its copy, if it is one of SQLite.
fn copied(data: &Data, folder: &Path, copy: &DatabaseCopy) -> DatabaseUri {
    match &data.database {
        DatabaseUri::Sqlite(_) => DatabaseUri::Sqlite(folder.join(&copy.file)),
        DatabaseUri::Postgres(url) => DatabaseUri::Postgres(url.clone()),
    }
}

/// Copies a store of this machine; lists another.
async fn copy_store(
    source: &Repository,
    name: StoreName,
    location: String,
    folder: &Path,
    context: &Context,
) -> anyhow::Result<StoreCopy> {
    let copied = source.local_folder().is_some();
    let target = folder.join(ARTIFACTS).join(name.as_str());
    let copy = match copied {
        true => Some(repository(target.clone(), context).await?),
        false => None,
    };
    let list = format!("{LISTS}/{}.jsonl", name.as_str());
    let (mut files, mut bytes) = (0, 0);
    {
        let mut lines = BufWriter::new(File::create(folder.join(&list))?);
        let found = stream::try_unfold(Walk::new(source, None), |mut walk| async {
            let found = walk.next().await.map_err(anyhow::Error::from)?;
            anyhow::Ok(found.map(|file| (file, walk)))
        });
        let copies = found.map_ok(|file| copy_one(source, copy.as_ref(), file));
        let mut copies = pin!(copies.try_buffered(PARALLEL));
        while let Some(listed) = copies.try_next().await? {
            let Some(listed) = listed else { continue };
            serde_json::to_writer(&mut lines, &listed)?;
            lines.write_all(b"\n")?;
            files += 1;
            bytes += listed.size_bytes;
        }
        lines.into_inner().map_err(|error| error.into_error())?.sync_all()?;
    }
    if let Some(copy) = copy {
        copy.retire().await?;
    }
    let list_sha256 = digest::of_file(&folder.join(&list))?.1;
    Ok(StoreCopy { name, location, copied, files, bytes, list, list_sha256 })
}

/// Copies one file, if it is still there.
async fn copy_one(
    source: &Repository,
    copy: Option<&Repository>,
    found: FoundFile,
) -> anyhow::Result<Option<Listed>> {
    let FoundFile { path, size_bytes } = found;
    let shown = path.to_string();
    let Some(copy) = copy else {
        return Ok(Some(Listed { path: shown, size_bytes, sha256: None }));
    };
    let file = match source.open(&path).await {
        Ok(file) => file,
        // Removed since its folder was listed.
        Err(ArtifactError::NotFound(_) | ArtifactError::NotAFolder(_)) => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot copy {shown}")),
    };
    let copied = copy_file(file, &path, copy).await;
    let (size_bytes, sha256) = copied.with_context(|| format!("cannot copy {shown}"))?;
    Ok(Some(Listed { path: shown, size_bytes, sha256: Some(sha256) }))
}

fn write_manifest(folder: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    for part in [ARTIFACTS, LISTS] {
        let part = folder.join(part);
        if part.exists() {
            File::open(part)?.sync_all()?;
        }
    }
    let mut file = File::create(folder.join(MANIFEST))?;
    file.write_all(&serde_json::to_vec_pretty(manifest)?)?;
    file.write_all(b"\n")?;
    Ok(file.sync_all()?)
}
