//! `modelyard experiments …`.

use modelyard_testkit::Server;

use crate::support::{BINARY, Cli, finished_run, fixed, log};

#[test]
fn an_experiment_from_creation_to_restoration() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let create = ["experiments", "create", "-n", "exp 実験", "-t", "team=vision", "-t", "note=a=b"];
    assert_eq!(cli.ok(&create), "Created experiment 'exp 実験' with id 1\n");
    insta::assert_snapshot!("get", fixed(&cli.ok(&["experiments", "get", "-x", "1"])));
    let json = cli.ok(&["experiments", "get", "-n", "exp 実験", "--output", "json"]);
    insta::assert_snapshot!("get-json", fixed(&json));

    let rename = cli.run(&["experiments", "rename", "-x", "1", "--new-name", "second"]);
    assert_eq!((rename.code, rename.stdout.as_str()), (0, ""));
    assert_eq!(rename.stderr, "Experiment with id 1 has been renamed to 'second'.\n");
    let delete = cli.run(&["experiments", "delete", "--experiment-id", "1"]);
    assert_eq!((delete.code, delete.stdout.as_str()), (0, ""));
    let names = |view: &str| {
        let args = ["experiments", "search", "--view", view, "--output", "json"];
        let found = cli.json(&args)["experiments"].as_array().expect("a list").clone();
        found.iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("active_only"), ["Default"]);
    assert_eq!(names("DELETED_ONLY"), ["second"]);
    assert_eq!(names("all"), ["second", "Default"]);
    insta::assert_snapshot!("search-all", fixed(&cli.ok(&["experiments", "list", "-v", "all"])));
    assert_eq!(cli.run(&["experiments", "restore", "-x", "1"]).code, 0);
    assert_eq!(names("active_only"), ["second", "Default"]);
}

#[test]
fn mistakes_have_their_exit_codes_and_the_servers_words() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let text = cli.fails(1, &["experiments", "create", "-n", "Default"]);
    assert!(text.starts_with("modelyard: Experiment(name=Default) already exists."), "{text}");
    assert!(text.contains("(RESOURCE_ALREADY_EXISTS)"), "{text}");
    let text = cli.fails(3, &["experiments", "get", "-x", "77"]);
    assert_eq!(text, "modelyard: No Experiment with id=77 exists (RESOURCE_DOES_NOT_EXIST)\n");
    cli.fails(3, &["experiments", "get", "-n", "nobody"]);
    cli.fails(3, &["experiments", "delete", "-x", "77"]);
    cli.fails(3, &["experiments", "csv", "-x", "77"]);
    let text = cli.fails(1, &["experiments", "search", "--filter", "colour = 'red'"]);
    assert!(text.contains("(INVALID_PARAMETER_VALUE)"), "{text}");
    for usage in [
        &["experiments", "get"][..],
        &["experiments", "get", "-x", "0", "-n", "Default"],
        &["experiments", "create"],
        &["experiments", "create", "-n", "a", "-t", "novalue"],
        &["experiments", "create", "-n", "a", "-t", "k=1", "-t", "k=2"],
        &["experiments", "search", "--view", "some"],
        &["experiments", "search", "--output", "yaml"],
        &["experiments", "update", "-x", "0"],
    ] {
        cli.fails(2, usage);
    }
}

#[test]
fn searches_are_filtered_sorted_and_paged() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    for name in ["a1", "a2", "a3", "b1"] {
        cli.ok(&["experiments", "create", "-n", name]);
    }
    let csv = cli.ok(&[
        "experiments",
        "search",
        "--filter",
        "name LIKE 'a%' OR name = 'b1'",
        "--order-by",
        "name DESC",
        "--output",
        "csv",
    ]);
    let names: Vec<&str> = csv.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
    assert_eq!(names, ["b1", "a3", "a2", "a1"]);

    let page = ["experiments", "search", "--max-results", "2", "--order-by", "name ASC"];
    let json = [&page[..], &["--output", "json"]].concat();
    let first = cli.json(&json);
    let token = first["next_page_token"].as_str().expect("there is more");
    assert_eq!(first["experiments"][1]["name"], "a1");
    let rest = cli.json(&[&json[..], &["--page-token", token]].concat());
    assert_eq!(rest["experiments"][0]["name"], "a2");
    let table = cli.run(&page);
    assert!(table.stderr.contains("--page-token "), "{table:?}");
    assert!(!table.stdout.contains("page-token"), "{table:?}");
}

#[test]
fn runs_are_exported_with_every_digit() {
    let server = Server::start(BINARY);
    let cli = Cli::to(server.url());
    let first = finished_run(&server, "0", "first", 60_000);
    log(
        &server,
        &first,
        serde_json::json!({
            "metrics": [
                {"key": "acc", "value": 0.1, "timestamp": 1, "step": 0},
                {"key": "bad", "value": "NaN", "timestamp": 1, "step": 0},
            ],
            "params": [{"key": "text", "value": "a,\"b\"\nc"}],
        }),
    );
    finished_run(&server, "0", "second", 1);
    let csv = cli.ok(&["experiments", "csv", "-x", "0"]);
    insta::assert_snapshot!("csv", fixed(&csv));
    let export = cli.run(&["experiments", "csv", "-x", "0", "-o", "runs.csv"]);
    assert_eq!((export.code, export.stdout.as_str()), (0, ""));
    let file = std::fs::read_to_string(cli.path().join("runs.csv")).expect("the file");
    assert_eq!(file, csv);
    cli.fails(1, &["experiments", "csv", "-x", "0", "-o", "no/such/folder.csv"]);
}
