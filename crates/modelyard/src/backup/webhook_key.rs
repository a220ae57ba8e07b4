//! The key that opens the secrets of webhooks, without which a copy of the database could sign nothing.
//!
//! It lies beside a SQLite database and then goes with the backup. Where whoever starts the server gives it, it is
//! kept elsewhere, and the backup says so.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use modelyard_database::DatabaseUri;
use modelyard_webhooks::KeySource;

use super::digest;
use super::folder::sync_folder_of;
use super::manifest::{self, KeyCopy, Manifest, WebhookSecrets};
use super::{DATABASE, WEBHOOK_KEY};
use crate::config::{Data, webhook_key_file};
use crate::exit::Usage;

/// Copies the key into a backup. `database` is where the secrets are counted; the key is older than each of them.
///
/// # Errors
/// Those of the disk and the database.
pub(super) async fn copy(
    data: &Data,
    database: &DatabaseUri,
    folder: &Path,
) -> anyhow::Result<WebhookSecrets> {
    let count = modelyard_store::sealed_secrets(database).await?;
    let KeySource::File(path) = &data.webhooks.key else {
        return Ok(WebhookSecrets { count, key: None });
    };
    let key = match fs::read(path) {
        Ok(key) => key,
        // None was needed yet, or this command was not given what the server is given.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(WebhookSecrets { count, key: None });
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot copy the key {}", path.display()));
        }
    };
    let file = format!("{DATABASE}/{WEBHOOK_KEY}");
    let target = folder.join(&file);
    write_for_owner(&target, &key)?;
    sync_folder_of(&target)?;
    // The checksum of 32 random bytes tells nobody the bytes.
    let (size_bytes, sha256) = digest::of_file(&target)?;
    Ok(WebhookSecrets { count, key: Some(KeyCopy { file, size_bytes, sha256 }) })
}

/// Checks the copy of the key, if the backup has one.
///
/// # Errors
/// With what is wrong with it.
pub(super) fn check(backup: &Path, copy: &KeyCopy) -> anyhow::Result<()> {
    let path = manifest::inside(backup, &copy.file)?;
    let found =
        digest::of_file(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if found != (copy.size_bytes, copy.sha256.clone()) {
        anyhow::bail!("it is damaged: its size or checksum is another");
    }
    Ok(())
}

/// Refuses to restore secrets that nothing would open, and to replace the key of another database.
///
/// # Errors
/// [`Usage`] with what to do; damage of the backup.
pub(super) fn check_place(data: &Data, backup: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let WebhookSecrets { count, key } = &manifest.webhook_secrets;
    let Some(copy) = key else {
        let is_there = match &data.webhooks.key {
            KeySource::Given(_) => true,
            KeySource::File(path) => path.exists(),
            KeySource::Missing => false,
        };
        if *count == 0 || is_there {
            return Ok(());
        }
        return Err(Usage(format!(
            "the backup holds the secrets of {count} webhooks, encrypted, and not the key that opens them. Give it \
             as the server had it, with MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY or --webhook-secret-key. If it is \
             lost, give a new one, and set those secrets again"
        ))
        .into());
    };
    check(backup, copy).with_context(|| format!("the backup's {}", copy.file))?;
    let Some(path) = webhook_key_file(&data.database).filter(|path| path.exists()) else {
        return Ok(());
    };
    if digest::of_file(&path)?.1 != copy.sha256 {
        return Err(Usage(format!(
            "{} is there already, and is not the key in the backup; name another place for the database",
            path.display()
        ))
        .into());
    }
    Ok(())
}

/// Puts the key beside the database.
///
/// # Errors
/// Those of the disk.
pub(super) fn restore(data: &Data, backup: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let Some(copy) = &manifest.webhook_secrets.key else { return Ok(()) };
    let Some(path) = webhook_key_file(&data.database).filter(|path| !path.exists()) else {
        return Ok(());
    };
    let key = fs::read(manifest::inside(backup, &copy.file)?)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let half = half_of(&path);
    match fs::remove_file(&half) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    write_for_owner(&half, &key)?;
    fs::rename(&half, &path)?;
    Ok(sync_folder_of(&path)?)
}

/// The key until it is whole.
fn half_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".restoring");
    name.into()
}

/// Writes a new file that only its owner may read; its bytes are on disk when it returns.
fn write_for_owner(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        let mut file: File =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
