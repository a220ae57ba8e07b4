//! What was measured on a stock MLflow 3.17.2 and has no published number.

use serde_json::json;

use crate::world::{DOORS, World, text};

/// There, this empties the whole store and answers 500.
#[test]
fn the_root_cannot_be_deleted() {
    for mut world in World::everywhere() {
        for door in DOORS {
            for path in ["/.", "/%2e", "/./", "/%2e/", "/", "//", "/.//.", "/%2f", "/./%2e", ""] {
                let reply = world.proxy(door, "DELETE", path, b"");
                world.refused(&format!("DELETE artifacts{path}"), &reply);
            }
        }
        world.assert_unharmed();
    }
}

/// There, an experiment with a local location and the UI's upload write anywhere.
#[test]
fn the_uis_upload_writes_only_into_the_store() {
    let mut world = World::new();
    let outside = world.outside().display().to_string();
    let body = json!({"name": "local", "artifact_location": outside});
    let experiment = world.call("experiments/create", &body)["experiment_id"].clone();
    let run = json!({"experiment_id": experiment, "start_time": 1});
    let run = text(&world.call("runs/create", &run)["run"]["info"]["run_id"]);
    for path in ["x", "secret.txt"] {
        let target = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path={path}");
        let reply = world.wire.send("POST", target.as_bytes(), &[], b"pwned");
        world.refused("an upload to a local location", &reply);
        let message = text(&reply.json()["message"]);
        assert!(message.contains("--allow-artifact-location"), "says what to do: {message}");
    }
    world.assert_unharmed();
}

#[test]
fn host_names_that_look_like_private_addresses_are_refused() {
    let mut world = World::new();
    let run = format!("/api/2.0/mlflow/runs/get?run_id={}", world.run);
    for host in [
        "10.attacker.example",
        "192.168.attacker.example",
        "172.16.attacker.example",
        "127.0.0.1.attacker.example",
        "localhost.attacker.example",
        "evil.example:5000",
        "localhost@evil.example",
        "evil.example#localhost",
        "",
    ] {
        let request = format!("GET {run} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let reply = world.wire.exchange(request.as_bytes(), false);
        world.refused(host, &reply);
        assert!(!reply.reveals("run_uuid"), "{host}");
    }
    // Two hosts, and a request line with another host than the header's.
    for request in [
        format!("GET {run} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"),
        format!("GET {run} HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n"),
        format!("GET http://evil.example{run} HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        format!("GET {run} HTTP/1.1\r\n\r\n"),
    ] {
        let reply = world.wire.exchange(request.as_bytes(), false);
        world.refused(&request, &reply);
    }
    world.assert_unharmed();
}

/// There, a message may hold the statement with its values.
#[test]
fn no_message_contains_sql() {
    let mut world = World::new();
    let run = world.run.clone();
    let metric = |model: &str| json!({"run_id": run, "key": "m", "value": 1.0, "timestamp": 1, "model_id": model});
    let tags = json!([{"key": "t", "value": "1"}, {"key": "t", "value": "2"}]);
    let model = world.model.clone();
    let params = json!([{"key": "p", "value": "1"}]);
    let first = json!({"model_id": model, "params": params});
    world.call(&format!("logged-models/{model}/params"), &first);
    let attempts = [
        ("experiments/create".to_owned(), json!({"name": "attacked"})),
        ("experiments/create".to_owned(), json!({"name": "'; DROP TABLE run; --\0"})),
        ("runs/create".to_owned(), json!({"experiment_id": "999999"})),
        ("runs/create".to_owned(), json!({"experiment_id": "0", "tags": tags})),
        ("runs/create".to_owned(), json!({})),
        ("runs/log-metric".to_owned(), metric("m-unknown")),
        ("runs/outputs".to_owned(), json!({"run_id": run, "models": [{"model_id": "m-x"}]})),
        (
            format!("logged-models/{model}/params"),
            json!({"model_id": model, "params": [{"key": "p", "value": "2"}]}),
        ),
        (
            "runs/search".to_owned(),
            json!({"experiment_ids": ["0"], "filter": "params.\"x' OR 1=1 --\" = '"}),
        ),
        ("runs/search".to_owned(), json!({"experiment_ids": ["0"], "order_by": ["(SELECT 1)"]})),
        ("runs/search".to_owned(), json!({"experiment_ids": ["0"], "page_token": "' OR 1=1"})),
    ];
    for door in DOORS {
        for (path, body) in &attempts {
            let reply = world.post(door, path, body);
            world.keeps_secrets(path, &reply);
            for sign in ["INSERT ", "UPDATE ", "SELECT ", " FROM ", "sqlite", "constraint"] {
                let told = reply.reveals(sign) && !body.to_string().contains(sign);
                assert!(!told, "{path} {body}: {reply:?}");
            }
        }
    }
    world.assert_unharmed();
}

/// There, a name with markup comes back as a page of this server's.
#[test]
fn artifacts_are_never_shown_in_place() {
    let mut world = World::new();
    let root = format!("/{}/{}/artifacts", world.experiment, world.run);
    let page = b"<script>alert(1)</script>";
    for name in ["x.html", "x.svg", "x.xhtml", "x.js", "%3Cscript%3E.html", "x.html%22%3B"] {
        let path = format!("{root}/{name}");
        assert_eq!(world.proxy("/api", "PUT", &path, page).status, 200, "{name}");
        let run = world.run.clone();
        for reply in [
            world.proxy("/ajax-api", "GET", &path, b""),
            world.get(&format!("/get-artifact?run_uuid={run}&path={name}")),
        ] {
            assert_eq!(reply.status, 200, "{name}: {reply:?}");
            let head = reply.head.to_ascii_lowercase();
            assert!(head.contains("content-disposition: attachment; filename="), "{head}");
            assert!(head.contains("x-content-type-options: nosniff"), "{head}");
        }
        assert_eq!(world.proxy("/api", "DELETE", &path, b"").status, 200, "{name}");
    }
    world.assert_unharmed();
}
