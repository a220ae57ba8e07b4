//! Files: up, down, listed, removed.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use modelyard_artifacts::{Announced, ArtifactPath, Error, Walk};
use modelyard_protocol::digest::Digest;

use crate::support::*;

pub(crate) async fn an_empty_repository_lists_nothing(Kept { repository, .. }: Kept) {
    assert_eq!(names(&repository, "").await, []);
    assert_eq!(names(&repository, "a/b").await, []);
    assert!(matches!(repository.open(&path("a")).await, Err(Error::NotFound(_))));
}

/// Names with colons: what is taken is listed, and what would not be listed is refused.
pub(crate) async fn what_can_be_written_can_be_listed(Kept { repository, .. }: Kept) {
    for name in ["data:", "a:b", "http:", "x y:"] {
        put(&repository, &format!("run/{name}/f"), b"1").await;
        assert!(names(&repository, "run").await.contains(&(name.to_owned(), None)), "{name}");
        assert_eq!(path(&format!("{name}/f")).file_name(), "f", "as a path below the run");
    }
    for name in ["C:", "file:a", "FILE:"] {
        assert!(ArtifactPath::parse(&format!("run/{name}/f")).is_err(), "{name}");
    }
}

pub(crate) async fn files_of_every_size_come_back(Kept { repository, .. }: Kept) {
    for len in [0, 1, 4096, 65_535, 65_536, 65_537, 262_144, 262_145, 1 << 20, (5 << 20) + 3] {
        let data = pattern(len);
        let name = format!("sizes/{len}");
        put(&repository, &name, &data).await;
        assert!(get(&repository, &name).await == data, "{len} bytes");
    }
}

