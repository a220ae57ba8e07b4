//! `modelyard artifacts …` between the built binary and the built server.

use std::fs;
use std::path::Path;

use modelyard_testkit::{Server, Setup};
use serde_json::json;

use crate::support::{BINARY, Cli, finished_run};

/// Files that are awkward in one way or another.
pub(crate) fn awkward_tree(folder: &Path) {
    let large: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let files: [(&str, &[u8]); 6] = [
        ("top.txt", b"hello"),
        ("empty", b""),
        ("a/b c/ü 実験.json", b"{}"),
        ("a/100%25.txt", b"percent"),
        ("a/x+y&z=1.txt", b"query"),
        ("large.bin", &large),
    ];
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    for number in 0..40 {
        fs::create_dir_all(folder.join("many")).expect("a folder");
        fs::write(folder.join(format!("many/{number}")), number.to_string()).expect("a file");
    }
}

/// Every file below a folder with its content, sorted.
pub(crate) fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").to_str().expect("UTF-8");
                found.push((name.to_owned(), fs::read(&path).expect("a file")));
            }
        }
    }
    found.sort();
    found
}

fn uploaded(what: &str, run: &str, compared: &str) -> String {
    format!("Uploaded {what} to the run {run}; {compared} on arrival.\n")
}

#[test]
fn a_folder_comes_back_as_it_was() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let run = finished_run(&server, "0", "run", 1);
    let source = cli.path().join("in");
    awkward_tree(&source);
    let log = cli.run(&["artifacts", "log-artifacts", "-l", "in", "-r", &run]);
    assert_eq!((log.code, log.stdout.as_str()), (0, ""));
    assert_eq!(log.stderr, uploaded("46 files (11.44 MiB)", &run, "all checksums were compared"));

    let here = cli.ok(&["artifacts", "download", "-r", &run, "-d", "out"]);
    assert_eq!(Path::new(here.trim_end()), cli.path().join("out"));
    assert!(content(&source) == content(&cli.path().join("out")));

    let below = ["artifacts", "log-artifacts", "-l", "in/a", "-r", &run, "-a", "deep/er"];
    cli.ok(&below);
    let here = cli.ok(&["artifacts", "download", "-r", &run, "-a", "deep/er", "-d", "out2"]);
    assert_eq!(Path::new(here.trim_end()), cli.path().join("out2/er"));
    assert!(content(&source.join("a")) == content(&cli.path().join("out2/er")));

    let temporary = cli.ok(&["artifacts", "download", "-r", &run, "-a", "a"]);
    assert!(content(&source.join("a")) == content(Path::new(temporary.trim_end())));
}

#[test]
fn listings_show_one_level() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let run = finished_run(&server, "0", "run", 1);
    awkward_tree(&cli.path().join("in"));
    cli.ok(&["artifacts", "log-artifacts", "-l", "in", "-r", &run]);
    let list = |args: &[&str]| cli.ok(&[&["artifacts", "list", "-r", &run][..], args].concat());
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&list(&["-a", "a"])).expect("JSON"),
        json!([
            {"path": "a/100%25.txt", "is_dir": false, "file_size": 7},
            {"path": "a/b c", "is_dir": true},
            {"path": "a/x+y&z=1.txt", "is_dir": false, "file_size": 5},
        ])
    );
    insta::assert_snapshot!("artifacts", list(&["--output", "table"]));
    insta::assert_snapshot!("artifacts-csv", list(&["--output", "csv"]));
    assert_eq!(list(&["-a", "top.txt"]), "[]\n");
    assert_eq!(list(&["-a", "none"]), "[]\n");
}

#[test]
fn single_files_go_where_they_are_sent() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let run = finished_run(&server, "0", "run", 1);
    fs::write(cli.path().join("note.txt"), "one").expect("written");
    cli.ok(&["artifacts", "log-artifact", "--local-file", "note.txt", "--run-id", &run]);
    cli.ok(&["artifacts", "log-artifact", "-l", "note.txt", "-r", &run, "-a", "x/y"]);
    fs::write(cli.path().join("note.txt"), "two").expect("written");
    let again = cli.run(&["artifacts", "log-artifact", "-l", "note.txt", "-r", &run]);
    assert_eq!(again.stderr, uploaded("note.txt (3 B)", &run, "its checksum was compared"));

    for (uri, expected) in [
        (format!("runs:/{run}/note.txt"), "two"),
        (format!("runs:/{run}/x/y/note.txt"), "one"),
        (format!("mlflow-artifacts:/0/{run}/artifacts/x/y/note.txt"), "one"),
        (format!("mlflow-artifacts://{}/0/{run}/artifacts/note.txt", &server.url()[7..]), "two"),
    ] {
        let here = cli.ok(&["artifacts", "download", "-u", &uri, "--dst-path", "got"]);
        assert_eq!(Path::new(here.trim_end()), cli.path().join("got/note.txt"));
        assert_eq!(fs::read_to_string(here.trim_end()).expect("there"), expected, "{uri}");
    }
}

