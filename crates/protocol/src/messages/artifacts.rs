//! Artifacts: listings.

use serde::{Deserialize, Serialize};

use super::common::either;
use crate::wire::{Check, Field, Kind, Message, Request};

/// `artifacts/list`: the files of a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListArtifacts {
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    run_uuid: String,
    /// The folder; the root if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// Where the list goes on.
    #[serde(default)]
    pub page_token: String,
}

impl ListArtifacts {
    /// The run.
    pub fn run_id(&self) -> &str {
        either(&self.run_id, &self.run_uuid)
    }
}

impl Request for ListArtifacts {
    const MESSAGE: Message = Message(&[
        Field::new("run_id", Kind::Text, &[Check::Text, Check::Required]),
        Field::new("path", Kind::Text, &[Check::Text]),
        Field::new("page_token", Kind::Text, &[Check::Text]),
        Field::new("run_uuid", Kind::Text, &[]),
    ]);
}

/// `logged-models/{model_id}/artifacts/directories`: the files of a model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListModelArtifacts {
    /// The folder; the root if absent.
    #[serde(default)]
    pub artifact_directory_path: Option<String>,
    /// Where the list goes on.
    #[serde(default)]
    pub page_token: String,
}

impl Request for ListModelArtifacts {
    const MESSAGE: Message = Message(&[
        Field::new("artifact_directory_path", Kind::Text, &[Check::Text]),
        Field::new("page_token", Kind::Text, &[]),
    ]);
}

/// `mlflow-artifacts/artifacts`: the files of the store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListProxyArtifacts {
    /// The folder; the root if absent.
    #[serde(default)]
    pub path: Option<String>,
}

impl Request for ListProxyArtifacts {
    const MESSAGE: Message = Message(&[Field::new("path", Kind::Text, &[Check::Text])]);
}

/// A file or folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// The path; relative to what, the endpoint decides.
    pub path: String,
    /// Whether it is a folder.
    #[serde(default)]
    pub is_dir: bool,
    /// The size in bytes; absent for folders and empty files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_size: Option<i64>,
}

/// Answer of `artifacts/list` and of `logged-models/{model_id}/artifacts/directories`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactList {
    /// The root that the paths are relative to.
    pub root_uri: String,
    /// The files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileInfo>,
    /// Where the list goes on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// Answer of `mlflow-artifacts/artifacts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyArtifactList {
    /// The files, by their base names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileInfo>,
}
