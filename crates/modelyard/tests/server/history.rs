//! Histories longer than one piece of an answer.

use modelyard_testkit::Server;
use serde_json::{Value, json};

use crate::{create_run, server, text};

/// More than two pieces of 10,000 points, the last of them short.
const POINTS: i64 = 25_300;
/// MLflow's limit for one batch.
const BATCH: i64 = 1_000;

fn log_points(server: &Server, run: &str) {
    for first in (0..POINTS).step_by(BATCH as usize) {
        let point = |step: i64| json!({"key": "m", "value": step, "step": step, "timestamp": step});
        let steps = first..POINTS.min(first + BATCH);
        let request = json!({"run_id": run, "metrics": steps.map(point).collect::<Vec<_>>()});
        assert_eq!(server.post("/api/2.0/mlflow/runs/log-batch", &request).status, 200);
    }
}

fn history(server: &Server, run: &str, rest: &str) -> Value {
    let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=m{rest}");
    let answer = server.get(&path);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn steps(page: &Value) -> Vec<i64> {
    let points = page["metrics"].as_array().expect("points");
    points.iter().map(|point| point["step"].as_i64().expect("a step")).collect()
}

#[test]
fn a_long_history_comes_whole_or_in_pages_of_any_size() {
    let server = server();
    let run = create_run(&server, "0");
    log_points(&server, &run);

    let whole = history(&server, &run, "");
    assert!(steps(&whole).into_iter().eq(0..POINTS));
    assert_eq!(whole.get("next_page_token"), None);

    for size in [9_999, 10_000, 10_001, 20_000, POINTS - 1] {
        let first = history(&server, &run, &format!("&max_results={size}"));
        assert!(steps(&first).into_iter().eq(0..size), "a page of {size}");
        let token = text(&first["next_page_token"]);
        let rest = history(&server, &run, &format!("&page_token={token}"));
        assert!(steps(&rest).into_iter().eq(size..POINTS), "what follows a page of {size}");
        assert_eq!(rest.get("next_page_token"), None);
    }
    let exact = history(&server, &run, &format!("&max_results={POINTS}"));
    assert_eq!((steps(&exact).len() as i64, exact.get("next_page_token")), (POINTS, None));
}
