//! The limit of the HTTP library: an `axum` server that reads a body and answers `{}`.
//!
//! The bench starts itself anew with it, so that it is a process of its own as the servers are.

use std::net::SocketAddr;

use anyhow::Result;
use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;

/// Serves until killed.
#[tokio::main]
pub(crate) async fn serve(address: SocketAddr) -> Result<()> {
    let app = Router::new().route("/health", get(async || "OK")).fallback(post(answer));
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, app).await?)
}

async fn answer(body: Bytes) -> ([(&'static str, &'static str); 1], &'static str) {
    // The body has been read to here; what it says does not matter.
    drop(body);
    ([("content-type", "application/json")], "{}")
}
