//! Crashes, and several processes on one folder.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use futures_util::stream;
use modelyard_artifacts::{Error, FinishedPart, LocalRepository, RESERVED_NAME, Repository};
use modelyard_protocol::Context;

use crate::fixture::*;

/// What a killed process leaves: its reserved folder, not locked any more, and a tree in which
/// some files that it acknowledged are missing, empty or torn, as after a power cut.
fn crash(repository: Repository, fixture: &Fixture) {
    let reserved = fixture.root().join(RESERVED_NAME);
    let saved = fixture.temp.path().join("saved");
    copy_folder(&reserved, &saved);
    drop(repository);
    fs::remove_dir_all(&reserved).expect("removed");
    fs::rename(&saved, &reserved).expect("restored");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).expect("made");
    for entry in fs::read_dir(from).expect("listed") {
        let entry = entry.expect("listed");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("known").is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

#[tokio::test]
async fn acknowledged_uploads_survive_a_power_cut() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    for (name, data) in [("a/kept", "1"), ("a/torn", "22"), ("b/c/lost", "3"), ("again", "old")] {
        put(&repository, name, data.as_bytes()).await.expect("stored");
    }
    put(&repository, "again", b"new").await.expect("stored");
    put(&repository, "empty", b"").await.expect("stored");
    crash(repository, &fixture);
    let root = fixture.root();
    let untouched = fs::metadata(root.join("a/kept")).expect("there").mtime_nsec();
    fs::write(root.join("a/torn"), "").expect("torn");
    fs::remove_dir_all(root.join("b")).expect("lost");
    fs::remove_file(root.join("again")).expect("lost");
    fs::remove_file(root.join("empty")).expect("lost");
    let repository = fixture.open();
    for (name, data) in
        [("a/kept", "1"), ("a/torn", "22"), ("b/c/lost", "3"), ("again", "new"), ("empty", "")]
    {
        let found = get(&repository, name).await.expect(name);
        assert_eq!(found, data.as_bytes(), "{name}");
    }
    let after = fs::metadata(root.join("a/kept")).expect("there").mtime_nsec();
    assert_eq!(untouched, after, "what is whole is left alone");
    assert_eq!(fixture.reserved().len(), 2, "nothing is left of the dead process");
}

#[tokio::test]
async fn what_was_deleted_or_replaced_does_not_come_back() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    for name in ["gone", "folder/a", "folder/b", "large", "parts"] {
        put(&repository, name, b"small").await.expect("stored");
    }
    repository.delete(&path("gone")).await.expect("removed");
    repository.delete(&path("folder")).await.expect("removed");
    put(&repository, "large", &[1; LARGE]).await.expect("stored");
    let multipart = repository.create_multipart(&path("parts"), 1).await.expect("begun");
    let body = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"parts"))]);
    let etag = repository.upload_part(&multipart, 1, 5, body).await.expect("stored");
    let list = [FinishedPart { number: 1, etag }];
    repository.complete_multipart(&multipart, &path("parts"), &list).await.expect("completed");
    put(&repository, "folder/b", b"second").await.expect("stored");
    crash(repository, &fixture);
    let repository = fixture.open();
    assert_eq!(names(&repository).await, ["folder", "large", "parts"]);
    assert_eq!(get(&repository, "large").await.expect("there").len(), LARGE);
    assert_eq!(get(&repository, "parts").await.expect("there"), b"parts");
    assert_eq!(get(&repository, "folder/b").await.expect("there"), b"second");
    get(&repository, "folder/a").await.expect_err("removed");
}

#[tokio::test]
async fn recovery_stops_rather_than_lose_an_acknowledged_upload() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    put(&repository, "a", b"1").await.expect("stored");
    crash(repository, &fixture);
    let root = fixture.root();
    fs::remove_file(root.join("a")).expect("lost");
    // A folder where the journal wants to write stands for a disk that fails.
    let process = fs::read_dir(root.join(RESERVED_NAME)).expect("listed");
    let process = process.map(|entry| entry.expect("listed").path()).find(|path| path.is_dir());
    let process = process.expect("the dead process's folder");
    fs::create_dir_all(process.join("redo/in-the-way")).expect("made");
    let context = || {
        let random = AtomicU64::new(77 << 40);
        Context::new(Counters { now_ms: Arc::default(), random })
    };
    let refused = LocalRepository::open(&root, context());
    assert!(matches!(refused, Err(Error::Io { .. })), "{refused:?}");
    fs::remove_dir_all(process.join("redo")).expect("repaired");
    let repository = Repository::Local(LocalRepository::open(&root, context()).expect("opened"));
    assert_eq!(get(&repository, "a").await.expect("recovered"), b"1");
}

#[tokio::test]
async fn a_second_process_leaves_the_first_alone() {
    let fixture = Fixture::new();
    let first = fixture.open();
    put(&first, "a", b"1").await.expect("stored");
    let multipart = first.create_multipart(&path("m"), 1).await.expect("begun");
    let second = fixture.open();
    put(&second, "b", b"2").await.expect("stored");
    drop(second);
    let body = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"xx"))]);
    let etag = first.upload_part(&multipart, 1, 2, body).await.expect("still under way");
    let list = [FinishedPart { number: 1, etag }];
    first.complete_multipart(&multipart, &path("m"), &list).await.expect("completed");
    put(&first, "c", b"3").await.expect("stored");
    assert_eq!(names(&first).await, ["a", "b", "c", "m"]);
}
