//! Uploads in parts by clients.

use std::collections::BTreeMap;
use std::io;

use futures_util::{StreamExt as _, stream};
use modelyard_artifacts::{Error, FinishedPart, PartsGoTo, Repository, UploadId, checked};
use modelyard_protocol::ErrorCode;
use modelyard_protocol::digest::Digest;
use modelyard_testkit::Client;

use crate::support::*;

/// Sends a part to wherever it is to go.
async fn send(
    repository: &Repository,
    name: &str,
    upload: &UploadId,
    number: u32,
    data: &[u8],
) -> Result<FinishedPart, Error> {
    let (size, body) = (data.len() as u64, frames(data, 70_000));
    let etag = match repository.part_urls(&path(name), upload, number).await? {
        None => repository.upload_part(upload, number, size, body).await?,
        Some(urls) => {
            let url = urls.last().expect("a URL for each part").clone();
            let data = data.to_vec();
            // As MLflow's clients do: no credentials, no headers.
            let put = move || Client::default().send("PUT", &url, &[], &data);
            let answer = tokio::task::spawn_blocking(put).await.expect("sent");
            match answer.status {
                200 => answer.header("etag").to_owned(),
                // S3 says the first, moto the second.
                404 | 500 => return Err(Error::NoSuchUpload(String::new())),
                status => panic!("part {number}: {status} {}", answer.text()),
            }
        }
    };
    Ok(FinishedPart { number, etag })
}

async fn multipart(repository: &Repository, name: &str, data: &[u8], order: &[u32], part: usize) {
    let count = data.len().div_ceil(part) as u32;
    let upload = repository.create_multipart(&path(name), count).await.expect("created");
    let mut list = Vec::new();
    for number in order {
        let start = (*number as usize - 1) * part;
        let piece = &data[start..data.len().min(start + part)];
        let finished = send(repository, name, &upload, *number, piece).await.expect("stored");
        list.retain(|done: &FinishedPart| done.number != *number);
        list.push(finished);
    }
    list.sort_by_key(|part| part.number);
    assert!(matches!(repository.open(&path(name)).await, Err(Error::NotFound(_))), "not yet there");
    repository.complete_multipart(&upload, &path(name), &list).await.expect("completed");
    assert!(get(repository, name).await == data, "{name}");
    repository.complete_multipart(&upload, &path(name), &list).await.expect("asked again");
    list.reverse();
    repository.complete_multipart(&upload, &path(name), &list).await.expect("in another order");
}

pub(crate) async fn parts_come_in_any_order(Kept { repository, kind, .. }: Kept) {
    let part = kind.part_bytes();
    let data = pattern(3 * part + 17);
    multipart(&repository, "m/forward", &data, &[1, 2, 3, 4], part).await;
    multipart(&repository, "m/backward", &data, &[4, 3, 2, 1], part).await;
    multipart(&repository, "m/twice", &data, &[4, 1, 4, 2, 1, 3, 2], part).await;
    multipart(&repository, "m/even", &data[..2 * part], &[2, 1], part).await;
    multipart(&repository, "m/one é%", &data[..10], &[1], part).await;
}

pub(crate) async fn a_multipart_upload_replaces_a_file(Kept { repository, .. }: Kept) {
    put(&repository, "m", b"old").await;
    let upload = repository.create_multipart(&path("m"), 1).await.expect("created");
    let part = send(&repository, "m", &upload, 1, b"new").await.expect("stored");
    assert_eq!(get(&repository, "m").await, b"old");
    repository.complete_multipart(&upload, &path("m"), &[part]).await.expect("completed");
    assert_eq!(get(&repository, "m").await, b"new");
}

/// The same in a bucket, which looks at the parts only when they are put together.
pub(crate) async fn parts_in_a_bucket_can_be_wrong_and_go_on(Kept { repository, .. }: Kept) {
    let data = pattern(5 << 20);
    let upload = repository.create_multipart(&path("m"), 2).await.expect("created");
    let small = send(&repository, "m", &upload, 1, b"small").await.expect("stored");
    let two = send(&repository, "m", &upload, 2, b"end").await.expect("stored");
    let forged = FinishedPart { number: 2, etag: "\"forged\"".into() };
    for wrong in [vec![small.clone(), two.clone()], vec![small.clone(), forged]] {
        let refused = repository.complete_multipart(&upload, &path("m"), &wrong).await;
        assert!(matches!(refused, Err(Error::Multipart(_))), "{refused:?}");
    }
    let one = send(&repository, "m", &upload, 1, &data).await.expect("stored");
    repository.complete_multipart(&upload, &path("m"), &[one, two]).await.expect("completed");
    assert!(get(&repository, "m").await == [&data[..], b"end"].concat());
}

