//! `modelyard db upgrade`, and databases that are none of ours, or not whole.

use std::fs;

use modelyard_testkit::{Server, Setup, postgres_url};

use crate::world::*;

#[test]
fn a_database_that_is_up_to_date_stays_as_it_is() {
    let server = Server::start(BINARY);
    let outcome = run(&["db", "upgrade", "--data-dir", arg(server.data())]);
    assert!(outcome.code == 0 && outcome.stderr.contains("is up to date"), "{outcome:?}");
    let uri = format!("sqlite:///{}", arg(&server.data().join("modelyard.db")));
    ok(&["db", "upgrade", &uri]);
    let names = fs::read_dir(server.data()).expect("a folder").flatten();
    assert!(names.into_iter().all(|it| !it.file_name().to_string_lossy().contains("before")));
}

#[test]
fn what_is_not_there_is_not_made() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("none.db");
    let uri = format!("sqlite:///{}", arg(&path));
    let said = fails(3, &["db", "upgrade", &uri]);
    assert!(said.contains("there is no database") && !path.exists(), "{said}");
    let said = fails(2, &["db", "upgrade", "mysql://h/d"]);
    assert!(said.contains("databases of kind 'mysql'"), "{said}");
    if let Some(url) = postgres_url() {
        let said = fails(3, &["db", "upgrade", &url, "--data-dir", arg(place.path())]);
        assert!(said.contains("is empty"), "{said}");
    }
}

#[test]
fn damaged_and_foreign_files_are_named_and_left_alone() {
    let mut server = Server::start(BINARY);
    filled_run(&server, "0");
    server.terminate();
    let path = server.data().join("modelyard.db");
    let good = fs::read(&path).expect("read");
    let mut malformed = good.clone();
    malformed[100..4096].fill(0x5a);
    for (bytes, reason) in [
        (b"hello".repeat(3_000), "no SQLite database, or its beginning is damaged"),
        (malformed, "the database file is damaged"),
    ] {
        fs::write(&path, &bytes).expect("written");
        let backup = server.data().join("backup");
        for args in
            [&["db", "upgrade"][..], &["gc"], &["backup", arg(&backup)], &["server", "--port", "0"]]
        {
            let said = fails(1, &[args, &["--data-dir", arg(server.data())]].concat());
            assert!(said.contains(reason) && said.contains("modelyard.db"), "{args:?}: {said}");
            assert_eq!(fs::read(&path).expect("read"), bytes, "{args:?}");
        }
        assert!(!backup.exists());
    }
}

#[test]
fn the_configuration_file_of_the_server_counts() {
    let (server, place) = (Server::start(BINARY), tempfile::tempdir().expect("a folder"));
    let file = place.path().join("modelyard.toml");
    fs::write(&file, format!("data-dir = \"{}\"\nport = 7\n", arg(server.data())))
        .expect("written");
    let run = filled_run(&server, "0");
    delete_run(&server, &run);
    let said = ok(&["gc", "--config", arg(&file), "--dry-run"]);
    assert!(said.contains(&run), "{said}");
    ok(&["db", "upgrade", "--config", arg(&file)]);
    ok(&["backup", arg(&place.path().join("b")), "--config", arg(&file)]);
    let said = fails(2, &["gc", "--config", arg(&place.path().join("none.toml"))]);
    assert!(said.contains("none.toml"), "{said}");
}

#[test]
fn a_password_shows_nowhere() {
    let place = tempfile::tempdir().expect("a folder");
    let url = "postgresql://ann:hunter2@127.0.0.1:1/none?connect_timeout=2";
    for args in [&["backup", "b"][..], &["gc"], &["db", "upgrade"]] {
        let flags = ["--data-dir", arg(place.path()), "--backend-store-uri", url];
        let said = fails(1, &[args, &flags].concat());
        assert!(!said.contains("hunter2"), "{said}");
    }
    let (_, said) = Setup::new(BINARY).args(&["--backend-store-uri", url]).fail();
    assert!(!said.contains("hunter2"), "{said}");
}
