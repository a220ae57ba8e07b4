//! The artifacts of runs and logged models, wherever they lie.

use std::path::Path;

use serde_json::{Value, json};

use crate::{PROXY, assert_refused, names, new_run, put, start};

/// The path of a run's artifacts behind the proxy.
fn proxied(artifact_uri: &str) -> &str {
    artifact_uri.strip_prefix("mlflow-artifacts:/").expect("a proxied location")
}

#[test]
fn a_run_shows_its_files_by_relative_paths() {
    let server = start(&[]);
    let (run, uri) = new_run(&server, &json!({"name": "e"}));
    put(&server, &format!("{}/dir/a%20b.txt", proxied(&uri)), b"text");
    for door in ["/api", "/ajax-api"] {
        let list = |query: &str| {
            server.get(&format!("{door}/2.0/mlflow/artifacts/list?run_id={run}{query}"))
        };
        assert_eq!(names(&list("")), ["dir/"]);
        assert_eq!(names(&list("&path=dir")), ["dir/a b.txt"]);
        assert_eq!(names(&list("&path=nothing")), [""; 0]);
        assert_eq!(list("").json()["root_uri"], uri);
    }
    for address in ["/get-artifact", "/ajax-api/2.0/mlflow/get-artifact"] {
        for id in ["run_id", "run_uuid"] {
            let answer = server.get(&format!("{address}?{id}={run}&path=dir/a+b.txt"));
            assert_eq!((answer.status, answer.text()), (200, "text"));
            let name = "attachment; filename=\"a b.txt\"";
            assert_eq!(answer.header("content-disposition"), name);
        }
    }
    let get = |query: &str| server.get(&format!("/get-artifact?{query}"));
    assert_refused(&get(&format!("run_id={run}&path=nope")), 404, "No such artifact");
    assert_refused(&get(&format!("run_id={run}&path=dir")), 400, "refers to a directory");
    assert_refused(&get(&format!("run_id={run}&path=")), 400, "refers to a directory");
    assert_refused(&get(&format!("run_id={run}")), 400, "path");
    assert_refused(&get("run_id=nope&path=x"), 404, "Run with id=nope not found");
    // A deleted run keeps its files.
    server.post("/api/2.0/mlflow/runs/delete", &json!({"run_id": run}));
    assert_eq!(get(&format!("run_id={run}&path=dir/a+b.txt")).status, 200);
}

#[test]
fn the_ui_uploads_into_a_run_within_mlflows_limit() {
    let server = start(&[]);
    let (run, uri) = new_run(&server, &json!({"name": "e"}));
    let upload = |query: &str, headers: &[(&str, &str)], body: &[u8]| {
        let target = format!("/ajax-api/2.0/mlflow/upload-artifact?{query}");
        server.send("POST", &target, headers, body)
    };
    let to = |path: &str| format!("run_uuid={run}&path={path}");
    assert_eq!(upload(&to("notes/n.txt"), &[], b"note").status, 200);
    let largest = vec![b'x'; 10 << 20];
    assert_eq!(upload(&to("largest"), &[], &largest).status, 200);
    let path = format!("{PROXY}/{}/notes/n.txt", proxied(&uri));
    assert_eq!(server.get(&path).text(), "note");
    let too_large = vec![b'x'; (10 << 20) + 1];
    assert_refused(&upload(&to("x"), &[], &too_large), 400, "too large");
    let chunked = [("transfer-encoding", "chunked")];
    assert_refused(&upload(&to("x"), &chunked, &too_large), 400, "too large");
    assert_refused(&upload(&to("x"), &[], b""), 400, "Request must specify data.");
    assert_refused(&upload("path=x", &[], b"x"), 400, "Request must specify run_uuid.");
    assert_refused(&upload(&format!("run_uuid={run}"), &[], b"x"), 400, "must specify path.");
    assert_refused(&upload("run_uuid=nope&path=x", &[], b"x"), 404, "Run with id=nope not found");
    let listing = server.get(&format!("/api/2.0/mlflow/artifacts/list?run_id={run}"));
    assert_eq!(names(&listing), ["largest", "notes/"]);
}

#[test]
fn a_logged_model_shows_its_files() {
    let server = start(&[]);
    let new = json!({"experiment_id": "0", "name": "m"});
    let model = server.post("/api/2.0/mlflow/logged-models", &new).json();
    let info = |field: &str| model["model"]["info"][field].as_str().expect("a text").to_owned();
    let (id, uri) = (info("model_id"), info("artifact_uri"));
    put(&server, &format!("{}/data/MLmodel", proxied(&uri)), b"flavors: {}");
    let listing = format!("/api/2.0/mlflow/logged-models/{id}/artifacts/directories");
    assert_eq!(names(&server.get(&listing)), ["data/"]);
    let folder = server.get(&format!("{listing}?artifact_directory_path=data"));
    assert_eq!(names(&folder), ["data/MLmodel"]);
    assert_eq!(folder.json()["root_uri"], uri);
    let file = format!("/ajax-api/2.0/mlflow/logged-models/{id}/artifacts/files");
    let answer = server.get(&format!("{file}?artifact_file_path=data/MLmodel"));
    assert_eq!((answer.status, answer.text()), (200, "flavors: {}"));
    assert_eq!(answer.header("content-type"), "text/plain");
    assert_refused(&server.get(&file), 400, "artifact_file_path");
    server.json("DELETE", &format!("/api/2.0/mlflow/logged-models/{id}"), &json!({}));
    assert_refused(&server.get(&listing), 404, "not found");
}

/// The client writes to the folder itself; the server finds the files there.
#[test]
fn a_local_artifact_root_is_served_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("root");
    let server = start(&["--default-artifact-root", root.to_str().expect("UTF-8")]);
    let (run, uri) = new_run(&server, &json!({"name": "e"}));
    assert!(Path::new(&uri).starts_with(&root), "{uri}");
    std::fs::create_dir_all(Path::new(&uri).join("dir")).expect("made");
    std::fs::write(Path::new(&uri).join("dir/f.txt"), "mine").expect("written");
    let list = server.get(&format!("/api/2.0/mlflow/artifacts/list?run_id={run}&path=dir"));
    assert_eq!(names(&list), ["dir/f.txt"]);
    let file = server.get(&format!("/get-artifact?run_id={run}&path=dir/f.txt"));
    assert_eq!(file.text(), "mine");
    let target = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=up.txt");
    assert_eq!(server.send("POST", &target, &[], b"theirs").status, 200);
    let written = std::fs::read(Path::new(&uri).join("up.txt"));
    assert_eq!(written.expect("it is there"), b"theirs");
    assert_eq!(names(&server.get(PROXY)), [""; 0], "the proxy's own store is another");
}

#[test]
fn presigned_urls_are_refused_with_the_reason() {
    let server = start(&[]);
    let (run, _) = new_run(&server, &json!({"name": "e"}));
    let s3 = json!({"name": "s3", "artifact_location": "s3://bucket/x"});
    let (remote, _) = new_run(&server, &s3);
    let ask = |what: &str, body: &Value| {
        server.post(&format!("/api/2.0/mlflow/artifacts/presigned-{what}-url"), body)
    };
    for what in ["upload", "download"] {
        let answer = ask(what, &json!({"run_id": run, "path": "x"}));
        assert_refused(&answer, 400, "proxied artifact storage (artifact URI scheme: mlflow-art");
        let answer = ask(what, &json!({"run_id": remote, "path": "x"}));
        assert_refused(&answer, 501, "is not supported for the current artifact repository");
    }
}
