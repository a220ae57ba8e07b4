//! The secrets of webhooks in a backup: with the key that opens them, or not silently without; and what waits to be
//! told.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modelyard_testkit::{Received, Receiver, Reply, Server, Setup, postgres_url};
use serde_json::json;

use crate::world::*;

const SECRET: &str = "a-secret-of-the-receiver";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const KEY_FILE: &str = "webhook-secrets.key";
const ENVIRONMENT: &str = "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY";

/// A server whose webhooks may reach the receivers of a test.
fn open(args: &[&str]) -> Setup {
    let loose = ["--webhook-allow-private-ips", "--webhook-allowed-schemes", "http"];
    Setup::new(BINARY).args(&loose).args(args)
}

fn hook(server: &Server, receiver: &Receiver) {
    let event = json!({"entity": "REGISTERED_MODEL", "action": "CREATED"});
    let asked = json!({"name": "w", "url": receiver.url(), "events": [event], "secret": SECRET});
    post(server, "webhooks", &asked);
}

fn model(server: &Server, name: &str) {
    post(server, "registered-models/create", &json!({"name": name}));
}

/// Whether a request is signed with the secret.
fn is_signed(request: &Received) -> bool {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    let (id, time) = (request.header("x-mlflow-delivery-id"), request.header("x-mlflow-timestamp"));
    let text = format!("{id}.{time}.{}", request.body);
    let signature = request.header("x-mlflow-signature").strip_prefix("v1,").unwrap_or_default();
    let signature = STANDARD.decode(signature).expect("base64");
    ring::hmac::verify(&key, text.as_bytes(), &signature).is_ok()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn secrets_go_with_their_key() {
    let (server, place) = (open(&[]).start(), tempfile::tempdir().expect("a folder"));
    let receiver = Receiver::start();
    hook(&server, &receiver);
    let (backup, data) = (place.path().join("backup"), place.path().join("data"));
    let outcome = run(&["backup", arg(&backup), "--data-dir", arg(server.data())]);
    assert!(
        outcome.code == 0 && outcome.stderr.contains("the key of webhooks' secrets"),
        "{outcome:?}"
    );
    let copy = backup.join("database").join(KEY_FILE);
    assert_eq!(mode(&copy), 0o600);
    assert_eq!(fs::read_dir(backup.join("database")).expect("a folder").count(), 2);
    let outcome = run(&["verify", arg(&backup)]);
    assert!(outcome.code == 0 && !outcome.stderr.contains("not in the backup"), "{outcome:?}");

    ok(&["restore", arg(&backup), "--data-dir", arg(&data)]);
    assert_eq!(mode(&data.join(KEY_FILE)), 0o600);
    assert_eq!(fs::read(data.join(KEY_FILE)).expect("read"), fs::read(&copy).expect("read"));
    let restored = open(&["--data-dir", arg(&data)]).start();
    model(&restored, "m");
    assert!(is_signed(&receiver.wait_for(1)[0]));
}

#[test]
fn a_damaged_key_is_found_and_not_restored() {
    let (server, place) = (open(&[]).start(), tempfile::tempdir().expect("a folder"));
    hook(&server, &Receiver::start());
    for (name, damage, reason) in [
        ("changed", Some("AQ"), "its size or checksum is another"),
        ("missing", None, "cannot read"),
    ] {
        let (backup, data) = (place.path().join(name), place.path().join("data"));
        ok(&["backup", arg(&backup), "--data-dir", arg(server.data())]);
        let copy = backup.join("database").join(KEY_FILE);
        fs::remove_file(&copy).expect("removed");
        if let Some(text) = damage {
            fs::write(&copy, text).expect("written");
        }
        let said = fails(1, &["verify", arg(&backup)]);
        assert!(said.contains(KEY_FILE) && said.contains(reason), "{said}");
        let said = fails(1, &["restore", arg(&backup), "--data-dir", arg(&data)]);
        assert!(said.contains(KEY_FILE) && !data.exists(), "{said}");
    }
}

/// Two databases in one folder share a key, so one that is there is kept.
#[test]
fn the_key_of_another_database_stays() {
    let (server, place) = (open(&[]).start(), tempfile::tempdir().expect("a folder"));
    hook(&server, &Receiver::start());
    let (backup, data) = (place.path().join("backup"), place.path().join("data"));
    ok(&["backup", arg(&backup), "--data-dir", arg(server.data())]);
    let beside = place.path().join(KEY_FILE);
    fs::write(&beside, KEY).expect("written");
    let uri = format!("sqlite:///{}", arg(&place.path().join("x.db")));
    let restore = ["restore", arg(&backup), "--data-dir", arg(&data), "--backend-store-uri", &uri];
    let said = fails(2, &restore);
    assert!(said.contains("is not the key in the backup") && !data.exists(), "{said}");
    assert_eq!(fs::read_to_string(&beside).expect("read"), KEY);
    // The same key is no obstacle.
    fs::copy(server.data().join(KEY_FILE), &beside).expect("copied");
    ok(&restore);
}

/// A key that was given to the server is not in a backup, which is said each time until it is given again.
fn key_kept_elsewhere(from: &[&str], to: &[&str]) {
    let place = tempfile::tempdir().expect("a folder");
    let (backup, data) = (place.path().join("backup"), place.path().join("data"));
    let receiver = Receiver::start();
    let server = open(from).env(ENVIRONMENT, KEY).start();
    let beside = ["--data-dir", arg(server.data())];
    ok(&[&["backup", arg(&place.path().join("empty"))], from, &beside].concat());
    hook(&server, &receiver);
    let outcome = run(&[&["backup", arg(&backup)], from, &beside].concat());
    let missing = "the secrets of 1 webhooks is not in the backup";
    assert!(outcome.code == 0 && outcome.stderr.contains(missing), "{outcome:?}");
    let outcome = run(&["verify", arg(&backup)]);
    assert!(outcome.code == 0 && outcome.stderr.contains(missing), "{outcome:?}");
    let outcome = run(&["verify", arg(&place.path().join("empty"))]);
    assert!(!outcome.stderr.contains("secrets"), "{outcome:?}");

    let restore = [&["restore", arg(&backup), "--data-dir", arg(&data)], to].concat();
    let said = fails(2, &restore);
    assert!(said.contains(ENVIRONMENT) && said.contains("If it is lost"), "{said}");
    assert!(!data.exists());
    ok(&[&restore[..], &["--webhook-secret-key", KEY]].concat());
    let restored = [to, &["--data-dir", arg(&data)]].concat();
    let restored = open(&restored).env(ENVIRONMENT, KEY).start();
    model(&restored, "m");
    assert!(is_signed(&receiver.wait_for(1)[0]));
}

#[test]
fn secrets_without_their_key_are_not_restored_in_silence() {
    key_kept_elsewhere(&[], &[]);
}

#[test]
fn a_backup_of_postgresql_has_no_key_and_says_so() {
    let (Some(from), Some(to)) = (postgres_url(), postgres_url()) else { return };
    key_kept_elsewhere(&["--backend-store-uri", &from], &["--backend-store-uri", &to]);
}

/// A restored server tells what the backup had still to tell, under the same id.
#[test]
fn what_waits_is_in_the_backup() {
    let (mut server, place) = (open(&[]).start(), tempfile::tempdir().expect("a folder"));
    let receiver =
        Receiver::replying(|_, before| Reply::Status(if before < 1 { 503 } else { 200 }));
    hook(&server, &receiver);
    model(&server, "m");
    let first = receiver.wait_for(1).remove(0);
    server.kill();
    let (backup, data) = (place.path().join("backup"), place.path().join("data"));
    ok(&["backup", arg(&backup), "--data-dir", arg(server.data())]);
    ok(&["restore", arg(&backup), "--data-dir", arg(&data)]);
    let _restored = open(&["--data-dir", arg(&data)]).start();
    let second = receiver.wait_for(2).remove(1);
    assert_eq!((first.body.as_str(), is_signed(&second)), (second.body.as_str(), true));
    let id = |request: &Received| request.header("x-mlflow-delivery-id").to_owned();
    assert_eq!(id(&first), id(&second));
}
