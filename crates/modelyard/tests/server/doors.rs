//! Who is let in: hosts, origins, sizes, forms.

use std::io::{Read, Write};
use std::net::TcpStream;

use modelyard_testkit::{Answer, Server, Setup};
use serde_json::json;

use crate::{BINARY, server, setup};

const GET_RUN: &str = "/api/2.0/mlflow/runs/get?run_id=x";
const CREATE: &str = "/api/2.0/mlflow/experiments/create";

fn with_host(server: &Server, path: &str, host: &str) -> Answer {
    server.send("GET", path, &[("host", host)], b"")
}

fn with_origin(server: &Server, method: &str, origin: &str) -> Answer {
    let headers = [("origin", origin), ("content-type", "application/json")];
    server.send(method, CREATE, &headers, b"{}")
}

#[test]
fn foreign_hosts_are_refused_but_for_health_and_version() {
    let server = server();
    for host in ["evil.example", "10.attacker.example", "192.168.attacker.example:5000", "8.8.8.8"]
    {
        let answer = with_host(&server, GET_RUN, host);
        assert_eq!(answer.status, 403, "{host}");
        let message = "Invalid Host header - possible DNS rebinding attack detected";
        assert_eq!(answer.text(), message);
        assert_eq!(with_host(&server, "/", host).status, 403, "{host}");
        assert_eq!(with_host(&server, "/metrics", host).status, 403, "{host}");
        assert_eq!(with_host(&server, "/health", host).status, 200, "{host}");
        assert_eq!(with_host(&server, "/version", host).status, 200, "{host}");
    }
    for host in ["localhost", "10.1.2.3:5000", "[::1]:5000"] {
        assert_eq!(with_host(&server, GET_RUN, host).status, 404, "{host}");
    }
    let refused = "modelyard_http_refused_total{reason=\"host\"} 12";
    assert!(server.get("/metrics").text().contains(refused));
}

#[test]
fn listed_hosts_replace_the_default() {
    let server = setup(&["--allowed-hosts", "ml.example, *.team.example"]).start();
    assert_eq!(with_host(&server, GET_RUN, "ml.example:5000").status, 404);
    assert_eq!(with_host(&server, GET_RUN, "a.team.example").status, 404);
    assert_eq!(server.get(GET_RUN).status, 403);
}

#[test]
fn the_checks_can_be_switched_off() {
    let server = setup(&["--disable-security-middleware"]).start();
    assert_eq!(with_host(&server, GET_RUN, "evil.example").status, 404);
    assert_eq!(with_origin(&server, "POST", "http://evil.example").status, 400);
    assert_eq!(server.get("/health").header("x-frame-options"), "");
}

#[test]
fn writes_from_foreign_pages_are_refused() {
    let server = server();
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let answer = with_origin(&server, method, "http://evil.example");
        assert_eq!(answer.status, 403, "{method}");
        assert_eq!(answer.text(), "Cross-origin request blocked");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    assert_eq!(with_origin(&server, "POST", "null").status, 403);
    // Reads are answered, but the browser does not show them to the page.
    let read = server.send("GET", GET_RUN, &[("origin", "http://evil.example")], b"");
    assert_eq!(read.status, 404);
    assert_eq!(read.header("access-control-allow-origin"), "");
    // 400: it got as far as the missing name.
    let ours = server.url().to_owned();
    for origin in ["http://localhost:3000", "https://127.0.0.1", ours.as_str()] {
        let answer = with_origin(&server, "POST", origin);
        assert_eq!(answer.status, 400, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
    }
}

#[test]
fn preflights_are_answered_as_mlflow_does() {
    let server = setup(&["--cors-allowed-origins", "https://app.example"]).start();
    let ask = |origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,x-a"),
        ];
        server.send("OPTIONS", CREATE, &headers, b"")
    };
    let answer = ask("https://app.example");
    assert_eq!((answer.status, answer.text()), (200, "OK"));
    let methods = "GET, POST, PUT, DELETE, OPTIONS, PATCH";
    assert_eq!(answer.header("access-control-allow-methods"), methods);
    assert_eq!(answer.header("access-control-max-age"), "600");
    assert_eq!(answer.header("access-control-allow-headers"), "content-type,x-a");
    let answer = ask("https://evil.example");
    assert_eq!((answer.status, answer.text()), (400, "Disallowed CORS origin"));
    let plain = server.send("OPTIONS", CREATE, &[], b"");
    assert_eq!((plain.status, plain.header("allow")), (204, "POST"));
}

#[test]
fn every_answer_carries_the_security_headers_and_an_id() {
    let server = setup(&["--x-frame-options", "deny"]).start();
    for path in ["/health", "/", "/nothing.txt", GET_RUN, "/metrics"] {
        let answer = server.get(path);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
    }
    let answer = server.send("GET", "/health", &[("x-request-id", "build-7")], b"");
    assert_eq!(answer.header("x-request-id"), "build-7");
    let answer = server.send("GET", "/health", &[("x-request-id", "a b")], b"");
    assert_ne!(answer.header("x-request-id"), "a b");
}

#[test]
fn a_wrong_method_is_told_the_right_one() {
    let server = server();
    let answer = server.send("DELETE", "/api/2.0/mlflow/runs/get", &[], b"");
    assert_eq!((answer.status, answer.header("allow")), (405, "GET,HEAD"));
    assert!(answer.header("content-type").starts_with("text/plain"));
    assert_eq!(server.send("HEAD", "/health", &[], b"").status, 200);
}

