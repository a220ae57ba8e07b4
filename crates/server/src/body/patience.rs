//! A client that sends its body drop by drop must not hold a connection for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// In each window of this length …
const WINDOW: Duration = Duration::from_secs(60);
/// … at least so many bytes must come, or the body must end.
const WINDOW_MIN_BYTES: usize = 64 << 10;

/// A request body that fails when the client is too slow. The timer runs only while there is
/// something to wait for.
pub(crate) struct PatientBody<B> {
    body: B,
    window: Option<Window>,
}

struct Window {
    end: Pin<Box<Sleep>>,
    bytes: usize,
}

impl<B> PatientBody<B> {
    pub(crate) fn new(body: B) -> Self {
        Self { body, window: None }
    }

    /// Waits on; fails when the window has ended with too little in it.
    fn watch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let window = self
            .window
            .get_or_insert_with(|| Window { end: Box::pin(tokio::time::sleep(WINDOW)), bytes: 0 });
        while window.end.as_mut().poll(cx).is_ready() {
            if window.bytes < WINDOW_MIN_BYTES {
                let message = "the client sent too little for a minute";
                let error = io::Error::new(io::ErrorKind::TimedOut, message);
                return Poll::Ready(Some(Err(axum::Error::new(error))));
            }
            window.bytes = 0;
            window.end.as_mut().reset(Instant::now() + WINDOW);
        }
        Poll::Pending
    }
}

impl<B> HttpBody for PatientBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(window), Some(data)) = (&mut self.window, frame.data_ref()) {
                    window.bytes = window.bytes.saturating_add(data.len());
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(axum::Error::new(error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => self.watch(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use futures_util::stream;
    use modelyard_protocol::Error;

    /// Reads a body that comes in `chunks` pieces of `bytes`, one every `seconds`.
    async fn read(chunks: u32, bytes: usize, seconds: u64) -> Result<usize, String> {
        let pieces = stream::unfold(0, move |sent| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            (sent < chunks).then(|| (Ok::<_, Error>(vec![b'x'; bytes]), sent + 1))
        });
        let body = Body::new(PatientBody::new(Body::from_stream(Box::pin(pieces))));
        to_bytes(body, usize::MAX).await.map(|read| read.len()).map_err(|error| error.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_may_take_its_time() {
        assert_eq!(read(1, 10, 30).await, Ok(10));
        assert_eq!(read(100, 8 << 10, 7).await, Ok(100 * (8 << 10)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dripping_body_is_cut_off() {
        let began = Instant::now();
        let error = read(1000, 1, 7).await.expect_err("a byte every seven seconds");
        assert!(error.contains("too little"), "{error}");
        assert_eq!(began.elapsed().as_secs(), 60);
        assert!(read(2, 1 << 20, 61).await.is_err());
    }
}
