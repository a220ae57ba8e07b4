//! Removing what is in the trash for good: artifacts first, rows last, so that what a crash leaves half done
//! is still in the trash, and is done by whoever removes it again.

use modelyard_artifacts::{ArtifactPath, Error as ArtifactError, Repositories, Repository, Walk};
use modelyard_protocol::ErrorCode;
use modelyard_store::{Error as StoreError, Store, TrashItem, TrashKind, TrashQuery, TrashScope};

/// How many things are listed at once.
const PAGE: usize = 500;

/// What does not keep something in the trash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Despite {
    /// That its artifacts are in a store that only clients reach: they are left, and nobody knows of them.
    pub unreachable: bool,
    /// That a registered model has a version with its artifacts: the version loses them.
    pub registered: bool,
}

impl Despite {
    /// Nothing keeps it.
    pub const ALL: Self = Self { unreachable: true, registered: true };
}

/// What a tree of artifacts holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Files.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
}

impl std::ops::AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
    }
}

/// Why something was not removed.
#[derive(Debug, thiserror::Error)]
pub enum Cannot {
    /// The store refused, or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The artifacts could not be removed.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
    /// The artifacts are where this server does not reach.
    #[error("the artifacts at {location} cannot be removed: {why}")]
    Unreachable {
        /// Where they are.
        location: String,
        /// Why they cannot be reached.
        why: ArtifactError,
    },
    /// A registered model needs the artifacts.
    #[error("version {version} of the registered model '{name}' has its artifacts")]
    Registered {
        /// The registered model.
        name: String,
        /// Its version.
        version: i64,
    },
}

impl Cannot {
    /// Whether the thing is not there, perhaps because another removed it meanwhile.
    pub fn is_gone(&self) -> bool {
        let code = ErrorCode::ResourceDoesNotExist;
        matches!(self, Self::Store(StoreError::Rule(error)) if error.code == code)
    }
}

/// Removes something from the trash for good: an experiment with all that is in it, a run, a logged model.
///
/// # Errors
/// What [`Cannot::is_gone`]; those of [`check`] before anything has happened; the others at any point. Doing it
/// again goes on from there.
pub async fn purge(
    store: &Store,
    artifacts: &Repositories,
    kind: TrashKind,
    id: &str,
    despite: Despite,
) -> Result<(), Cannot> {
    let item = store.trash_item(kind, id.to_owned()).await?;
    check(store, artifacts, &item, despite).await?;
    let item = store.begin_purge(kind, item.id).await?;
    if kind == TrashKind::Experiment {
        for part in contents(store, &item).await? {
            match store.begin_purge(part.kind, part.id).await.map_err(Cannot::from) {
                Ok(part) => purge_one(store, artifacts, part).await?,
                Err(error) if error.is_gone() => {}
                Err(error) => return Err(error),
            }
        }
    }
    purge_one(store, artifacts, item).await
}

/// Removes what is marked and holds nothing else.
async fn purge_one(store: &Store, artifacts: &Repositories, item: TrashItem) -> Result<(), Cannot> {
    if let Some((repository, folder)) = own_folder(artifacts, &item)? {
        repository.delete(&folder).await?;
    }
    while store.purge_portion(item.clone()).await? {}
    Ok(())
}

/// The runs and logged models that go with a deleted experiment.
///
/// # Errors
/// Those of the store.
pub async fn contents(store: &Store, experiment: &TrashItem) -> Result<Vec<TrashItem>, StoreError> {
    let scope = TrashScope::In(experiment.experiment_id);
    let mut found = Vec::new();
    for kind in [TrashKind::Run, TrashKind::LoggedModel] {
        let mut after = None;
        loop {
            let page = store.trash(TrashQuery { kind, scope, limit: PAGE, after }).await?;
            found.extend(page.rows);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// Whether something and all that goes with it may be removed.
///
/// # Errors
/// [`Cannot::Unreachable`] and [`Cannot::Registered`] if not.
pub async fn check(
    store: &Store,
    artifacts: &Repositories,
    item: &TrashItem,
    despite: Despite,
) -> Result<(), Cannot> {
    if despite == Despite::ALL {
        return Ok(());
    }
    let parts = match item.kind {
        TrashKind::Experiment => contents(store, item).await?,
        _ => vec![item.clone()],
    };
    for part in parts {
        if !despite.unreachable
            && let Err(why) = artifacts.find(&part.artifact_uri)
        {
            return Err(Cannot::Unreachable { location: part.artifact_uri, why });
        }
        // What is lost in part already is finished.
        if !despite.registered && !part.purging {
            check_unregistered(store, &part).await?;
        }
    }
    Ok(())
}

/// Whether no version of a registered model has the artifacts of a run or logged model.
async fn check_unregistered(store: &Store, part: &TrashItem) -> Result<(), Cannot> {
    let of_run = (part.kind == TrashKind::Run).then(|| format!("runs:/{}", part.id));
    for location in std::iter::once(part.artifact_uri.clone()).chain(of_run) {
        if let Some((name, version)) = store.version_below(location).await? {
            return Err(Cannot::Registered { name, version });
        }
    }
    Ok(())
}

/// What the artifacts of a run or logged model take; nothing where this server does not reach.
///
/// # Errors
/// Faults of the artifact store.
pub async fn measure(artifacts: &Repositories, item: &TrashItem) -> Result<Size, Cannot> {
    let mut size = Size::default();
    let Some((repository, folder)) = own_folder(artifacts, item)? else { return Ok(size) };
    let mut walk = Walk::new(&repository, Some(folder));
    while let Some(file) = walk.next().await? {
        size += Size { files: 1, bytes: file.size_bytes };
    }
    Ok(size)
}

/// The folder that only this run or model uses; `None` where this server does not reach. An experiment's
/// location may be shared with others, and is left.
fn own_folder(
    artifacts: &Repositories,
    item: &TrashItem,
) -> Result<Option<(Repository, ArtifactPath)>, Cannot> {
    if item.kind == TrashKind::Experiment {
        return Ok(None);
    }
    let located = match artifacts.find(&item.artifact_uri) {
        Ok(located) => located,
        Err(error) => {
            tracing::warn!("the artifacts at {} are left: {error}", item.artifact_uri);
            return Ok(None);
        }
    };
    let Some(folder) = located.folder else { return Ok(None) };
    // `ID/artifacts`: the folder of the id goes, too.
    let whole = folder.parent().filter(|parent| parent.file_name() == item.id);
    Ok(Some((located.repository, whole.unwrap_or(folder))))
}