#[test]
fn json_must_be_declared_and_uncompressed() {
    let server = server();
    let send = |headers: &[(&str, &str)]| server.send("POST", CREATE, headers, br#"{"name":"a"}"#);
    assert_eq!(send(&[]).json()["message"], "Bad Request. Content-Type header is missing.");
    let form = send(&[("content-type", "application/x-www-form-urlencoded")]);
    assert_eq!(form.status, 400);
    let message = "Bad Request. Content-Type must be one of ['application/json'].";
    assert_eq!(form.json()["message"], message);
    let script = send(&[("content-type", "<script>alert(1)</script>")]);
    assert!(!script.text().contains("script"));
    let zipped = send(&[("content-type", "application/json"), ("content-encoding", "gzip")]);
    assert_eq!(zipped.status, 400);
}

#[test]
fn bodies_and_heads_have_limits() {
    let server = server();
    let body = vec![b'x'; (64 << 20) + 1];
    let answer = server.send("POST", CREATE, &[("content-type", "application/json")], &body);
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["error_code"], "PAYLOAD_TOO_LARGE");
    let json: &[_] = &[("content-type", "application/json")];
    let two_mib = [br#"{"run_id":"r","x":""#.as_slice(), &vec![b'x'; 2 << 20], b"\"}"].concat();
    for (route, expected) in [("log-batch", 404), ("create", 400), ("set-tag", 413)] {
        let path = format!("/api/2.0/mlflow/runs/{route}");
        assert_eq!(server.send("POST", &path, json, &two_mib).status, expected, "{route}");
    }
    let long =
        format!("GET /health HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let answer = server.raw(long.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn a_chunked_body_without_end_is_stopped() {
    let server = server();
    let mut stream = server.connect();
    let head = "POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("send the head");
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(1 << 20));
    while stream.write_all(chunk.as_bytes()).is_ok() {}
    assert_eq!(server.get("/health").status, 200);
    // Nothing beyond the limit was ever held.
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()));
    let status = status.expect("read the status of the server");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(peak_kib < 400 << 10, "{peak_kib} KiB");
}

#[test]
fn requests_that_are_no_http_are_turned_away() {
    let server = server();
    for request in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        let answer = server.raw(request);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let no_host = server.raw(b"GET /api/2.0/mlflow/runs/get HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(no_host.starts_with("HTTP/1.1 403"), "{no_host}");
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn bad_json_is_the_callers_mistake() {
    let server = server();
    let send =
        |body: &[u8]| server.send("POST", CREATE, &[("content-type", "application/json")], body);
    let deep = [b"{\"name\":".to_vec(), b"[".repeat(100_000)].concat();
    let number = [b"{\"name\":".to_vec(), b"9".repeat(1_000_000), b"}".to_vec()].concat();
    for body in [&b"{"[..], b"[1]", b"\xff\xfe", b"{\"name\": 5}", &deep, &number] {
        let answer = send(body);
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert_eq!(answer.json()["error_code"], "INVALID_PARAMETER_VALUE");
    }
    assert_eq!(server.post(CREATE, &json!({"name": "fine"})).status, 200);
}

#[test]
fn uploads_beyond_the_limit_wait_and_are_then_told_to_come_back() {
    const SLOTS: usize = 256;
    let server = server();
    let begin = |number: usize| {
        let mut stream = server.connect();
        let head = format!(
            "PUT /api/2.0/mlflow-artifacts/artifacts/load/{number} HTTP/1.1\r\nHost: localhost\r\n\
             Content-Length: 2\r\nConnection: close\r\n\r\na"
        );
        stream.write_all(head.as_bytes()).expect("send the first half");
        stream
    };
    let slow: Vec<TcpStream> = (0..SLOTS).map(begin).collect();
    let full = format!("modelyard_queue_running{{lane=\"transfer\"}} {SLOTS}");
    while !server.get("/metrics").text().contains(&full) {
        std::thread::yield_now();
    }
    let refused = server.send("PUT", "/api/2.0/mlflow-artifacts/artifacts/load/more", &[], b"ab");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.json()["error_code"], "TEMPORARILY_UNAVAILABLE");
    // Other work is not held up, and what was accepted is finished.
    assert_eq!(server.post(CREATE, &json!({"name": "meanwhile"})).status, 200);
    for mut stream in slow {
        stream.write_all(b"b").expect("send the second half");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("read the answer");
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    let listed = server.get("/api/2.0/mlflow-artifacts/artifacts?path=load").json();
    assert_eq!(listed["files"].as_array().expect("files").len(), SLOTS);
}

#[test]
fn the_log_names_requests_but_not_their_queries() {
    let server = Setup::new(BINARY).env("MODELYARD_LOG", "modelyard::access=debug").start();
    let headers = [("x-request-id", "request-7"), ("authorization", "Basic c2VjcmV0LXdvcmQ=")];
    server.send("GET", "/version?token=secret-word", &headers, b"");
    let (line, log) = (server.log_line("request-7"), server.log());
    for part in ["/version", "200", "duration_ms", "bytes"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!log.contains("secret-word") && !log.contains("c2VjcmV0"), "{log}");
}
