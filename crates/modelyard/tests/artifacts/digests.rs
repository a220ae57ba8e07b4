//! Digest fields (RFC 9530), up and down.

use modelyard_protocol::digest::Digest;
use modelyard_testkit::{Answer, Server, Setup, s3_bucket};
use serde_json::json;

use crate::{PROXY, assert_refused, get, names, pattern, put, start};

const VERIFIED: &str = "x-modelyard-verified";
const WANT: (&str, &str) = ("want-repr-digest", "sha-256=10");

fn put_with(server: &Server, path: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
    server.send("PUT", &format!("{PROXY}/{path}"), fields, body)
}

fn ask(server: &Server, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    server.send(method, &format!("{PROXY}/{path}"), fields, b"")
}

/// A server of each kind of store that is there.
fn servers() -> Vec<Server> {
    let in_bucket = s3_bucket().map(|bucket| {
        let place = format!("{}/x", bucket.location);
        let setup = Setup::new(env!("CARGO_BIN_EXE_modelyard"));
        let setup = setup.args(&["--artifacts-destination", &place]);
        bucket.variables.iter().fold(setup, |it, (name, value)| it.env(name, value)).start()
    });
    [Some(start(&[])), in_bucket].into_iter().flatten().collect()
}

#[test]
fn a_lie_is_refused_and_leaves_what_was_there() {
    for server in servers() {
        put(&server, "a/kept", b"old");
        for size in [1, 1_000, 300_000, 5 << 20, (11 << 20) + 7] {
            let body = pattern(size);
            let lie = Digest::of(b"other").field();
            for name in ["Repr-Digest", "Content-Digest"] {
                for path in ["a/kept", "a/new"] {
                    let refused = put_with(&server, path, &[(name, &lie)], &body);
                    assert_refused(&refused, 400, "What arrived is not what was announced");
                    assert_refused(&refused, 400, "nothing was stored. Send it again.");
                    assert_eq!(refused.json()["error_code"], "INVALID_PARAMETER_VALUE");
                    assert_eq!(refused.header(VERIFIED), "");
                }
            }
            assert_eq!(names(&server.get(&format!("{PROXY}?path=a"))), ["kept"]);
            assert_eq!(get(&server, "a/kept").text(), "old");
        }
        let body = pattern(300_000);
        let truth = Digest::of(&body).field();
        let stored = put_with(&server, "a/new", &[("Repr-Digest", &truth)], &body);
        assert_eq!((stored.status, stored.header(VERIFIED), stored.text()), (200, "sha-256", ""));
        assert!(get(&server, "a/new").body == body);
    }
}

#[test]
fn a_malformed_field_is_refused_and_an_unknown_algorithm_ignored() {
    let server = start(&[]);
    for value in ["sha-256=abc", "sha-256=:AAAA:", "sha-256", "?", "sha-256=:no base64:"] {
        for name in ["Repr-Digest", "Content-Digest"] {
            let refused = put_with(&server, "f", &[(name, value)], b"abc");
            assert_refused(&refused, 400, &format!("The field {name} is malformed"));
            assert_refused(&refused, 400, "Write sha-256=:");
        }
    }
    let (abc, other) = (Digest::of(b"abc").field(), Digest::of(b"other").field());
    let both = [("Content-Digest", abc.as_str()), ("Repr-Digest", &other)];
    assert_refused(&put_with(&server, "f", &both, b"abc"), 400, "contradict each other");
    assert_eq!(get(&server, "f").status, 404);
    let stored = put_with(&server, "f", &[("Repr-Digest", "sha-512=:AAAA:, md5=:AAAA:")], b"abc");
    assert_eq!((stored.status, stored.header(VERIFIED)), (200, ""), "nothing was compared");
    let beside = format!("sha-512=:AAAA:, {abc}");
    let stored = put_with(&server, "f", &[("Content-Digest", &beside)], b"abc");
    assert_eq!((stored.status, stored.header(VERIFIED)), (200, "sha-256"));
    let beside = format!("sha-512=:AAAA:, {other}");
    assert_eq!(put_with(&server, "f", &[("Content-Digest", &beside)], b"abc").status, 400);
}

#[test]
fn a_part_that_lies_is_not_there() {
    let server = start(&[]);
    let mpu = "/api/2.0/mlflow-artifacts/mpu";
    let begun = server.post(&format!("{mpu}/create/f"), &json!({"path": "x", "num_parts": 1}));
    let begun = begun.json();
    let url = begun["credentials"][0]["url"].as_str().expect("a URL");
    let target = url.strip_prefix(server.url()).expect("this server");
    let send = |value: &str| server.send("PUT", target, &[("Content-Digest", value)], b"abc");
    assert_refused(&send(&Digest::of(b"other").field()), 400, "What arrived is not");
    assert_refused(&send("sha-256=5"), 400, "The field Content-Digest is malformed");
    let complete = |etag: &str| {
        let parts = json!([{"part_number": 1, "etag": etag}]);
        let body = json!({"path": "x", "upload_id": begun["upload_id"], "parts": parts});
        server.post(&format!("{mpu}/complete/f"), &body)
    };
    assert_refused(&complete("x"), 400, "Part 1 was not uploaded");
    let stored = send(&Digest::of(b"abc").field());
    assert_eq!((stored.status, stored.header(VERIFIED)), (200, "sha-256"));
    assert_eq!(complete(stored.header("etag")).status, 200);
    assert_eq!(get(&server, "f/x").text(), "abc");
}

#[test]
fn who_asks_is_told_the_digest_of_the_whole_file() {
    for server in servers() {
        for size in [0, 1_000, 3 << 20] {
            let data = pattern(size);
            put(&server, "f", &data);
            let told = Digest::of(&data).field();
            let whole = ask(&server, "GET", "f", &[WANT]);
            assert_eq!((whole.status, whole.header("repr-digest")), (200, told.as_str()));
            assert!(whole.body == data);
            let head = ask(&server, "HEAD", "f", &[WANT]);
            assert_eq!((head.status, head.header("repr-digest")), (200, told.as_str()));
            if size > 0 {
                let part = ask(&server, "GET", "f", &[WANT, ("range", "bytes=0-9")]);
                assert_eq!((part.status, part.header("repr-digest")), (206, told.as_str()));
                assert!(part.body == data[..10]);
            }
            for other in ["sha-512=10", "sha-256=0", "sha-256", "?"] {
                let answer = ask(&server, "GET", "f", &[("want-repr-digest", other)]);
                assert_eq!((answer.status, answer.header("repr-digest")), (200, ""), "{other}");
            }
            assert_eq!(get(&server, "f").header("repr-digest"), "", "nobody asked");
            let known = [WANT, ("if-none-match", whole.header("etag"))];
            let known = ask(&server, "GET", "f", &known);
            assert_eq!((known.status, known.header("repr-digest")), (304, ""));
        }
    }
}
