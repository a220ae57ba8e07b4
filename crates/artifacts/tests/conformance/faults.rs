//! S3 behind a proxy that answers with errors and breaks connections.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use modelyard_artifacts::{Announced, Error, FinishedPart, Repository};
use modelyard_protocol::digest::Digest;
use modelyard_testkit::{Break, Client, FaultyProxy, TestBucket, s3_bucket};

use crate::support::*;

/// Two parts of S3's least size, and the beginning of a third.
const LARGE: usize = (11 << 20) + 7;
const SLOW: Break = Break::Answer(503, "SlowDown");
/// More often than the client tries.
const ALWAYS: u32 = 1_000;

struct World {
    bucket: TestBucket,
    proxy: FaultyProxy,
    repository: Repository,
}

fn world() -> Option<World> {
    let bucket = s3_bucket()?;
    let proxy = FaultyProxy::before(&bucket.server);
    let repository = open(&bucket.through(proxy.url()), &format!("{}/x", bucket.location));
    Some(World { bucket, proxy, repository })
}

impl World {
    fn requests(&self, method: &str, part: &str) -> usize {
        let all = self.proxy.seen();
        all.iter().filter(|it| it.starts_with(method) && it.contains(part)).count()
    }

    /// How many multipart uploads the store has that are neither complete nor called off, once there are `wanted`
    /// or the patience is at its end: they are called off behind the caller's back.
    async fn unfinished(&self, wanted: usize) -> usize {
        let url = format!("{}?uploads", self.bucket.url);
        let mut count = usize::MAX;
        for _ in 0..200 {
            let url = url.clone();
            let look = move || Client::default().send("GET", &url, &[], b"");
            let answer = tokio::task::spawn_blocking(look).await.expect("looked");
            count = answer.text().matches("<Upload>").count();
            if count == wanted {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        count
    }
}

async fn upload(repository: &Repository, name: &str, data: &[u8]) -> Result<u64, Error> {
    repository.upload(&path(name), Some(data.len() as u64), frames(data, 100_000)).await
}

async fn download(repository: &Repository, name: &str) -> io::Result<Vec<u8>> {
    let file = repository.open(&path(name)).await.map_err(io::Error::other)?;
    let size = file.size_bytes;
    let stream = file.into_stream(0..size).await.map_err(io::Error::other)?;
    Ok(stream.try_collect::<Vec<Bytes>>().await?.concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_is_repeated() {
    let Some(world) = world() else { return };
    let (small, large) = (pattern(1000), pattern(LARGE));
    world.proxy.break_next(2, "PUT", "/x/small", SLOW);
    world.proxy.break_next(1, "PUT", "/x/small", Break::Request(500));
    upload(&world.repository, "small", &small).await.expect("the fourth time");
    world.proxy.break_next(2, "POST", "uploads", Break::Answer(500, "InternalError"));
    world.proxy.break_next(2, "PUT", "partNumber=2", SLOW);
    world.proxy.break_next(1, "PUT", "partNumber=2", Break::Request(1 << 20));
    world.proxy.break_next(1, "PUT", "partNumber=3", Break::Answer(502, "BadGateway"));
    world.proxy.break_next(1, "POST", "uploadId", SLOW);
    upload(&world.repository, "large", &large).await.expect("after some attempts");
    assert_eq!(world.proxy.broken(), 10, "{:?}", world.proxy.seen());
    assert!(world.requests("PUT", "partNumber=") >= 7, "real parts");
    world.proxy.break_next(2, "HEAD", "/x/", SLOW);
    world.proxy.break_next(1, "GET", "/x/large", SLOW);
    world.proxy.break_next(2, "GET", "/x/large", Break::Response(3 << 20));
    assert!(download(&world.repository, "large").await.expect("pieced together") == large);
    world.proxy.break_next(1, "GET", "list-type=2", SLOW);
    assert_eq!(names(&world.repository, "").await.len(), 2);
    world.proxy.break_next(1, "POST", "delete", SLOW);
    world.repository.delete(&path("large")).await.expect("deleted");
    assert_eq!(names(&world.repository, "").await.len(), 1);
    assert_eq!(world.unfinished(0).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_the_store_does_not_take_is_an_error_and_not_there() {
    let cases = [
        ("small", SLOW),
        ("uploads", Break::Request(0)),
        ("partNumber=2", SLOW),
        ("partNumber=3", Break::Answer(403, "AccessDenied")),
        ("uploadId", Break::Request(100)),
    ];
    // At once, for most of the time is spent waiting between attempts.
    stream::iter(cases)
        .for_each_concurrent(None, async |(place, fault)| {
            let Some(world) = world() else { return };
            upload(&world.repository, "kept/large", b"old").await.expect("stored");
            for method in ["PUT", "POST"] {
                world.proxy.break_next(ALWAYS, method, place, fault);
            }
            let name = if place == "small" { "kept/small" } else { "kept/large" };
            let data = pattern(if place == "small" { 1000 } else { LARGE });
            let error = upload(&world.repository, name, &data).await.expect_err(place);
            assert!(matches!(error, Error::Store { .. }), "{place}: {error:?}");
            world.proxy.heal();
            let found = names(&world.repository, "kept").await;
            assert_eq!(found, [("large".to_owned(), Some(3))], "{place}");
            assert_eq!(get(&world.repository, "kept/large").await, b"old");
            assert_eq!(world.unfinished(0).await, 0, "{place}");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_its_sender_breaks_is_called_off() {
    let Some(world) = world() else { return };
    let started = frames(&pattern(LARGE), 100_000);
    let broken = started.chain(stream::iter([Err(io::Error::other("gone"))]));
    let outcome = world.repository.upload(&path("f"), Some(1 << 30), broken).await;
    assert!(matches!(outcome, Err(Error::Interrupted(_))), "{outcome:?}");
    assert_eq!(world.unfinished(0).await, 0);
    assert!(world.requests("PUT", "partNumber=") >= 1, "it had begun");
    // Calling off may itself have to be repeated.
    world.proxy.break_next(2, "DELETE", "uploadId", SLOW);
    let started = frames(&pattern(LARGE), 100_000).chain(stream::pending());
    let target = path("f");
    let given_up = world.repository.upload(&target, None, Box::pin(started));
    tokio::time::timeout(Duration::from_secs(3), given_up).await.expect_err("never ends");
    assert_eq!(world.unfinished(0).await, 0);
    assert!(world.requests("DELETE", "uploadId") >= 4, "{:?}", world.proxy.seen());
    assert_eq!(names(&world.repository, "").await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_that_breaks_for_good_is_an_error() {
    let Some(world) = world() else { return };
    upload(&world.repository, "f", &pattern(LARGE)).await.expect("stored");
    // Each connection gives nothing but a head and a bit.
    world.proxy.break_next(ALWAYS, "GET", "/x/f", Break::Response(200));
    download(&world.repository, "f").await.expect_err("not whole");
    world.proxy.heal();
    world.proxy.break_next(ALWAYS, "GET", "/x/f", SLOW);
    download(&world.repository, "f").await.expect_err("not there");
    world.proxy.heal();
    assert_eq!(download(&world.repository, "f").await.expect("whole").len(), LARGE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_missed_the_answer_may_ask_again() {
    let Some(world) = world() else { return };
    let upload = world.repository.create_multipart(&path("m"), 1).await.expect("begun");
    let urls = world.repository.part_urls(&path("m"), &upload, 1).await.expect("signed");
    let url = urls.expect("a URL of the store").remove(0);
    let put = move || Client::default().send("PUT", &url, &[], b"part");
    let answer = tokio::task::spawn_blocking(put).await.expect("sent");
    let part = FinishedPart { number: 1, etag: answer.header("etag").to_owned() };
    let complete = async |part: &FinishedPart| {
        let list = std::slice::from_ref(part);
        world.repository.complete_multipart(&upload, &path("m"), list).await
    };
    complete(&part).await.expect("put together");
    // As a store does that does not remember.
    world.proxy.break_next(ALWAYS, "POST", "uploadId", Break::Answer(404, "NoSuchUpload"));
    complete(&part).await.expect("again");
    let other = complete(&FinishedPart { number: 1, etag: "\"other\"".into() }).await;
    assert!(matches!(other, Err(Error::NoSuchUpload(_))), "{other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_digest_that_the_store_keeps_needs_no_reading() {
    let Some(world) = world() else { return };
    let patience = Duration::from_secs(60);
    for len in [1000, LARGE] {
        let data = pattern(len);
        let announced = Announced { size_bytes: Some(len as u64), digest: Some(Digest::of(&data)) };
        let target = path("f");
        let body = frames(&data, 100_000);
        world.repository.upload(&target, announced, body).await.expect("stored");
        let before = world.requests("GET", "/x/f");
        let file = world.repository.open(&target).await.expect("there");
        assert_eq!(file.digest(patience).await, Some(Digest::of(&data)));
        assert_eq!(world.requests("GET", "/x/f"), before, "{:?}", world.proxy.seen());
        // Another version has nothing of it.
        upload(&world.repository, "f", b"new").await.expect("stored");
        let file = world.repository.open(&target).await.expect("there");
        assert_eq!(file.digest(patience).await, Some(Digest::of(b"new")));
        assert_eq!(world.requests("GET", "/x/f"), before + 1);
    }
    world.proxy.break_next(ALWAYS, "GET", "/x/f", SLOW);
    let file = world.repository.open(&path("f")).await.expect("there");
    assert_eq!(file.digest(Duration::from_millis(300)).await, None, "the store does not give it");
}
