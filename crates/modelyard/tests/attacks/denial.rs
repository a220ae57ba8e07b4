//! Requests made to cost more than they are worth (CVE-2024-6838 and what belongs to it).

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::world::World;

/// Sends JSON text as it is.
fn post_text(world: &mut World, path: &str, body: &str) -> crate::wire::Reply {
    let target = format!("/api/2.0/mlflow/{path}");
    let headers = [("Content-Type", "application/json")];
    world.wire.send("POST", target.as_bytes(), &headers, body.as_bytes())
}

#[test]
fn texts_beyond_all_measure_are_refused() {
    let mut world = World::new();
    let run = world.run.clone();
    for text in ["x".repeat(10_000_000), "한".repeat(400_000)] {
        for (path, body) in [
            ("experiments/create", json!({"name": text})),
            ("experiments/create", json!({"name": "a", "artifact_location": text})),
            (
                "experiments/create",
                json!({"name": "a", "artifact_location": format!("s3://b/{text}")}),
            ),
            ("experiments/create", json!({"name": "a", "tags": [{"key": text, "value": "v"}]})),
            ("experiments/create", json!({"name": "a", "tags": [{"key": "k", "value": text}]})),
            ("runs/create", json!({"experiment_id": "0", "run_name": text})),
            ("runs/create", json!({"experiment_id": text})),
            ("runs/log-metric", json!({"run_id": run, "key": text, "value": 1, "timestamp": 1})),
            ("runs/log-parameter", json!({"run_id": run, "key": text, "value": "v"})),
            ("runs/set-tag", json!({"run_id": run, "key": text, "value": "v"})),
            (
                "runs/search",
                json!({"experiment_ids": ["0"], "filter": format!("params.a = '{text}'")}),
            ),
            ("runs/search", json!({"experiment_ids": ["0"], "page_token": text})),
            ("logged-models", json!({"experiment_id": "0", "name": text})),
            ("artifacts/presigned-upload-url", json!({"run_id": run, "path": text})),
        ] {
            let reply = world.post("/api", path, &body);
            world.refused(path, &reply);
            let sent = body.as_object().expect("an object").keys().collect::<Vec<_>>();
            assert!(reply.body.len() < 10_000, "{path} {sent:?}: the answer repeats the attack");
        }
    }
    // An unknown id comes back in the message, but nothing more than it.
    let id = "x".repeat(1_000_000);
    let metric = json!({"run_id": id, "key": "m", "value": 1, "timestamp": 1});
    let reply = world.post("/api", "runs/log-metric", &metric);
    world.refused("a long id", &reply);
    assert!(reply.body.len() < id.len() + 1000);
    for name in ["a\0b", "a\u{1}b"] {
        let reply = world.post("/api", "experiments/create", &json!({"name": name}));
        world.keeps_secrets("control characters", &reply);
    }
    world.assert_unharmed();
}

