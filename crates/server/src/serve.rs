//! Connections: accepting, limiting and, at the end, draining them.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use modelyard_protocol::Context;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::shell::Shell;
use crate::{AppState, ServerConfig, router};

/// Connections open at once; above that, new ones wait in the kernel's queue.
const CONNECTIONS: usize = 4096;
/// How long a client may take to send the head of a request, and how long a connection may idle.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of request line and headers together.
const HEAD_MAX_BYTES: usize = 64 << 10;
/// How long accepted requests may take to finish after the signal to stop.
const DRAIN: Duration = Duration::from_secs(25);

/// Serves until `stop` resolves, then finishes the requests it has accepted.
///
/// # Errors
/// Only faults of the listener itself.
pub async fn serve(
    listener: TcpListener,
    config: ServerConfig,
    context: Context,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let (router, routes) = router::build(&config.static_prefix);
    let state = AppState::new(config, context, routes);
    let shell = Shell::new(router.with_state(state.clone()), state);
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let draining = CancellationToken::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, slot)) = accepted else { continue };
        let (shell, drain) = (shell.clone(), draining.clone());
        tokio::spawn(async move {
            connection(stream, shell, drain).await;
            drop(slot);
        });
    }
    drop(listener);
    draining.cancel();
    let all = CONNECTIONS as u32;
    if tokio::time::timeout(DRAIN, slots.acquire_many(all)).await.is_err() {
        tracing::warn!("some requests did not finish in {} s and are cut off", DRAIN.as_secs());
    }
    Ok(())
}

type Slot = tokio::sync::OwnedSemaphorePermit;

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Option<(TcpStream, Slot)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, slot)),
        Err(error) => {
            // Out of file descriptors, mostly: others must close before the next can come.
            tracing::warn!("cannot accept a connection: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn connection(stream: TcpStream, shell: Shell, drain: CancellationToken) {
    // Answers are written whole; waiting for more to send along only costs time.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY: {error}");
    }
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        shell.clone().answer(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(HEAD_MAX_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = drain.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("connection ended: {error}");
    }
}
