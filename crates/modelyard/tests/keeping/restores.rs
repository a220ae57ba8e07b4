//! Bringing backups back: into empty places only, and through interruptions.

use std::fs;
use std::path::Path;
use std::time::Duration;

use modelyard_testkit::{Server, Setup, sqlite_integrity};
use serde_json::json;

use crate::world::*;

/// Artifacts of the backup that is restored under kills.
const ARTIFACTS: usize = 400;

fn serve(data: &Path) -> Setup {
    Setup::new(BINARY).args(&["--data-dir", arg(data)])
}

#[test]
fn what_was_restored_is_what_was() {
    let (server, place) = (Server::start(BINARY), tempfile::tempdir().expect("a folder"));
    let run = filled_run(&server, "0");
    let (backup, data) = (place.path().join("backup"), place.path().join("deep/data"));
    ok(&["backup", arg(&backup), "--data-dir", arg(server.data())]);
    ok(&["restore", arg(&backup), "--data-dir", arg(&data)]);
    assert_eq!(files(&data.join("artifacts")), files(&server.data().join("artifacts")));
    let mut restored = serve(&data).start();
    for path in
        [format!("runs/get?run_id={run}"), format!("artifacts/list?run_id={run}&path=model")]
    {
        let path = format!("{API}/{path}");
        assert_eq!(restored.get(&path).json(), server.get(&path).json());
    }
    // It goes on from there.
    filled_run(&restored, "0");
    assert!(restored.terminate().success());
    let names = |folder: &Path| fs::read_dir(folder).expect("a folder").count();
    assert_eq!(names(&data), 2, "something was left in the data folder");
}

#[test]
fn a_place_where_something_is_stays_as_it_is() {
    let (server, place) = (Server::start(BINARY), tempfile::tempdir().expect("a folder"));
    filled_run(&server, "0");
    let backup = place.path().join("backup");
    ok(&["backup", arg(&backup), "--data-dir", arg(server.data())]);
    let said = fails(2, &["restore", arg(&backup), "--data-dir", arg(server.data())]);
    assert!(said.contains("holds") && said.contains("empty place"), "{said}");

    let data = place.path().join("data");
    fs::create_dir_all(data.join("a/b")).expect("made");
    fs::write(data.join("a/b/letter.txt"), "dear").expect("written");
    let said = fails(2, &["restore", arg(&backup), "--data-dir", arg(&data)]);
    assert!(said.contains("holds a/b/letter.txt"), "{said}");
    assert_eq!(files(&data), [("a/b/letter.txt".to_owned(), b"dear".to_vec())]);

    // The database or the artifacts elsewhere.
    let (fresh, other) = (place.path().join("fresh"), place.path().join("other"));
    fs::create_dir(&other).expect("made");
    fs::write(other.join("x.db"), "").expect("written");
    let uri = format!("sqlite:///{}", arg(&other.join("x.db")));
    let restore = ["restore", arg(&backup), "--data-dir", arg(&fresh)];
    let said = fails(2, &[&restore[..], &["--backend-store-uri", &uri]].concat());
    assert!(said.contains("x.db holds something"), "{said}");
    let said = fails(2, &[&restore[..], &["--artifacts-destination", arg(&other)]].concat());
    assert!(said.contains("holds x.db"), "{said}");
    // None of these has left a trace that would be in the way.
    ok(&restore);
}

#[test]
fn a_killed_restore_keeps_servers_away_and_goes_on() {
    let (server, place) = (Server::start(BINARY), tempfile::tempdir().expect("a folder"));
    let run = filled_run(&server, "0");
    for number in 1..ARTIFACTS {
        let bytes = vec![number as u8; number * 37];
        put(&server, &format!("0/{run}/artifacts/many/{number}.bin"), &bytes);
    }
    let (backup, data) = (place.path().join("backup"), place.path().join("data"));
    ok(&["backup", arg(&backup), "--data-dir", arg(server.data())]);
    let restore = ["restore", arg(&backup), "--data-dir", arg(&data)];
    let mut unfinished = 0;
    for life_ms in [15, 30, 45, 60, 75, 90] {
        let mut child = command(&restore).spawn().expect("start the restore");
        std::thread::sleep(Duration::from_millis(life_ms));
        child.kill().expect("killed");
        child.wait().expect("ended");
        if !data.join("restore-unfinished.json").exists() {
            continue;
        }
        unfinished += 1;
        let (status, said) = serve(&data).fail();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(said.contains("is unfinished") && said.contains("artifacts are there"), "{said}");
        assert!(said.contains(&format!("of {ARTIFACTS} artifacts")), "{said}");
        // Nor do the commands without a server touch it, nor another restore.
        let gc = fails(
            1,
            &["gc", "--data-dir", arg(&data), "--backend-store-uri", "sqlite:////dev/null"],
        );
        assert!(gc.contains("is unfinished"), "{gc}");
    }
    assert!(unfinished > 0, "no kill hit");
    let other = place.path().join("other-backup");
    ok(&["backup", arg(&other), "--data-dir", arg(server.data())]);
    if data.join("restore-unfinished.json").exists() {
        let said = fails(2, &["restore", arg(&other), "--data-dir", arg(&data)]);
        assert!(said.contains("unfinished restore of"), "{said}");
        ok(&restore);
    }
    assert!(!data.join("restore-unfinished.json").exists());
    assert_eq!(sqlite_integrity(&data.join("modelyard.db")), "ok");
    assert_eq!(files(&data.join("artifacts")), files(&server.data().join("artifacts")));
    let restored = serve(&data).start();
    assert_eq!(run_status(&restored, &run), 200);
    post(&restored, "runs/set-tag", &json!({"run_id": run, "key": "a", "value": "b"}));
}