#[test]
fn numbers_beyond_all_measure_are_refused() {
    let mut world = World::new();
    let digits = "9".repeat(1_000_000);
    for path in ["runs/search", "experiments/search"] {
        for number in ["9223372036854775808", "-1", "0", "2147483648", "\"many\"", "[]"] {
            let body = format!(r#"{{"experiment_ids": ["0"], "max_results": {number}}}"#);
            let reply = post_text(&mut world, path, &body);
            world.refused(&format!("{path} {number}"), &reply);
        }
        // No number that JSON can hold: the whole body counts as broken, which MLflow takes for {}.
        for number in [digits.as_str(), "1e400"] {
            let body = format!(r#"{{"experiment_ids": ["0"], "max_results": {number}}}"#);
            let reply = post_text(&mut world, path, &body);
            world.keeps_secrets(path, &reply);
            assert!(reply.body.len() < 10_000, "{path}: the answer repeats the attack");
        }
    }
    let run = world.run.clone();
    for field in ["step", "timestamp"] {
        let body = format!(
            r#"{{"run_id": "{run}", "key": "m", "value": 1, "timestamp": 1, "{field}": {digits}}}"#
        );
        let reply = post_text(&mut world, "runs/log-metric", &body);
        world.refused(field, &reply);
    }
    let body = format!(r#"{{"run_id": "{run}", "key": "m", "timestamp": 1, "value": {digits}}}"#);
    let reply = post_text(&mut world, "runs/log-metric", &body);
    world.keeps_secrets("a value of a million digits", &reply);
    world.assert_unharmed();
}

#[test]
fn structures_beyond_all_measure_are_refused() {
    let mut world = World::new();
    let run = world.run.clone();
    let depth = 100_000;
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        let wrapped = format!(r#"{{"name": "a", "tags": {nested}}}"#);
        for body in [nested.as_str(), wrapped.as_str()] {
            let reply = post_text(&mut world, "experiments/create", body);
            world.refused("nested", &reply);
        }
    }
    let many = |count: usize, item: fn(usize) -> Value| (0..count).map(item).collect::<Vec<_>>();
    let param = |n: usize| json!({"key": format!("k{n}"), "value": "v"});
    let metric = |n: usize| json!({"key": format!("k{n}"), "value": 1, "timestamp": 1});
    for body in [
        json!({"run_id": run, "params": many(1_000_000, param)}),
        json!({"run_id": run, "params": many(101, param)}),
        json!({"run_id": run, "tags": many(101, param)}),
        json!({"run_id": run, "metrics": many(1001, metric)}),
    ] {
        let reply = world.post("/api", "runs/log-batch", &body);
        world.refused("a batch", &reply);
    }
    let keys = |count: usize| (0..count).map(|n| format!("metrics.m{n}")).collect::<Vec<_>>();
    let body = json!({"experiment_ids": ["0"], "order_by": keys(1000)});
    let reply = world.post("/api", "runs/search", &body);
    world.refused("a thousand sort keys", &reply);
    world.assert_unharmed();
}

#[test]
fn filters_beyond_all_measure_are_refused() {
    let mut world = World::new();
    let huge = format!("params.a = 'x'{}", " and params.a = 'x'".repeat(2_700_000));
    for filter in [
        huge,
        format!("{}params.a = 'x'{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("{}params.a = 'x'", "NOT ".repeat(10_000)),
        format!("params.a = 'x'{}", " or params.a = 'x'".repeat(10_000)),
    ] {
        let body = json!({"experiment_ids": ["0"], "filter": filter});
        let reply = world.post("/api", "runs/search", &body);
        world.refused(&format!("{filter:.40}"), &reply);
        assert!(reply.body.len() < 10_000, "the answer repeats the attack");
    }
    // Allowed, and slow for a matcher that goes back.
    let param = json!({"run_id": world.run, "key": "a", "value": "a".repeat(5000)});
    world.call("runs/log-parameter", &param);
    for filter in [
        "params.a LIKE '%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%b'".to_owned(),
        format!("params.a LIKE '{}b'", "%a".repeat(50_000)),
        format!("params.a IN ({})", vec!["'x'"; 10_000].join(",")),
    ] {
        let body = json!({"experiment_ids": [world.experiment], "filter": filter});
        let reply = world.post("/api", "runs/search", &body);
        world.keeps_secrets(&format!("{filter:.40}"), &reply);
        assert!(!reply.reveals("run_id"), "it matches nothing");
    }
    world.assert_unharmed();
}

#[test]
fn compressed_bombs_are_not_unpacked() {
    let mut world = World::new();
    // The head of a gzip stream; what follows does not matter, for it is not read as one.
    let bomb = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0; 1000]].concat();
    for encoding in ["gzip", "zstd", "br", "deflate", "gzip, gzip", "identity, gzip"] {
        let headers = [("Content-Type", "application/json"), ("Content-Encoding", encoding)];
        let target = b"/api/2.0/mlflow/experiments/create";
        let reply = world.wire.send("POST", target, &headers, &bomb);
        world.refused(encoding, &reply);
    }
    world.assert_unharmed();
}

#[test]
fn ten_thousand_ranges_cost_one_download() {
    let mut world = World::new();
    let file = format!("/{}/{}/artifacts/kept.txt", world.experiment, world.run);
    let target = format!("/api/2.0/mlflow-artifacts/artifacts{file}");
    let many = format!("bytes=0-0{}", ",1-1".repeat(10_000));
    let overlapping = format!("bytes={}0-", "0-,".repeat(5_000));
    for range in [many.as_str(), overlapping.as_str(), "bytes=0-0,1-1", "bytes=,,,,"] {
        let reply = world.wire.send("GET", target.as_bytes(), &[("Range", range)], b"");
        assert_eq!((reply.status, reply.text().as_str()), (200, "kept"), "{range:.40}");
    }
    world.assert_unharmed();
}

#[test]
fn heads_and_bodies_that_lie_about_themselves_are_refused() {
    let mut world = World::new();
    let create = "POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: localhost\r\n\
                  Content-Type: application/json\r\n";
    for request in [
        format!("{create}Content-Length: 99999999999999999999\r\n\r\n{{}}"),
        format!("{create}Content-Length: -1\r\n\r\n{{}}"),
        format!("{create}Content-Length: 68719476736\r\n\r\n{{}}"),
        format!("{create}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"),
        format!("{create}Transfer-Encoding: chunked\r\n\r\nZZZ\r\n"),
        format!("{create}Transfer-Encoding: gzip, chunked, x\r\n\r\n0\r\n\r\n"),
        format!("{create}X: {}\r\n\r\n", "x".repeat(200_000)),
        format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(200_000)),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "A: b\r\n".repeat(5_000)),
        "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
    ] {
        let reply = world.wire.exchange(request.as_bytes(), false);
        assert!((400..506).contains(&reply.status) && reply.status != 500, "{reply:?}");
    }
    // A form with files and no boundary is no JSON.
    for kind in ["multipart/form-data", "multipart/form-data; boundary=", "text/plain"] {
        let target = b"/api/2.0/mlflow/experiments/create";
        let reply =
            world.wire.send("POST", target, &[("Content-Type", kind)], b"{\"name\": \"x\"}");
        world.refused(kind, &reply);
    }
    world.assert_unharmed();
}

