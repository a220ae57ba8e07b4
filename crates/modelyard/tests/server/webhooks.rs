//! Webhooks: MLflow's endpoints, the delivery log, and the settings around them.

use std::time::{Duration, Instant};

use modelyard_testkit::{Receiver, Reply, Server, postgres_url};
use serde_json::{Value, json};

use crate::{BINARY, setup, text};

const WEBHOOKS: &str = "/api/2.0/mlflow/webhooks";
const V1: &str = "/api/modelyard/v1/webhooks";
/// A key in MLflow's form.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A server whose webhooks may reach the receivers of a test.
fn open() -> Server {
    setup(&["--webhook-allow-private-ips", "--webhook-allowed-schemes", "http,https"]).start()
}

fn event(entity: &str, action: &str) -> Value {
    json!({"entity": entity, "action": action})
}

fn hook(url: &str) -> Value {
    json!({"name": "w", "url": url, "events": [event("REGISTERED_MODEL", "CREATED")]})
}

fn create(server: &Server, asked: &Value) -> String {
    let answer = server.post(WEBHOOKS, asked);
    assert_eq!(answer.status, 200, "{}", answer.text());
    text(&answer.json()["webhook"]["webhook_id"])
}

fn model(server: &Server, name: &str) {
    let answer = server.post("/api/2.0/mlflow/registered-models/create", &json!({"name": name}));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The log of a webhook, once nothing waits in it.
fn settled(server: &Server, id: &str) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let log = server.get(&format!("{V1}/{id}/deliveries")).json();
        let log = log["deliveries"].as_array().expect("a list").clone();
        if !log.is_empty() && log.iter().all(|delivery| delivery["state"] != "PENDING") {
            return log;
        }
        assert!(Instant::now() < deadline, "{log:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_webhook_is_what_mlflow_says() {
    let server = open();
    let asked = json!({
        "name": "w", "url": "http://127.0.0.1:9/x", "description": "why", "secret": "s3cret",
        "events": [event("MODEL_VERSION_TAG", "SET"), event("MODEL_VERSION_ALIAS", "CREATED"),
                   event("MODEL_VERSION_TAG", "DELETED")],
    });
    let made = server.post(WEBHOOKS, &asked).json();
    let id = text(&made["webhook"]["webhook_id"]);
    let expected = json!({"webhook": {
        "webhook_id": id, "name": "w", "description": "why", "url": "http://127.0.0.1:9/x",
        "events": [event("MODEL_VERSION_ALIAS", "CREATED"), event("MODEL_VERSION_TAG", "DELETED"),
                   event("MODEL_VERSION_TAG", "SET")],
        "status": "ACTIVE",
        "creation_timestamp": made["webhook"]["creation_timestamp"],
        "last_updated_timestamp": made["webhook"]["creation_timestamp"],
    }});
    assert_eq!(made, expected);
    assert_eq!((id.len(), id.matches('-').count()), (36, 4));
    assert_eq!(server.get(&format!("{WEBHOOKS}/{id}")).json(), expected);
    let one = format!("{WEBHOOKS}/{id}");
    let changed = server.json("PATCH", &one, &json!({"description": "", "status": "DISABLED"}));
    let changed = &changed.json()["webhook"];
    assert_eq!((changed.get("description"), &changed["status"]), (None, &json!("DISABLED")));
    assert_eq!(changed["events"], expected["webhook"]["events"]);
    let second = create(&server, &hook("http://127.0.0.1:9/"));
    let page = server.get(&format!("{WEBHOOKS}?max_results=1")).json();
    assert_eq!(page["webhooks"][0]["webhook_id"], second.as_str());
    let token = text(&page["next_page_token"]);
    let page = server.get(&format!("{WEBHOOKS}?max_results=1&page_token={token}")).json();
    assert_eq!(page["webhooks"][0]["webhook_id"], id.as_str());
    assert_eq!(page.get("next_page_token"), None);
    assert_eq!(server.json("DELETE", &one, &json!({})).json(), json!({}));
    let gone = server.get(&one);
    assert_eq!(gone.status, 404);
    assert_eq!(gone.json()["message"], format!("Webhook with ID {id} not found.").as_str());
}

#[test]
fn mistakes_are_answered_in_mlflows_words() {
    let server = open();
    let with = |field: &str, value: Value| {
        let mut asked = hook("http://127.0.0.1:9/");
        asked[field] = value;
        asked
    };
    let empty = "Webhook events must be a non-empty list of WebhookEvent objects: [].";
    let pair = "Invalid action 'deleted' for entity 'registered_model'. Valid actions are: \
                ['created']";
    let scheme = "Invalid webhook URL scheme: 'ftp'. Allowed schemes are: http, https.";
    for (asked, message) in [
        (with("events", json!([])), empty),
        (with("events", json!([event("REGISTERED_MODEL", "DELETED")])), pair),
        (
            with("events", json!([event("PROMPT", "CREATED"), event("PROMPT", "CREATED")])),
            "The webhook event 'prompt.created' is given twice",
        ),
        (with("events", json!([{}])), "A webhook event needs an entity and an action"),
        (with("events", json!([event("FOO", "CREATED")])), "A webhook event needs an entity"),
        (with("url", json!("ftp://x/")), scheme),
        (with("url", json!(" ")), "Webhook URL cannot be empty or just whitespace: ' '"),
        (with("name", json!("a b")), "Webhook name 'a b' is invalid. It must start and end"),
        (with("status", json!(7)), "Invalid value 7 for parameter 'status' supplied"),
        (with("name", json!("")), "Missing value for required parameter 'name'."),
        (with("secret", json!("a".repeat(1001))), "'secret' exceeds the maximum length"),
    ] {
        let answer = server.post(WEBHOOKS, &asked);
        assert_eq!(answer.status, 400, "{asked}: {}", answer.text());
        let said = text(&answer.json()["message"]);
        assert!(said.contains(message), "{asked}: {said}");
    }
    let id = create(&server, &hook("http://127.0.0.1:9/"));
    for (method, path, asked, status) in [
        ("PATCH", format!("{WEBHOOKS}/{id}"), json!({"name": "-"}), 400),
        ("PATCH", format!("{WEBHOOKS}/nope"), json!({"name": "-"}), 404),
        ("GET", format!("{WEBHOOKS}?max_results=1001"), json!({}), 400),
        ("GET", format!("{WEBHOOKS}?page_token=zz"), json!({}), 400),
        ("POST", format!("{WEBHOOKS}/nope/test"), json!({}), 404),
        ("POST", format!("{WEBHOOKS}/{id}/test"), json!({"event": event("PROMPT", "SET")}), 400),
        ("GET", format!("{V1}/nope/deliveries"), json!({}), 404),
        ("GET", format!("{V1}/{id}/deliveries?state=ODD"), json!({}), 400),
        ("POST", format!("{V1}/{id}/deliveries/nope/redeliver"), json!({}), 404),
    ] {
        let answer = server.json(method, &path, &asked);
        assert_eq!(answer.status, status, "{method} {path} {asked}: {}", answer.text());
    }
}

#[test]
fn a_test_is_sent_once_and_told() {
    let server = open();
    let receiver = Receiver::replying(|_, before| match before {
        0 => Reply::Raw(Duration::ZERO, "HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\nok".into()),
        1 => Reply::Status(500),
        _ => Reply::Close,
    });
    let id = create(&server, &hook(receiver.url()));
    let test = |asked| server.post(&format!("{WEBHOOKS}/{id}/test"), &asked).json();
    let took = json!({"success": true, "response_status": 200, "response_body": "ok"});
    assert_eq!(test(json!({}))["result"], took);
    let sent = receiver.received()[0].json();
    assert_eq!(sent["data"]["name"], "example_model");
    assert_eq!(receiver.received()[0].header("x-mlflow-signature"), "");
    let failed = test(json!({"event": event("PROMPT_VERSION", "CREATED")}));
    assert_eq!(failed["result"]["success"], false);
    assert_eq!(failed["result"]["response_status"], 500);
    assert_eq!(receiver.received()[1].json()["data"]["template"], "Hello {{name}}!");
    let broken = test(json!({}));
    assert!(text(&broken["result"]["error_message"]).starts_with("Failed to test webhook: "));
    assert_eq!(broken["result"].get("response_status"), None);
    // Nothing of it is in the log.
    assert_eq!(server.get(&format!("{V1}/{id}/deliveries")).json(), json!({"deliveries": []}));
}

#[test]
fn changes_arrive_and_are_logged() {
    let server = open();
    let receiver = Receiver::start();
    let mut asked = hook(receiver.url());
    asked["secret"] = json!("s3cret");
    let id = create(&server, &asked);
    model(&server, "m");
    let received = receiver.wait_for(1).remove(0);
    assert_eq!(received.json()["data"], json!({"name": "m", "tags": {}, "description": ""}));
    let log = settled(&server, &id);
    assert_eq!((&log[0]["state"], &log[0]["attempts"]), (&json!("DELIVERED"), &json!(1)));
    assert_eq!(log[0]["event"], "registered_model.created");
    assert_eq!(log[0]["payload"], received.body.as_str());
    let delivery = text(&log[0]["delivery_id"]);
    assert_eq!(delivery, received.header("x-mlflow-delivery-id"));
    let again = server.post(&format!("{V1}/{id}/deliveries/{delivery}/redeliver"), &json!({}));
    assert_eq!(again.json()["state"], "PENDING");
    let second = receiver.wait_for(2).remove(1);
    assert_eq!(second.header("x-mlflow-delivery-id"), delivery);
    assert_eq!(second.body, received.body);
    let failed = server.get(&format!("{V1}/{id}/deliveries?state=FAILED")).json();
    assert_eq!(failed, json!({"deliveries": []}));
}

/// The secret is nowhere to be read: not in an answer, the database, the log or the key's file.
#[test]
fn a_secret_is_kept_encrypted() {
    let mut server = open();
    let receiver = Receiver::start();
    let mut asked = hook(receiver.url());
    asked["secret"] = json!("a-secret-to-look-for");
    let id = create(&server, &asked);
    for path in [format!("{WEBHOOKS}/{id}"), WEBHOOKS.to_owned()] {
        assert!(!server.get(&path).text().contains("a-secret"), "{path}");
    }
    // The key lasts: the next start can sign, too.
    assert!(server.terminate().success());
    server.restart();
    model(&server, "m");
    let received = receiver.wait_for(1);
    assert!(received[0].header("x-mlflow-signature").starts_with("v1,"));
    assert!(!server.log().contains("a-secret"));
    for entry in std::fs::read_dir(server.data()).expect("the data folder") {
        let path = entry.expect("an entry").path();
        let content = if path.is_file() { std::fs::read(&path).expect("a file") } else { vec![] };
        let found = content.windows(8).any(|window| window == b"a-secret");
        assert!(!found, "{}", path.display());
    }
}

#[test]
fn servers_that_may_share_a_database_need_a_key() {
    let Some(url) = postgres_url() else { return };
    let start = |more: &[(&str, &str)]| {
        let args = ["--backend-store-uri", &url, "--webhook-allow-private-ips"];
        let mut setup = setup(&args).env("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http");
        for (name, value) in more {
            setup = setup.env(name, value);
        }
        setup.start()
    };
    let mut asked = hook("http://127.0.0.1:9/");
    asked["secret"] = json!("s3cret");
    let refused = start(&[]).post(WEBHOOKS, &asked);
    assert_eq!(refused.status, 400);
    let said = text(&refused.json()["message"]);
    assert!(said.contains("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"), "{said}");
    let server = start(&[("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", KEY)]);
    assert_eq!(server.post(WEBHOOKS, &asked).status, 200);
    let key = ("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", "too-short-a-key");
    let (status, said) = setup(&[]).env(key.0, key.1).fail();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("Fernet.generate_key") && !said.contains("too-short"), "{said}");
}

