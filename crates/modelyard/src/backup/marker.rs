//! The file that tells of a restore that is not finished.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use modelyard_artifacts::{Repositories, Walk};
use modelyard_database::DatabaseUri;
use modelyard_protocol::Context;
use serde::{Deserialize, Serialize};

use super::folder::sync_folder_of;
use crate::config::Data;

/// The marker in the data folder.
pub(super) const MARKER: &str = "restore-unfinished.json";

/// What is being restored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Marker {
    /// The folder of the backup.
    pub(super) backup: PathBuf,
    /// The checksum of its manifest.
    pub(super) manifest_sha256: String,
    /// How many artifacts it holds.
    pub(super) files: u64,
}

impl Marker {
    /// Reads the marker of a data folder, if there is one.
    ///
    /// # Errors
    /// If it cannot be read; one that was cut short counts as none, for nothing was done after it.
    pub(super) fn read(data: &Data) -> anyhow::Result<Option<Self>> {
        let path = data.folder.join(MARKER);
        match fs::read(&path) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Puts the marker into the data folder, durably.
    ///
    /// # Errors
    /// Those of the disk.
    pub(super) fn put(&self, data: &Data) -> anyhow::Result<()> {
        let path = data.folder.join(MARKER);
        fs::write(&path, serde_json::to_vec_pretty(self)?)?;
        File::open(&path)?.sync_all()?;
        if let Some(half) = unfinished_database(data) {
            // Where the database is elsewhere, a server may know of nothing else.
            if let Some(folder) = half.parent() {
                fs::create_dir_all(folder)?;
            }
            File::create(&half)?.sync_all()?;
            sync_folder_of(&half)?;
        }
        Ok(sync_folder_of(&path)?)
    }

    /// Takes the marker away: the restore is finished.
    ///
    /// # Errors
    /// Those of the disk.
    pub(super) fn remove(data: &Data) -> anyhow::Result<()> {
        let path = data.folder.join(MARKER);
        if let Some(half) = unfinished_database(data).filter(|half| half.exists()) {
            fs::remove_file(&half)?;
            sync_folder_of(&half)?;
        }
        fs::remove_file(&path)?;
        Ok(sync_folder_of(&path)?)
    }
}

/// The file that becomes the database.
pub(super) fn unfinished_database(data: &Data) -> Option<PathBuf> {
    let DatabaseUri::Sqlite(path) = &data.database else { return None };
    let mut name = path.as_os_str().to_owned();
    name.push(".restoring");
    Some(name.into())
}

/// Refuses to work on data that are not all there.
///
/// # Errors
/// With what is there, what is not, and what to do.
pub(crate) async fn refuse_unfinished(data: &Data, context: &Context) -> anyhow::Result<()> {
    let Some(marker) = Marker::read(data)? else {
        return match unfinished_database(data).filter(|half| half.exists()) {
            Some(half) => Err(anyhow::anyhow!(
                "a restore is unfinished: the database is not there, but {}. Run `modelyard restore` \
                 again with the same flags, or remove that file",
                half.display()
            )),
            None => Ok(()),
        };
    };
    let there = count(data, context).await?;
    let database = match &data.database {
        DatabaseUri::Sqlite(path) => is_there(path),
        DatabaseUri::Postgres(_) => data.database.look().await.is_ok_and(|look| look.tables > 0),
    };
    let backup = marker.backup.display();
    anyhow::bail!(
        "the restore of {backup} into {} is unfinished: {there} of {} artifacts are there, the database \
         is {}. Run `modelyard restore {backup}` again, which goes on from there; or remove the folder",
        data.folder.display(),
        marker.files,
        if database { "there, too, but may not be whole" } else { "not" },
    )
}

fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() > 0)
}

/// How many artifacts are in the server's own folders; those in buckets are in no backup.
async fn count(data: &Data, context: &Context) -> anyhow::Result<u64> {
    let (config, context) = (data.artifacts.clone(), context.clone());
    let artifacts =
        tokio::task::spawn_blocking(move || Repositories::open(config, &context)).await??;
    let mut count = 0;
    for (_, store) in artifacts.own() {
        if store.local_folder().is_none() {
            continue;
        }
        let mut walk = Walk::new(&store, None);
        while walk.next().await?.is_some() {
            count += 1;
        }
    }
    Ok(count)
}
