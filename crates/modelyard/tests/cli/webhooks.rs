//! `modelyard webhooks …`.

use modelyard_testkit::{Receiver, Reply, Server, Setup};
use serde_json::json;

use crate::support::{BINARY, Cli};

fn open() -> Server {
    let flags = ["--webhook-allow-private-ips", "--webhook-allowed-schemes", "http"];
    Setup::new(BINARY).args(&flags).start()
}

#[test]
fn a_webhook_from_creation_to_deletion() {
    let server = open();
    let cli = Cli::to(server.url());
    let receiver =
        Receiver::replying(|_, before| Reply::Status(if before == 1 { 410 } else { 200 }));
    std::fs::write(cli.path().join("secret"), "s3cret\n").expect("written");
    let create = [
        "webhooks",
        "create",
        "-n",
        "ci",
        "-u",
        receiver.url(),
        "-e",
        "registered_model.created",
        "-e",
        "prompt.created",
        "--description",
        "why",
        "--secret-file",
        "secret",
        "--output",
        "json",
    ];
    let made = cli.json(&create);
    assert_eq!(made["events"], json!(["prompt.created", "registered_model.created"]));
    let id = made["webhook_id"].as_str().expect("an id");
    assert_eq!(cli.json(&["webhooks", "get", "-w", id, "--output", "json"]), made);
    let listed = cli.json(&["webhooks", "list", "--output", "json"]);
    assert_eq!(listed, json!({"webhooks": [made]}));
    let table = cli.ok(&["webhooks", "list"]);
    assert!(table.contains(id) && table.contains("registered_model.created"), "{table}");
    let fields = cli.ok(&["webhooks", "get", "-w", id]);
    assert!(fields.contains("Description       : why"), "{fields}");
    let csv = cli.ok(&["webhooks", "list", "--output", "csv"]);
    assert_eq!(csv.lines().count(), 2, "{csv}");

    let tested = cli.ok(&["webhooks", "test", "-w", id, "-e", "prompt.created"]);
    assert!(tested.contains("Success          : yes"), "{tested}");
    assert!(receiver.received()[0].header("x-mlflow-signature").starts_with("v1,"));
    let outcome = cli.run(&["webhooks", "test", "-w", id, "--output", "json"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stdout.contains("\"response_status\": 410"), "{outcome:?}");

    let model = json!({"name": "m"});
    assert_eq!(server.post("/api/2.0/mlflow/registered-models/create", &model).status, 200);
    receiver.wait_for(3);
    let deliveries = || cli.json(&["webhooks", "deliveries", "-w", id, "--output", "json"]);
    while deliveries()["deliveries"][0]["state"] == "PENDING" {}
    let delivery = deliveries()["deliveries"][0].clone();
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("DELIVERED"), &json!(1)));
    let delivery_id = delivery["delivery_id"].as_str().expect("an id");
    let table = cli.ok(&["webhooks", "deliveries", "-w", id, "-s", "delivered"]);
    assert!(table.contains(delivery_id), "{table}");
    let csv = cli.ok(&["webhooks", "deliveries", "-w", id, "--output", "csv", "-s", "failed"]);
    assert_eq!(csv.lines().count(), 1, "{csv}");
    let said = cli.run(&["webhooks", "redeliver", "-w", id, "-d", delivery_id]);
    assert_eq!(said.stderr, format!("Delivery {delivery_id} will be sent again.\n"));
    receiver.wait_for(4);

    let update = ["webhooks", "update", "-w", id, "-n", "cd", "--status", "disabled"];
    assert_eq!(cli.run(&update).code, 0);
    let changed = cli.json(&["webhooks", "get", "-w", id, "--output", "json"]);
    assert_eq!((&changed["name"], &changed["status"]), (&json!("cd"), &json!("DISABLED")));
    assert_eq!(cli.run(&["webhooks", "delete", "-w", id]).code, 0);
    cli.fails(3, &["webhooks", "get", "-w", id]);
}

#[test]
fn mistakes_have_their_exit_codes_and_the_servers_words() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let create = |url| ["webhooks", "create", "-n", "w", "-u", url, "-e", "prompt.created"];
    let text = cli.fails(1, &create("https://127.0.0.1/"));
    assert!(text.contains("must not resolve to a non-public IP address"), "{text}");
    cli.fails(1, &create("http://8.8.8.8/"));
    for missing in [
        &["webhooks", "get", "-w", "nobody"][..],
        &["webhooks", "test", "-w", "nobody"],
        &["webhooks", "delete", "-w", "nobody"],
        &["webhooks", "deliveries", "-w", "nobody"],
        &["webhooks", "redeliver", "-w", "nobody", "-d", "nothing"],
    ] {
        cli.fails(3, missing);
    }
    for usage in [
        &["webhooks", "create", "-n", "w", "-u", "https://8.8.8.8/"][..],
        &["webhooks", "create", "-n", "w", "-u", "https://8.8.8.8/", "-e", "model.created"],
        &["webhooks", "update", "-w", "x"],
        &["webhooks", "deliveries"],
        &["webhooks", "deliveries", "-w", "x", "-s", "lost"],
    ] {
        cli.fails(2, usage);
    }
    let unread = ["webhooks", "update", "-w", "x", "--secret-file", "nowhere"];
    assert!(cli.fails(1, &unread).contains("cannot read the secret from nowhere"));
}

/// Without a server a change waits for one.
#[test]
fn the_local_folder_keeps_what_is_to_be_told() {
    let cli = Cli::local().env("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true");
    let args =
        ["webhooks", "create", "-n", "w", "-u", "https://127.0.0.1:9/", "-e", "prompt.created"];
    let said = cli.ok(&args);
    assert!(said.starts_with("Created webhook 'w' with id "), "{said}");
    let listed = cli.json(&["webhooks", "list", "--output", "json", "--max-results", "1"]);
    assert_eq!(listed["webhooks"].as_array().map(Vec::len), Some(1));
}
