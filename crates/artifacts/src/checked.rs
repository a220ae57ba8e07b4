//! Bodies that must have the digest that was announced for them.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use modelyard_protocol::digest::{Digest, Hasher};

use crate::error::Cause;

/// What came is not what was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "What arrived is not what was announced: its SHA-256 is {found}, the request says {expected}. It was damaged or \
     changed on the way, or the digest is that of something else"
)]
pub struct Mismatch {
    /// As announced.
    pub expected: Digest,
    /// Of what came.
    pub found: Digest,
}

/// A body that ends with a [`Mismatch`] instead of its end if it is not the announced one.
#[derive(Debug)]
pub struct Checked<S> {
    body: S,
    watch: Option<(Hasher, Digest)>,
}

/// Watches over a body, if a digest was announced; without one, it costs nothing.
///
/// What receives it must not show anything before its end, and nothing at all after an error.
pub fn checked<S>(body: S, expected: Option<Digest>) -> Checked<S> {
    Checked { body, watch: expected.map(|expected| (Hasher::default(), expected)) }
}

impl<S, E> Stream for Checked<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<Cause>,
{
    type Item = Result<Bytes, Cause>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        Poll::Ready(match ready!(Pin::new(&mut this.body).poll_next(cx)) {
            Some(Ok(frame)) => {
                if let Some((hasher, _)) = &mut this.watch {
                    hasher.add(&frame);
                }
                Some(Ok(frame))
            }
            Some(Err(cause)) => Some(Err(cause.into())),
            None => {
                let ended = this.watch.take().map(|(hasher, expected)| (hasher.finish(), expected));
                let wrong = ended.filter(|(found, expected)| found != expected);
                wrong.map(|(found, expected)| Err(Mismatch { expected, found }.into()))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};

    use super::*;

    async fn frames(expected: Option<Digest>) -> Vec<Result<Bytes, String>> {
        let body = stream::iter([Ok::<_, Cause>(Bytes::from("a")), Ok(Bytes::from("bc"))]);
        checked(body, expected).map(|it| it.map_err(|cause| cause.to_string())).collect().await
    }

    #[tokio::test]
    async fn only_the_end_tells_what_is_not_the_announced() {
        let whole = [Ok(Bytes::from("a")), Ok(Bytes::from("bc"))];
        assert_eq!(frames(None).await, whole);
        assert_eq!(frames(Some(Digest::of(b"abc"))).await, whole);
        let wrong = frames(Some(Digest::of(b"other"))).await;
        assert_eq!(wrong[..2], whole);
        let told = wrong[2].as_ref().expect_err("another digest");
        assert!(told.contains(&Digest::of(b"abc").to_string()), "{told}");
        assert!(told.contains(&Digest::of(b"other").to_string()), "{told}");
        assert_eq!(wrong.len(), 3);
    }
}
