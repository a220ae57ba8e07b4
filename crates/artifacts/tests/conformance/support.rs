//! Repositories of every kind, and what the cases do with them.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _, stream};
use modelyard_artifacts::{ArtifactPath, LocalRepository, Repository, Variables};
use modelyard_protocol::{Context, Environment};
use modelyard_testkit::TestBucket;

/// What a repository keeps its files in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Folder,
    Bucket,
}

impl Kind {
    /// The smallest part that is not the last, in bytes; for a folder, any would do.
    pub(crate) fn part_bytes(self) -> usize {
        match self {
            Self::Folder => 1 << 20,
            Self::Bucket => 5 << 20,
        }
    }
}

/// A repository for one case, and what keeps it alive.
pub(crate) struct Kept {
    pub(crate) repository: Repository,
    pub(crate) kind: Kind,
    _folder: Option<tempfile::TempDir>,
}

pub(crate) fn folder() -> Option<Kept> {
    let folder = tempfile::tempdir().expect("a folder");
    let context = Context::new(Counters(AtomicU64::new(1)));
    let local = LocalRepository::open(folder.path(), context).expect("opened");
    let repository = Repository::Local(local);
    Some(Kept { repository, kind: Kind::Folder, _folder: Some(folder) })
}

pub(crate) fn s3() -> Option<Kept> {
    modelyard_testkit::s3_bucket().map(|bucket| in_bucket(&bucket))
}

pub(crate) fn azure() -> Option<Kept> {
    modelyard_testkit::azure_bucket().map(|bucket| in_bucket(&bucket))
}

fn in_bucket(bucket: &TestBucket) -> Kept {
    // Other things lie beside it, and with a name that goes to the server escaped.
    let location = format!("{}/a folder/100%/é", bucket.location);
    Kept { repository: open(bucket, &location), kind: Kind::Bucket, _folder: None }
}

pub(crate) fn open(bucket: &TestBucket, location: &str) -> Repository {
    let variables = Variables::among(bucket.variables.iter().cloned());
    Repository::of_bucket(location, &variables).expect("a bucket")
}

/// Random numbers of the operating system would do; counters make a failure repeatable.
struct Counters(AtomicU64);

impl Environment for Counters {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000
    }

    fn random(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)) << 80 | 0x5eed
    }
}

type Frames = Vec<Result<Bytes, io::Error>>;

pub(crate) fn path(text: &str) -> ArtifactPath {
    ArtifactPath::parse(text).expect(text)
}

pub(crate) fn frames(
    data: &[u8],
    frame_bytes: usize,
) -> impl Stream<Item = Result<Bytes, io::Error>> + use<> {
    let frames: Frames = data.chunks(frame_bytes).map(|f| Ok(Bytes::copy_from_slice(f))).collect();
    stream::iter(frames)
}

/// Bytes in which no two places look alike.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

pub(crate) async fn put(repository: &Repository, name: &str, data: &[u8]) {
    let size = repository.upload(&path(name), Some(data.len() as u64), frames(data, 100_000)).await;
    assert_eq!(size.expect(name), data.len() as u64);
}

pub(crate) async fn get(repository: &Repository, name: &str) -> Vec<u8> {
    let file = repository.open(&path(name)).await.expect(name);
    let size = file.size_bytes;
    let parts: Vec<Bytes> =
        file.into_stream(0..size).await.expect(name).try_collect().await.expect(name);
    parts.concat()
}

/// Every file with its content, found by listing.
pub(crate) async fn tree(repository: &Repository) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![None];
    while let Some(folder) = folders.pop() {
        for entry in repository.list(folder.as_ref()).await.expect("listed") {
            let inside = path(&entry.name).below(folder.as_ref()).expect("short");
            match entry.size_bytes {
                None => folders.push(Some(inside)),
                Some(size) => {
                    let data = get(repository, inside.as_str()).await;
                    assert_eq!(data.len() as u64, size);
                    found.insert(inside.to_string(), data);
                }
            }
        }
    }
    found
}

pub(crate) async fn names(repository: &Repository, folder: &str) -> Vec<(String, Option<u64>)> {
    let folder = ArtifactPath::parse_folder(folder).expect("a folder");
    let entries = repository.list(folder.as_ref()).await.expect("listed");
    entries.into_iter().map(|entry| (entry.name, entry.size_bytes)).collect()
}
