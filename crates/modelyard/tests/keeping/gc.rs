//! `modelyard gc`, while the server runs.

use modelyard_testkit::{Server, Setup, postgres_url};
use serde_json::json;

use crate::world::*;

/// Runs `gc` on the data of a server.
fn gc(server: &Server, args: &[&str]) -> String {
    ok(&[&["gc", "--data-dir", arg(server.data())], args].concat())
}

fn gc_fails(server: &Server, code: i32, args: &[&str]) -> String {
    fails(code, &[&["gc", "--data-dir", arg(server.data())], args].concat())
}

fn artifacts(server: &Server) -> Vec<String> {
    files(&server.data().join("artifacts")).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn the_trash_goes_with_its_artifacts_and_nothing_else_does() {
    let server = Server::start(BINARY);
    let gone = experiment(&server, "gone");
    let (kept, deleted) = (filled_run(&server, "0"), filled_run(&server, "0"));
    let (kept_model, deleted_model) = (filled_model(&server, "0"), filled_model(&server, "0"));
    let (its_run, its_model) = (filled_run(&server, &gone), filled_model(&server, &gone));
    delete_run(&server, &deleted);
    let path = format!("{API}/logged-models/{deleted_model}");
    assert_eq!(server.send("DELETE", &path, &[], b"").status, 200);
    post(&server, "experiments/delete", &json!({"experiment_id": gone}));

    let before = artifacts(&server);
    let said = gc(&server, &["--dry-run"]);
    for (line, ids) in [
        ("Run with ID {} would be permanently deleted: 1 file, 5 bytes.", [&deleted, &its_run]),
        (
            "Logged model with ID {} would be permanently deleted: 1 file, 3 bytes.",
            [&deleted_model, &its_model],
        ),
    ] {
        for id in ids {
            assert!(said.contains(&line.replace("{}", id)), "{said}");
        }
    }
    assert!(said.ends_with("In total 4 files, 16 bytes.\n"), "{said}");
    assert_eq!((artifacts(&server), run_status(&server, &deleted)), (before, 200));

    let said = gc(&server, &[]);
    assert_eq!(said.lines().count(), 5, "{said}");
    assert!(said.ends_with(&format!("Experiment with ID {gone} has been permanently deleted.\n")));
    assert_eq!(run_status(&server, &kept), 200);
    assert_eq!(run_status(&server, &deleted), 404);
    let left = artifacts(&server);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().any(|name| name.contains(&kept)), "{left:?}");
    assert!(left.iter().any(|name| name.contains(&kept_model)), "{left:?}");
    // The name is free, and no folder of a run is left.
    assert_ne!(experiment(&server, "gone"), gone);
    assert!(!server.data().join("artifacts/0").join(&deleted).exists());
    assert_eq!(gc(&server, &[]), "");
}

#[test]
fn it_works_on_postgresql() {
    let Some(url) = postgres_url() else { return };
    let server = Setup::new(BINARY).args(&["--backend-store-uri", &url]).start();
    let run = filled_run(&server, "0");
    delete_run(&server, &run);
    let said = gc(&server, &["--backend-store-uri", &url]);
    assert_eq!(said, format!("Run with ID {run} has been permanently deleted.\n"));
    assert_eq!((run_status(&server, &run), artifacts(&server).len()), (404, 0));
}

#[test]
fn what_is_named_must_be_in_the_trash_and_old_enough() {
    let server = Server::start(BINARY);
    let (used, deleted) = (filled_run(&server, "0"), filled_run(&server, "0"));
    delete_run(&server, &deleted);
    let said = gc_fails(&server, 2, &["--run-ids", &used]);
    assert!(said.contains(&format!("Run {used} is not in the deleted lifecycle stage")), "{said}");
    // All is looked at before anything goes.
    let both = format!("{deleted},{used}");
    gc_fails(&server, 2, &["--run-ids", &both]);
    assert_eq!(run_status(&server, &deleted), 200);
    let said = gc_fails(&server, 2, &["--experiment-ids", "0"]);
    assert!(said.contains("Experiment 0 is not in the deleted lifecycle stage"), "{said}");
    let said = gc_fails(&server, 2, &["--run-ids", &deleted, "--older-than", "1d"]);
    assert!(said.contains("older than 1d"), "{said}");
    gc_fails(&server, 1, &["--run-ids", "nosuchrun"]);
    let said = gc_fails(&server, 2, &["--older-than", "a week"]);
    assert!(said.contains("'8h'"), "{said}");
    let said = gc_fails(&server, 2, &["--all-workspaces"]);
    assert!(said.contains("workspaces are not built yet"), "{said}");

    assert_eq!(gc(&server, &["--older-than", "1d"]), "");
    assert_eq!(run_status(&server, &deleted), 200);
    let said = gc(&server, &["--run-ids", &deleted, "--older-than", "0s"]);
    assert!(said.contains(&deleted), "{said}");
    assert_eq!((run_status(&server, &used), run_status(&server, &deleted)), (200, 404));
}

