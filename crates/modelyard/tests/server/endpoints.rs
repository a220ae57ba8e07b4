//! Every endpoint of MLflow: those that are built answer, the others are as if unknown.

use modelyard_testkit::Server;
use serde_json::json;

use crate::{server, setup};

/// Areas of MLflow's API that are built, but for [`LATER`].
const BUILT: [&str; 8] = [
    "experiments",
    "runs",
    "metrics",
    "artifacts",
    "artifacts-proxy",
    "logged-models",
    "registry",
    "webhooks",
];
/// Endpoints of those areas that are not built.
const LATER: [&str; 1] = ["/ajax-api/2.0/mlflow/runs/create-promptlab-run"];

struct Endpoint {
    area: &'static str,
    method: &'static str,
    path: String,
}

impl Endpoint {
    fn is_built(&self) -> bool {
        let by_area = BUILT.contains(&self.area) || self.area == "server";
        (by_area && !LATER.contains(&self.path.as_str())) || self.path == "/"
    }
}

fn endpoints() -> Vec<Endpoint> {
    let lines = include_str!("endpoints.tsv").lines().filter(|line| !line.starts_with('#'));
    let parse = |line: &'static str| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().expect("three fields");
        let (area, method, path) = (field(), field(), field());
        // A path parameter takes any name.
        let path = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
        Endpoint { area, method, path: path.collect::<Vec<_>>().join("/") }
    };
    lines.map(parse).collect()
}

/// Whether the answer is the one for an unknown path: 404 and text that names it. MLflow's clients
/// take JSON for a missing object instead, and do not fall back.
fn is_unknown(server: &Server, endpoint: &Endpoint) -> bool {
    let answer = match endpoint.method {
        // With a body that nobody reads, the server may close the connection as the next request begins.
        "GET" => server.get(&endpoint.path),
        method => server.json(method, &endpoint.path, &json!({})),
    };
    let says = |status: u16, word: &str| {
        let is_text = answer.header("content-type").starts_with("text/plain");
        answer.status == status && is_text && answer.text().starts_with(word)
    };
    if says(404, "Not found:") {
        assert!(answer.text().contains(&endpoint.path), "{}", answer.text());
        return true;
    }
    // Some share their path with one that is built.
    says(405, "Method not allowed:")
}

#[test]
fn the_list_is_whole() {
    assert_eq!(endpoints().len(), 554);
    assert!(endpoints().iter().filter(|endpoint| endpoint.is_built()).count() > 130);
}

#[test]
fn what_is_not_built_is_unknown_and_what_is_built_is_not() {
    let server = server();
    for endpoint in endpoints() {
        let unknown = is_unknown(&server, &endpoint);
        assert_eq!(unknown, !endpoint.is_built(), "{} {}", endpoint.method, endpoint.path);
    }
}

#[test]
fn a_prefix_moves_everything() {
    let server = setup(&["--static-prefix", "/a/b"]).start();
    assert_eq!(server.get("/health").text(), "OK");
    assert_eq!(server.get("/api/3.0/mlflow/server-info").status, 200);
    let root = server.url().strip_suffix("/a/b").expect("the prefix");
    let client = modelyard_testkit::Client::default();
    for path in ["/", "/health", "/api/3.0/mlflow/server-info", "/a/bc/health", "/a"] {
        let answer = client.send("GET", &format!("{root}{path}"), &[], b"");
        assert_eq!(answer.status, 404, "{path}");
    }
    let answer = client.send("GET", &format!("{root}/a/b?x=1"), &[], b"");
    assert_eq!((answer.status, answer.header("location")), (308, "/a/b/?x=1"));
}

#[test]
fn uploads_in_parts_are_offered_only_where_their_urls_are_sure_to_work() {
    let server = setup(&[]).start();
    let offered = |headers: &[(&str, &str)]| {
        let info = server.send("GET", "/api/3.0/mlflow/server-info", headers, b"").json();
        info["multipart_uploads_enabled"] == true
    };
    assert!(offered(&[]));
    for header in ["authorization", "x-forwarded-proto", "x-forwarded-for", "forwarded", "via"] {
        assert!(!offered(&[(header, "x")]), "{header}");
    }
}

#[test]
fn half_a_server_says_which_half_is_missing() {
    let artifacts = setup(&["--artifacts-only"]).start();
    let answer = artifacts.get("/api/2.0/mlflow/runs/get?run_id=x");
    assert_eq!(answer.status, 503);
    assert!(answer.text().starts_with("Endpoint: /api/2.0/mlflow/runs/get is disabled"));
    assert!(answer.text().contains("--artifacts-only"));
    assert_ne!(artifacts.get("/api/2.0/mlflow-artifacts/artifacts").status, 503);

    let tracking = setup(&["--no-serve-artifacts"]).start();
    let answer = tracking.get("/api/2.0/mlflow-artifacts/artifacts");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("--no-serve-artifacts"), "{}", answer.text());
    assert_eq!(tracking.get("/api/2.0/mlflow/experiments/get?experiment_id=0").status, 200);
}

#[test]
fn versions_are_mlflows() {
    let server = server();
    assert_eq!(server.get("/version").text(), "3.17.2");
    let info = server.get("/ajax-api/3.0/mlflow/server-info").json();
    assert_eq!(info["store_type"], "SqlStore");
    assert_eq!(info["workspaces_enabled"], false);
}

#[test]
fn metrics_count_what_was_asked() {
    let server = server();
    server.get("/api/2.0/mlflow/experiments/get?experiment_id=0");
    server.get("/api/2.0/mlflow/experiments/get?experiment_id=77");
    server.get("/nothing/here.txt");
    let page = server.get("/metrics");
    assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let route = "method=\"GET\",route=\"/api/2.0/mlflow/experiments/get\"";
    for line in [
        format!("modelyard_http_requests_total{{{route},status=\"2xx\"}} 1"),
        format!("modelyard_http_requests_total{{{route},status=\"4xx\"}} 1"),
        format!("modelyard_http_request_duration_seconds_count{{{route}}} 2"),
        "modelyard_http_requests_total{method=\"ANY\",route=\"(unknown path)\",status=\"4xx\"} 1"
            .into(),
        "modelyard_http_in_flight 1".into(),
        "modelyard_queue_waiting{lane=\"write\"} 0".into(),
    ] {
        assert!(page.text().lines().any(|it| it == line), "{line}\n{}", page.text());
    }
    assert_prometheus(page.text());
}

/// Each sample follows the head of its family; names and labels are well-formed.
fn assert_prometheus(page: &str) {
    let mut family = String::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().expect("a name").to_owned();
        } else if !line.starts_with('#') {
            let (sample, value) = line.rsplit_once(' ').expect("a value");
            assert!(sample.starts_with(&family), "{line} is not of {family}");
            value.parse::<f64>().unwrap_or_else(|_| panic!("{line}"));
        }
    }
}
