//! From names to addresses.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// Look-ups at once. Each takes a thread that cannot be stopped, of those that also serve files, and a name
/// server that hangs holds it for long.
const LOOKUPS: usize = 8;

/// The addresses of a name.
pub type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// What knows the addresses of names.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses that a name has at this moment.
    fn resolve(&self, host: &str, port: u16) -> Found;
}

/// The operating system's name service.
pub struct SystemResolver(Arc<Semaphore>);

impl Default for SystemResolver {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LOOKUPS)))
    }
}

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> Found {
        let (slots, host) = (Arc::clone(&self.0), host.to_owned());
        Box::pin(async move {
            let slot = slots.acquire_owned().await.map_err(io::Error::other)?;
            let look_up = move || {
                // Held by the thread, which goes on when nobody waits any more.
                let _slot = slot;
                (host.as_str(), port).to_socket_addrs().map(Iterator::collect)
            };
            tokio::task::spawn_blocking(look_up).await.map_err(io::Error::other)?
        })
    }
}
