//! Bodies: reading them within limits, and watching over those that stream.

mod patience;
mod transfer;

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use futures_util::StreamExt;
use modelyard_protocol::{Error, ErrorCode};

use crate::ApiError;
use crate::admission::{Admission, Permit, SMALL_BODY_BYTES};

pub(crate) use patience::PatientBody;
pub(crate) use transfer::{count_in, hold_memory, hold_out};

/// The longest JSON body of most routes, in bytes: 1 MiB. One object with its longest texts fits
/// several times, however JSON escapes them.
pub(crate) const BODY_MAX_BYTES: usize = 1 << 20;
/// The longest body of the routes that take lists, in bytes: 16 MiB. A full log-batch has 1.4
/// million characters of values, and JSON may write each of them in six bytes, rare ones in twelve.
pub(crate) const LIST_BODY_MAX_BYTES: usize = 16 << 20;
/// The longest body of `log-inputs`, in bytes: 64 MiB. It holds a dataset with a profile of 16
/// MiB, whose quotes and non-ASCII text may grow fourfold in JSON.
pub(crate) const DATASETS_BODY_MAX_BYTES: usize = 64 << 20;

/// A body may take this long …
const DEADLINE: Duration = Duration::from_secs(30);
/// … and beyond it a second for so many bytes: who sends slower holds memory for too long.
const SLOWEST_BYTES_PER_SECOND: usize = 256 << 10;
/// How long the rest of a body that is too long is read and forgotten.
const DROP_REST: Duration = Duration::from_secs(5);

/// A body in memory, and the right to keep it there.
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    pub(crate) permit: Option<Permit>,
}

/// Reads a body of at most `max_bytes` into memory, within what all requests together may hold.
/// What a client announces costs nothing: memory is taken for what has come.
///
/// # Errors
/// `PAYLOAD_TOO_LARGE` before more than the limit is held, `BAD_REQUEST` when the client breaks off
/// or is slower than a body may be, and those of [`Admission::hold_body`].
pub(crate) async fn read(
    body: Body,
    max_bytes: usize,
    admission: &Admission,
) -> Result<Held, ApiError> {
    let announced = body.size_hint().exact();
    let announced = announced.map(|exact| usize::try_from(exact).unwrap_or(usize::MAX));
    let at_most = announced.unwrap_or(max_bytes);
    let mut frames = body.into_data_stream();
    if at_most > max_bytes {
        drop_rest(&mut frames).await;
        return Err(too_large(max_bytes));
    }
    let deadline = DEADLINE + Duration::from_secs((at_most / SLOWEST_BYTES_PER_SECOND) as u64);
    let whole = collect(&mut frames, at_most, announced.is_some(), admission);
    let whole = tokio::time::timeout(deadline, whole).await;
    match whole.map_err(|_elapsed| too_slow(deadline))?? {
        Collected::Whole(held) => Ok(held),
        Collected::TooLong => {
            drop_rest(&mut frames).await;
            Err(too_large(max_bytes))
        }
    }
}

enum Collected {
    Whole(Held),
    TooLong,
}

async fn collect(
    frames: &mut BodyDataStream,
    at_most: usize,
    is_announced: bool,
    admission: &Admission,
) -> Result<Collected, ApiError> {
    let mut whole = Vec::new();
    let mut permit: Option<Permit> = None;
    // Bytes that may be held.
    let mut room = SMALL_BODY_BYTES;
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(broken_off)?;
        let size = whole.len() + frame.len();
        if size > at_most {
            return Ok(Collected::TooLong);
        }
        if size > room {
            let wanted = size.max(room.saturating_mul(2)).min(at_most);
            let held_already = if permit.is_some() { room } else { 0 };
            let more = admission.hold_body(wanted - held_already).await?;
            match &mut permit {
                Some(permit) => permit.join(more),
                None => permit = Some(more),
            }
            room = wanted;
        }
        if whole.is_empty() && is_announced && size == at_most {
            return Ok(Collected::Whole(Held { bytes: frame, permit }));
        }
        if size > whole.capacity() {
            let capacity = room.min(at_most);
            whole.reserve_exact(capacity - whole.len());
        }
        whole.extend_from_slice(&frame);
    }
    Ok(Collected::Whole(Held { bytes: whole.into(), permit }))
}

