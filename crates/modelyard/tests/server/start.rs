//! Starting: what the flags mean, what is said, what is refused.

use std::net::TcpListener;
use std::process::Command;

use modelyard_testkit::Setup;

use crate::{BINARY, server, setup};

/// Starts with flags that must be refused; returns what was said, one line.
fn refused(args: &[&str], code: i32) -> String {
    let (status, said) = setup(args).fail();
    assert_eq!(status.code(), Some(code), "{args:?}: {said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{args:?}: {said}");
    said
}

#[test]
fn the_start_says_where_it_is_and_how_to_go_on() {
    let server = server();
    // The lines after the address may still be on their way.
    let python = format!("mlflow.set_tracking_uri(\"{}\")", server.url());
    server.log_line(&python);
    let log = server.log();
    assert!(log.contains(&format!("Listening on  {}", server.url())), "{log}");
    assert!(log.contains(&format!("Database      sqlite:///{}", server.data().display())), "{log}");
    assert!(log.contains(&format!("Artifacts     {}", server.data().display())), "{log}");
    assert!(!server.url().ends_with(":0"));
}

fn help(command: &[&str]) -> String {
    let mut binary = Command::new(BINARY);
    // The text shows the variables that are set.
    let path = std::env::var_os("PATH").unwrap_or_default();
    binary.env_clear().env("PATH", path).env("COLUMNS", "100").args(command).arg("--help");
    let output = binary.output().expect("run the binary");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_help_texts() {
    insta::assert_snapshot!("help", help(&[]));
    insta::assert_snapshot!("help_server", help(&["server"]));
    assert_eq!(help(&["server"]), help(&["ui"]));
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("bind a port");
    let port = taken.local_addr().expect("read the port").port().to_string();
    let said = refused(&["--port", &port], 1);
    assert!(said.contains("another program listens there"), "{said}");
    assert!(said.contains(&port), "{said}");
}

#[test]
fn databases_of_other_kinds_are_refused() {
    for uri in [
        "mysql://u:hunter2@h/d",
        "mssql+pyodbc://u:hunter2@h/d",
        "./mlruns",
        "file:///tmp/x",
        "sqlite://",
    ] {
        let said = refused(&["--backend-store-uri", uri], 2);
        assert!(said.contains("--backend-store-uri"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn an_unreachable_database_is_one_line_without_the_password() {
    let uri = "postgresql://u:hunter2@127.0.0.1:1/none";
    let said = refused(&["--backend-store-uri", uri], 1);
    assert!(said.contains("127.0.0.1:1/none"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn accounts_that_are_asked_for_but_not_there_keep_the_server_down() {
    let said = refused(&["--app-name", "basic-auth"], 2);
    assert!(said.contains("--app-name basic-auth"), "{said}");
    refused(&["--app-name", "something"], 2);
    refused(&["--enable-workspaces"], 2);
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    refused(&["--artifacts-only", "--no-serve-artifacts"], 2);
    refused(&["--registry-store-uri", "sqlite:///other.db"], 2);
    refused(&["--x-frame-options", "MAYBE"], 2);
    for prefix in ["mlflow", "/mlflow/", "/a{b}", "/a\"b", "/a/../b"] {
        let said = refused(&["--static-prefix", prefix], 2);
        assert!(said.contains("--static-prefix"), "{said}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().expect("create a file");
    let path = file.path().display().to_string();
    let said = refused(&["--data-dir", &path], 1);
    assert!(said.contains(&path), "{said}");
    assert!(said.contains("there is a file of that name"), "{said}");
}

#[test]
fn one_store_may_be_named_twice() {
    let uri = "sqlite:///runs.db";
    let server = setup(&["--backend-store-uri", uri, "--registry-store-uri", uri]).start();
    assert!(server.data().join("runs.db").exists());
    assert_eq!(server.get("/ready").status, 200);
}

#[test]
fn flags_without_a_meaning_here_are_explained() {
    let flags = [
        ("--expose-prometheus", "metrics"),
        ("--workers", "4"),
        ("--gunicorn-opts", "--log-level debug"),
        ("--uvicorn-opts", "--log-level debug"),
        ("--waitress-opts", "--threads 4"),
        ("--read-replica-backend-store-uri", "postgresql://replica/db"),
        ("--trace-archival-config", "x.yaml"),
        ("--secrets-cache-ttl", "60"),
        ("--secrets-cache-max-size", "100"),
        ("--workspace-store-uri", "sqlite:///w.db"),
    ];
    let args: Vec<&str> = flags.iter().flat_map(|(flag, value)| [*flag, *value]).collect();
    let server = setup(&args).args(&["--dev", "--disable-security-middleware"]).start();
    let log = server.log();
    for flag in
        flags.iter().map(|(flag, _)| *flag).chain(["--dev", "--disable-security-middleware"])
    {
        let explained =
            log.lines().filter(|line| line.starts_with("modelyard: ") && line.contains(flag));
        assert_eq!(explained.count(), 1, "{flag}: {log}");
    }
}

#[test]
fn variables_without_a_meaning_here_are_explained() {
    let lines: [&[(&str, &str)]; 6] = [
        &[("MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", "5"), ("MLFLOW_SQLALCHEMYSTORE_POOL_RECYCLE", "9")],
        &[("MLFLOW_SQLALCHEMYSTORE_ECHO", "true")],
        &[("MLFLOW_MYSQL_SSL_CA", "/ca.pem")],
        &[("MLFLOW_KERBEROS_USER", "me")],
        &[("MLFLOW_AUTH_CONFIG_PATH", "auth.ini")],
        &[("MLFLOW_ARTIFACTS_DESTINATION", "./elsewhere")],
    ];
    let mut setup = setup(&["--no-serve-artifacts"]);
    for (name, value) in lines.iter().copied().flatten() {
        setup = setup.env(name, value);
    }
    let log = setup.start().log();
    let told: Vec<&str> = log.lines().filter(|line| line.starts_with("modelyard: ")).collect();
    assert_eq!(told.len(), lines.len(), "{log}");
    for (name, _) in lines.iter().copied().flatten() {
        let flag = name.replace("MLFLOW_ARTIFACTS_DESTINATION", "--artifacts-destination");
        assert!(told.iter().any(|line| line.contains(&flag)), "{name}: {log}");
    }
}

#[test]
fn variables_that_ask_for_separation_keep_the_server_down() {
    for (name, value) in [("MLFLOW_ENABLE_WORKSPACES", "true"), ("MLFLOW_WORKSPACE", "team-a")] {
        let (status, said) = setup(&[]).env(name, value).fail();
        assert_eq!(status.code(), Some(2), "{said}");
        assert!(said.contains(name), "{said}");
    }
    let server = setup(&[]).env("MLFLOW_ENABLE_WORKSPACES", "false").start();
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn mlflows_variable_sets_the_log_level() {
    let server = setup(&[]).env("MLFLOW_LOGGING_LEVEL", "WARNING").start();
    assert!(!server.log().contains("INFO"), "{}", server.log());
    let (status, said) = setup(&[]).env("MLFLOW_LOGGING_LEVEL", "LOUD").fail();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("MLFLOW_LOGGING_LEVEL"), "{said}");
}

#[test]
fn data_of_mlflow_in_the_folder_are_pointed_out() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mlflow.db"), "").expect("written");
    let start = || {
        let mut child = Command::new(BINARY)
            .args(["server", "--port", "0"])
            .env_clear()
            .current_dir(folder.path())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("start the binary");
        let stderr = std::io::BufReader::new(child.stderr.take().expect("piped"));
        let lines = std::io::BufRead::lines(stderr).map_while(Result::ok);
        let said: Vec<String> = lines.take_while(|line| !line.contains("Listening on")).collect();
        child.kill().expect("kill the server");
        child.wait().expect("wait for the server");
        said
    };
    assert!(start().iter().any(|line| line.contains("./mlflow.db")));
    // From the second start on, this folder is Modelyard's.
    assert!(!start().iter().any(|line| line.contains("./mlflow.db")));
}

#[test]
fn a_door_open_to_others_is_pointed_out() {
    let log = setup(&["--host", "0.0.0.0"]).start().log();
    assert!(log.contains("modelyard: --host 0.0.0.0: there are no accounts"), "{log}");
}

#[test]
fn an_artifact_store_that_cannot_be_is_named_with_a_way_out() {
    let file = tempfile::NamedTempFile::new().expect("create a file");
    let path = file.path().display().to_string();
    for flag in ["--artifacts-destination", "--default-artifact-root"] {
        let said = refused(&[flag, &path], 1);
        for part in [flag, &path, "there is a file of that name"] {
            assert!(said.contains(part), "{said}");
        }
    }
    let said = refused(&["--artifacts-destination", "dbfs:/x"], 2);
    assert!(said.contains("--artifacts-destination dbfs:/x"), "{said}");
    assert!(said.contains("--default-artifact-root dbfs:/x"), "{said}");
}

#[test]
fn long_values_are_cut_or_refused_as_asked() {
    let long = "x".repeat(9_000);
    let logged = |server: &modelyard_testkit::Server, call: &str, key: &str| {
        let run = crate::create_run(server, "0");
        let body = serde_json::json!({"run_id": run, "key": key, "value": long});
        server.post(&format!("/api/2.0/mlflow/runs/{call}"), &body)
    };
    let cutting = server();
    for call in ["log-parameter", "set-tag"] {
        assert_eq!(logged(&cutting, call, "k").status, 200);
    }
    let by_flag = setup(&["--truncate-long-values", "false"]).start();
    let by_variable = setup(&[]).env("MLFLOW_TRUNCATE_LONG_VALUES", "false").start();
    for server in [by_flag, by_variable] {
        let answer = logged(&server, "log-parameter", "k");
        let told = answer.json()["message"].as_str().expect("a message").to_owned();
        let expected = "'Param value' exceeds the maximum length of 6000 characters";
        assert_eq!((answer.status, told.as_str()), (400, expected));
        let answer = logged(&server, "set-tag", "k");
        let told = answer.json()["message"].as_str().expect("a message").to_owned();
        assert_eq!(answer.status, 400, "{told}");
        assert!(told.contains("value' exceeds the maximum length of 8000 characters"), "{told}");
    }
}

#[test]
fn a_plain_start_explains_nothing() {
    let log = server().log();
    assert!(!log.contains("modelyard: "), "{log}");
}

#[test]
fn variables_stand_in_for_flags_and_empty_ones_for_nothing() {
    let server = Setup::new(BINARY)
        .env("MLFLOW_STATIC_PREFIX", "/ml")
        .env("MLFLOW_SERVE_ARTIFACTS", "false")
        .env("MLFLOW_BACKEND_STORE_URI", "")
        .env("MLFLOW_HOST", "")
        .env("MLFLOW_SERVER_ALLOWED_HOSTS", "")
        .start();
    assert!(server.url().ends_with("/ml"));
    let info = server.get("/api/modelyard/v1/server").json();
    assert_eq!(info["serves_artifacts"], false);
}

#[test]
fn json_logs_are_json_from_the_first_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(BINARY)
        .args(["server", "--port", "0", "--log-format", "json", "--workers", "2"])
        .current_dir(folder.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("start the binary");
    let stderr = std::io::BufReader::new(child.stderr.take().expect("piped"));
    let lines = std::io::BufRead::lines(stderr).map_while(Result::ok);
    let parsed = lines.map(|line| serde_json::from_str::<serde_json::Value>(&line).expect("JSON"));
    let listening = parsed.into_iter().find(|line| line["message"] == "listening");
    assert!(listening.expect("the address")["url"].as_str().is_some());
    child.kill().expect("kill the server");
    child.wait().expect("wait for the server");
}
