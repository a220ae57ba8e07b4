//! A repository in a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use modelyard_artifacts::{ArtifactPath, Error, LocalRepository, RESERVED_NAME, Repository};
use modelyard_protocol::{Context, Environment};

pub(crate) fn path(text: &str) -> ArtifactPath {
    ArtifactPath::parse(text).expect(text)
}

pub(crate) struct Counters {
    pub(crate) now_ms: Arc<AtomicU64>,
    pub(crate) random: AtomicU64,
}

impl Environment for Counters {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed) as i64
    }

    fn random(&self) -> u128 {
        u128::from(self.random.fetch_add(1, Ordering::Relaxed)) << 64
    }
}

/// Empty files that a repository keeps ready for uploads.
pub(crate) const SPARES_MAX: usize = 32;

/// A root, a folder outside it with a file nobody may reach, and the clock.
pub(crate) struct Fixture {
    pub(crate) temp: tempfile::TempDir,
    pub(crate) now_ms: Arc<AtomicU64>,
    opened: AtomicU64,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let temp = tempfile::tempdir().expect("a folder");
        fs::create_dir(temp.path().join("root")).expect("made");
        fs::create_dir(temp.path().join("outside")).expect("made");
        fs::write(temp.path().join("outside/secret"), CANARY).expect("written");
        Self { temp, now_ms: Arc::default(), opened: AtomicU64::new(1) }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.temp.path().join("root")
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.temp.path().join("outside")
    }

    pub(crate) fn open(&self) -> Repository {
        let random = AtomicU64::new(self.opened.fetch_add(1, Ordering::Relaxed) << 32);
        let context = Context::new(Counters { now_ms: Arc::clone(&self.now_ms), random });
        Repository::Local(LocalRepository::open(&self.root(), context).expect("opened"))
    }

    pub(crate) fn assert_outside_untouched(&self) {
        let names: Vec<_> = fs::read_dir(self.outside()).expect("listed").collect();
        assert_eq!(names.len(), 1);
        assert_eq!(fs::read(self.outside().join("secret")).expect("read"), CANARY);
    }

    /// How many temporary files there are: empty ones, and others.
    pub(crate) fn temporary(&self) -> (usize, usize) {
        let is_temporary = |file: &&PathBuf| {
            let name = file.file_name().expect("a name").to_string_lossy();
            file.is_file() && name != "lock" && !name.starts_with("journal-")
        };
        let found = self.reserved();
        let sizes = found.keys().filter(is_temporary).filter_map(|file| fs::metadata(file).ok());
        let (empty, written): (Vec<_>, Vec<_>) = sizes.partition(|file| file.len() == 0);
        (empty.len(), written.len())
    }

    /// Everything in the reserved folder, with permissions.
    pub(crate) fn reserved(&self) -> BTreeMap<PathBuf, u32> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.root().join(RESERVED_NAME)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            found.insert(folder.clone(), fs::metadata(&folder).expect("there").mode() & 0o7777);
            for entry in entries {
                let entry = entry.expect("listed");
                let metadata = entry.metadata().expect("there");
                match metadata.is_dir() {
                    true => folders.push(entry.path()),
                    false => drop(found.insert(entry.path(), metadata.mode() & 0o7777)),
                }
            }
        }
        found
    }
}

pub(crate) const CANARY: &[u8] = b"canary 7f3a";

pub(crate) async fn put(repository: &Repository, name: &str, data: &[u8]) -> Result<u64, Error> {
    let body = stream::iter([Ok::<_, io::Error>(Bytes::copy_from_slice(data))]);
    repository.upload(&path(name), None, body).await
}

pub(crate) async fn get(repository: &Repository, name: &str) -> Result<Vec<u8>, Error> {
    let file = repository.open(&path(name)).await?;
    let parts: Vec<Bytes> =
        file.into_stream(0..u64::MAX).await.expect("opened").try_collect().await.expect("read");
    Ok(parts.concat())
}

pub(crate) async fn names(repository: &Repository) -> Vec<String> {
    repository.list(None).await.expect("listed").into_iter().map(|entry| entry.name).collect()
}

pub(crate) const LARGE: usize = 300_000;

/// Removal of an unfinished file happens on another thread.
pub(crate) async fn eventually(holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it never came true");
}