pub(crate) async fn an_upload_in_parts_can_fail_and_go_on(Kept { repository, .. }: Kept) {
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

pub(crate) async fn a_part_that_is_not_the_announced_one_is_not_there(kept: Kept) {
    let repository = kept.repository;
    let upload = repository.create_multipart(&path("m"), 2).await.expect("created");
    let send = async |number, digest| {
        let body = checked(frames(b"aaaa", 3), Some(digest));
        repository.upload_part(&upload, number, 4, body).await
    };
    let mut list = Vec::new();
    // The last first, which waits in a file of its own.
    for number in [2, 1] {
        let refused = send(number, Digest::of(b"other")).await;
        assert!(matches!(refused, Err(Error::Mismatch(_))), "{refused:?}");
        let etag = "\"forged\"".to_owned();
        let with = [list.clone(), vec![FinishedPart { number, etag }]].concat();
        let early = repository.complete_multipart(&upload, &path("m"), &with).await;
        assert!(matches!(early, Err(Error::Multipart(_))), "{early:?}");
        let etag = send(number, Digest::of(b"aaaa")).await.expect("stored");
        list.push(FinishedPart { number, etag });
    }
    repository.complete_multipart(&upload, &path("m"), &list).await.expect("completed");
    assert_eq!(get(&repository, "m").await, b"aaaaaaaa");
}

pub(crate) async fn an_aborted_upload_is_gone(Kept { repository, kind, .. }: Kept) {
    let upload = repository.create_multipart(&path("m"), 2).await.expect("created");
    let data = pattern(kind.part_bytes());
    let mut list = Vec::new();
    for number in [1, 2] {
        list.push(send(&repository, "m", &upload, number, &data).await.expect("stored"));
    }
    // S3 looks at the path as well, moto does not.
    if kind == Kind::Folder {
        let elsewhere = repository.abort_multipart(&upload, &path("x")).await;
        assert!(matches!(elsewhere, Err(Error::NoSuchUpload(_))), "{elsewhere:?}");
    }
    repository.abort_multipart(&upload, &path("m")).await.expect("aborted");
    let part = send(&repository, "m", &upload, 1, &data).await;
    assert!(matches!(part, Err(Error::NoSuchUpload(_))), "{part:?}");
    let complete = repository.complete_multipart(&upload, &path("m"), &list).await;
    let complete = complete.expect_err("nothing to put together");
    // Here moto has a fault of its own.
    let is_told = kind == Kind::Bucket || matches!(complete, Error::NoSuchUpload(_));
    assert!(is_told, "{complete:?}");
    let abort = repository.abort_multipart(&upload, &path("m")).await;
    assert!(matches!(abort, Err(Error::NoSuchUpload(_))), "{abort:?}");
    assert_eq!(tree(&repository).await, BTreeMap::new());
}

pub(crate) async fn impossible_uploads_in_parts_are_refused(Kept { repository, kind, .. }: Kept) {
    for parts in [0, 10_001, u32::MAX] {
        let outcome = repository.create_multipart(&path("m"), parts).await;
        assert!(matches!(outcome, Err(Error::Multipart(_))), "{parts} parts: {outcome:?}");
    }
    if kind == Kind::Folder {
        put(&repository, "folder/f", b"x").await;
        let onto_folder = repository.create_multipart(&path("folder"), 1).await;
        assert!(matches!(onto_folder, Err(Error::IsFolder(_))), "{onto_folder:?}");
    }
}

/// In words on which MLflow's clients send the file as a whole.
pub(crate) async fn parts_are_not_taken(Kept { repository, .. }: Kept) {
    assert_eq!(repository.parts_go_to(), PartsGoTo::Nowhere);
    let refused = repository.create_multipart(&path("m"), 2).await.expect_err("no parts here");
    assert!(matches!(refused, Error::NotSupported(_)), "{refused:?}");
    assert_eq!(refused.code(), ErrorCode::NotImplemented);
}
