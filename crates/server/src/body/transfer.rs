//! Bodies that stream: counted, and holding their slot until the last byte.

use std::pin::Pin;
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
