//! What uploads leave behind, and what others see of it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use modelyard_artifacts::FinishedPart;

use crate::fixture::*;

#[tokio::test]
async fn the_reserved_folder_is_private_and_hidden() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    assert!(fixture.reserved().is_empty(), "reading leaves no trace");
    put(&repository, "f", b"x").await.expect("stored");
    let multipart = repository.create_multipart(&path("m"), 2).await.expect("begun");
    let body = || stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"xx"))]);
    repository.upload_part(&multipart, 2, 2, body()).await.expect("stored");
    let found = fixture.reserved();
    assert!(found.len() >= 7, "{found:?}");
    for (path, mode) in &found {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(*mode, expected, "{}", path.display());
    }
    assert_eq!(names(&repository).await, ["f"]);
    let mode = fs::metadata(fixture.root().join("f")).expect("there").permissions().mode();
    assert_eq!(mode & 0o600, 0o600);
    assert_eq!(mode & 0o111, 0, "artifacts are not executable");
}

#[tokio::test]
async fn finished_and_broken_uploads_leave_no_files_behind() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    put(&repository, "f", b"x").await.expect("stored");
    put(&repository, "g", &[0; LARGE]).await.expect("stored");
    let broken = stream::iter([Ok(Bytes::from(vec![0; LARGE])), Err(io::Error::other("gone"))]);
    repository.upload(&path("h"), None, broken).await.expect_err("broken off");
    let endless = stream::iter([Ok::<_, io::Error>(Bytes::from(vec![0; LARGE]))]);
    let endless = Box::pin(endless.chain(stream::pending()));
    let target = path("h");
    let given_up = repository.upload(&target, None, endless);
    tokio::time::timeout(std::time::Duration::from_millis(50), given_up).await.expect_err("hangs");
    // More often than files are kept ready, all of which are empty.
    for _ in 0..SPARES_MAX + 10 {
        let multipart = repository.create_multipart(&path("m"), 1).await.expect("begun");
        repository.abort_multipart(&multipart, &path("m")).await.expect("aborted");
    }
    let multipart = repository.create_multipart(&path("m"), 1).await.expect("begun");
    let body = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"xx"))]);
    let etag = repository.upload_part(&multipart, 1, 2, body).await.expect("stored");
    let list = [FinishedPart { number: 1, etag }];
    repository.complete_multipart(&multipart, &path("m"), &list).await.expect("completed");
    put(&repository, "f/below", b"x").await.expect_err("a file is in the way");
    repository.delete(&path("g")).await.expect("removed");
    eventually(|| {
        let (empty, written) = fixture.temporary();
        written == 0 && empty <= SPARES_MAX
    })
    .await;
    drop(repository);
    eventually(|| fixture.reserved().len() <= 2).await;
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_ends_in_an_error() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    put(&repository, "f", &vec![7; 4 << 20]).await.expect("stored");
    let file = repository.open(&path("f")).await.expect("there");
    let on_disk = fs::OpenOptions::new().write(true).open(fixture.root().join("f"));
    on_disk.expect("opened").set_len(1 << 20).expect("cut");
    let outcome: Result<Vec<Bytes>, _> =
        file.into_stream(0..u64::MAX).await.expect("opened").try_collect().await;
    assert_eq!(outcome.expect_err("short").kind(), io::ErrorKind::UnexpectedEof);
}
