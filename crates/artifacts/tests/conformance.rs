//! What every kind of repository must do, whatever it keeps its files in.
//!
//! Each case gets a fresh repository from the kind under test; a new kind adds one line at the
//! end.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use modelyard_artifacts::{ArtifactPath, Error, FinishedPart, LocalRepository, Repository};
use modelyard_protocol::{Context, Environment};

type Frames = Vec<Result<Bytes, io::Error>>;

fn path(text: &str) -> ArtifactPath {
    ArtifactPath::parse(text).expect(text)
}

fn frames(data: &[u8], frame_bytes: usize) -> impl Stream<Item = Result<Bytes, io::Error>> + use<> {
    let frames: Frames = data.chunks(frame_bytes).map(|f| Ok(Bytes::copy_from_slice(f))).collect();
    stream::iter(frames)
}

/// Bytes in which no two places look alike.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

async fn put(repository: &Repository, name: &str, data: &[u8]) {
    let size = repository.upload(&path(name), Some(data.len() as u64), frames(data, 100_000)).await;
    assert_eq!(size.expect(name), data.len() as u64);
}

async fn get(repository: &Repository, name: &str) -> Vec<u8> {
    let file = repository.open(&path(name)).await.expect(name);
    let size = file.size_bytes;
    let parts: Vec<Bytes> =
        file.into_stream(0..size).await.expect(name).try_collect().await.expect(name);
    parts.concat()
}

