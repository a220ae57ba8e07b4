//! Putting a file into a bucket: small ones by one request, large ones in parts.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use modelyard_protocol::digest::Digest;
use object_store::multipart::PartId;
use object_store::{MultipartId, PutPayload};
use tokio::task::JoinHandle;

use super::{Bucket, CloudRepository, Key, kept};
use crate::error::{Cause, Error, Result};
use crate::path::ArtifactPath;
use crate::portion::Portion;
use crate::repository::Announced;

const STORING: &str = "storing an artifact";
/// Bytes of a part, and of what is stored without parts: the least that S3 allows. Two are held per
/// upload: one is sent while the other is received.
const PART_BYTES: u64 = 5 << 20;
/// Bytes of the largest part, for files that need it.
const PART_MAX_BYTES: u64 = 64 << 20;
/// The most parts: the limit of S3.
const PARTS_MAX: u64 = 10_000;

impl CloudRepository {
    /// Stores a file, in place of any file that has the path, and returns its size in bytes once
    /// the store has it. If `body` fails or the future is dropped before all of it has come,
    /// nothing is stored.
    pub(crate) async fn upload<S, E>(
        &self,
        path: &ArtifactPath,
        announced: Announced,
        body: S,
    ) -> Result<u64>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin,
        E: Into<Cause>,
    {
        let Announced { size_bytes: expected_bytes, digest } = announced;
        let key = self.key(path)?;
        let part_bytes = part_bytes(expected_bytes)?;
        let mut incoming = Incoming { body, left_over: Bytes::new(), part_bytes, received: 0 };
        // Waits while too many others are at it; what has to wait is the client.
        let held = expected_bytes.unwrap_or(u64::MAX).min(2 * part_bytes);
        let mib = held.div_ceil(1 << 20) as u32;
        let memory = Arc::clone(&self.0.memory).acquire_many_owned(mib).await;
        let first = incoming.next_part().await?;
        if incoming.is_last(&first) {
            return self.put(key, digest, first, memory).await;
        }
        let mut parts = Parts::begin(self.clone(), key, digest).await?;
        let mut part = first;
        loop {
            let is_last = incoming.is_last(&part);
            parts.send(part).await?;
            if is_last {
                break;
            }
            part = incoming.next_part().await?;
            if part.is_empty() {
                break;
            }
            if parts.count == PARTS_MAX {
                return Err(too_large(part_bytes, expected_bytes));
            }
        }
        parts.complete().await?;
        Ok(incoming.received)
    }

    /// Stores a small file. Whoever waits for it may go: it was received whole, so it is stored.
    async fn put<G: Send + 'static>(
        &self,
        key: Key,
        digest: Option<Digest>,
        data: Vec<Bytes>,
        guard: G,
    ) -> Result<u64> {
        let this = self.clone();
        let size = size_of(&data);
        let stored = tokio::spawn(async move {
            let _guard = guard;
            let options = kept::attributes(digest).into();
            let put = this.0.client.put_opts(&key, PutPayload::from_iter(data), options);
            this.request(STORING, put).await
        });
        joined(stored).await.map(|_answer| size)
    }
}

/// The size of all parts but the last. As small as the store and the size of the file allow.
fn part_bytes(expected_bytes: Option<u64>) -> Result<u64> {
    let needed = expected_bytes.unwrap_or_default().div_ceil(PARTS_MAX);
    match needed.next_multiple_of(1 << 20).max(PART_BYTES) {
        bytes if bytes <= PART_MAX_BYTES => Ok(bytes),
        _ => Err(too_large(PART_MAX_BYTES, expected_bytes)),
    }
}

fn too_large(part_bytes: u64, expected_bytes: Option<u64>) -> Error {
    let max_gib = (part_bytes * PARTS_MAX) >> 30;
    let hint = match expected_bytes {
        Some(_) => "Use a multipart upload",
        None => "Send its Content-Length, or use a multipart upload",
    };
    Error::TooLarge(format!("The file has more than the {max_gib} GiB that fit. {hint}."))
}

fn size_of(pieces: &[Bytes]) -> u64 {
    pieces.iter().map(|piece| piece.len() as u64).sum()
}

/// Cuts what a client sends into parts of one size, which some stores insist on.
struct Incoming<S> {
    body: S,
    /// What came beyond the end of the part before.
    left_over: Bytes,
    part_bytes: u64,
    received: u64,
}

