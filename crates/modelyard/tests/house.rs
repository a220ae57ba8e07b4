//! The rules of the house that neither the compiler nor a linter keeps: which crate may use which,
//! and what may stand in whose sources.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Every crate of the product with its floor: it may use the floors below its own only.
const FLOORS: [(&str, u32); 15] = [
    ("modelyard-protocol", 0),
    ("modelyard-database", 1),
    ("modelyard-artifacts", 1),
    ("modelyard-ui", 1),
    ("modelyard-estimators", 1),
    ("modelyard-egress", 1),
    ("modelyard-executor", 1),
    ("modelyard-images", 1),
    ("modelyard-store", 2),
    ("modelyard-models", 2),
    ("modelyard-environments", 2),
    ("modelyard-webhooks", 3),
    ("modelyard-deployments", 3),
    ("modelyard-server", 4),
    ("modelyard", 5),
];

/// Crates for development only: no product crate may use them but in its tests.
const DEVELOPMENT: [&str; 2] = ["modelyard-testkit", "modelyard-bench"];

/// Dependencies that few may name.
const KEPT: [(&str, &[&str]); 7] = [
    // `bench` measures bare SQLite as a limit; `testkit` makes and checks the tests' databases.
    ("rusqlite", &["modelyard-database", "modelyard-bench", "modelyard-testkit"]),
    ("tokio-postgres", &["modelyard-database", "modelyard-testkit"]),
    ("deadpool-postgres", &["modelyard-database"]),
    // `bench` measures a bare server as a limit.
    ("axum", &["modelyard-server", "modelyard-bench"]),
    // `egress` judges the sockets it connects.
    ("hyper", &["modelyard-server", "modelyard-egress"]),
    // The client writes downloads, whose names a server chose, below a folder it cannot leave;
    // `images` reads a model's folder without following links out of it.
    ("cap-std", &["modelyard-artifacts", "modelyard-images", "modelyard"]),
    ("object_store", &["modelyard-artifacts"]),
];

/// What only some sources may contain: the texts, the folders that may, and why the others not.
const WORDS: [(&[&str], &[&str], &str); 4] = [
    (
        &[
            "SELECT ",
            "INSERT INTO ",
            "DELETE FROM ",
            "CREATE TABLE ",
            "ALTER TABLE ",
            "DROP TABLE ",
        ],
        &["database", "store", "testkit", "bench"],
        "only `store` contains SQL, over what `database` offers",
    ),
    (
        &["std::fs", "std::net", "std::process", "std::thread", "std::env", "async fn", "tokio::"],
        &[
            "database",
            "artifacts",
            "deployments",
            "egress",
            "executor",
            "images",
            "store",
            "environments",
            "webhooks",
            "server",
            "ui",
            "modelyard",
            "testkit",
            "bench",
            "xtask",
        ],
        "`protocol`, `estimators` and `models` do no I/O, read no environment and start nothing",
    ),
    (
        &["TcpStream::connect", "TcpSocket::new"],
        &["egress", "testkit", "bench"],
        "only `egress` connects to addresses that users name",
    ),
    (
        &["modelyard_protocol::messages"],
        &["server", "modelyard", "testkit", "bench"],
        "wire types stay out of the rows of the store",
    ),
];

/// A file is a room: it is split before it is longer.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test may ask cargo about the workspace")]
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Name of a package and, for each dependency, its name and whether only tests use it.
fn dependencies(package: &Value) -> (&str, Vec<(&str, bool)>) {
    let name = package["name"].as_str().unwrap();
    let all = package["dependencies"].as_array().unwrap().iter();
    (name, all.map(|d| (d["name"].as_str().unwrap(), d["kind"] == "dev")).collect())
}

/// The Rust sources of the workspace, by crate folder.
fn sources() -> Vec<(String, PathBuf, String)> {
    let mut found = Vec::new();
    for krate in fs::read_dir(root().join("crates")).unwrap() {
        let krate = krate.unwrap();
        let mut folders = vec![krate.path()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") {
                    let text = fs::read_to_string(&path).unwrap();
                    found.push((krate.file_name().into_string().unwrap(), path, text));
                }
            }
        }
    }
    assert!(found.len() > 50, "only {} sources were found", found.len());
    found
}

/// The lines that are code.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn every_crate_uses_only_the_floors_below_its_own() {
    let floor = |name: &str| FLOORS.iter().find(|(n, _)| *n == name).map(|(_, floor)| *floor);
    let packages = packages();
    let mut broken = Vec::new();
    for package in &packages {
        let (name, uses) = dependencies(package);
        let Some(own) = floor(name) else {
            assert!(DEVELOPMENT.contains(&name), "{name} has no floor in this test");
            continue;
        };
        for (used, in_tests_only) in uses.iter().filter(|(used, _)| used.starts_with("modelyard")) {
            let allowed = match floor(used) {
                Some(other) => other < own,
                None => *in_tests_only,
            };
            if !allowed {
                broken.push(format!("{name} uses {used}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert_eq!(packages.len(), FLOORS.len() + DEVELOPMENT.len(), "a crate of the lists is gone");
}

#[test]
fn heavy_dependencies_are_named_by_their_keepers_only() {
    let mut broken = Vec::new();
    for package in &packages() {
        let (name, uses) = dependencies(package);
        for (used, _) in uses {
            let keepers = KEPT.iter().find(|(kept, _)| *kept == used).map(|(_, keepers)| keepers);
            if keepers.is_some_and(|keepers| !keepers.contains(&name)) {
                broken.push(format!("{name} names {used}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_dependency_is_used_and_named_with_its_reason() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, table) = architecture.split_once("## Dependencies").unwrap();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, listed) = manifest.split_once("[workspace.dependencies]").unwrap();
    let listed = listed.split("\n[").next().unwrap();
    let packages = packages();
    let used: Vec<&str> =
        packages.iter().flat_map(|package| dependencies(package).1).map(|(name, _)| name).collect();
    let mut wrong = Vec::new();
    let names = listed.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    for name in names.filter(|name| !name.starts_with("modelyard")) {
        if !table.contains(&format!("`{name}`")) {
            wrong.push(format!("{name} is not named in ARCHITECTURE.md"));
        }
        if !used.contains(&name) {
            wrong.push(format!("{name} is used by no crate"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn sources_keep_to_what_is_theirs() {
    let mut broken = Vec::new();
    // Tests may speak of what must not be: of SQL in an attack, or of these words here. Examples
    // are programs of their own.
    let beside = |path: &Path| {
        path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "examples")
    };
    for (krate, path, text) in sources().into_iter().filter(|(_, path, _)| !beside(path)) {
        for (words, allowed, why) in WORDS {
            if allowed.contains(&krate.as_str()) {
                continue;
            }
            for (number, line) in code(&text).filter(|(_, l)| words.iter().any(|w| l.contains(w))) {
                broken.push(format!("{}:{number}: {}\n    {why}", path.display(), line.trim()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_test_runs() {
    let attribute = concat!("#[", "ignore");
    let ignored: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|(_, _, text)| text.contains(attribute))
        .map(|(_, path, _)| path)
        .collect();
    assert!(ignored.is_empty(), "a test that does not run is no test: {ignored:#?}");
}

#[test]
fn files_are_rooms() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(_, path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "longer than {LINES_MAX} lines: {long:#?}");
}
