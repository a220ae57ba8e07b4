//! `modelyard runs …`.

use modelyard_testkit::Server;
use serde_json::json;

use crate::support::{BINARY, Cli, finished_run, fixed, log};

/// A run with something of everything.
fn full_run(server: &Server) -> String {
    let id = finished_run(server, "0", "train ✓", 83_000);
    log(
        server,
        &id,
        json!({
            "metrics": [
                {"key": "acc", "value": 0.9123456789, "timestamp": 1, "step": 3},
                {"key": "loss", "value": 1e-7, "timestamp": 1, "step": 0},
                {"key": "nan", "value": "NaN", "timestamp": 1, "step": 0},
            ],
            "params": [{"key": "lr", "value": "0.01"}, {"key": "odd", "value": "a\u{1b}[31m\nb"}],
            "tags": [{"key": "team", "value": "vision"}],
        }),
    );
    let inputs = json!({
        "run_id": id,
        "datasets": [{
            "tags": [{"key": "mlflow.data.context", "value": "train"}],
            "dataset": {"name": "ds", "digest": "d0ca2a63", "source_type": "code", "source": "{}"},
        }],
    });
    assert_eq!(server.post("/api/2.0/mlflow/runs/log-inputs", &inputs).status, 200);
    id
}

#[test]
fn one_run_in_three_forms() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let id = full_run(&server);
    let describe =
        |output: &str| fixed(&cli.ok(&["runs", "describe", "--run-id", &id, "--output", output]));
    // The age in brackets grows with the calendar.
    let table = describe("table");
    let ages = table.lines().map(|line| line.split(" (").next().unwrap_or(line).to_owned());
    insta::assert_snapshot!("describe", ages.collect::<Vec<_>>().join("\n"));
    insta::assert_snapshot!("describe-json", describe("json"));
    insta::assert_snapshot!("describe-csv", describe("csv"));
    assert_eq!(fixed(&cli.ok(&["runs", "describe", "-r", &id])), describe("json"));
}

#[test]
fn a_list_with_the_columns_that_were_asked_for() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    full_run(&server);
    finished_run(&server, "0", "other", 5);
    let columns = "metrics.acc,metrics.nan,params.lr,tags.team,user";
    let by_name = ["--order-by", "attributes.run_name DESC"];
    let list = [&["runs", "list", "--experiment-id", "0", "-c", columns][..], &by_name].concat();
    insta::assert_snapshot!("list", fixed(&cli.ok(&list)));
    let json =
        cli.json(&["runs", "list", "-n", "Default", "--output", "json", by_name[0], by_name[1]]);
    assert_eq!(json["runs"][0]["data"]["metrics"]["acc"].to_string(), "0.9123456789");
    assert_eq!(json["runs"][0]["data"]["metrics"]["nan"], "NaN");
    assert_eq!(json["runs"][1]["info"]["run_name"], "other");
    assert_eq!(json.get("next_page_token"), None);
    cli.fails(2, &["runs", "list", "-x", "0", "-c", "colour"]);
}

#[test]
fn lists_are_filtered_in_our_language_and_paged() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    for number in 0..5 {
        finished_run(&server, "0", &format!("r{number}"), number);
    }
    let names = |args: &[&str]| {
        let args = [&["runs", "list", "-x", "0", "--output", "json"][..], args].concat();
        let found = cli.json(&args);
        let name = |run: &serde_json::Value| run["info"]["run_name"].as_str().unwrap().to_owned();
        let names: Vec<String> = found["runs"].as_array().unwrap().iter().map(name).collect();
        (names, found["next_page_token"].as_str().map(str::to_owned))
    };
    let filter = "run_name IN ('r1', 'r3') OR NOT (run_name LIKE 'r%') OR run_name = 'r4'";
    let (found, _) = names(&["--filter", filter, "--order-by", "attributes.run_name ASC"]);
    assert_eq!(found, ["r1", "r3", "r4"]);
    let (first, token) = names(&["--max-results", "2", "--order-by", "attributes.run_name ASC"]);
    let token = token.expect("there is more");
    let (rest, end) = names(&["--page-token", &token, "--order-by", "attributes.run_name ASC"]);
    assert_eq!(
        (first, rest, end),
        (
            vec!["r0".to_owned(), "r1".to_owned()],
            vec!["r2".to_owned(), "r3".to_owned(), "r4".to_owned()],
            None,
        )
    );
    let text = cli.fails(1, &["runs", "list", "-x", "0", "--page-token", &token]);
    assert!(text.contains("(INVALID_PARAMETER_VALUE)"), "another query: {text}");
}

