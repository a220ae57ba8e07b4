//! Images as they lie on disk, without a model in them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use modelyard_images::{Error, Image, Layer, Platform, write};
use modelyard_protocol::{Context, Environment};

#[derive(Default)]
struct Counter(AtomicU64);

impl Environment for Counter {
    fn now_ms(&self) -> i64 {
        0
    }

    fn random(&self) -> u128 {
        self.0.fetch_add(1, Ordering::Relaxed).into()
    }
}

fn image(text: &str) -> Image {
    let mut layer = Layer::new("a text");
    layer.add_bytes("/etc/motd", text).unwrap();
    Image {
        platform: Platform::LinuxArm64,
        layers: vec![layer],
        entrypoint: vec!["/init".to_owned()],
        user: "1:1".to_owned(),
        port: 80,
        env: BTreeMap::new(),
        labels: BTreeMap::new(),
        reference: None,
    }
}

fn put(text: &str, target: &Path) -> Result<String, Error> {
    let written = write(&image(text), target, &Context::new(Counter::default()))?;
    assert_eq!(written.layer_sizes.len(), 1);
    Ok(written.digest)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_and_an_archive_are_the_same_image() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let digest = put("one", &at("a")).unwrap();
    assert_eq!(put("one", &at("new/b.tar")).unwrap(), digest);
    assert_eq!(names(&at("a")), ["blobs", "index.json", "oci-layout"]);
    let mut archive = tar::Archive::new(fs::File::open(at("new/b.tar")).unwrap());
    let paths = archive.entries().unwrap();
    let paths: Vec<String> =
        paths.map(|it| it.unwrap().path().unwrap().to_string_lossy().into_owned()).collect();
    let first = ["oci-layout", "index.json", "manifest.json", "blobs/", "blobs/sha256/"];
    assert_eq!((&paths[..5], paths.len()), (&first.map(str::to_owned)[..], 8));
}

#[test]
fn one_image_is_replaced_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("place");
    fs::create_dir(&place).unwrap();
    let first = put("one", &place).unwrap();
    let second = put("two", &place).unwrap();
    assert_ne!(first, second);
    assert!(fs::read_to_string(place.join("index.json")).unwrap().contains(&second));
    assert_eq!(fs::read_dir(place.join("blobs/sha256")).unwrap().count(), 3);
    std::os::unix::fs::symlink("place", folder.path().join("link")).unwrap();
    assert_eq!(put("one", &folder.path().join("link")).unwrap(), first);
    assert_eq!(names(folder.path()), ["link", "place"]);

    let index = fs::read_to_string(place.join("index.json")).unwrap();
    let two = index.replace("\"manifests\":[", "\"manifests\":[{},");
    for (name, text) in [("index.json", two.as_str()), ("index.json", "?"), ("notes.txt", "mine")] {
        fs::write(place.join(name), text).unwrap();
        let why = put("two", &place).unwrap_err();
        assert!(matches!(why, Error::Target { .. }), "{why}");
        assert_eq!(fs::read_to_string(place.join(name)).unwrap(), text);
        fs::write(place.join("index.json"), &index).unwrap();
    }
    assert_eq!(names(folder.path()), ["link", "place"]);
}
