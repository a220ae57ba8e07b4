//! `modelyard registry …`.

use modelyard_testkit::Server;
use serde_json::json;

use crate::stub::{Answer, Stub};
use crate::support::{BINARY, Cli, finished_run, fixed};

/// A model `fraud` with versions that come from nowhere.
fn registered(cli: &Cli, versions: usize) {
    cli.ok(&["registry", "models", "create", "fraud", "-d", "Finds fraud", "-t", "team=risk"]);
    for number in 1..=versions {
        let source = ["--source", "s3://bucket/fraud"];
        let args = [&["registry", "versions", "create", "fraud"][..], &source].concat();
        assert_eq!(cli.ok(&args), format!("Created version '{number}' of model 'fraud'.\n"));
    }
}

/// Runs a command that only confirms; what it said.
fn done(cli: &Cli, args: &[&str]) -> String {
    let outcome = cli.run(args);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""), "{args:?}: {outcome:?}");
    outcome.stderr
}

#[test]
fn a_model_from_registration_to_deletion() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    registered(&cli, 2);
    let said = done(&cli, &["registry", "aliases", "set", "fraud", "2", "champion"]);
    assert_eq!(said, "'champion' of 'fraud' is now version 2.\n");
    insta::assert_snapshot!("models", fixed(&cli.ok(&["registry", "models", "list"])));
    insta::assert_snapshot!("model", fixed(&cli.ok(&["registry", "models", "show", "fraud"])));
    let json = cli.ok(&["registry", "models", "show", "fraud", "--output", "json"]);
    insta::assert_snapshot!("model-json", fixed(&json));
    let csv = cli.ok(&["registry", "models", "search", "--output", "csv"]);
    insta::assert_snapshot!("models-csv", fixed(&csv));

    done(&cli, &["registry", "models", "describe", "fraud", "Finds it sooner"]);
    done(&cli, &["registry", "models", "tag", "fraud", "a=b=c", "gone=1"]);
    done(&cli, &["registry", "models", "untag", "fraud", "gone"]);
    done(&cli, &["registry", "models", "rename", "fraud", "scam"]);
    cli.fails(3, &["registry", "models", "show", "fraud"]);
    let model = cli.json(&["registry", "models", "show", "scam", "--output", "json"]);
    assert_eq!(model["description"], "Finds it sooner");
    assert_eq!(model["tags"], json!({"a": "b=c", "team": "risk"}));
    assert_eq!(model["aliases"], json!({"champion": "2"}));
    done(&cli, &["registry", "models", "delete", "scam"]);
    cli.fails(3, &["registry", "models", "show", "scam"]);
}

#[test]
fn versions_are_made_shown_moved_and_copied() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    registered(&cli, 2);
    done(&cli, &["registry", "versions", "transition", "fraud", "1", "production"]);
    let archive = ["registry", "versions", "transition", "fraud", "2", "Production"];
    done(&cli, &[&archive[..], &["--archive-existing-versions"]].concat());
    done(&cli, &["registry", "versions", "describe", "fraud", "2", "The better one"]);
    done(&cli, &["registry", "versions", "tag", "fraud", "2", "auc=0.9", "gone=1"]);
    done(&cli, &["registry", "aliases", "set", "fraud", "2", "champion"]);
    done(&cli, &["registry", "versions", "untag", "fraud", "@champion", "gone"]);
    let table = cli.ok(&["registry", "versions", "list", "fraud", "--order-by", "version_number"]);
    insta::assert_snapshot!("versions", fixed(&table));
    let version = cli.ok(&["registry", "versions", "show", "fraud", "@champion"]);
    insta::assert_snapshot!("version", fixed(&version));
    let version = ["registry", "versions", "show", "fraud", "2"];
    let json = cli.ok(&[&version[..], &["--output", "json"]].concat());
    insta::assert_snapshot!("version-json", fixed(&json));
    let csv = cli.ok(&[&version[..], &["--output", "csv"]].concat());
    insta::assert_snapshot!("version-csv", fixed(&csv));

    let copy = ["registry", "versions", "copy", "fraud", "@champion", "live", "--output", "json"];
    let copy = cli.json(&copy);
    assert_eq!((&copy["name"], &copy["version"]), (&json!("live"), &json!("1")));
    assert_eq!(copy["source"], "models:/fraud/2");
    assert_eq!(copy["tags"], json!({"auc": "0.9"}));
    let search = ["registry", "versions", "search", "--filter", "tags.auc = '0.9' OR name = 'x'"];
    let found = cli.json(&[&search[..], &["--output", "json"]].concat());
    assert_eq!(found["model_versions"].as_array().map(Vec::len), Some(2));
    let one = [&search[..2], &["search", "live"], &search[3..], &["--output", "json"]].concat();
    assert_eq!(cli.json(&one)["model_versions"].as_array().map(Vec::len), Some(1));

    done(&cli, &["registry", "versions", "delete", "fraud", "2"]);
    cli.fails(3, &["registry", "versions", "show", "fraud", "2"]);
    let again = ["registry", "versions", "create", "fraud", "-s", "s3://b/f", "--output", "json"];
    assert_eq!(cli.json(&again)["version"], "3", "a number is not used again");
}