pub(crate) async fn names_are_kept_as_they_are(Kept { repository, .. }: Kept) {
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

pub(crate) async fn listings_are_sorted_and_one_level_deep(Kept { repository, .. }: Kept) {
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

pub(crate) async fn an_upload_replaces_what_was_there(Kept { repository, .. }: Kept) {
    let (small, large) = (pattern(10), pattern(300_000));
    for data in [&small, &large, &small, &small[..5].to_vec(), &large] {
        put(&repository, "a/f", data).await;
        assert!(&get(&repository, "a/f").await == data);
    }
}

pub(crate) async fn tags_tell_versions_apart(Kept { repository, .. }: Kept) {
    put(&repository, "f", b"one").await;
    let first = repository.open(&path("f")).await.expect("there");
    let again = repository.open(&path("f")).await.expect("there");
    assert_eq!(first.etag, again.etag);
    assert!(first.etag.starts_with('"') && first.etag.ends_with('"') && first.etag.len() > 2);
    put(&repository, "f", b"two").await;
    let second = repository.open(&path("f")).await.expect("there");
    assert_ne!(first.etag, second.etag);
}

/// A file that was opened is read as it was then, or not at all.
pub(crate) async fn a_reader_never_gets_two_versions(Kept { repository, kind, .. }: Kept) {
    let old = pattern(2 << 20);
    put(&repository, "f", &old).await;
    let file = repository.open(&path("f")).await.expect("there");
    put(&repository, "f", &vec![0; 3 << 20]).await;
    match (kind, file.into_stream(0..u64::MAX).await) {
        (Kind::Folder, Ok(stream)) => {
            let parts: Vec<Bytes> = stream.try_collect().await.expect("read");
            assert!(parts.concat() == old);
        }
        (Kind::Bucket, Err(Error::Changed(_))) => {}
        (kind, outcome) => panic!("{kind:?}: {:?}", outcome.err()),
    }
}

pub(crate) async fn any_range_can_be_read(Kept { repository, .. }: Kept) {
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

/// Folders of a disk; buckets take such names, see [`a_name_may_be_a_file_and_a_folder`].
pub(crate) async fn taken_names_are_refused(Kept { repository, .. }: Kept) {
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

pub(crate) async fn a_broken_upload_stores_nothing(Kept { repository, .. }: Kept) {
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

pub(crate) async fn an_upload_that_is_given_up_stores_nothing(Kept { repository, .. }: Kept) {
    for len in [10, 3 << 20] {
        let started = frames(&pattern(len), 65_536).chain(stream::pending());
        let target = path("a/f");
        let upload = repository.upload(&target, None, Box::pin(started));
        let waited = tokio::time::timeout(std::time::Duration::from_millis(50), upload).await;
        waited.expect_err("never ends");
    }
    assert_eq!(tree(&repository).await, BTreeMap::new());
}

pub(crate) async fn deleting_takes_files_folders_and_nothing_else(Kept { repository, .. }: Kept) {
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

pub(crate) async fn uploads_at_once_do_not_mix(Kept { repository, .. }: Kept) {
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

/// Some programs leave such; in a bucket nothing keeps them from it.
pub(crate) async fn a_name_may_be_a_file_and_a_folder(Kept { repository, .. }: Kept) {
    put(&repository, "a/b", b"file").await;
    put(&repository, "a/b/c", b"below").await;
    let entries = [("b", None), ("b", Some(4))].map(|(name, size)| (name.to_owned(), size));
    let mut found = names(&repository, "a").await;
    found.sort();
    assert_eq!(found, entries);
    assert_eq!(get(&repository, "a/b").await, b"file");
    assert_eq!(get(&repository, "a/b/c").await, b"below");
    assert!(matches!(repository.open(&path("a")).await, Err(Error::IsFolder(_))));
    repository.delete(&path("a/b")).await.expect("both");
    assert_eq!(tree(&repository).await, BTreeMap::new());
}

/// More than a store puts into one page of a listing, or takes in one request to delete.
pub(crate) async fn a_folder_may_be_huge(Kept { repository, .. }: Kept) {
    let all: Vec<String> = (0..1_203).map(|number| format!("huge/{number:04}")).collect();
    let uploads = all.iter().map(|name| put(&repository, name, b"x"));
    stream::iter(uploads).buffer_unordered(16).collect::<Vec<()>>().await;
    put(&repository, "huge-not/0000", b"x").await;
    let listed = names(&repository, "huge").await;
    assert_eq!(listed.len(), all.len());
    assert!(listed.iter().zip(&all).all(|(found, name)| name.ends_with(&found.0)), "sorted");
    let mut walk = Walk::new(&repository, None);
    let mut walked = 0;
    while walk.next().await.expect("walked").is_some() {
        walked += 1;
    }
    assert_eq!(walked, all.len() + 1);
    repository.delete(&path("huge")).await.expect("deleted");
    assert_eq!(names(&repository, "").await, [("huge-not".to_owned(), None)]);
}

/// A neighbour whose name begins alike is in no listing, and survives.
pub(crate) async fn neighbours_are_told_apart(Kept { repository, .. }: Kept) {
    for name in ["a/b", "a/bc", "a/b-c", "a/b.d/e", "ab"] {
        put(&repository, name, name.as_bytes()).await;
    }
    assert_eq!(names(&repository, "a/b").await, []);
    assert!(matches!(repository.open(&path("a/b.")).await, Err(Error::NotFound(_))));
    assert!(matches!(repository.open(&path("a/b.d")).await, Err(Error::IsFolder(_))));
    repository.delete(&path("a/b")).await.expect("deleted");
    let left: Vec<_> = tree(&repository).await.into_keys().collect();
    assert_eq!(left, ["a/b-c", "a/b.d/e", "a/bc", "ab"]);
}

/// Whether by one request, in parts, or in parts that end where the file does.
pub(crate) async fn only_what_was_announced_is_stored(Kept { repository, .. }: Kept) {
    put(&repository, "f", b"old").await;
    for len in [0, 10, 100_000, 5 << 20, (11 << 20) + 7] {
        let data = pattern(len);
        let announce = |digest| Announced { size_bytes: Some(len as u64), digest: Some(digest) };
        let lie = announce(Digest::of(b"other"));
        let refused = repository.upload(&path("f"), lie, frames(&data, 65_536)).await;
        let Err(Error::Mismatch(told)) = &refused else { panic!("{len} bytes: {refused:?}") };
        assert_eq!((told.found, told.expected), (Digest::of(&data), Digest::of(b"other")));
        assert_eq!(tree(&repository).await, BTreeMap::from([("f".into(), b"old".to_vec())]));
        let truth = announce(Digest::of(&data));
        let size = repository.upload(&path("f"), truth, frames(&data, 65_536)).await;
        assert_eq!(size.expect("stored"), len as u64);
        assert!(get(&repository, "f").await == data);
        put(&repository, "f", b"old").await;
    }
}

pub(crate) async fn a_digest_is_that_of_the_whole_file(Kept { repository, .. }: Kept) {
    let patience = Duration::from_secs(60);
    for len in [0, 1, 262_144, 262_145, (5 << 20) + 3] {
        let data = pattern(len);
        // With a digest that may be kept, and without one.
        for digest in [Some(Digest::of(&data)), None] {
            let announced = Announced { size_bytes: None, digest };
            repository.upload(&path("f"), announced, frames(&data, 65_536)).await.expect("stored");
            let file = repository.open(&path("f")).await.expect("there");
            assert_eq!(file.digest(patience).await, Some(Digest::of(&data)), "{len} bytes");
            let bytes = file.into_stream(0..u64::MAX).await.expect("opened");
            let bytes: Vec<Bytes> = bytes.try_collect().await.expect("still readable");
            assert!(bytes.concat() == data);
        }
    }
    let file = repository.open(&path("f")).await.expect("there");
    assert_eq!(file.digest(Duration::ZERO).await, None, "there is no time to read it");
}