#[test]
fn a_run_is_created_ended_deleted_and_restored() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let parent = cli.json(&["runs", "create", "--experiment-name", "nova"]);
    assert_eq!(parent["experiment_id"], "1");
    let parent = parent["run_id"].as_str().expect("an id").to_owned();
    let child = cli.json(&[
        "runs",
        "create",
        "-x",
        "1",
        "--run-name",
        "child",
        "--description",
        "what it is",
        "-t",
        "env=prod",
        "--status",
        "FAILED",
        "--parent-run-id",
        &parent,
    ]);
    assert_eq!((&child["status"], &child["run_name"]), (&json!("FAILED"), &json!("child")));
    let id = child["run_id"].as_str().expect("an id");
    let described = cli.json(&["runs", "describe", "-r", id]);
    let tags = json!({
        "env": "prod",
        "mlflow.note.content": "what it is",
        "mlflow.parentRunId": parent,
        "mlflow.runName": "child",
        "mlflow.source.name": "modelyard",
        "mlflow.source.type": "LOCAL",
        "mlflow.user": "tester",
    });
    assert_eq!(described["data"]["tags"], tags);
    assert_eq!(described["info"]["user_id"], "tester");
    assert!(described["info"]["end_time"].is_i64());

    let delete = cli.run(&["runs", "delete", "--run-id", &parent]);
    assert_eq!(delete.stderr, format!("Run with ID {parent} has been deleted.\n"));
    let ids = |view| {
        let found = cli.json(&["runs", "list", "-x", "1", "-v", view, "--output", "json"]);
        found["runs"].as_array().unwrap().iter().map(|run| run["info"]["run_id"].clone()).collect()
    };
    let deleted: Vec<serde_json::Value> = ids("deleted_only");
    assert_eq!(deleted, [json!(parent)]);
    let text = cli.fails(1, &["runs", "create", "-x", "1", "--parent-run-id", &parent]);
    assert!(text.contains("is deleted; restore it first"), "{text}");
    cli.ok(&["runs", "restore", "--run-id", &parent]);
    assert_eq!(ids("active_only").len(), 2);
}

#[test]
fn the_experiment_may_come_from_the_environment() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url()).env("MLFLOW_EXPERIMENT_NAME", "from env");
    assert_eq!(cli.json(&["runs", "create"])["experiment_id"], "1");
    assert_eq!(cli.ok(&["runs", "list"]).lines().count(), 3);
    let cli = Cli::to(server.url()).env("MLFLOW_EXPERIMENT_ID", "0");
    assert_eq!(cli.ok(&["runs", "list"]).lines().count(), 2);
    assert_eq!(cli.ok(&["runs", "list", "-x", "1"]).lines().count(), 3);
    let text = Cli::to(server.url()).fails(2, &["runs", "list"]);
    assert!(text.contains("--experiment-id"), "{text}");
}

#[test]
fn mistakes_have_their_exit_codes() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    for args in [
        &["runs", "describe", "-r", "nope"][..],
        &["runs", "delete", "-r", "nope"],
        &["runs", "list", "-x", "99"],
        &["runs", "list", "-n", "nobody"],
        &["runs", "create", "-x", "0", "--parent-run-id", "nope"],
    ] {
        let text = cli.fails(3, args);
        assert!(text.contains("(RESOURCE_DOES_NOT_EXIST)"), "{text}");
    }
    for usage in [
        &["runs", "describe"][..],
        &["runs", "create", "-x", "0", "-n", "Default"],
        &["runs", "create", "-x", "0", "--status", "running"],
        &["runs", "create", "-x", "0", "-t", "a=1", "-t", "a=2"],
        &["runs", "link-traces", "-t", "x"],
    ] {
        cli.fails(2, usage);
    }
    cli.ok(&["experiments", "create", "-n", "gone"]);
    cli.ok(&["experiments", "delete", "-x", "1"]);
    let text = cli.fails(1, &["runs", "create", "-n", "gone"]);
    assert!(text.contains("modelyard experiments restore -x 1"), "{text}");
}