/// Reads and forgets what a client still sends: many read the answer only after that, and take a
/// connection that is closed before for a fault of the network.
async fn drop_rest(frames: &mut BodyDataStream) {
    let rest = async { while let Some(Ok(_)) = frames.next().await {} };
    // Whoever is not done by then is cut off.
    let _ = tokio::time::timeout(DROP_REST, rest).await;
}

/// Takes out a body that the guard has read already.
///
/// # Errors
/// Those of [`read`], for a body that it has not read.
pub(crate) async fn take(body: Body) -> Result<Bytes, ApiError> {
    let size = body.size_hint().exact();
    let mut frames = body.into_data_stream();
    let Some(first) = frames.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(broken_off)?;
    if size == Some(first.len() as u64) {
        return Ok(first);
    }
    let mut whole = Vec::from(first);
    while let Some(frame) = frames.next().await {
        whole.extend_from_slice(&frame.map_err(broken_off)?);
        if whole.len() > DATASETS_BODY_MAX_BYTES {
            return Err(too_large(DATASETS_BODY_MAX_BYTES));
        }
    }
    Ok(whole.into())
}

fn too_large(max_bytes: usize) -> ApiError {
    let message = format!(
        "The request body is longer than the {max_bytes} bytes that this endpoint takes; send it \
         in several requests."
    );
    Error::new(ErrorCode::PayloadTooLarge, message).into()
}

fn too_slow(deadline: Duration) -> ApiError {
    let seconds = deadline.as_secs();
    let message = format!("The request body did not come to its end within {seconds} seconds.");
    Error::new(ErrorCode::BadRequest, message).into()
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn broken_off(cause: axum::Error) -> ApiError {
    let message = format!("The request body could not be read to its end: {cause}");
    Error::new(ErrorCode::BadRequest, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    use futures_util::stream;

    const MIB: usize = 1 << 20;

    fn chunks(sizes: Vec<usize>) -> Body {
        let chunks = sizes.into_iter().map(|size| Ok::<_, axum::Error>(vec![b'x'; size]));
        Body::from_stream(stream::iter(chunks))
    }

    fn memory(admission: &Admission) -> usize {
        admission.queues()[4].1.running()
    }

    #[tokio::test]
    async fn small_bodies_need_no_permit() {
        let admission = Admission::new();
        let held = read(Body::from("{}"), MIB, &admission).await.expect("a small body");
        assert_eq!(&held.bytes[..], b"{}");
        assert!(held.permit.is_none());
        let held = read(Body::empty(), MIB, &admission).await.expect("an empty body");
        assert!(held.bytes.is_empty());
    }

    #[tokio::test]
    async fn large_bodies_are_counted_while_they_live() {
        let admission = Admission::new();
        let held = read(Body::from(vec![b'x'; MIB]), MIB, &admission).await.expect("1 MiB");
        assert_eq!(memory(&admission), 16);
        drop(held);
        assert_eq!(memory(&admission), 0);
        let held = read(chunks(vec![40_000; 26]), MIB, &admission).await.expect("a megabyte");
        assert_eq!((held.bytes.len(), memory(&admission)), (1_040_000, 16));
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_stopped_at_the_limit() {
        let admission = Admission::new();
        let held = read(chunks(vec![40_000; 3]), MIB, &admission).await.expect("120 kB");
        assert_eq!(held.bytes.len(), 120_000);
        assert!(held.permit.is_some());
        let error = read(chunks(vec![MIB; 3]), 2 * MIB, &admission).await.err().expect("3 MiB");
        assert_eq!(error.error.code, ErrorCode::PayloadTooLarge);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_only_announced_holds_no_memory_and_ends_in_time() {
        let admission = Admission::new();
        // As much as fits into one frame, then silence.
        let some = stream::iter([Ok::<_, axum::Error>(Bytes::from(vec![b'x'; 70_000]))]);
        let body = Body::from_stream(some.chain(stream::pending()));
        let reading = read(body, 64 * MIB, &admission);
        let watching = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            memory(&admission)
        };
        let began = tokio::time::Instant::now();
        let (read, held) = tokio::join!(reading, watching);
        assert_eq!(held, 2);
        assert_eq!(read.err().expect("cut off").error.code, ErrorCode::BadRequest);
        assert_eq!(began.elapsed().as_secs(), 30 + 256);
        assert_eq!(memory(&admission), 0);
    }
}
