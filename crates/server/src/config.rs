//! What the server is told at start, parsed and checked: the meaning, not the text, of the flags.

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
}