#[test]
fn a_version_comes_from_a_run_or_from_the_model_it_logged() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let run = finished_run(&server, "0", "r", 1);
    let of_run = ["registry", "versions", "create", "m", "--run-id", &run, "--output", "json"];
    let by_path = cli.json(&[&of_run[..], &["--path", "models/one"]].concat());
    assert_eq!(by_path["run_id"], run.as_str());
    let source = by_path["source"].as_str().expect("a source");
    assert!(source.ends_with(&format!("/{run}/artifacts/models/one")), "{source}");
    let by_source = cli.json(&[&of_run[..], &["--source", &format!("runs:/{run}/x")]].concat());
    assert_eq!(by_source["run_id"], run.as_str());

    let logged = json!({"experiment_id": "0", "name": "net", "source_run_id": run});
    let logged = server.post("/api/2.0/mlflow/logged-models", &logged).json();
    let id = logged["model"]["info"]["model_id"].as_str().expect("an id");
    let by_name = cli.json(&[&of_run[..], &["--path", "net"]].concat());
    let by_id = ["registry", "versions", "create", "m", "-l", id, "--output", "json"];
    for version in [by_name, cli.json(&by_id)] {
        assert_eq!(version["source"], format!("models:/{id}"));
        assert_eq!(version["run_id"], run.as_str());
    }
    let text = cli.fails(2, &of_run);
    assert!(text.contains("Give --path, or --source"), "{text}");
    cli.fails(3, &["registry", "versions", "create", "m", "-r", "nobody", "-p", "x"]);
    cli.fails(1, &["registry", "versions", "create", "m", "--source", "file:///etc"]);
}

#[test]
fn a_protected_alias_names_what_is_missing() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    registered(&cli, 2);
    let alias = ["registry", "aliases", "set", "fraud", "2", "champion"];
    let policy = ["registry", "policy", "set", "fraud", "champion", "-c", "bias", "-c", "accuracy"];
    assert_eq!(done(&cli, &policy), "'champion' of 'fraud' now demands: accuracy, bias.\n");
    let shown = cli.ok(&["registry", "policy", "show", "fraud"]);
    insta::assert_snapshot!("policies", shown);
    let csv = cli.ok(&["registry", "policy", "show", "fraud", "--output", "csv"]);
    assert_eq!(csv, "alias,check\nchampion,accuracy\nchampion,bias\n");

    let text = cli.fails(4, &alias);
    assert!(text.contains("has not passed 'accuracy', 'bias'"), "{text}");
    assert!(text.contains("(PERMISSION_DENIED)"), "{text}");
    let record = ["registry", "checks", "record", "fraud", "2"];
    done(&cli, &[&record[..], &["accuracy", "--passed", "-d", "0.93"]].concat());
    let said = done(&cli, &[&record[..], &["bias", "--failed"]].concat());
    assert_eq!(said, "Version 2 of 'fraud' has failed 'bias'.\n");
    let text = cli.fails(4, &alias);
    assert!(text.contains("has not passed 'bias'."), "{text}");
    let checks = cli.ok(&["registry", "checks", "list", "fraud", "2"]);
    insta::assert_snapshot!("checks", fixed(&checks));
    let csv = cli.ok(&["registry", "checks", "list", "fraud", "2", "--output", "csv"]);
    insta::assert_snapshot!("checks-csv", fixed(&csv));
    done(&cli, &[&record[..], &["bias", "--passed"]].concat());
    done(&cli, &alias);

    done(&cli, &["registry", "policy", "remove", "fraud", "champion"]);
    done(&cli, &["registry", "aliases", "set", "fraud", "1", "champion"]);
    let json = cli.json(&["registry", "policy", "show", "fraud", "--output", "json"]);
    assert_eq!(json, json!({"policies": []}));
    done(&cli, &["registry", "aliases", "delete", "fraud", "champion"]);
    cli.fails(1, &["registry", "versions", "show", "fraud", "@champion"]);
}