#[test]
fn an_experiment_keeps_its_trash_as_long_as_its_tag_says() {
    let server = Server::start(BINARY);
    let tag = |id: &str, value: &str| {
        let body = json!({"experiment_id": id, "key": "modelyard.retention", "value": value});
        post(&server, "experiments/set-experiment-tag", &body);
    };
    let mut runs = Vec::new();
    for (name, value) in [("a", "30d"), ("b", "forever"), ("c", "0.001s"), ("d", "a while")] {
        let id = experiment(&server, name);
        tag(&id, value);
        let run = filled_run(&server, &id);
        delete_run(&server, &run);
        runs.push(run);
    }
    let outcome = crate::world::run(&["gc", "--data-dir", arg(server.data())]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stderr.contains("3 deleted runs") && outcome.stderr.contains("'a while'"));
    let status: Vec<u16> = runs.iter().map(|run| run_status(&server, run)).collect();
    assert_eq!(status, [200, 200, 404, 200]);
    let said = gc_fails(&server, 2, &["--run-ids", &runs[0]]);
    assert!(said.contains("says '30d'") && said.contains("--ignore-retention"), "{said}");
    assert_eq!(gc(&server, &["--ignore-retention"]).lines().count(), 3);
}

#[test]
fn what_has_its_artifacts_elsewhere_stays_unless_told() {
    let server = Server::start(BINARY);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let body = json!({"name": "far", "artifact_location": arg(elsewhere.path())});
    let id = text(&post(&server, "experiments/create", &body)["experiment_id"]);
    let created = post(&server, "runs/create", &json!({"experiment_id": id}));
    let run = text(&created["run"]["info"]["run_id"]);
    let file = elsewhere.path().join(&run).join("artifacts/a.txt");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    std::fs::write(&file, "mine").expect("written");
    let near = filled_run(&server, "0");
    for run in [&run, &near] {
        delete_run(&server, run);
    }
    let said = gc_fails(&server, 1, &[]);
    assert!(said.contains(&run) && said.contains("--allow-artifact-location"), "{said}");
    // The others went.
    assert_eq!((run_status(&server, &run), run_status(&server, &near)), (200, 404));

    let allowed = gc(&server, &["--allow-artifact-location", arg(elsewhere.path()), "--dry-run"]);
    assert!(allowed.contains("1 file, 4 bytes"), "{allowed}");
    gc(&server, &["--leave-unreachable-artifacts"]);
    assert_eq!((run_status(&server, &run), file.exists()), (404, true));
}

/// A collection that is killed anywhere leaves nothing that the next one does not clean.
#[test]
fn a_broken_off_collection_is_finished_by_the_next() {
    let server = Server::start(BINARY);
    let gone = experiment(&server, "gone");
    for _ in 0..30 {
        filled_run(&server, &gone);
        filled_model(&server, &gone);
    }
    post(&server, "experiments/delete", &json!({"experiment_id": gone}));
    for pause_ms in [20, 30, 40, 50, 60] {
        let mut child = command(&["gc", "--data-dir", arg(server.data())])
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("start gc");
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        child.kill().expect("killed");
        child.wait().expect("ended");
        let restored =
            server.post(&format!("{API}/experiments/restore"), &json!({"experiment_id": gone}));
        if restored.status == 200 {
            // It had not begun.
            post(&server, "experiments/delete", &json!({"experiment_id": gone}));
        }
    }
    // Even one that is asked for something else finishes what was begun.
    gc(&server, &[]);
    assert_eq!(artifacts(&server), Vec::<String>::new());
    let trash = server.get("/api/modelyard/v1/trash?kind=experiment").json();
    assert_eq!(trash, json!({"items": []}));
    assert_ne!(experiment(&server, "gone"), gone);
}

