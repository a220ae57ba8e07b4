//! Uploads in parts that are given up, broken off or too many.

use std::io;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use modelyard_artifacts::{Error, FinishedPart};

use crate::fixture::*;

#[tokio::test]
async fn uploads_in_parts_that_nobody_finishes_expire() {
    const HOUR_MS: u64 = 60 * 60 * 1000;
    let fixture = Fixture::new();
    let repository = fixture.open();
    let old = repository.create_multipart(&path("old"), 2).await.expect("begun");
    let touched = repository.create_multipart(&path("touched"), 2).await.expect("begun");
    let part = || stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"xx"))]);
    fixture.now_ms.store(HOUR_MS - 1, Ordering::Relaxed);
    repository.upload_part(&touched, 1, 2, part()).await.expect("stored");
    fixture.now_ms.store(HOUR_MS + 1, Ordering::Relaxed);
    let begin = async || repository.create_multipart(&path("new"), 2).await.expect("begun");
    begin().await;
    let expired = repository.upload_part(&old, 1, 2, part()).await;
    assert!(matches!(expired, Err(Error::NoSuchUpload(_))), "{expired:?}");
    // What has parts is kept for a day.
    fixture.now_ms.store(24 * HOUR_MS, Ordering::Relaxed);
    begin().await;
    repository.upload_part(&touched, 2, 2, part()).await.expect("not expired");
    fixture.now_ms.store(48 * HOUR_MS, Ordering::Relaxed);
    begin().await;
    let expired = repository.upload_part(&touched, 2, 2, part()).await;
    assert!(matches!(expired, Err(Error::NoSuchUpload(_))), "{expired:?}");
}

#[tokio::test]
async fn the_number_of_uploads_in_parts_is_bounded() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let mut begun = 0;
    let refused = loop {
        match repository.create_multipart(&path("m"), 1).await {
            Ok(_) => begun += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::TooManyUploads), "{refused:?}");
    assert_eq!(begun, 200);
    // Whoever is idle for long makes room.
    fixture.now_ms.fetch_add(11 * 60 * 1000, Ordering::Relaxed);
    repository.create_multipart(&path("m"), 1).await.expect("room was made");
}

/// The thread that puts the parts together is not free until the client has asked twice.
#[test]
fn a_client_that_breaks_off_while_parts_are_put_together_may_ask_again() {
    let fixture = Fixture::new();
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build();
    runtime.expect("started").block_on(async {
        let repository = fixture.open();
        let id = repository.create_multipart(&path("m"), 1).await.expect("begun");
        let body = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"xx"))]);
        let etag = repository.upload_part(&id, 1, 2, body).await.expect("stored");
        let list = [FinishedPart { number: 1, etag }];
        let (free, wait) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || wait.recv());
        let whole = path("m");
        let first = repository.complete_multipart(&id, &whole, &list);
        assert!(first.now_or_never().is_none(), "the client breaks off");
        let second = repository.complete_multipart(&id, &whole, &list);
        let mut second = std::pin::pin!(second);
        assert!(second.as_mut().now_or_never().is_none(), "waits for the first");
        free.send(()).expect("waiting");
        second.await.expect("completed");
        busy.await.expect("ended").expect("freed");
        assert_eq!(get(&repository, "m").await.expect("there"), b"xx");
    });
}
