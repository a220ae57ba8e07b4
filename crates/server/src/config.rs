//! What the server is told at start, parsed and checked: the meaning, not the text, of the flags.

use axum::http::HeaderValue;
use modelyard_protocol::wire::Rules;
use regex::Regex;

pub use crate::middleware::{AllowedHosts, AllowedOrigins};

/// Which of MLflow's two halves this server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serving {
    /// Tracking and the artifact proxy.
    Everything,
    /// Tracking only (`--no-serve-artifacts`): clients reach the artifact store themselves.
    TrackingOnly,
    /// The artifact proxy only (`--artifacts-only`).
    ArtifactsOnly,
}

/// The configuration of the HTTP interface.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Which endpoints are offered.
    pub serving: Serving,
    /// Put before every path: empty, or `/` and at least one character, without a final `/`.
    pub static_prefix: String,
    /// The checks that protect browsers' users.
    pub security: Security,
    /// What may be decided about the checks of requests.
    pub rules: Rules,
    /// What the source of a new version of a registered model must contain, if that is decided.
    pub model_sources: Option<Regex>,
    /// Connections open at once; further ones wait in the kernel's queue. Each takes a file
    /// descriptor and, while it idles, some 20 KiB.
    pub connections_max: u32,
}

/// The checks that protect browsers' users from other sites' pages.
#[derive(Debug, Clone)]
pub struct Security {
    /// Whether there are any (`--disable-security-middleware`).
    pub enabled: bool,
    /// The names this server answers to.
    pub hosts: AllowedHosts,
    /// The pages that may call it.
    pub origins: AllowedOrigins,
    /// The value of `X-Frame-Options`, if it is sent.
    pub frame_options: Option<HeaderValue>,
}

impl Security {
    /// Everything on, for a server that listens on `host`.
    pub fn for_host(host: &str) -> Self {
        Self {
            enabled: true,
            hosts: AllowedHosts::default_for(host),
            origins: AllowedOrigins::default(),
            frame_options: Some(HeaderValue::from_static("SAMEORIGIN")),
        }
    }

    /// Sets the value of `X-Frame-Options`: `SAMEORIGIN`, `DENY`, or `NONE` to leave it out, in any
    /// case. `None` if it is something else.
    #[must_use]
    pub fn with_frame_options(mut self, value: &str) -> Option<Self> {
        self.frame_options = match value.to_ascii_uppercase().as_str() {
            "SAMEORIGIN" => Some(HeaderValue::from_static("SAMEORIGIN")),
            "DENY" => Some(HeaderValue::from_static("DENY")),
            "NONE" => None,
            _ => return None,
        };
        Some(self)
    }
}
