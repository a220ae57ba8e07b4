//! Writing an image as a layout.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::blobs::{Blob, Blobs};
use crate::document::{
    Configuration, Descriptor, DockerManifest, EPOCH, Empty, Execution, History, INDEX_FILE, Index,
    LAYOUT, LAYOUT_FILE, Manifest, PlatformOf, RootFs,
};
use crate::error::Error;
use crate::image::Image;
use crate::platform::Platform;

/// The file for older versions of Docker.
pub(crate) const DOCKER_FILE: &str = "manifest.json";

/// An image that is written.
#[derive(Debug)]
pub struct Written {
    /// The digest of its manifest: `sha256:…`.
    pub digest: String,
    /// The sizes of its layers as they are stored, in bytes.
    pub layer_sizes: Vec<u64>,
}

/// Writes the layout into an empty folder.
pub(crate) fn write(image: &Image, folder: &Path, for_docker: bool) -> Result<Written, Error> {
    let blobs = Blobs::create(folder)?;
    let mut layers = Vec::new();
    let mut diff_ids = Vec::new();
    for layer in &image.layers {
        let (blob, diff_id) = blobs.add_layer(layer)?;
        layers.push(blob);
        diff_ids.push(diff_id);
    }
    let config = blobs.add(&json(&configuration(image, diff_ids), folder)?)?;
    let manifest = blobs.add(&json(&Manifest::new(&config, &layers), folder)?)?;
    let put = |name: &str, text: &[u8]| {
        let path = folder.join(name);
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(text)?;
            file.sync_all()
        });
        written.map_err(Error::io("writing", &path))
    };
    put(LAYOUT_FILE, LAYOUT.as_bytes())?;
    put(INDEX_FILE, &json(&Index::new(described(image, &manifest)), folder)?)?;
    if for_docker {
        let docker = DockerManifest {
            config: config.path(),
            repo_tags: image.reference.iter().map(ToString::to_string).collect(),
            layers: layers.iter().map(Blob::path).collect(),
        };
        put(DOCKER_FILE, &json(&[docker], folder)?)?;
    }
    let layer_sizes = layers.iter().map(|layer| layer.size_bytes).collect();
    Ok(Written { digest: manifest.digest, layer_sizes })
}

fn configuration(image: &Image, diff_ids: Vec<String>) -> Configuration<'_> {
    let history =
        image.layers.iter().map(|layer| History { created: EPOCH, created_by: layer.comment() });
    Configuration {
        created: EPOCH,
        architecture: image.platform.architecture(),
        os: Platform::OS,
        config: Execution {
            user: &image.user,
            exposed_ports: BTreeMap::from([(format!("{}/tcp", image.port), Empty {})]),
            env: image.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            entrypoint: &image.entrypoint,
            working_dir: "/",
            labels: &image.labels,
        },
        rootfs: RootFs { kind: "layers", diff_ids },
        history: history.collect(),
    }
}

/// The manifest in the index, with the image's name: as Docker writes it, which Podman understands too.
fn described(image: &Image, manifest: &Blob) -> Descriptor {
    let mut descriptor = Descriptor::manifest(manifest);
    let architecture = image.platform.architecture();
    descriptor.platform = Some(PlatformOf { architecture, os: Platform::OS });
    if let Some(reference) = &image.reference {
        descriptor.annotations = BTreeMap::from([
            ("io.containerd.image.name", reference.full()),
            ("org.opencontainers.image.ref.name", reference.tag().to_owned()),
        ]);
    }
    descriptor
}

fn json(document: &impl Serialize, folder: &Path) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(document).map_err(|error| Error::io("writing", folder)(error.into()))
}
