//! Artifacts that go past the server: multipart uploads and presigned URLs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::wire::{Check, Field, Kind, Message, Request, Rules};

const REQUIRED_TEXT: &[Check] = &[Check::Required, Check::Text];

/// `mlflow-artifacts/mpu/create/{artifact_path}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateMultipartUpload {
    /// The name of the file within the folder of the URL.
    pub path: String,
    /// Into how many parts it is cut.
    #[serde(default)]
    pub num_parts: i64,
}

impl Request for CreateMultipartUpload {
    const MESSAGE: Message = Message(&[
        Field::new("path", Kind::Text, REQUIRED_TEXT),
        Field::new("num_parts", Kind::Int64, &[Check::IntLike]),
    ]);
}

/// `mlflow-artifacts/mpu/complete/{artifact_path}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompleteMultipartUpload {
    /// The name of the file within the folder of the URL.
    pub path: String,
    /// The upload.
    #[serde(default)]
    pub upload_id: String,
    /// What was uploaded.
    pub parts: Vec<MultipartUploadPart>,
}

/// A part that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultipartUploadPart {
    /// Counted from 1.
    #[serde(default)]
    pub part_number: i64,
    /// What the upload of the part answered.
    #[serde(default)]
    pub etag: String,
    /// Where it was uploaded to.
    #[serde(default)]
    pub url: String,
}

const PART: Message = Message(&[
    Field::new("part_number", Kind::Int64, &[]),
    Field::new("etag", Kind::Text, &[]),
    Field::new("url", Kind::Text, &[]),
]);

impl Request for CompleteMultipartUpload {
    const MESSAGE: Message = Message(&[
        Field::new("path", Kind::Text, REQUIRED_TEXT),
        Field::new("upload_id", Kind::Text, &[Check::Text]),
        Field::new("parts", Kind::Messages(&PART), &[Check::Required]),
    ]);
}

/// `mlflow-artifacts/mpu/abort/{artifact_path}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbortMultipartUpload {
    /// The name of the file within the folder of the URL.
    pub path: String,
    /// The upload.
    #[serde(default)]
    pub upload_id: String,
}

impl Request for AbortMultipartUpload {
    const MESSAGE: Message = Message(&[
        Field::new("path", Kind::Text, REQUIRED_TEXT),
        Field::new("upload_id", Kind::Text, &[Check::Text]),
    ]);
}

/// Answer of `mlflow-artifacts/mpu/create/{artifact_path}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultipartUpload {
    /// The upload.
    pub upload_id: String,
    /// Where each part goes.
    pub credentials: Vec<MultipartUploadCredential>,
}

/// Where one part goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultipartUploadCredential {
    /// The URL to PUT the part to.
    pub url: String,
    /// Counted from 1.
    pub part_number: i64,
    /// Headers to send along.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// Answer of `mlflow-artifacts/presigned/{artifact_path}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PresignedUrl {
    /// The URL to GET.
    pub url: String,
    /// Headers to send along.
    pub headers: BTreeMap<String, String>,
    /// The size of the file, in bytes.
    pub file_size: Option<u64>,
}

/// Answer of `artifacts/presigned-upload-url` and `artifacts/presigned-download-url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunPresignedUrl {
    /// The URL.
    pub presigned_url: String,
    /// Headers to send along.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The size of the file that is there, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
}

/// `artifacts/presigned-upload-url`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresignedUpload {
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    model_id: String,
    /// The file, relative to the owner's artifacts.
    pub path: String,
    /// Seconds for which the URL shall be good.
    #[serde(default = "default_expiration")]
    pub expiration: i64,
}

/// Whose artifacts a presigned URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArtifactOwner<'a> {
    /// A run, by id.
    Run(&'a str),
    /// A logged model, by id.
    LoggedModel(&'a str),
}

fn default_expiration() -> i64 {
    900
}

impl PresignedUpload {
    /// The run or logged model.
    pub fn owner(&self) -> ArtifactOwner<'_> {
        if self.model_id.is_empty() {
            ArtifactOwner::Run(&self.run_id)
        } else {
            ArtifactOwner::LoggedModel(&self.model_id)
        }
    }
}

impl Request for PresignedUpload {
    const MESSAGE: Message = Message(&[
        Field::new("run_id", Kind::Text, &[Check::Text]),
        Field::new("model_id", Kind::Text, &[Check::Text]),
        Field::new("path", Kind::Text, REQUIRED_TEXT),
        Field::new("expiration", Kind::Int64, &[Check::IntLike]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        if self.run_id.is_empty() == self.model_id.is_empty() {
            return Err(Error::invalid("Exactly one of run_id and model_id must be provided."));
        }
        check_expiration(self.expiration)
    }
}

/// `artifacts/presigned-download-url`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresignedDownload {
    /// The run.
    #[serde(default)]
    pub run_id: String,
    /// The file, relative to the run's artifacts.
    pub path: String,
    /// Seconds for which the URL shall be good.
    #[serde(default = "default_expiration")]
    pub expiration: i64,
}

impl Request for PresignedDownload {
    const MESSAGE: Message = Message(&[
        Field::new("run_id", Kind::Text, REQUIRED_TEXT),
        Field::new("path", Kind::Text, REQUIRED_TEXT),
        Field::new("expiration", Kind::Int64, &[Check::IntLike]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        check_expiration(self.expiration)
    }
}

/// Clouds sign URLs for at most seven days and refuse longer ones only when they are used.
fn check_expiration(seconds: i64) -> Result<(), Error> {
    const MAX_S: i64 = 604_800;
    if (1..=MAX_S).contains(&seconds) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "expiration must be between 1 and {MAX_S} seconds (got {seconds})."
    )))
}
