//! A client that sends its body drop by drop must not hold a connection for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

/// In each window of this length …
const WINDOW: Duration = Duration::from_secs(60);
/// … at least so many bytes must come, or the body must end.
const WINDOW_MIN_BYTES: usize = 64 << 10;

/// A request body that fails when the client is too slow. The timer runs only while there is
/// something to wait for.
pub(crate) struct PatientBody {
    body: Incoming,
    window: Option<Window>,
}

struct Window {
    end: Pin<Box<Sleep>>,
    bytes: usize,
}

impl PatientBody {
    pub(crate) fn new(body: Incoming) -> Self {
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

impl HttpBody for PatientBody {
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
