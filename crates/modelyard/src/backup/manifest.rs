//! What a backup says of itself.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::Context as _;
use modelyard_artifacts::OwnStore;
use serde::{Deserialize, Serialize};

use super::digest;

/// The file that makes a folder a backup; written last.
pub(crate) const MANIFEST: &str = "manifest.json";
/// The form of the manifest and of the folders around it.
pub(super) const FORMAT: u32 = 1;

/// The manifest.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// The version of the program that made the backup.
    pub(crate) program_version: String,
    /// When the backup began: everything acknowledged before is in it. Milliseconds since the epoch.
    pub(crate) begun_ms: i64,
    pub(crate) database: DatabaseCopy,
    #[serde(default)]
    pub(crate) webhook_secrets: WebhookSecrets,
    pub(crate) stores: Vec<StoreCopy>,
    /// Locations of `--allow-artifact-location`, and a root that only clients reach, of which the backup holds
    /// nothing.
    #[serde(default)]
    pub(crate) not_included: Vec<String>,
}

/// The copy of the database.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DatabaseCopy {
    /// `sqlite` or `postgresql`.
    pub(crate) engine: String,
    /// The file, from the folder of the backup on.
    pub(crate) file: String,
    pub(crate) size_bytes: u64,
    pub(crate) sha256: String,
    pub(crate) schema_version: i64,
}

/// The secrets of webhooks in the database.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct WebhookSecrets {
    /// How many there are.
    pub(crate) count: u64,
    /// What opens them; absent where it is kept elsewhere, or was never made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<KeyCopy>,
}

impl WebhookSecrets {
    /// How many there are that nothing in the backup opens.
    pub(crate) fn closed(&self) -> u64 {
        if self.key.is_some() { 0 } else { self.count }
    }
}

/// The copy of the key of webhooks' secrets.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeyCopy {
    /// The file, from the folder of the backup on.
    pub(crate) file: String,
    pub(crate) size_bytes: u64,
    pub(crate) sha256: String,
}

/// The copy, or the list, of a store of artifacts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoreCopy {
    pub(crate) name: StoreName,
    /// Where the store was.
    pub(crate) location: String,
    /// Whether the artifacts are in the backup; if not, it holds only the list.
    pub(crate) copied: bool,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// The file with one line of JSON for each artifact, from the folder of the backup on.
    pub(crate) list: String,
    pub(crate) list_sha256: String,
}

/// The role of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreName {
    Destination,
    Root,
}

impl StoreName {
    /// The name of its folder and list.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Root => "root",
        }
    }
}

impl From<OwnStore> for StoreName {
    fn from(store: OwnStore) -> Self {
        match store {
            OwnStore::Destination => Self::Destination,
            OwnStore::Root => Self::Root,
        }
    }
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) path: String,
    pub(crate) size_bytes: u64,
    /// Absent for artifacts that are not in the backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
}

impl Manifest {
    /// Reads the manifest of a backup; with its checksum, which stands for the whole backup.
    ///
    /// # Errors
    /// With what is wrong, and what it means.
    pub(crate) fn read(backup: &Path) -> anyhow::Result<(Self, String)> {
        let place = backup.display();
        let path = backup.join(MANIFEST);
        if !path.exists() {
            anyhow::bail!(
                "{place} is no backup: it has no {MANIFEST}, which is written last, so the backup was \
                 perhaps broken off"
            );
        }
        let text =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let form: Form =
            serde_json::from_slice(&text).map_err(|error| unreadable(&path, &error))?;
        if form.format != FORMAT {
            anyhow::bail!(
                "{} has form {}, this program knows {FORMAT}; use a newer program",
                path.display(),
                form.format
            );
        }
        let manifest = serde_json::from_slice(&text).map_err(|error| unreadable(&path, &error))?;
        Ok((manifest, digest::of_file(&path)?.1))
    }

    /// The lines of the list of a store, whose checksum is right.
    ///
    /// # Errors
    /// If the list is not what it was.
    pub(crate) fn list(
        backup: &Path,
        store: &StoreCopy,
    ) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Listed>> + use<>> {
        let path = inside(backup, &store.list)?;
        let (_, sha256) =
            digest::of_file(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if sha256 != store.list_sha256 {
            anyhow::bail!("{} is damaged: its checksum is another", path.display());
        }
        let lines = BufReader::new(File::open(&path)?).lines();
        Ok(lines.map(move |line| {
            serde_json::from_str(&line?).map_err(|error| unreadable(&path, &error))
        }))
    }
}

/// The first thing to read, whatever else a later form holds.
#[derive(Deserialize)]
struct Form {
    format: u32,
}

fn unreadable(path: &Path, error: &serde_json::Error) -> anyhow::Error {
    anyhow::anyhow!("{} is damaged: {error}", path.display())
}

/// A file that the manifest names, which must be in the backup: a manifest may come from anywhere.
pub(super) fn inside(backup: &Path, name: &str) -> anyhow::Result<std::path::PathBuf> {
    let plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    if name.is_empty() || !Path::new(name).components().all(plain) {
        anyhow::bail!("the manifest names '{name}', which is not in the backup");
    }
    Ok(backup.join(name))
}
