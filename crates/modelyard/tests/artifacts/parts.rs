//! Uploads in parts.

use modelyard_testkit::{Answer, Client, Server};
use serde_json::{Value, json};

use crate::{assert_refused, get, pattern, put, start};

/// An upload that was begun.
struct Upload<'a> {
    server: &'a Server,
    door: &'static str,
    folder: &'static str,
    file: &'static str,
    id: String,
    urls: Vec<String>,
}

impl<'a> Upload<'a> {
    fn begin(
        server: &'a Server,
        door: &'static str,
        folder: &'static str,
        file: &'static str,
        parts: usize,
    ) -> Self {
        let target = format!("{door}/2.0/mlflow-artifacts/mpu/create/{folder}");
        let begun = server.post(&target, &json!({"path": file, "num_parts": parts}));
        assert_eq!(begun.status, 200, "{}", begun.text());
        let begun = begun.json();
        let credentials = begun["credentials"].as_array().expect("credentials");
        let numbers: Vec<_> = credentials.iter().map(|it| it["part_number"].as_u64()).collect();
        assert_eq!(numbers, (1..=parts as u64).map(Some).collect::<Vec<_>>());
        let url = |it: &Value| it["url"].as_str().expect("a URL").to_owned();
        let id = begun["upload_id"].as_str().expect("an id").to_owned();
        let urls = credentials.iter().map(url).collect();
        Self { server, door, folder, file, id, urls }
    }

    /// Uploads a part to the URL it was given, as the client does: without any header of its own.
    fn put(&self, number: usize, body: &[u8]) -> Answer {
        Client::default().send("PUT", &self.urls[number - 1], &[], body)
    }

    /// As [`put`](Self::put), and must succeed. Returns the part for the list at the end.
    #[track_caller]
    fn part(&self, number: usize, body: &[u8]) -> Value {
        let answer = self.put(number, body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let url = &self.urls[number - 1];
        json!({"part_number": number, "etag": answer.header("etag"), "url": url})
    }

    fn end(&self, action: &str, parts: &[Value]) -> Answer {
        let target = format!("{}/2.0/mlflow-artifacts/mpu/{action}/{}", self.door, self.folder);
        let body = json!({"path": self.file, "upload_id": self.id, "parts": parts});
        self.server.post(&target, &body)
    }
}

#[test]
fn parts_in_any_order_become_one_file() {
    for args in [&[][..], &["--static-prefix", "/pre"]] {
        let server = start(args);
        let data = pattern(2_500_000);
        for (door, file) in [("/api", "one.bin"), ("/ajax-api", "two.bin")] {
            let upload = Upload::begin(&server, door, "1/run/artifacts", file, 3);
            assert!(upload.urls[0].starts_with(server.url()), "{}", upload.urls[0]);
            let last = upload.part(3, &data[2_000_000..]);
            let first = upload.part(1, &data[..1_000_000]);
            assert_eq!(get(&server, &format!("1/run/artifacts/{file}")).status, 404);
            let second = upload.part(2, &data[1_000_000..2_000_000]);
            let parts = [first, second, last];
            for time in ["first", "repeated"] {
                let done = upload.end("complete", &parts);
                assert_eq!((done.status, done.text()), (200, "{}"), "{time}");
            }
            assert!(get(&server, &format!("1/run/artifacts/{file}")).body == data);
        }
    }
}

#[test]
fn what_does_not_fit_together_is_refused_and_can_be_mended() {
    let server = start(&[]);
    put(&server, "f/x.bin", b"old");
    let upload = Upload::begin(&server, "/api", "f", "/home/me/x.bin", 2);
    let first = upload.part(1, b"aaaa");
    assert_refused(&upload.end("complete", std::slice::from_ref(&first)), 400, "Part 2 is missing");
    assert_refused(&upload.put(2, b"bbbbb"), 400, "must be of one size");
    let forged = json!({"part_number": 2, "etag": "x", "url": ""});
    assert_refused(&upload.end("complete", &[first.clone(), forged]), 400, "was not uploaded");
    let second = upload.part(2, b"bb");
    let replaced = upload.part(2, b"cc");
    assert_refused(&upload.end("complete", &[first.clone(), second]), 400, "another ETag");
    assert_eq!(get(&server, "f/x.bin").text(), "old");
    assert_eq!(upload.end("complete", &[first, replaced]).status, 200);
    assert_eq!(get(&server, "f/x.bin").text(), "aaaacc");
    assert_refused(&upload.put(2, b"dd"), 404, "No such multipart upload");
}

#[test]
fn an_aborted_upload_leaves_nothing() {
    let server = start(&[]);
    let upload = Upload::begin(&server, "/api", "f", "x.bin", 1);
    let part = upload.part(1, b"aaaa");
    assert_eq!(upload.end("abort", &[]).text(), "{}");
    assert_refused(&upload.end("complete", &[part]), 404, "No such multipart upload");
    assert_refused(&upload.end("abort", &[]), 404, "No such multipart upload");
    assert_eq!(get(&server, "f/x.bin").status, 404);
}

#[test]
fn impossible_uploads_are_refused() {
    let server = start(&[]);
    put(&server, "f/folder/x", b"x");
    let create = |body: &Value| server.post("/api/2.0/mlflow-artifacts/mpu/create/f", body);
    for parts in [json!(0), json!(-1), json!(10_001), json!(5_000_000_000_u64)] {
        let answer = create(&json!({"path": "x", "num_parts": parts}));
        assert_refused(&answer, 400, "1 to 10000 parts");
    }
    assert_refused(&create(&json!({"path": "x"})), 400, "1 to 10000 parts");
    assert_refused(&create(&json!({"num_parts": 1})), 400, "'path'");
    assert_refused(&create(&json!({"path": "folder", "num_parts": 1})), 400, "a directory");
    let upload = Upload::begin(&server, "/api", "f", "x.bin", 1);
    let part = upload.urls[0].strip_prefix(server.url()).expect("this server");
    let (upload, _) = part.rsplit_once('/').expect("a number");
    for number in ["0", "2", "x", "4294967296"] {
        let answer = server.send("PUT", &format!("{upload}/{number}"), &[], b"x");
        assert_eq!(answer.status, 400, "{number}: {}", answer.text());
    }
    let chunked = server.send("PUT", part, &[("transfer-encoding", "chunked")], b"x");
    assert_refused(&chunked, 400, "Content-Length");
}

/// A restart forgets what was under way, and says so.
#[test]
fn a_restart_ends_uploads_under_way() {
    let mut server = start(&[]);
    let (id, url) = {
        let upload = Upload::begin(&server, "/api", "f", "x.bin", 1);
        upload.part(1, b"aaaa");
        (upload.id.clone(), upload.urls[0].clone())
    };
    server.kill();
    server.restart();
    assert_refused(&Client::default().send("PUT", &url, &[], b"x"), 404, "start again");
    let body = json!({"path": "x.bin", "upload_id": id, "parts": [{"part_number": 1}]});
    let answer = server.post("/api/2.0/mlflow-artifacts/mpu/complete/f", &body);
    assert_refused(&answer, 404, "start again");
    assert!(server.terminate().success());
    let reserved = server.data().join("artifacts/.modelyard");
    let left = std::fs::read_dir(reserved).map_or(0, Iterator::count);
    assert!(left <= 1, "the parts are gone");
}
