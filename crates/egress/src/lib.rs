//! The one way out: HTTP requests to addresses that users name.
//!
//! Whoever may name an address may try to reach what only the server can: the machine itself, its network, the
//! metadata service of its cloud. So a connection is made to an address only after *that address* was judged, and
//! the judgement is repeated on the connected socket: a name that means something else a moment later changes
//! nothing. Each request has a connection of its own; redirects are answers like any other, and the environment's
//! proxies are not asked.

mod address;
mod client;
mod resolve;
mod tls;

use std::time::Duration;

pub use address::is_public;
pub use client::Egress;
pub use resolve::{Found, Resolve, SystemResolver};

/// Where requests may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The schemes of URLs: `https`, and `http` where that is allowed.
    pub schemes: Vec<String>,
    /// Whether addresses that are not public may be reached; those at which a machine asks for its own credentials
    /// never are.
    pub allow_private: bool,
}

impl Default for Policy {
    /// Encrypted, and to public addresses only.
    fn default() -> Self {
        Self { schemes: vec!["https".to_owned()], allow_private: false }
    }
}

/// What is sent.
#[derive(Debug, Clone)]
pub struct Post<'a> {
    /// Where to.
    pub url: &'a str,
    /// The headers beside `Host` and `Content-Length`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// How long all of it may take.
    pub timeout: Duration,
    /// How much of the answer's body is read; the rest is not waited for.
    pub reply_max_bytes: usize,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status, redirects included.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The header `Location`.
    pub location: Option<String>,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address must not be reached. Asking again gives the same answer.
    #[error("{0}")]
    Refused(String),
    /// The name means nothing now.
    #[error("cannot resolve '{host}': {cause}")]
    Unresolved {
        /// The name.
        host: String,
        /// What the name service says.
        cause: String,
    },
    /// No connection came about, or it broke.
    #[error("{0}")]
    Broken(String),
    /// It took too long.
    #[error("no complete answer within {} s", .0.as_secs_f64())]
    Slow(Duration),
}