#[test]
fn one_command_rolls_back_and_the_history_says_so() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    registered(&cli, 3);
    for version in ["1", "2", "3"] {
        done(&cli, &["registry", "aliases", "set", "fraud", version, "champion"]);
    }
    let back = ["registry", "rollback", "fraud", "champion"];
    cli.fails(2, &back);
    let why = ["--reason", "too slow", "--actor", "anna"];
    let said = cli.ok(&[&back[..], &why].concat());
    assert_eq!(said, "'champion' of 'fraud' went back from version 3 to 2.\n");
    let to = [&back[..], &why, &["--to", "1", "--output", "json"]].concat();
    assert_eq!(cli.json(&to), json!({"from_version": "2", "to_version": "1"}));
    cli.fails(1, &[&back[..], &why].concat());

    let history = ["registry", "history", "fraud", "--alias", "champion"];
    let table = cli.run(&[&history[..], &["--max-results", "2"]].concat());
    insta::assert_snapshot!("history", fixed(&table.stdout));
    let lines = cli.ok(&[&history[..], &["--actor", "anna", "--output", "jsonl"]].concat());
    let events: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["reason"], "too slow");
    assert_eq!((&events[1]["from"], &events[1]["to"]), (&json!("3"), &json!("2")));
    // Whoever is logged in has done the rest.
    let lines = |more: &[&str]| {
        let args = [&["registry", "history", "--output", "csv"], more].concat();
        cli.ok(&args).lines().count() - 1
    };
    assert_eq!(lines(&[]), 9);
    assert_eq!(lines(&["--actor", "tester"]), 7);
    assert_eq!(lines(&["--actor", "nobody"]), 0);
    assert_eq!(lines(&["--since", "1d"]), 9);
    assert_eq!(lines(&["--since", "2200-01-01"]), 0);
    assert_eq!(lines(&["--action", "MODEL_CREATED,VERSION_CREATED"]), 4);
    assert_eq!(lines(&["fraud", "--version", "3"]), 2);
    assert_eq!(lines(&["--key", "champion"]), 5);
    for usage in [&["--since", "soon"][..], &["--version", "1"], &["--alias", "a", "--key", "b"]] {
        cli.fails(2, &[&["registry", "history"], usage].concat());
    }
    cli.fails(1, &["registry", "history", "--action", "NOPE"]);
}

/// Every page is asked for, and lines are written before the last one has come.
#[test]
fn a_history_of_many_pages_is_read_to_its_end() {
    let event = |number: usize| {
        json!({
            "event_id": number.to_string(), "timestamp": 1, "actor": "a", "action": "MODEL_CREATED",
            "name": "m", "prompt": false,
        })
    };
    let stub = Stub::start(move |request, before| match before {
        0 => Answer::json(&json!({"events": [event(3), event(2)], "next_page_token": "t 1"})),
        1 if request.line.contains("page_token=t%201") => {
            Answer::json(&json!({"events": [event(1)]}))
        }
        _ => Answer::new(400, r#"{"error_code": "INVALID_PARAMETER_VALUE", "message": "no"}"#),
    });
    let cli = Cli::to(&stub.url);
    let lines = cli.ok(&["registry", "history", "--output", "jsonl"]);
    assert_eq!(lines.lines().count(), 3, "{lines}");
    let broken = cli.run(&["registry", "history", "--output", "jsonl"]);
    assert_eq!(broken.code, 1, "{broken:?}");
}

#[test]
fn who_and_why_go_out_as_headers() {
    let stub = Stub::start(|_, _| Answer::json(&json!({})));
    let cli = Cli::to(&stub.url);
    let delete = ["registry", "models", "delete", "m"];
    cli.run(&delete);
    cli.run(&[&delete[..], &["--actor", "Müller", "--reason", "größer"]].concat());
    let text = cli.fails(2, &[&delete[..], &["--reason", "a\nb"]].concat());
    assert!(text.contains("the reason must be one line"), "{text}");
    let seen = stub.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].line, "DELETE /api/2.0/mlflow/registered-models/delete");
    assert_eq!(seen[0].header("x-modelyard-actor"), Some("tester"));
    assert_eq!(seen[0].header("x-modelyard-reason"), None);
    assert_eq!(seen[1].header("x-modelyard-actor"), Some("Müller"));
    assert_eq!(seen[1].header("x-modelyard-reason"), Some("größer"));
}

#[test]
fn mistakes_have_their_exit_codes() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    registered(&cli, 1);
    let text = cli.fails(1, &["registry", "models", "create", "fraud"]);
    assert!(text.contains("already exists. (RESOURCE_ALREADY_EXISTS)"), "{text}");
    for missing in [
        &["registry", "models", "delete", "nobody"][..],
        &["registry", "versions", "show", "fraud", "7"],
        &["registry", "aliases", "set", "fraud", "7", "champion"],
        &["registry", "policy", "show", "nobody"],
        &["registry", "checks", "record", "fraud", "7", "c", "--passed"],
        &["registry", "rollback", "nobody", "champion", "--reason", "r"],
    ] {
        cli.fails(3, missing);
    }
    for usage in [
        &["registry", "models", "create"][..],
        &["registry", "models", "tag", "fraud"],
        &["registry", "models", "tag", "fraud", "novalue"],
        &["registry", "versions", "create", "fraud"],
        &["registry", "versions", "create", "fraud", "--path", "x"],
        &["registry", "versions", "transition", "fraud", "1", "Live"],
        &["registry", "checks", "record", "fraud", "1", "c"],
        &["registry", "checks", "record", "fraud", "1", "c", "--passed", "--failed"],
        &["registry", "policy", "set", "fraud", "champion"],
        &["registry", "history", "--output", "json"],
    ] {
        cli.fails(2, usage);
    }
}
