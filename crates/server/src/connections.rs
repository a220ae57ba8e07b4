//! Connections: accepting, limiting and, at the end, draining them.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::body::PatientBody;
use crate::metrics::Gauge;
use crate::patient_stream::PatientStream;

/// How long a client may take to send the head of a request, and how long a connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// The same, for connections that come when half of the possible ones are open: whoever holds many
/// for nothing does not keep others out for long.
const HEAD_TIMEOUT_CROWDED: Duration = Duration::from_secs(5);
/// Bytes of request line and headers together; also the size of the pieces in which bodies come.
const HEAD_MAX_BYTES: usize = 64 << 10;
/// How long accepted requests may take to finish after the signal to stop. Container platforms
/// commonly kill after 30 s.
const DRAIN: Duration = Duration::from_secs(25);
/// The pause after a failure to accept: mostly the process is out of file descriptors, and others
/// must close first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What answers the requests of all connections.
pub(crate) trait Answers: Clone + Send + Sync + 'static {
    /// Answers one request.
    fn answer(
        self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response, Infallible>> + Send;

    /// Counts the open connections.
    fn connections(&self) -> &Gauge;
}

/// Serves up to `most` connections until `stop` resolves, then cancels `stopping` and finishes the
/// requests that it has accepted.
pub(crate) async fn run(
    listener: TcpListener,
    most: u32,
    answers: impl Answers,
    stopping: &CancellationToken,
    stop: impl Future<Output = ()> + Send,
) {
    let slots = Arc::new(Semaphore::new(most as usize));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        if let Some((stream, slot)) = accepted {
            let is_crowded = slots.available_permits() < most as usize / 2;
            let timeout = if is_crowded { HEAD_TIMEOUT_CROWDED } else { HEAD_TIMEOUT };
            let (answers, stopping) = (answers.clone(), stopping.clone());
            tokio::spawn(async move {
                let _open = answers.connections().enter();
                connection(stream, timeout, &answers, &stopping).await;
                drop(slot);
            });
        }
    }
    drop(listener);
    stopping.cancel();
    if tokio::time::timeout(DRAIN, slots.acquire_many(most)).await.is_err() {
        tracing::warn!("some requests did not end within {} s and are cut off", DRAIN.as_secs());
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, slot)),
        Err(error) => {
            tracing::warn!("cannot accept a connection: {error}");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn connection(
    stream: TcpStream,
    head_timeout: Duration,
    answers: &impl Answers,
    stopping: &CancellationToken,
) {
    // Answers are written whole; waiting for more to send along only costs time.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY: {error}");
    }
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        answers.clone().answer(request.map(|body| Body::new(PatientBody::new(body))))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(HEAD_MAX_BYTES)
        .serve_connection(PatientStream::new(TokioIo::new(stream)), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("connection ended: {error}");
    }
}
