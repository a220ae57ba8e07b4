//! `modelyard trash`, and its API.

use modelyard_testkit::Server;
use serde_json::{Value, json};

use crate::world::*;

fn trash(server: &Server, args: &[&str]) -> String {
    ok(&[&["trash"], args, &["--tracking-uri", server.url()]].concat())
}

fn ids(found: &Value) -> Vec<String> {
    found["items"].as_array().expect("items").iter().map(|item| text(&item["id"])).collect()
}

#[test]
fn what_was_deleted_is_listed_restored_and_removed() {
    let server = Server::start(BINARY);
    let gone = experiment(&server, "gone");
    let (its_run, run, other) =
        (filled_run(&server, &gone), filled_run(&server, "0"), filled_run(&server, "0"));
    let model = filled_model(&server, "0");
    for id in [&run, &other] {
        delete_run(&server, id);
    }
    server.send("DELETE", &format!("{API}/logged-models/{model}"), &[], b"");
    post(&server, "experiments/delete", &json!({"experiment_id": gone}));

    let list = |args: &[&str]| -> Value {
        let args = [&["list", "--output", "json"], args].concat();
        serde_json::from_str(&trash(&server, &args)).expect("JSON")
    };
    assert_eq!(ids(&list(&[])), [gone.clone(), other.clone(), run.clone(), model.clone()]);
    assert_eq!(ids(&list(&["--kind", "logged_model"])), [model.as_str()]);
    assert_eq!(ids(&list(&["-x", &gone])), [its_run.as_str()]);
    let table = trash(&server, &["list"]);
    assert_eq!(table.lines().count(), 2 + 4, "{table}");
    assert_eq!(trash(&server, &["list", "--output", "csv"]).lines().count(), 1 + 4);

    trash(&server, &["restore", "-r", &run]);
    trash(&server, &["restore", "-m", &model]);
    trash(&server, &["delete", "-r", &other]);
    assert_eq!((run_status(&server, &run), run_status(&server, &other)), (200, 404));
    assert_eq!(server.get(&format!("{API}/logged-models/{model}")).status, 200);
    trash(&server, &["restore", "-x", &gone]);
    assert_eq!(ids(&list(&[])), Vec::<String>::new());
    post(&server, "experiments/delete", &json!({"experiment_id": gone}));
    trash(&server, &["delete", "-x", &gone]);
    assert_eq!(run_status(&server, &its_run), 404);
    assert_eq!(files(&server.data().join("artifacts")).len(), 2);
    experiment(&server, "gone");
    let again = ["trash", "delete", "-r", &other, "--tracking-uri", server.url()];
    fails(3, &again);
}

#[test]
fn pages_are_one_list() {
    let server = Server::start(BINARY);
    let runs: Vec<String> = (0..5).map(|_| filled_run(&server, "0")).collect();
    runs.iter().for_each(|run| delete_run(&server, run));
    let (mut found, mut query) = (Vec::new(), format!("{TRASH}?kind=run&max_results=2"));
    loop {
        let page = server.get(&query).json();
        found.extend(ids(&page));
        let Some(token) = page["next_page_token"].as_str() else { break };
        query = format!("{TRASH}?kind=run&max_results=2&page_token={token}");
    }
    found.reverse();
    assert_eq!(found, runs);
    let token =
        server.get(&format!("{TRASH}?kind=run&max_results=2")).json()["next_page_token"].clone();
    let other = format!("{TRASH}?kind=logged_model&page_token={}", text(&token));
    assert_eq!(server.get(&other).status, 400);
}

#[test]
fn bad_requests_are_the_callers_mistake() {
    let server = Server::start(BINARY);
    let run = filled_run(&server, "0");
    for query in [
        "",
        "?kind=folder",
        "?kind=run&experiment_id=x",
        "?kind=experiment&experiment_id=0",
        "?kind=run&max_results=0",
        "?kind=run&page_token=zzz",
    ] {
        let answer = server.get(&format!("{TRASH}{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert_eq!(answer.json()["error_code"], "INVALID_PARAMETER_VALUE");
    }
    for (path, status) in [
        (format!("run/{run}"), 400),
        ("experiment/0".to_owned(), 400),
        ("experiment/x".to_owned(), 400),
        ("folder/x".to_owned(), 400),
        (format!("run/{run}?leave_unreachable_artifacts=maybe"), 400),
        ("run/nosuchrun".to_owned(), 404),
        ("logged_model/m-none".to_owned(), 404),
    ] {
        let answer = server.send("DELETE", &format!("{TRASH}/{path}"), &[], b"");
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    for (body, status) in [
        (json!({}), 400),
        (json!({"kind": "run"}), 400),
        (json!({"kind": "run", "id": 7}), 400),
        (json!({"kind": "run", "id": "nosuchrun"}), 404),
        (json!({"kind": "experiment", "id": "x"}), 400),
        (json!({"kind": "experiment", "id": "99"}), 404),
    ] {
        let answer = server.post(&format!("{TRASH}/restore"), &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    assert_eq!(run_status(&server, &run), 200);
    assert_eq!(files(&server.data().join("artifacts")).len(), 1);
}

#[test]
fn artifacts_out_of_reach_keep_what_they_belong_to() {
    let server = Server::start(BINARY);
    let body = json!({"name": "far", "artifact_location": "s3://bucket/far"});
    let id = text(&post(&server, "experiments/create", &body)["experiment_id"]);
    let created = post(&server, "runs/create", &json!({"experiment_id": id}));
    let run = text(&created["run"]["info"]["run_id"]);
    post(&server, "experiments/delete", &json!({"experiment_id": id}));
    let path = format!("{TRASH}/experiment/{id}");
    let answer = server.send("DELETE", &path, &[], b"");
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("leave_unreachable_artifacts=true"), "{}", answer.text());
    // Nothing has begun.
    post(&server, "experiments/restore", &json!({"experiment_id": id}));
    post(&server, "experiments/delete", &json!({"experiment_id": id}));
    let answer =
        server.send("DELETE", &format!("{path}?leave_unreachable_artifacts=true"), &[], b"");
    assert_eq!((answer.status, run_status(&server, &run)), (200, 404));
}
