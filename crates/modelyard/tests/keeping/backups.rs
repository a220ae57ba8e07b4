//! What a backup is, what it takes to be one, and how damage shows.

use std::fs;
use std::path::Path;

use modelyard_testkit::{Server, Setup, postgres_url};
use serde_json::Value;

use crate::world::*;

/// A backup of a server with a run and a model, and the server.
fn backup(server: &Server, folder: &Path) {
    ok(&["backup", arg(folder), "--data-dir", arg(server.data())]);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|it| it.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

fn everything(folder: &Path) -> Vec<(String, Vec<u8>)> {
    files(folder)
}

#[test]
fn a_backup_is_whole_and_is_said_to_be() {
    let (server, place) = (Server::start(BINARY), tempfile::tempdir().expect("a folder"));
    filled_run(&server, "0");
    filled_model(&server, "0");
    let folder = place.path().join("monday");
    backup(&server, &folder);
    assert_eq!(names(place.path()), ["monday"], "something was left beside it");
    assert_eq!(names(&folder), ["artifacts", "database", "lists", "manifest.json"]);
    let manifest: Value =
        serde_json::from_slice(&fs::read(folder.join("manifest.json")).expect("read"))
            .expect("JSON");
    assert_eq!(manifest["database"]["engine"], "sqlite");
    assert_eq!(
        (&manifest["stores"][0]["files"], &manifest["stores"][0]["bytes"]),
        (&2.into(), &8.into())
    );
    assert_eq!(
        files(&folder.join("artifacts/destination")),
        files(&server.data().join("artifacts"))
    );
    let before = everything(&folder);
    let outcome = run(&["verify", arg(&folder)]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stderr.contains("is whole: the database, 2 artifacts"), "{outcome:?}");
    assert_eq!(everything(&folder), before, "verifying changed something");
}

#[test]
fn it_is_made_in_a_new_place_only() {
    let (server, place) = (Server::start(BINARY), tempfile::tempdir().expect("a folder"));
    let folder = place.path().join("b");
    fs::create_dir(&folder).expect("made");
    backup(&server, &folder);
    let said = fails(2, &["backup", arg(&folder), "--data-dir", arg(server.data())]);
    assert!(said.contains("is there already"), "{said}");
    // What a killed backup left is no obstacle, and does not get into the next.
    let partial = place.path().join(".c.partial");
    fs::create_dir_all(partial.join("artifacts/destination")).expect("made");
    fs::write(partial.join("artifacts/destination/rubbish"), "x").expect("written");
    backup(&server, &place.path().join("c"));
    ok(&["verify", arg(&place.path().join("c"))]);
    assert_eq!(names(place.path()), ["b", "c"]);
    let said = fails(3, &["backup", arg(&place.path().join("d")), "--data-dir", "/nowhere/at/all"]);
    assert!(said.contains("there is no database"), "{said}");
    assert_eq!(names(place.path()), ["b", "c"]);
}

type Damage = (&'static str, &'static str, fn(&Path));

/// What is done to a backup, and what must be said of it.
const DAMAGES: [Damage; 10] = [
    ("a missing artifact", "it is missing", |folder| {
        let (name, _) = artifact(folder);
        fs::remove_file(folder.join("artifacts/destination").join(name)).expect("removed");
    }),
    ("a changed artifact", "its checksum is another", |folder| {
        let (name, bytes) = artifact(folder);
        let other: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
        fs::write(folder.join("artifacts/destination").join(name), other).expect("written");
    }),
    ("a shorter artifact", "bytes instead of", |folder| {
        let (name, _) = artifact(folder);
        fs::write(folder.join("artifacts/destination").join(name), "1").expect("written");
    }),
    ("one artifact too many", "1 files are not in the list", |folder| {
        fs::write(folder.join("artifacts/destination/extra"), "x").expect("written");
    }),
    ("no artifacts at all", "is missing, with 2 artifacts", |folder| {
        fs::remove_dir_all(folder.join("artifacts")).expect("removed");
    }),
    ("a changed list", "its checksum is another", |folder| {
        let list = folder.join("lists/destination.jsonl");
        let text = fs::read_to_string(&list).expect("read");
        fs::write(list, text.lines().next().expect("a line")).expect("written");
    }),
    ("a changed database", "its size or checksum is another", |folder| {
        let path = folder.join("database/modelyard.db");
        let mut bytes = fs::read(&path).expect("read");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(path, bytes).expect("written");
    }),
    ("no manifest", "is no backup", |folder| {
        fs::remove_file(folder.join("manifest.json")).expect("removed");
    }),
    ("half a manifest", "manifest.json is damaged", |folder| {
        let path = folder.join("manifest.json");
        let text = fs::read_to_string(&path).expect("read");
        fs::write(path, &text[..text.len() / 2]).expect("written");
    }),
    ("a manifest of a later program", "use a newer program", |folder| {
        fs::write(folder.join("manifest.json"), r#"{"format": 2, "all": "new"}"#).expect("written");
    }),
];

fn artifact(folder: &Path) -> (String, Vec<u8>) {
    files(&folder.join("artifacts/destination")).swap_remove(0)
}

#[test]
fn damage_is_found_and_a_damaged_backup_is_not_restored_as_if_whole() {
    let (server, place) = (Server::start(BINARY), tempfile::tempdir().expect("a folder"));
    filled_run(&server, "0");
    filled_model(&server, "0");
    for (number, (what, reason, damage)) in DAMAGES.into_iter().enumerate() {
        let folder = place.path().join(number.to_string());
        backup(&server, &folder);
        damage(&folder);
        let said = fails(1, &["verify", arg(&folder)]);
        assert!(said.contains(reason), "{what}: {said}");
        let target = place.path().join(format!("restored-{number}"));
        let outcome = run(&["restore", arg(&folder), "--data-dir", arg(&target)]);
        // More than was asked for harms nobody.
        assert_eq!(outcome.code == 0, what == "one artifact too many", "{what}: {outcome:?}");
        assert_eq!(target.join("modelyard.db").exists(), outcome.code == 0, "{what}");
    }
}

#[test]
fn manifests_lead_nowhere_else() {
    let (server, place) = (Server::start(BINARY), tempfile::tempdir().expect("a folder"));
    let folder = place.path().join("b");
    backup(&server, &folder);
    let path = folder.join("manifest.json");
    let text = fs::read_to_string(&path).expect("read");
    for name in ["../../etc/passwd", "/etc/passwd", ""] {
        fs::write(&path, text.replace("database/modelyard.db", name)).expect("written");
        let said = fails(1, &["verify", arg(&folder)]);
        assert!(said.contains("which is not in the backup"), "{name}: {said}");
    }
}

#[test]
fn postgresql_needs_its_own_programs() {
    let Some(url) = postgres_url() else { return };
    let server = Setup::new(BINARY).args(&["--backend-store-uri", &url]).start();
    filled_run(&server, "0");
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("b");
    let flags = ["--data-dir", arg(server.data()), "--backend-store-uri", &url];
    ok(&[&["backup", arg(&folder)], &flags[..]].concat());
    ok(&["verify", arg(&folder)]);
    // Into a database in which something is: refused, and nothing is changed.
    let target = place.path().join("restored");
    let restore =
        ["restore", arg(&folder), "--data-dir", arg(&target), "--backend-store-uri", &url];
    let said = fails(2, &restore);
    assert!(said.contains("tables") && !said.contains("trust"), "{said}");
    let said = fails(2, &["restore", arg(&folder), "--data-dir", arg(&target)]);
    assert!(said.contains("holds a database of postgresql"), "{said}");
    assert!(!target.exists());
}
