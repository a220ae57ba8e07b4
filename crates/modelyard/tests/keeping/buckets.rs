//! House-keeping where artifacts lie in a bucket.

use std::fs;

use modelyard_testkit::{Client, Server, Setup, TestBucket, s3_bucket};
use serde_json::Value;

use crate::world::*;

/// A command beside the server, with the way to the bucket in its environment.
fn beside(bucket: &TestBucket, args: &[&str]) -> Outcome {
    let mut command = command(args);
    command.envs(bucket.variables.iter().cloned());
    outcome(&mut command)
}

fn start(bucket: &TestBucket, flag: &str) -> Server {
    let place = format!("{}/kept", bucket.location);
    let setup = Setup::new(BINARY).args(&[flag, &place]);
    bucket.variables.iter().fold(setup, |setup, (name, value)| setup.env(name, value)).start()
}

/// The keys in the bucket.
fn keys(bucket: &TestBucket) -> Vec<String> {
    let listing = Client::default().send("GET", &format!("{}?list-type=2", bucket.url), &[], b"");
    let keys = listing.text().split("<Key>").skip(1);
    keys.map(|rest| rest.split('<').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_trash_goes_from_the_bucket_and_nothing_else_does() {
    let Some(bucket) = s3_bucket() else { return };
    let server = start(&bucket, "--artifacts-destination");
    let (kept, deleted) = (filled_run(&server, "0"), filled_run(&server, "0"));
    delete_run(&server, &deleted);
    let place = format!("{}/kept", bucket.location);
    let gc = ["gc", "--data-dir", arg(server.data()), "--artifacts-destination", &place];
    let dry = beside(&bucket, &[&gc[..], &["--dry-run"]].concat());
    assert!(dry.stdout.contains("1 file, 5 bytes"), "{dry:?}");
    assert_eq!(keys(&bucket).len(), 2);
    let done = beside(&bucket, &gc);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(run_status(&server, &deleted), 404);
    let left = keys(&bucket);
    assert!(left.len() == 1 && left[0].contains(&kept), "{left:?}");
}

#[test]
fn a_backup_lists_the_bucket_and_verify_looks_there() {
    let (Some(bucket), Ok(place)) = (s3_bucket(), tempfile::tempdir()) else { return };
    let server = start(&bucket, "--artifacts-destination");
    filled_run(&server, "0");
    filled_model(&server, "0");
    let (folder, destination) = (place.path().join("b"), format!("{}/kept", bucket.location));
    let flags = ["--data-dir", arg(server.data()), "--artifacts-destination", destination.as_str()];
    let made = beside(&bucket, &[&["backup", arg(&folder)][..], &flags].concat());
    assert_eq!(made.code, 0, "{made:?}");
    assert!(
        made.stderr.contains(&format!("the 2 artifacts in {destination} are listed")),
        "{made:?}"
    );
    let manifest = fs::read(folder.join("manifest.json")).expect("read");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let store = &manifest["stores"][0];
    assert_eq!((&store["files"], &store["bytes"]), (&2.into(), &8.into()));
    assert_eq!(
        (&store["copied"], &store["location"]),
        (&false.into(), &destination.clone().into())
    );

    // What comes later is no finding.
    filled_run(&server, "0");
    let whole = beside(&bucket, &["verify", arg(&folder)]);
    assert_eq!(whole.code, 0, "{whole:?}");
    assert!(whole.stderr.contains(&format!("; 2 artifacts are in {destination}")), "{whole:?}");

    let list = fs::read_to_string(folder.join("lists/destination.jsonl")).expect("read");
    let paths: Vec<String> = list
        .lines()
        .map(|line| text(&serde_json::from_str::<Value>(line).expect("JSON")["path"]))
        .collect();
    // Whoever is named at all may do anything there.
    let send = |method: &str, path: &str, body: &[u8]| {
        let url = format!("{}/kept/{path}", bucket.url);
        let answer =
            Client::default().send(method, &url, &[("authorization", "AWS test:test")], body);
        assert!(answer.status < 300, "{}", answer.text());
    };
    send("DELETE", &paths[0], b"");
    send("PUT", &paths[1], b"another size");
    let findings = beside(&bucket, &["verify", arg(&folder)]);
    assert_eq!(findings.code, 1, "{findings:?}");
    assert!(findings.stderr.contains("2 findings"), "{findings:?}");
    assert!(findings.stderr.contains(&format!("{}: it is missing", paths[0])), "{findings:?}");
    assert!(findings.stderr.contains("it has 12 bytes instead of"), "{findings:?}");

    let target = place.path().join("restored");
    let restore = ["restore", arg(&folder), "--data-dir", arg(&target)];
    let restored =
        beside(&bucket, &[&restore[..], &["--artifacts-destination", &destination]].concat());
    assert_eq!(restored.code, 0, "{restored:?}");
    assert!(restored.stderr.contains("were never in the backup"), "{restored:?}");
}

#[test]
fn a_root_that_only_clients_reach_keeps_no_backup_from_being_made() {
    let (Some(bucket), Ok(place)) = (s3_bucket(), tempfile::tempdir()) else { return };
    let server = start(&bucket, "--default-artifact-root");
    let folder = place.path().join("b");
    let backup = ["backup", arg(&folder), "--data-dir", arg(server.data())];
    let made =
        beside(&bucket, &[&backup[..], &["--default-artifact-root", "s3://not-there/x"]].concat());
    assert_eq!(made.code, 0, "{made:?}");
    assert!(
        made.stderr.contains("s3://not-there/x (") && made.stderr.contains("not in the backup")
    );
}