#[test]
fn mistakes_have_their_exit_codes() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let run = finished_run(&server, "0", "run", 1);
    fs::write(cli.path().join("file"), "x").expect("written");
    fs::create_dir(cli.path().join("folder")).expect("a folder");
    fs::write(cli.path().join("folder/a\\b"), "x").expect("written");
    for (code, args, told) in [
        (3, &["download", "-r", &run, "-a", "none", "-d", "out"][..], "there is no artifact at"),
        (3, &["download", "-r", "nope"], "Run with id=nope not found"),
        (3, &["list", "-r", "nope"], "Run with id=nope not found"),
        (1, &["download", "-u", "s3://bucket/x"], "'s3' locations are not supported here yet"),
        (3, &["download", "-u", "models:/fraud/3"], "name=fraud, version=3) not found"),
        (1, &["log-artifact", "-l", "missing", "-r", &run], "cannot read missing"),
        (1, &["log-artifact", "-l", "folder", "-r", &run], "`log-artifacts` uploads folders"),
        (1, &["log-artifacts", "-l", "file", "-r", &run], "`log-artifact` uploads single files"),
        (1, &["log-artifacts", "-l", "folder", "-r", &run], "a\\b cannot be the name"),
        (2, &["log-artifact", "-l", "file", "-r", &run, "-a", "../x"], "Invalid path '../x'"),
        (2, &["download", "-r", &run, "-a", "/etc/passwd"], "Invalid path"),
        (2, &["download"], "--artifact-uri"),
        (2, &["download", "-r", &run, "-u", "runs:/x"], "cannot be used with"),
        (2, &["download", "-u", "runs:/x", "-a", "y"], "cannot be used with"),
    ] {
        let text = cli.fails(code, &[&["artifacts"], args].concat());
        assert!(text.contains(told), "{args:?}: {text}");
    }
    assert!(!cli.path().join("out").exists());
    assert_eq!(cli.ok(&["artifacts", "list", "-r", &run]), "[]\n");
}

#[test]
fn artifacts_of_this_machine_are_used_where_they_lie() {
    let server = Setup::new(BINARY).args(&["--no-serve-artifacts"]).start();
    let cli = Cli::to(server.url());
    let run = finished_run(&server, "0", "run", 1);
    awkward_tree(&cli.path().join("in"));
    assert_eq!(cli.ok(&["artifacts", "list", "-r", &run]), "[]\n");
    cli.ok(&["artifacts", "log-artifacts", "-l", "in", "-r", &run]);
    let lies = server.data().join("artifacts/0").join(&run).join("artifacts");
    assert!(content(&cli.path().join("in")) == content(&lies));
    let here = cli.ok(&["artifacts", "download", "-r", &run, "-a", "a"]);
    assert_eq!(Path::new(here.trim_end()), lies.join("a"));
    cli.ok(&["artifacts", "download", "-r", &run, "-d", "out"]);
    assert!(content(&cli.path().join("in")) == content(&cli.path().join("out")));
    let uri = format!("file://{}", lies.join("top.txt").display());
    let here = cli.ok(&["artifacts", "download", "-u", &uri, "-d", "out3"]);
    assert_eq!(fs::read_to_string(here.trim_end()).expect("there"), "hello");
    cli.fails(3, &["artifacts", "download", "-r", &run, "-a", "none"]);
}

#[test]
fn a_model_is_found_under_the_run_that_logged_it() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let run = finished_run(&server, "0", "run", 1);
    let create = json!({"experiment_id": "0", "name": "forest", "source_run_id": run});
    let created = server.post("/api/2.0/mlflow/logged-models", &create).json();
    let id = created["model"]["info"]["model_id"].as_str().expect("an id").to_owned();
    let folder = format!("/api/2.0/mlflow-artifacts/artifacts/0/models/{id}/artifacts");
    for (name, content) in [("MLmodel", "flavors"), ("data/model.pkl", "weights")] {
        let answer = server.send("PUT", &format!("{folder}/{name}"), &[], content.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let listed = cli.json(&["artifacts", "list", "-r", &run, "-a", "forest"]);
    assert_eq!(listed[0]["path"], "forest/MLmodel");
    for (args, there, file) in [
        (&["-r", &run, "-a", "forest"][..], "forest", "forest/data/model.pkl"),
        (&["-r", &run, "-a", "forest/data"], "data", "data/model.pkl"),
        (&["-u", &format!("runs:/{run}/forest/data/model.pkl")], "model.pkl", "model.pkl"),
        (&["-u", &format!("models:/{id}")], "", "data/model.pkl"),
        (&["-u", &format!("models:/{id}/data/model.pkl")], "model.pkl", "model.pkl"),
    ] {
        let out = tempfile::tempdir_in(cli.path()).expect("a folder");
        let to = out.path().to_str().expect("UTF-8");
        let here = cli.ok(&[&["artifacts", "download", "-d", to], args].concat());
        assert_eq!(Path::new(here.trim_end()), out.path().join(there), "{args:?}");
        assert_eq!(fs::read_to_string(out.path().join(file)).expect("there"), "weights");
    }
    cli.fails(3, &["artifacts", "download", "-r", &run, "-a", "tree"]);
    cli.fails(3, &["artifacts", "download", "-r", &run, "-a", "forest/none"]);
}