impl<S, E> Incoming<S>
where
    S: Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    E: Into<Cause>,
{
    async fn next_part(&mut self) -> Result<Vec<Bytes>> {
        let mut part = Portion::default();
        loop {
            let room = self.part_bytes as usize - part.len();
            let more = self.left_over.split_to(room.min(self.left_over.len()));
            if !more.is_empty() {
                part.push(more);
            }
            if part.len() as u64 == self.part_bytes {
                break;
            }
            match self.body.next().await {
                Some(Ok(frame)) => self.left_over = frame,
                Some(Err(cause)) => return Err(Error::ended_by(cause.into())),
                None => break,
            }
        }
        self.received += part.len() as u64;
        Ok(part.take())
    }

    /// Whether the body ended within this part.
    fn is_last(&self, part: &[Bytes]) -> bool {
        size_of(part) < self.part_bytes
    }
}

/// An upload in parts. Dropped before it is complete, it is called off.
struct Parts {
    repository: CloudRepository,
    key: Key,
    id: MultipartId,
    /// Parts that were sent or are being sent.
    count: u64,
    sent: Vec<PartId>,
    sending: Option<JoinHandle<Result<PartId>>>,
    /// The store has put it together, or is asked to.
    closed: bool,
}

impl Parts {
    async fn begin(repository: CloudRepository, key: Key, digest: Option<Digest>) -> Result<Self> {
        // Azure takes what is kept beside a file with its last request only, which has no room for it here.
        let digest = digest.filter(|_| !matches!(repository.0.bucket, Bucket::Azure { .. }));
        let options = kept::attributes(digest).into();
        let created = repository.0.client.create_multipart_opts(&key, options);
        let id = repository.request(STORING, created).await?;
        let (sent, sending) = (Vec::new(), None);
        Ok(Self { repository, key, id, count: 0, sent, sending, closed: false })
    }

    /// Begins to send a part, once the one before is sent.
    async fn send(&mut self, part: Vec<Bytes>) -> Result<()> {
        self.wait().await?;
        let (repository, key, id) = (self.repository.clone(), self.key.clone(), self.id.clone());
        let index = self.count as usize;
        self.count += 1;
        self.sending = Some(tokio::spawn(async move {
            let put = repository.0.client.put_part(&key, &id, index, PutPayload::from_iter(part));
            repository.request(STORING, put).await
        }));
        Ok(())
    }

    async fn wait(&mut self) -> Result<()> {
        if let Some(sending) = &mut self.sending {
            let sent = joined(sending).await;
            self.sending = None;
            self.sent.push(sent?);
        }
        Ok(())
    }

    /// Has the parts put together. Whoever waits for it may go: all was received.
    async fn complete(mut self) -> Result<()> {
        self.wait().await?;
        let finishing = tokio::spawn(async move {
            // All of it, not single fields: it is dropped when the store has answered.
            let mut this = self;
            let parts = std::mem::take(&mut this.sent);
            let done = this.repository.0.client.complete_multipart(&this.key, &this.id, parts);
            let outcome = this.repository.request(STORING, done).await;
            this.closed = outcome.is_ok();
            outcome
        });
        joined(finishing).await.map(|_answer| ())
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        let sending = self.sending.take();
        if self.closed {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (repository, key) = (self.repository.clone(), self.key.clone());
        let id = std::mem::take(&mut self.id);
        runtime.spawn(async move {
            // A part that arrives later would be kept, and paid for, until someone looks.
            if let Some(sending) = sending {
                sending.abort();
                let _ = sending.await;
            }
            let aborted = repository.0.client.abort_multipart(&key, &id);
            if let Err(error) = repository.request("calling off an upload", aborted).await {
                tracing::warn!("parts of a broken upload stay in {repository}: {error}");
            }
        });
    }
}

async fn joined<T>(
    task: impl Future<Output = std::result::Result<Result<T>, tokio::task::JoinError>>,
) -> Result<T> {
    match task.await {
        Ok(outcome) => outcome,
        Err(error) => Err(Error::io("sending to the artifact store")(std::io::Error::other(error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    #[test]
    fn parts_grow_with_the_file() {
        assert_eq!(part_bytes(None).expect("small"), PART_BYTES);
        assert_eq!(part_bytes(Some(40 << 30)).expect("small"), PART_BYTES);
        let large = 500 << 30;
        let bytes = part_bytes(Some(large)).expect("large");
        assert!(bytes * PARTS_MAX >= large && bytes <= PART_MAX_BYTES);
        assert!(matches!(part_bytes(Some(1 << 40)), Err(Error::TooLarge(_))));
    }

    #[tokio::test]
    async fn a_body_is_cut_into_parts_of_one_size() {
        let frames = [7_usize, 1, 0, 30, 2].map(|len| Ok::<_, Cause>(Bytes::from(vec![1; len])));
        let body = stream::iter(frames);
        let mut incoming = Incoming { body, left_over: Bytes::new(), part_bytes: 10, received: 0 };
        for expected in [10, 10, 10, 10, 0] {
            let part = incoming.next_part().await.expect("a part");
            assert_eq!(size_of(&part), expected);
        }
        assert_eq!(incoming.received, 40);
    }
}
