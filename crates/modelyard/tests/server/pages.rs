//! The web UI's files.

use crate::{server, setup};

#[test]
fn pages_are_the_start_page() {
    let server = server();
    for path in ["/", "/index.html", "/experiments/1", "/runs/abc"] {
        let page = server.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-cache");
        assert!(page.text().contains(r#"<base href="/" />"#));
        let policy = page.header("content-security-policy");
        assert!(policy.contains("script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    assert_eq!(server.send("POST", "/experiments/1", &[], b"").status, 404);
}

#[test]
fn the_start_page_knows_the_prefix() {
    let server = setup(&["--static-prefix", "/ml"]).start();
    assert!(server.get("/runs/abc").text().contains(r#"<base href="/ml/" />"#));
}

#[test]
fn nothing_of_the_api_becomes_a_page() {
    let server = server();
    for path in [
        "/api/2.0/mlflow/nothing",
        "/ajax-api/2.0/mlflow/nothing",
        "/graphql",
        "/v1/traces",
        "/assets/nothing",
        "/nothing.js",
        "/static-files/x",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.header("content-type").starts_with("text/plain"), "{path}");
    }
}

/// The files that the start page names, if this binary has the web UI.
fn files(page: &str) -> Vec<String> {
    let named = page.split('"').filter_map(|text| text.strip_prefix("./"));
    named.map(|path| format!("/{path}")).collect()
}

#[test]
fn files_are_compressed_typed_and_cached() {
    let server = server();
    let start = server.get("/");
    for path in files(start.text()) {
        let plain = server.send("GET", &path, &[("accept-encoding", "identity")], b"");
        assert_eq!(plain.status, 200, "{path}");
        assert_eq!(plain.header("content-encoding"), "", "{path}");
        assert_ne!(plain.header("content-type"), "application/octet-stream", "{path}");
        assert_eq!(plain.header("vary"), "Accept-Encoding", "{path}");
        let is_hashed = path.starts_with("/assets/");
        assert_eq!(plain.header("cache-control").contains("immutable"), is_hashed, "{path}");
        let etag = plain.header("etag");
        let again = server.send("GET", &path, &[("if-none-match", etag)], b"");
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        if path.ends_with(".js") {
            let small = server.send("GET", &path, &[("accept-encoding", "br, gzip")], b"");
            assert_eq!(small.header("content-encoding"), "br", "{path}");
            assert_eq!(small.header("etag"), etag, "{path}");
            assert!(small.body.len() < plain.body.len(), "{path}");
        }
    }
}
