//! The address to listen on, and the signals to stop at.

use std::io;
use std::net::SocketAddr;

use anyhow::anyhow;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Listens on the first address of `host` that works.
///
/// # Errors
/// One line that says what is in the way.
pub(crate) async fn listen(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let mut addresses: Vec<SocketAddr> = tokio::net::lookup_host((bare, port))
        .await
        .map_err(|error| anyhow!("cannot listen on '{host}': no such host ({error})"))?
        .collect();
    // Of a name such as localhost, the address that every client tries.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    TcpListener::bind(&*addresses).await.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another program listens there; stop it, or choose another --port".to_owned()
            }
            io::ErrorKind::PermissionDenied => {
                "this user may not; ports below 1024 are for root".to_owned()
            }
            io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
            _ => error.to_string(),
        };
        anyhow!("cannot listen on {host}:{port}: {why}")
    })
}

/// Resolves at the first SIGINT or SIGTERM. The second one ends the process at once.
///
/// # Errors
/// If the signals cannot be received.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: finishing the accepted requests; once more to stop at once");
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            // What was acknowledged is on disk; nothing is lost.
            std::process::exit(1);
        });
    })
}