/// A receiver that never answers keeps neither requests nor the end waiting for long.
#[test]
fn a_hanging_receiver_does_not_keep_the_server_from_stopping() {
    let mut server = open();
    let silent = Receiver::replying(|_, _| Reply::Silence);
    create(&server, &hook(silent.url()));
    for number in 0..6 {
        model(&server, &format!("m{number}"));
    }
    silent.wait_for(4);
    assert_eq!(server.get("/health").status, 200);
    let begun = Instant::now();
    assert!(server.terminate().success());
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    // What was cut off is sent again.
    let before = silent.received().len();
    server.restart();
    silent.wait_for(before + 4);
}

/// The environment's proxies are for the commands, not for what users name.
#[test]
fn proxies_are_not_asked() {
    let proxy = Receiver::start();
    let receiver = Receiver::start();
    let args = ["--webhook-allow-private-ips", "--webhook-allowed-schemes", "http"];
    let mut setup = setup(&args);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        setup = setup.env(name, proxy.url());
    }
    let server = setup.start();
    create(&server, &hook(receiver.url()));
    model(&server, "m");
    receiver.wait_for(1);
    assert_eq!(proxy.received().len(), 0);
}

#[test]
fn without_tracking_there_are_no_webhooks() {
    let server = setup(&["--artifacts-only"]).start();
    assert_eq!(server.post(WEBHOOKS, &hook("https://8.8.8.8/")).status, 503);
    let server = Server::start(BINARY);
    assert_eq!(server.post(WEBHOOKS, &hook("https://8.8.8.8/")).status, 200);
}