/// Every file with its content, found by listing.
async fn tree(repository: &Repository) -> BTreeMap<String, Vec<u8>> {
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

async fn names(repository: &Repository, folder: &str) -> Vec<(String, Option<u64>)> {
    let folder = ArtifactPath::parse_folder(folder).expect("a folder");
    let entries = repository.list(folder.as_ref()).await.expect("listed");
    entries.into_iter().map(|entry| (entry.name, entry.size_bytes)).collect()
}

async fn an_empty_repository_lists_nothing(repository: Repository) {
    assert_eq!(names(&repository, "").await, []);
    assert_eq!(names(&repository, "a/b").await, []);
    assert!(matches!(repository.open(&path("a")).await, Err(Error::NotFound(_))));
}

/// Names with colons: what is taken is listed, and what would not be listed is refused.
async fn what_can_be_written_can_be_listed(repository: Repository) {
    for name in ["data:", "a:b", "http:", "x y:"] {
        put(&repository, &format!("run/{name}/f"), b"1").await;
        assert!(names(&repository, "run").await.contains(&(name.to_owned(), None)), "{name}");
        assert_eq!(path(&format!("{name}/f")).file_name(), "f", "as a path below the run");
    }
    for name in ["C:", "file:a", "FILE:"] {
        assert!(ArtifactPath::parse(&format!("run/{name}/f")).is_err(), "{name}");
    }
}

async fn files_of_every_size_come_back(repository: Repository) {
    for len in [0, 1, 4096, 65_535, 65_536, 65_537, 262_144, 262_145, 1 << 20, (5 << 20) + 3] {
        let data = pattern(len);
        let name = format!("sizes/{len}");
        put(&repository, &name, &data).await;
        assert!(get(&repository, &name).await == data, "{len} bytes");
    }
}

async fn names_are_kept_as_they_are(repository: Repository) {
    let odd = [
        "a b+c.png",
        "100%",
        "loss%step%0%timestamp%1795446662834%2fa2.png",
        "한국어/é😀.txt",
        "&=;,:@!$'()*~",
        "UPPER",
        "upper",
        "-",
        " leading and trailing ",
        "trailing.",
    ];
    for name in odd {
        put(&repository, name, name.as_bytes()).await;
    }
    let found = tree(&repository).await;
    assert_eq!(found.len(), odd.len());
    for name in odd {
        assert_eq!(found[name], name.as_bytes());
    }
}

async fn listings_are_sorted_and_one_level_deep(repository: Repository) {
    for name in ["b/2", "b/10", "a", "b/c/d", "Z", "b-", "b0"] {
        put(&repository, name, b"x").await;
    }
    let top = [("Z", Some(1)), ("a", Some(1)), ("b", None), ("b-", Some(1)), ("b0", Some(1))];
    assert_eq!(names(&repository, "").await, top.map(|(name, size)| (name.to_owned(), size)));
    let below = [("10", Some(1)), ("2", Some(1)), ("c", None)];
    assert_eq!(names(&repository, "b").await, below.map(|(name, size)| (name.to_owned(), size)));
    assert_eq!(names(&repository, "a").await, [], "a file has no entries");
    assert_eq!(names(&repository, "a/x").await, [], "nor has what would be below it");
}

async fn an_upload_replaces_what_was_there(repository: Repository) {
    let (small, large) = (pattern(10), pattern(300_000));
    for data in [&small, &large, &small, &small[..5].to_vec(), &large] {
        put(&repository, "a/f", data).await;
        assert!(&get(&repository, "a/f").await == data);
    }
}

async fn tags_tell_versions_apart(repository: Repository) {
    put(&repository, "f", b"one").await;
    let first = repository.open(&path("f")).await.expect("there");
    let again = repository.open(&path("f")).await.expect("there");
    assert_eq!(first.etag, again.etag);
    assert!(first.etag.starts_with('"') && first.etag.ends_with('"') && first.etag.len() > 2);
    put(&repository, "f", b"two").await;
    let second = repository.open(&path("f")).await.expect("there");
    assert_ne!(first.etag, second.etag);
}

async fn a_reader_keeps_the_version_it_opened(repository: Repository) {
    let old = pattern(2 << 20);
    put(&repository, "f", &old).await;
    let file = repository.open(&path("f")).await.expect("there");
    put(&repository, "f", &vec![0; 3 << 20]).await;
    let parts: Vec<Bytes> =
        file.into_stream(0..u64::MAX).await.expect("opened").try_collect().await.expect("read");
    assert!(parts.concat() == old);
}

async fn any_range_can_be_read(repository: Repository) {
    for len in [100_usize, 700_000, 3 << 20] {
        let data = pattern(len);
        put(&repository, "f", &data).await;
        for (start, end) in [(0, len), (0, 1), (1, 2), (len - 1, len), (len / 2, len + 9), (7, 7)] {
            let file = repository.open(&path("f")).await.expect("there");
            let range = start as u64..end as u64;
            let parts: Vec<Bytes> =
                file.into_stream(range).await.expect("opened").try_collect().await.expect("read");
            assert!(parts.concat() == data[start..end.min(len)], "{start}..{end} of {len}");
        }
    }
}

async fn taken_names_are_refused(repository: Repository) {
    put(&repository, "folder/file", b"x").await;
    for data in [&b"x"[..], &pattern(200_000)] {
        let onto_folder = repository.upload(&path("folder"), None, frames(data, 9_000)).await;
        assert!(matches!(onto_folder, Err(Error::IsFolder(_))), "{onto_folder:?}");
        for below_file in ["folder/file/x", "folder/file/x/y"] {
            let outcome = repository.upload(&path(below_file), None, frames(data, 9_000)).await;
            assert!(matches!(outcome, Err(Error::NotAFolder(_))), "{outcome:?}");
        }
    }
    assert!(matches!(repository.open(&path("folder")).await, Err(Error::IsFolder(_))));
    assert!(matches!(repository.open(&path("folder/file/x")).await, Err(Error::NotFound(_))));
    assert_eq!(tree(&repository).await, BTreeMap::from([("folder/file".into(), b"x".to_vec())]));
}

async fn a_broken_upload_stores_nothing(repository: Repository) {
    for len in [0, 10, 100_000, 3 << 20] {
        let cut = frames(&pattern(len), 65_536);
        let broken = cut.chain(stream::iter([Err(io::Error::other("gone"))]));
        let outcome = repository.upload(&path("a/f"), Some(1 << 30), broken).await;
        assert!(matches!(outcome, Err(Error::Interrupted(_))), "{outcome:?}");
    }
    put(&repository, "a/f", b"whole").await;
    let broken = frames(&pattern(3 << 20), 65_536);
    let broken = broken.chain(stream::iter([Err(io::Error::other("gone"))]));
    repository.upload(&path("a/f"), None, broken).await.expect_err("broken off");
    assert_eq!(tree(&repository).await, BTreeMap::from([("a/f".into(), b"whole".to_vec())]));
}

async fn an_upload_that_is_given_up_stores_nothing(repository: Repository) {
    for len in [10, 3 << 20] {
        let started = frames(&pattern(len), 65_536).chain(stream::pending());
        let target = path("a/f");
        let upload = repository.upload(&target, None, Box::pin(started));
        let waited = tokio::time::timeout(std::time::Duration::from_millis(50), upload).await;
        waited.expect_err("never ends");
    }
    assert_eq!(tree(&repository).await, BTreeMap::new());
}

async fn deleting_takes_files_folders_and_nothing_else(repository: Repository) {
    for name in ["a/b/1", "a/b/c/2", "a/bc", "d"] {
        put(&repository, name, b"x").await;
    }
    for name in ["a/b", "nothing", "nothing/here", "d/below-a-file", "a/b"] {
        repository.delete(&path(name)).await.expect(name);
    }
    assert_eq!(tree(&repository).await.into_keys().collect::<Vec<_>>(), ["a/bc", "d"]);
    repository.delete(&path("d")).await.expect("a file");
    assert_eq!(tree(&repository).await.into_keys().collect::<Vec<_>>(), ["a/bc"]);
    put(&repository, "a/b/1", b"new").await;
    assert_eq!(get(&repository, "a/b/1").await, b"new");
}

async fn uploads_at_once_do_not_mix(repository: Repository) {
    let data: Vec<Vec<u8>> = (0..24_u8).map(|n| vec![n; 1000 + usize::from(n) * 20_000]).collect();
    let uploads = data.iter().enumerate().map(|(number, data)| {
        let (repository, name) = (&repository, format!("{}/f", number % 8));
        async move { put(repository, &name, data).await }
    });
    stream::iter(uploads).buffer_unordered(24).collect::<Vec<()>>().await;
    let found = tree(&repository).await;
    assert_eq!(found.len(), 8);
    for (name, content) in found {
        let slot: usize = name[..1].parse().expect("a number");
        let whole = (slot..24).step_by(8).any(|number| data[number] == content);
        assert!(whole, "{name} is one of the uploads to it, not a mixture");
    }
}

async fn multipart(repository: &Repository, name: &str, data: &[u8], order: &[u32], part: usize) {
    let count = data.len().div_ceil(part) as u32;
    let upload = repository.create_multipart(&path(name), count).await.expect("created");
    let mut list = Vec::new();
    for number in order {
        let start = (*number as usize - 1) * part;
        let piece = &data[start..data.len().min(start + part)];
        let size = piece.len() as u64;
        let etag = repository.upload_part(&upload, *number, size, frames(piece, 70_000)).await;
        list.retain(|done: &FinishedPart| done.number != *number);
        list.push(FinishedPart { number: *number, etag: etag.expect("stored") });
    }
    list.sort_by_key(|part| part.number);
    assert!(matches!(repository.open(&path(name)).await, Err(Error::NotFound(_))), "not yet there");
    repository.complete_multipart(&upload, &path(name), &list).await.expect("completed");
    assert!(get(repository, name).await == data, "{name}");
    repository.complete_multipart(&upload, &path(name), &list).await.expect("asked again");
}

async fn parts_come_in_any_order(repository: Repository) {
    let data = pattern((3 << 20) + 17);
    multipart(&repository, "m/forward", &data, &[1, 2, 3, 4], 1 << 20).await;
    multipart(&repository, "m/backward", &data, &[4, 3, 2, 1], 1 << 20).await;
    multipart(&repository, "m/twice", &data, &[4, 1, 4, 2, 1, 3, 2], 1 << 20).await;
    multipart(&repository, "m/even", &data[..2 << 20], &[2, 1], 1 << 20).await;
    multipart(&repository, "m/one", &data[..10], &[1], 1 << 20).await;
}

async fn a_multipart_upload_replaces_a_file(repository: Repository) {
    put(&repository, "m", b"old").await;
    let upload = repository.create_multipart(&path("m"), 1).await.expect("created");
    let etag = repository.upload_part(&upload, 1, 3, frames(b"new", 1)).await.expect("stored");
    assert_eq!(get(&repository, "m").await, b"old");
    let list = [FinishedPart { number: 1, etag }];
    repository.complete_multipart(&upload, &path("m"), &list).await.expect("completed");
    assert_eq!(get(&repository, "m").await, b"new");
}

async fn an_upload_in_parts_can_fail_and_go_on(repository: Repository) {
    let upload = repository.create_multipart(&path("m"), 2).await.expect("created");
    let first = repository.upload_part(&upload, 1, 4, frames(b"aaaa", 2)).await.expect("stored");
    let one = FinishedPart { number: 1, etag: first };
    let early =
        repository.complete_multipart(&upload, &path("m"), std::slice::from_ref(&one)).await;
    assert!(matches!(early, Err(Error::Multipart(_))), "{early:?}");
    for (size, data) in [(2, &b"bbb"[..]), (4, b"bbb")] {
        let wrong = repository.upload_part(&upload, 2, size, frames(data, 3)).await;
        assert!(matches!(wrong, Err(Error::Multipart(_))), "{wrong:?}");
    }
    let broken = frames(b"bb", 2).chain(stream::iter([Err(io::Error::other("gone"))]));
    let broken = repository.upload_part(&upload, 2, 4, broken).await;
    assert!(matches!(broken, Err(Error::Interrupted(_))), "{broken:?}");
    let second = repository.upload_part(&upload, 2, 3, frames(b"bbb", 3)).await.expect("stored");
    let forged = FinishedPart { number: 2, etag: "\"forged\"".into() };
    let refused = repository.complete_multipart(&upload, &path("m"), &[one.clone(), forged]).await;
    assert!(matches!(refused, Err(Error::Multipart(_))), "{refused:?}");
    let two = FinishedPart { number: 2, etag: second };
    let list = [one, two];
    let elsewhere = repository.complete_multipart(&upload, &path("x"), &list).await;
    assert!(matches!(elsewhere, Err(Error::NoSuchUpload(_))), "{elsewhere:?}");
    repository.complete_multipart(&upload, &path("m"), &list).await.expect("completed");
    assert_eq!(get(&repository, "m").await, b"aaaabbb");
}

async fn an_aborted_upload_is_gone(repository: Repository) {
    let upload = repository.create_multipart(&path("m"), 2).await.expect("created");
    repository.upload_part(&upload, 1, 4, frames(b"aaaa", 2)).await.expect("stored");
    repository.upload_part(&upload, 2, 4, frames(b"aaaa", 2)).await.expect("stored");
    let elsewhere = repository.abort_multipart(&upload, &path("x")).await;
    assert!(matches!(elsewhere, Err(Error::NoSuchUpload(_))));
    repository.abort_multipart(&upload, &path("m")).await.expect("aborted");
    let part = repository.upload_part(&upload, 1, 4, frames(b"aaaa", 2)).await;
    assert!(matches!(part, Err(Error::NoSuchUpload(_))), "{part:?}");
    let complete = repository.complete_multipart(&upload, &path("m"), &[]).await;
    assert!(matches!(complete, Err(Error::NoSuchUpload(_))), "{complete:?}");
    let abort = repository.abort_multipart(&upload, &path("m")).await;
    assert!(matches!(abort, Err(Error::NoSuchUpload(_))), "{abort:?}");
    assert_eq!(tree(&repository).await, BTreeMap::new());
}

async fn impossible_uploads_in_parts_are_refused(repository: Repository) {
    for parts in [0, 10_001, u32::MAX] {
        let outcome = repository.create_multipart(&path("m"), parts).await;
        assert!(matches!(outcome, Err(Error::Multipart(_))), "{parts} parts: {outcome:?}");
    }
    put(&repository, "folder/f", b"x").await;
    let onto_folder = repository.create_multipart(&path("folder"), 1).await;
    assert!(matches!(onto_folder, Err(Error::IsFolder(_))), "{onto_folder:?}");
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

/// A repository for one case, and what keeps it alive.
fn local() -> (Repository, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let context = Context::new(Counters(AtomicU64::new(1)));
    let repository = LocalRepository::open(folder.path(), context).expect("opened");
    (Repository::Local(repository), folder)
}

macro_rules! conformance {
    ($kind:ident: $($case:ident,)*) => {
        mod $kind {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let (repository, _keep) = super::$kind();
                super::$case(repository).await;
            })*
        }
    };
}

macro_rules! every_case_for {
    ($kind:ident) => {
        conformance! {
            $kind:
            an_empty_repository_lists_nothing,
            what_can_be_written_can_be_listed,
            files_of_every_size_come_back,
            names_are_kept_as_they_are,
            listings_are_sorted_and_one_level_deep,
            an_upload_replaces_what_was_there,
            tags_tell_versions_apart,
            a_reader_keeps_the_version_it_opened,
            any_range_can_be_read,
            taken_names_are_refused,
            a_broken_upload_stores_nothing,
            an_upload_that_is_given_up_stores_nothing,
            deleting_takes_files_folders_and_nothing_else,
            uploads_at_once_do_not_mix,
            parts_come_in_any_order,
            a_multipart_upload_replaces_a_file,
            an_upload_in_parts_can_fail_and_go_on,
            an_aborted_upload_is_gone,
            impossible_uploads_in_parts_are_refused,
        }
    };
}

every_case_for!(local);
