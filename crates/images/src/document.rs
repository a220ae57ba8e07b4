//! The JSON documents of an image: its configuration, its manifest, and the index of a layout.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::blobs::Blob;

/// The time of everything in an image, so that the same files are the same image.
pub(crate) const EPOCH: &str = "1970-01-01T00:00:00Z";
/// The file that makes a folder a layout, and what it says.
pub(crate) const LAYOUT_FILE: &str = "oci-layout";
pub(crate) const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// The file that names a layout's images.
pub(crate) const INDEX_FILE: &str = "index.json";

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The configuration.
#[derive(Debug, Serialize)]
pub(crate) struct Configuration<'a> {
    pub(crate) created: &'static str,
    pub(crate) architecture: &'static str,
    pub(crate) os: &'static str,
    pub(crate) config: Execution<'a>,
    pub(crate) rootfs: RootFs,
    pub(crate) history: Vec<History<'a>>,
}

/// How a container of the image is started.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Execution<'a> {
    pub(crate) user: &'a str,
    pub(crate) exposed_ports: BTreeMap<String, Empty>,
    pub(crate) env: Vec<String>,
    pub(crate) entrypoint: &'a [String],
    pub(crate) working_dir: &'static str,
    pub(crate) labels: &'a BTreeMap<String, String>,
}

/// `{}`.
#[derive(Debug, Serialize)]
pub(crate) struct Empty {}

#[derive(Debug, Serialize)]
pub(crate) struct RootFs {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) diff_ids: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct History<'a> {
    pub(crate) created: &'static str,
    pub(crate) created_by: &'a str,
}

/// A blob, as others name it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    media_type: &'static str,
    digest: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<PlatformOf>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<&'static str, String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PlatformOf {
    pub(crate) architecture: &'static str,
    pub(crate) os: &'static str,
}

impl Descriptor {
    fn of(media_type: &'static str, blob: &Blob) -> Self {
        let (digest, size) = (blob.digest.clone(), blob.size_bytes);
        Self { media_type, digest, size, platform: None, annotations: BTreeMap::new() }
    }

    /// Of a manifest.
    pub(crate) fn manifest(blob: &Blob) -> Self {
        Self::of(MANIFEST_TYPE, blob)
    }
}

/// A manifest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    schema_version: u32,
    media_type: &'static str,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

impl Manifest {
    pub(crate) fn new(config: &Blob, layers: &[Blob]) -> Self {
        Self {
            schema_version: 2,
            media_type: MANIFEST_TYPE,
            config: Descriptor::of(CONFIG_TYPE, config),
            layers: layers.iter().map(|layer| Descriptor::of(LAYER_TYPE, layer)).collect(),
        }
    }
}

/// An index.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    schema_version: u32,
    media_type: &'static str,
    manifests: [Descriptor; 1],
}

impl Index {
    pub(crate) fn new(manifest: Descriptor) -> Self {
        Self { schema_version: 2, media_type: INDEX_TYPE, manifests: [manifest] }
    }
}

/// What there is to know of another's index.
#[derive(Debug, Deserialize)]
pub(crate) struct FoundIndex {
    pub(crate) manifests: Vec<serde::de::IgnoredAny>,
}

/// What `docker load` before version 25 looks for in an archive.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DockerManifest {
    pub(crate) config: String,
    pub(crate) repo_tags: Vec<String>,
    pub(crate) layers: Vec<String>,
}
