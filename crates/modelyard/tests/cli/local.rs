//! Commands without a tracking server.

use std::fs;

use modelyard_testkit::Server;

use crate::support::{BINARY, Cli};

#[test]
fn looking_where_nothing_is_leaves_no_trace() {
    let cli = Cli::local();
    let text = cli.fails(3, &["experiments", "search"]);
    assert!(text.contains("MLFLOW_TRACKING_URI") && text.contains("modelyard server"), "{text}");
    assert_eq!(fs::read_dir(cli.path()).expect("the folder").count(), 0);
}

#[test]
fn the_data_folder_is_used_as_the_server_would() {
    let cli = Cli::local();
    assert_eq!(
        cli.ok(&["experiments", "create", "-n", "here"]),
        "Created experiment 'here' with id 1\n"
    );
    let run = cli.json(&["runs", "create", "-n", "here"]);
    let id = run["run_id"].as_str().expect("an id");
    fs::write(cli.path().join("note.txt"), "hello").expect("written");
    cli.ok(&["artifacts", "log-artifact", "-l", "note.txt", "-r", id]);
    let stored = cli.path().join("modelyard-data/artifacts/1").join(id).join("artifacts/note.txt");
    assert_eq!(fs::read_to_string(stored).expect("stored"), "hello");
    let got = cli.ok(&["artifacts", "download", "-r", id, "-a", "note.txt", "-d", "out"]);
    assert_eq!(fs::read_to_string(got.trim_end()).expect("downloaded"), "hello");
}

#[test]
fn a_server_on_the_same_folder_is_no_obstacle() {
    let server = Server::start(BINARY);
    let remote = Cli::to(server.url());
    let data = server.data().to_str().expect("UTF-8");
    let local = Cli::local().env("MODELYARD_DATA_DIR", data);
    remote.ok(&["experiments", "create", "-n", "by the server"]);
    local.ok(&["experiments", "create", "-n", "by the command"]);
    remote.ok(&["runs", "create", "-n", "by the command"]);
    local.ok(&["runs", "create", "-n", "by the server"]);
    let names = |cli: &Cli| cli.ok(&["experiments", "search", "--output", "csv"]);
    assert_eq!(names(&remote), names(&local));
    assert!(names(&local).contains("by the server") && names(&local).contains("by the command"));
}

#[test]
fn variables_are_blamed_by_their_names_and_only_those_that_matter() {
    let create = ["experiments", "create", "-n", "q"];
    Cli::local().env("MLFLOW_PORT", "abc").env("MLFLOW_STATIC_PREFIX", "bad").ok(&create);
    for (name, value) in [
        ("MLFLOW_BACKEND_STORE_URI", "./mlruns"),
        ("MLFLOW_SERVE_ARTIFACTS", "maybe"),
        ("MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH", "long"),
        ("MLFLOW_WORKSPACE", "team-a"),
    ] {
        let text = Cli::local().env(name, value).fails(2, &create);
        assert!(text.contains(name) && !text.contains("--"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn the_servers_configuration_file_says_where_the_data_are() {
    let cli = Cli::local().env("MODELYARD_CONFIG", "server.toml");
    fs::write(cli.path().join("server.toml"), "data-dir = 'elsewhere'\nport = 7\n")
        .expect("written");
    cli.ok(&["experiments", "create", "-n", "here"]);
    assert!(cli.path().join("elsewhere/modelyard.db").exists());
}

#[test]
fn what_keeps_a_server_from_starting_is_said() {
    let cli = Cli::local();
    fs::write(cli.path().join("modelyard-data"), "a file").expect("written");
    let text = cli.fails(1, &["experiments", "create", "-n", "x"]);
    assert!(text.contains("cannot create the folder"), "{text}");
    let cli = Cli::local();
    fs::create_dir(cli.path().join("modelyard-data")).expect("a folder");
    fs::write(cli.path().join("modelyard-data/modelyard.db"), "not a database").expect("written");
    let text = cli.fails(1, &["experiments", "search"]);
    assert!(text.contains("cannot open the database"), "{text}");
}
