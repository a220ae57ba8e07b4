//! Bodies that stream: counted, and holding their slot until the last byte.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use crate::AppState;
use crate::admission::Permit;
use crate::metrics::{Counter, Metrics};

/// A body whose bytes are counted.
struct Counted {
    body: Body,
    app: AppState,
    counter: fn(&Metrics) -> &Counter,
    /// Released with the body.
    _permit: Option<Permit>,
}

/// Counts what a client sends.
pub(crate) fn count_in(body: Body, app: AppState) -> Body {
    let counter: fn(&Metrics) -> &Counter = |metrics| &metrics.transfer_bytes_in;
    Body::new(Counted { body, app, counter, _permit: None })
}

/// Counts what a client gets, and keeps `permit` until it has it all.
pub(crate) fn hold_out(body: Body, app: AppState, permit: Permit) -> Body {
    let counter: fn(&Metrics) -> &Counter = |metrics| &metrics.transfer_bytes_out;
    Body::new(Counted { body, app, counter, _permit: Some(permit) })
}

/// Keeps `permit` until the client has taken the last byte of `body`, not only until the connection
/// has taken it over.
pub(crate) fn hold_memory(body: Body, permit: Permit) -> Body {
    Body::new(Remembered { body, permit: Arc::new(permit) })
}

/// A body whose bytes hold a permit.
struct Remembered {
    body: Body,
    permit: Arc<Permit>,
}

impl HttpBody for Remembered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let own = |bytes| Bytes::from_owner(Owned { bytes, _permit: Arc::clone(&self.permit) });
        polled.map(|frame| frame.map(|frame| frame.map(|frame| frame.map_data(own))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes, with the right to keep them in memory.
struct Owned {
    bytes: Bytes,
    _permit: Arc<Permit>,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            (self.counter)(&self.app.metrics).add(data.len() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
