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
pub(crate) use transfer::{count_in, hold_out};

/// The longest JSON body, in bytes: 64 MiB. The largest legal message is a dataset with a profile
/// of 16 MiB, whose quotes and non-ASCII text may grow fourfold in JSON.
pub(crate) const JSON_BODY_MAX_BYTES: usize = 64 << 20;

/// How long the rest of a body that is too long is read and forgotten.
const DROP_REST: Duration = Duration::from_secs(5);

/// A body in memory, and the right to keep it there.
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    pub(crate) permit: Option<Permit>,
}

/// Reads a body of at most [`JSON_BODY_MAX_BYTES`] into memory, within what all requests together
/// may hold.
///
/// # Errors
/// `PAYLOAD_TOO_LARGE` before more than the limit is held, `BAD_REQUEST` when the client breaks off,
/// and those of [`Admission::hold_body`].
pub(crate) async fn read(body: Body, admission: &Admission) -> Result<Held, ApiError> {
    let size = body.size_hint();
    let at_most = match size.exact() {
        Some(exact) => usize::try_from(exact).unwrap_or(usize::MAX),
        None => JSON_BODY_MAX_BYTES,
    };
    if at_most > JSON_BODY_MAX_BYTES {
        drop_rest(&mut body.into_data_stream()).await;
        return Err(too_large());
    }
    let mut permit = match size.exact() {
        Some(_) if at_most > SMALL_BODY_BYTES => Some(admission.hold_body(at_most).await?),
        _ => None,
    };
    let mut frames = body.into_data_stream();
    let Some(first) = frames.next().await else {
        return Ok(Held { bytes: Bytes::new(), permit });
    };
    let first = first.map_err(broken_off)?;
    if size.exact() == Some(first.len() as u64) {
        return Ok(Held { bytes: first, permit });
    }
    let mut whole = Vec::with_capacity(first.len().max(at_most.min(SMALL_BODY_BYTES)));
    whole.extend_from_slice(&first);
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(broken_off)?;
        if whole.len() + frame.len() > JSON_BODY_MAX_BYTES {
            drop(whole);
            drop_rest(&mut frames).await;
            return Err(too_large());
        }
        if permit.is_none() && whole.len() + frame.len() > SMALL_BODY_BYTES {
            permit = Some(admission.hold_body(at_most).await?);
        }
        whole.extend_from_slice(&frame);
    }
    Ok(Held { bytes: whole.into(), permit })
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
        if whole.len() > JSON_BODY_MAX_BYTES {
            return Err(too_large());
        }
    }
    Ok(whole.into())
}

fn too_large() -> ApiError {
    let message = format!(
        "The request body is longer than {JSON_BODY_MAX_BYTES} bytes; send it in several requests."
    );
    Error::new(ErrorCode::PayloadTooLarge, message).into()
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn broken_off(cause: axum::Error) -> ApiError {
    let message = format!("The request body could not be read to its end: {cause}");
    Error::new(ErrorCode::BadRequest, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_stream(chunks: Vec<usize>) -> Result<Held, ApiError> {
        let chunks = chunks.into_iter().map(|size| Ok::<_, axum::Error>(vec![b'x'; size]));
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        read(body, &Admission::new()).await
    }

    #[tokio::test]
    async fn small_bodies_need_no_permit() {
        let admission = Admission::new();
        let held = read(Body::from("{}"), &admission).await.expect("a small body");
        assert_eq!(&held.bytes[..], b"{}");
        assert!(held.permit.is_none());
        let held = read(Body::empty(), &admission).await.expect("an empty body");
        assert!(held.bytes.is_empty());
    }

    #[tokio::test]
    async fn large_bodies_are_counted_while_they_live() {
        let admission = Admission::new();
        let memory = |admission: &Admission| admission.queues()[4].1.running();
        let held = read(Body::from(vec![b'x'; 1 << 20]), &admission).await.expect("1 MiB");
        assert_eq!(memory(&admission), 16);
        drop(held);
        assert_eq!(memory(&admission), 0);
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_stopped_at_the_limit() {
        let held = read_stream(vec![40_000; 3]).await.expect("120 kB");
        assert_eq!(held.bytes.len(), 120_000);
        assert!(held.permit.is_some());
        let error = read_stream(vec![1 << 20; 65]).await.err().expect("65 MiB");
        assert_eq!(error.error.code, ErrorCode::PayloadTooLarge);
    }
}
