//! What the registry has beyond MLflow's: the audit trail, checks, protected aliases, rollback.

use modelyard_testkit::Server;
use serde_json::{Value, json};

use crate::server;

const MLFLOW: &str = "/api/2.0/mlflow";
const V1: &str = "/api/modelyard/v1/registry";

fn register(server: &Server, versions: usize) {
    let made = server.post(&format!("{MLFLOW}/registered-models/create"), &json!({"name": "m"}));
    assert_eq!(made.status, 200, "{}", made.text());
    for _ in 0..versions {
        let version = json!({"name": "m", "source": "s3://bucket/m"});
        let made = server.post(&format!("{MLFLOW}/model-versions/create"), &version);
        assert_eq!(made.status, 200, "{}", made.text());
    }
}

fn set_alias(server: &Server, version: &str) -> u16 {
    let alias = json!({"name": "m", "alias": "champion", "version": version});
    server.post(&format!("{MLFLOW}/registered-models/alias"), &alias).status
}

fn champion(server: &Server) -> Value {
    let path = format!("{MLFLOW}/registered-models/alias?name=m&alias=champion");
    server.get(&path).json()["model_version"]["version"].clone()
}

fn events(server: &Server, query: &str) -> Vec<Value> {
    let answer = server.get(&format!("{V1}/events?{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["events"].as_array().expect("a list").clone()
}

#[test]
fn a_protected_alias_moves_only_to_versions_that_passed() {
    let server = server();
    register(&server, 2);
    assert_eq!(set_alias(&server, "1"), 200);
    let policy = format!("{V1}/models/m/aliases/champion/policy");
    let set = server.json("PUT", &policy, &json!({"checks": ["bias", "accuracy"]}));
    assert_eq!(set.json()["checks"], json!(["accuracy", "bias"]));
    assert_eq!(set_alias(&server, "2"), 403);
    assert_eq!(champion(&server), "1", "a policy does not move what is there");
    for (check, passed, status) in
        [("accuracy", true, 403), ("bias", false, 403), ("bias", true, 200)]
    {
        let path = format!("{V1}/models/m/versions/2/checks/{check}");
        assert_eq!(server.json("PUT", &path, &json!({"passed": passed})).status, 200);
        assert_eq!(set_alias(&server, "2"), status, "{check} {passed}");
    }
    assert_eq!(champion(&server), "2");
    let checks = server.get(&format!("{V1}/models/m/versions/2/checks")).json();
    assert_eq!(checks["checks"][1]["passed"], true);
    // Version 1 never passed.
    let back = server.json("POST", &format!("{V1}/models/m/aliases/champion/rollback"), &json!({}));
    assert_eq!(back.status, 403, "{}", back.text());
    assert_eq!(server.json("PUT", &policy, &json!({"checks": []})).status, 200);
    assert_eq!(set_alias(&server, "1"), 200);
}

#[test]
fn an_alias_goes_back_step_by_step() {
    let server = server();
    register(&server, 3);
    for version in ["1", "2", "3"] {
        assert_eq!(set_alias(&server, version), 200);
    }
    let path = format!("{V1}/models/m/aliases/champion/rollback");
    for (from, to) in [("3", "2"), ("2", "1")] {
        let back = server.json("POST", &path, &json!({"reason": "slow"})).json();
        assert_eq!(back, json!({"from_version": from, "to_version": to}));
        assert_eq!(champion(&server), to);
    }
    assert_eq!(server.json("POST", &path, &json!({})).status, 400, "nothing before the first");
    assert_eq!(server.json("POST", &path, &json!({"to_version": "3"})).status, 400);
    let last = &events(&server, "name=m&key=champion&max_results=1")[0];
    assert_eq!(
        (&last["reason"], &last["from"], &last["to"]),
        (&json!("slow"), &json!("2"), &json!("1"))
    );
}

#[test]
fn every_change_is_an_event_with_its_author() {
    let server = server();
    register(&server, 1);
    let headers = [
        ("content-type", "application/json"),
        ("authorization", "Basic YW5uYTpzZWNyZXQ="),
        ("x-modelyard-reason", "spring release"),
    ];
    let stage = br#"{"name": "m", "version": "1", "stage": "Production"}"#;
    let moved =
        server.send("POST", &format!("{MLFLOW}/model-versions/transition-stage"), &headers, stage);
    assert_eq!(moved.status, 200, "{}", moved.text());
    let rename = json!({"name": "m", "new_name": "n"});
    assert_eq!(server.post(&format!("{MLFLOW}/registered-models/rename"), &rename).status, 200);
    let found = events(&server, "name=n");
    let actions: Vec<_> = found.iter().map(|event| event["action"].as_str().unwrap()).collect();
    let expected = ["MODEL_RENAMED", "STAGE_CHANGED", "VERSION_CREATED", "MODEL_CREATED"];
    assert_eq!(actions, expected, "under the new name, those of the old one too");
    let stage = &found[1];
    assert_eq!(stage["actor"], "anna");
    assert_eq!(stage["reason"], "spring release");
    assert_eq!((&stage["from"], &stage["to"]), (&json!("None"), &json!("Production")));
    assert_eq!(found[0]["actor"], "anonymous");
    assert_eq!(events(&server, "name=n&version=1").len(), 2);
    assert_eq!(events(&server, "name=n&actions=MODEL_CREATED,MODEL_RENAMED").len(), 2);
    assert_eq!(server.get(&format!("{V1}/events?actions=NOPE")).status, 400);
    // Whoever takes the name of a deleted model does not get its history.
    let delete = json!({"name": "n"});
    assert_eq!(
        server.json("DELETE", &format!("{MLFLOW}/registered-models/delete"), &delete).status,
        200
    );
    assert_eq!(events(&server, "name=n").len(), 5, "also when it is gone");
    let again = json!({"name": "n"});
    assert_eq!(server.post(&format!("{MLFLOW}/registered-models/create"), &again).status, 200);
    assert_eq!(events(&server, "name=n").len(), 1);
}

#[test]
fn events_come_page_by_page() {
    let server = server();
    register(&server, 4);
    let first = server.get(&format!("{V1}/events?max_results=3")).json();
    let token = first["next_page_token"].as_str().expect("a token").to_owned();
    let second = server.get(&format!("{V1}/events?max_results=3&page_token={token}")).json();
    assert_eq!(first["events"].as_array().unwrap().len(), 3);
    assert_eq!(second["events"].as_array().unwrap().len(), 2);
    assert!(second.get("next_page_token").is_none());
    let other = server.get(&format!("{V1}/events?name=m&page_token={token}"));
    assert_eq!(other.status, 400, "a token of another query");
}