/// Registers the files of a run and of a logged model, as the client names each.
fn register(server: &Server, run: &str, model: &str) {
    for name in ["of-run", "of-model", "by-name"] {
        post(server, "registered-models/create", &json!({ "name": name }));
    }
    for (name, source, run_id, model_id) in [
        ("of-run", format!("mlflow-artifacts:/0/{run}/artifacts/model"), run, ""),
        ("by-name", format!("runs:/{run}/model"), run, ""),
        ("of-model", format!("models:/{model}"), "", model),
    ] {
        let body = json!({"name": name, "source": source, "run_id": run_id, "model_id": model_id});
        post(server, "model-versions/create", &body);
    }
}

#[test]
fn what_a_registered_model_needs_stays_until_its_version_goes() {
    let server = Server::start(BINARY);
    let (run, model) = (filled_run(&server, "0"), filled_model(&server, "0"));
    register(&server, &run, &model);
    delete_run(&server, &run);
    let path = format!("{API}/logged-models/{model}");
    assert_eq!(server.send("DELETE", &path, &[], b"").status, 200);

    for (args, stdout) in [(&["--dry-run"][..], "In total 0 files, 0 bytes.\n"), (&[], "")] {
        let outcome =
            crate::world::run(&[&["gc", "--data-dir", arg(server.data())], args].concat());
        assert_eq!((outcome.code, outcome.stdout.as_str()), (0, stdout), "{outcome:?}");
        for line in [
            format!("Run {run}: version 1 of the registered model 'of-run' has its artifacts"),
            format!("Logged model {model}: version 1 of the registered model 'of-model'"),
        ] {
            assert!(outcome.stderr.contains(&line), "{outcome:?}");
        }
    }
    let said = gc_fails(&server, 2, &["--run-ids", &run]);
    assert!(said.contains("'of-run'") && said.contains("--even-if-registered"), "{said}");
    let answer = server.send("DELETE", &format!("{TRASH}/run/{run}"), &[], b"");
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("even_if_registered=true"), "{}", answer.text());
    assert_eq!((artifacts(&server).len(), run_status(&server, &run)), (2, 200));

    // A source that names the run holds it as its files do.
    let body = json!({"name": "of-run", "version": "1"}).to_string();
    let delete = format!("{API}/model-versions/delete");
    let json = [("content-type", "application/json")];
    assert_eq!(server.send("DELETE", &delete, &json, body.as_bytes()).status, 200);
    let said = gc_fails(&server, 2, &["--run-ids", &run]);
    assert!(said.contains("'by-name'"), "{said}");

    let said = gc(&server, &["--even-if-registered"]);
    assert_eq!(said.lines().count(), 2, "{said}");
    assert_eq!((artifacts(&server).len(), run_status(&server, &run)), (0, 404));
}

#[test]
fn an_experiment_stays_with_what_a_registered_model_needs() {
    let server = Server::start(BINARY);
    let id = experiment(&server, "in use");
    let run = filled_run(&server, &id);
    post(&server, "registered-models/create", &json!({"name": "m"}));
    let source = format!("mlflow-artifacts:/{id}/{run}/artifacts/model");
    let body = json!({"name": "m", "source": source, "run_id": run});
    post(&server, "model-versions/create", &body);
    post(&server, "experiments/delete", &json!({"experiment_id": id}));
    assert_eq!(gc(&server, &[]), "");
    gc_fails(&server, 2, &["--experiment-ids", &id]);
    // Nothing has begun.
    post(&server, "experiments/restore", &json!({"experiment_id": id}));
    post(&server, "experiments/delete", &json!({"experiment_id": id}));
    let path = format!("{TRASH}/experiment/{id}");
    assert_eq!(server.send("DELETE", &path, &[], b"").status, 400);
    let path = format!("{path}?even_if_registered=true");
    assert_eq!(server.send("DELETE", &path, &[], b"").status, 200);
    assert_eq!((artifacts(&server).len(), run_status(&server, &run)), (0, 404));
}