/// What was promised or begun and never came leaves nothing behind.
#[test]
fn uploads_that_never_end_leave_nothing() {
    let mut world = World::new();
    let put = "PUT /api/2.0/mlflow-artifacts/artifacts/never HTTP/1.1\r\nHost: localhost\r\n";
    let address = world.server.url().strip_prefix("http://").expect("an address").to_owned();
    let mut open = Vec::new();
    for _ in 0..50 {
        for length in ["Content-Length: 1000000\r\n", "Transfer-Encoding: chunked\r\n"] {
            let mut stream = TcpStream::connect(&address).expect("connect");
            stream.write_all(format!("{put}{length}\r\n").as_bytes()).expect("sent");
            let chunk = if length.starts_with('T') { "30D40\r\n" } else { "" };
            stream.write_all(chunk.as_bytes()).expect("sent");
            stream.write_all(&[b'x'; 150_000]).expect("sent");
            open.push(stream);
        }
    }
    assert_eq!(world.get("/health").status, 200, "others are served meanwhile");
    let file = format!("/{}/{}/artifacts/kept.txt", world.experiment, world.run);
    assert_eq!(world.proxy("/api", "GET", &file, b"").text(), "kept");
    drop(open);
    assert!(world.server.terminate().success());
    assert!(!world.store().join("never").exists());
    let reserved = world.store().join(".modelyard");
    let left: Vec<_> = std::fs::read_dir(reserved).expect("a folder").collect();
    assert_eq!(left.len(), 1, "only the lock: {left:?}");
}

/// More than fits is refused before it is sent.
#[test]
fn an_upload_larger_than_the_disk_is_refused_at_once() {
    let mut world = World::new();
    let request = "PUT /api/2.0/mlflow-artifacts/artifacts/huge HTTP/1.1\r\nHost: localhost\r\n\
                   Content-Length: 1000000000000000000\r\n\r\n";
    let start = [request.as_bytes(), &[b'x'; 100_000]].concat();
    let reply = world.wire.exchange(&start, false);
    assert_eq!(reply.status, 507, "{reply:?}");
    assert_eq!(reply.json()["error_code"], "INSUFFICIENT_STORAGE");
    assert!(!world.store().join("huge").exists());
    world.assert_well();
}
