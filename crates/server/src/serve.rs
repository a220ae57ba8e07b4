//! Connections: accepting, limiting and, at the end, draining them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::body::PatientBody;
use crate::config::Serving;
use crate::middleware::Shell;
use crate::patient_stream::PatientStream;
use crate::{AppState, ServerConfig, Services, router};

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

/// Serves until `stop` resolves, then finishes the requests it has accepted.
pub async fn serve(
    listener: TcpListener,
    config: ServerConfig,
    services: Services,
    stop: impl Future<Output = ()> + Send,
) {
    let (router, routes) = router::build(&config.static_prefix);
    let app = AppState::new(config, services, routes);
    for route in &app.routes {
        let (method, path) = (&route.method, &route.path);
        tracing::trace!(%method, path, permission = ?route.permission, "route");
    }
    let sending = (app.config.serving != Serving::ArtifactsOnly).then(|| {
        let (webhooks, store) = (Arc::clone(&app.webhooks), Arc::clone(&app.store));
        tokio::spawn(webhooks.run(store, app.stopping.clone()))
    });
    let shell = Shell::new(router.with_state(app.clone()), app.clone());
    let most = app.config.connections_max;
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
            let (shell, app) = (shell.clone(), app.clone());
            tokio::spawn(async move {
                let _open = app.metrics.connections.enter();
                connection(stream, timeout, shell, &app).await;
                drop(slot);
            });
        }
    }
    drop(listener);
    app.stopping.cancel();
    if tokio::time::timeout(DRAIN, slots.acquire_many(most)).await.is_err() {
        tracing::warn!("some requests did not end within {} s and are cut off", DRAIN.as_secs());
    }
    // It has an end of its own, and begins to stop with the requests.
    if let Some(sending) = sending
        && let Err(error) = sending.await
    {
        tracing::error!("sending webhooks has failed: {error}");
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

async fn connection(stream: TcpStream, head_timeout: Duration, shell: Shell, app: &AppState) {
    // Answers are written whole; waiting for more to send along only costs time.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY: {error}");
    }
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        shell.clone().answer(request.map(|body| Body::new(PatientBody::new(body))))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(HEAD_MAX_BYTES)
        .serve_connection(PatientStream::new(TokioIo::new(stream)), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = app.stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("connection ended: {error}");
    }
}
