//! What the server says about itself.

use serde::{Deserialize, Serialize};

/// Answer of `server-info`. Given without authentication, so it holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// The kind of store: `SqlStore`, the only one that MLflow 3 still serves.
    pub store_type: String,
    /// Whether there are workspaces.
    pub workspaces_enabled: bool,
    /// Whether traces are archived.
    pub trace_archival_enabled: bool,
    /// Whether the artifact proxy takes multipart uploads.
    pub multipart_uploads_enabled: bool,
    /// Whether the artifact proxy hands out URLs for ranged downloads.
    pub multipart_downloads_enabled: bool,
    /// Whether presigned-upload-url knows `run_id`.
    pub presigned_upload_run_id_supported: bool,
    /// Whether presigned-upload-url knows `model_id`.
    pub presigned_upload_model_id_supported: bool,
    /// Optional features.
    pub features_enabled: Features,
}

/// Optional features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    /// The AI gateway.
    pub gateway: bool,
}
