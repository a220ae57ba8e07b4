//! Backups: a folder with a copy of the database and of the key beside it, copies of the artifacts, and a manifest
//! with the checksums of all.
//!
//! What a backup holds, though the server goes on writing: the database as it was at one moment, in which is
//! everything that was acknowledged before; and of the artifacts, which are copied after that moment, all that
//! were acknowledged before it, each whole. Artifacts that came later may be there, too. One that was removed
//! while the copy was made may be missing.

pub(crate) mod check;
pub(crate) mod create;
pub(crate) mod digest;
pub(crate) mod folder;
pub(crate) mod manifest;
pub(crate) mod marker;
pub(crate) mod postgres;
pub(crate) mod restore;
mod webhook_key;

use modelyard_artifacts::{ArtifactFile, ArtifactPath, Repository};
use modelyard_protocol::Context;

use self::digest::Digest;
use crate::config::WEBHOOK_KEY;

/// The folder of a backup that holds the database.
const DATABASE: &str = "database";
/// The folder of a backup that holds copies of artifacts, by store.
const ARTIFACTS: &str = "artifacts";
/// The folder of a backup that holds the lists of artifacts, by store.
const LISTS: &str = "lists";
/// Files copied at once: enough that small ones share the syncs of the disk.
const PARALLEL: usize = 16;

/// The repository in a folder of a backup.
async fn repository(folder: std::path::PathBuf, context: &Context) -> anyhow::Result<Repository> {
    let context = context.clone();
    let open = move || modelyard_artifacts::LocalRepository::open(&folder, context);
    Ok(Repository::Local(tokio::task::spawn_blocking(open).await??))
}

/// Copies a file that was opened into a repository; its size and checksum.
async fn copy_file(
    file: ArtifactFile,
    path: &ArtifactPath,
    target: &Repository,
) -> anyhow::Result<(u64, String)> {
    use futures_util::TryStreamExt as _;
    let size_bytes = file.size_bytes;
    let mut digest = Digest::new();
    let bytes = file.into_stream(0..size_bytes).await?.inspect_ok(|bytes| digest.add(bytes));
    let stored = target.upload(path, Some(size_bytes), Box::pin(bytes)).await?;
    Ok((stored, digest.finish()))
}

/// The checksum of a file that was opened.
async fn digest_of(file: ArtifactFile) -> anyhow::Result<String> {
    use futures_util::TryStreamExt as _;
    let mut digest = Digest::new();
    let size_bytes = file.size_bytes;
    let mut bytes = Box::pin(file.into_stream(0..size_bytes).await?);
    while let Some(bytes) = bytes.try_next().await? {
        digest.add(&bytes);
    }
    Ok(digest.finish())
}
