//! Our own API.

use std::process::Command;

use serde_json::{Value, json};

use crate::{BINARY, create_run, log_metric, server, text};

const V1: &str = "/api/modelyard/v1";

#[test]
fn the_document_is_the_one_the_binary_prints() {
    let printed = Command::new(BINARY).arg("openapi").output().expect("run the binary");
    let printed: Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    let served = server().get(&format!("{V1}/openapi.json")).json();
    assert_eq!(printed, served);
    let paths: Vec<&str> =
        served["paths"].as_object().expect("paths").keys().map(|it| &**it).collect();
    assert_eq!(paths.len(), 18, "{paths:?}");
}

#[test]
fn the_server_says_what_it_is() {
    let server = server();
    let answer = server.get(&format!("{V1}/server")).json();
    assert_eq!(answer["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(answer["mlflow_version"], "3.17.2");
    assert_eq!(answer["store"], "sqlite");
    assert_eq!(answer["artifact_root"], "mlflow-artifacts:/");
    assert_eq!(answer["serves_artifacts"], true);
}

#[test]
fn experiments_come_with_their_runs_counted_and_page_by_page() {
    let server = server();
    for name in ["a", "b", "c"] {
        let request = json!({"name": name, "tags": [{"key": "team", "value": name}]});
        assert_eq!(server.post("/api/2.0/mlflow/experiments/create", &request).status, 200);
    }
    create_run(&server, "0");
    let deleted = create_run(&server, "0");
    server.post("/api/2.0/mlflow/runs/delete", &json!({"run_id": deleted}));

    let mut names = Vec::new();
    let mut query = "?max_results=3".to_owned();
    loop {
        let page = server.get(&format!("{V1}/experiments{query}")).json();
        for experiment in page["experiments"].as_array().expect("experiments") {
            names.push(text(&experiment["name"]));
            if experiment["name"] == "Default" {
                assert_eq!(experiment["run_count"], 1);
                assert_eq!(experiment["last_run_time"], 1_700_000_000_000_i64);
            } else {
                assert_eq!(experiment["run_count"], 0);
                assert_eq!(experiment["tags"], json!({"team": experiment["name"]}));
                assert!(experiment.get("last_run_time").is_none());
            }
        }
        let Some(token) = page.get("next_page_token") else { break };
        query = format!("?max_results=3&page_token={}", text(token));
    }
    names.sort();
    assert_eq!(names, ["Default", "a", "b", "c"]);

    let found = server.get(&format!("{V1}/experiments?filter=name%20%3D%20%27b%27")).json();
    assert_eq!(found["experiments"].as_array().expect("experiments").len(), 1);
    let token = query.split('=').next_back().expect("a token");
    for bad in [
        "max_results=0".to_owned(),
        "max_results=1001".into(),
        "max_results=x".into(),
        "view=most".into(),
        "filter=name%20is".into(),
        "page_token=x".into(),
        format!("view=all&page_token={token}"),
    ] {
        let answer = server.get(&format!("{V1}/experiments?{bad}"));
        assert_eq!(answer.status, 400, "{bad}");
        assert_eq!(answer.json()["error_code"], "INVALID_PARAMETER_VALUE", "{bad}");
    }
}

#[test]
fn runs_are_rows_with_every_number_there_is() {
    let server = server();
    let run = create_run(&server, "0");
    for (key, value) in [
        ("a", json!(0.5)),
        ("b", json!("NaN")),
        ("c", json!("Infinity")),
        ("d", json!("-Infinity")),
    ] {
        log_metric(&server, &run, key, &value, 3);
    }
    server.post(
        "/api/2.0/mlflow/runs/log-parameter",
        &json!({"run_id": run, "key": "p", "value": "x"}),
    );
    let request = json!({"experiment_ids": ["0"], "order_by": ["metrics.a DESC"]});
    let answer = server.post(&format!("{V1}/runs/search"), &request).json();
    let row = &answer["runs"][0];
    assert_eq!(row["run_id"], run.as_str());
    assert_eq!(row["status"], "RUNNING");
    assert_eq!(row["metrics"], json!({"a": 0.5, "b": "NaN", "c": "Infinity", "d": "-Infinity"}));
    assert_eq!(row["params"], json!({"p": "x"}));
    assert!(row.get("end_time").is_none());

    let columns = server.get(&format!("{V1}/experiments/0/columns")).json();
    assert_eq!(columns["metrics"], json!(["a", "b", "c", "d"]));
    assert_eq!(columns["params"], json!(["p"]));
    assert_eq!(server.get(&format!("{V1}/experiments/99/columns")).status, 404);
    assert_eq!(server.get(&format!("{V1}/experiments/x/columns")).status, 400);
    for bad in
        [json!({}), json!({"experiment_ids": ["x"]}), json!({"experiment_ids": 0}), json!([])]
    {
        assert_eq!(server.post(&format!("{V1}/runs/search"), &bad).status, 400, "{bad}");
    }
}

#[test]
fn curves_are_whole_or_thinned() {
    let server = server();
    let run = create_run(&server, "0");
    let metric =
        |step: i64| json!({"key": "loss", "value": step % 7, "step": step, "timestamp": step});
    for batch in 0..3 {
        let metrics: Vec<Value> = (batch * 1000..(batch + 1) * 1000).map(metric).collect();
        let request = json!({"run_id": run, "metrics": metrics});
        assert_eq!(server.post("/api/2.0/mlflow/runs/log-batch", &request).status, 200);
    }
    let points = |query: &str| server.get(&format!("{V1}/runs/{run}/metrics/points?{query}"));
    let thin = points("key=loss&max_points=100").json();
    assert_eq!(thin["total"], 3000);
    let kept = thin["points"].as_array().expect("points");
    assert!(kept.len() <= 100 && kept.len() > 40, "{}", kept.len());
    assert_eq!(kept.first(), Some(&json!([0, 0, 0.0])));
    assert_eq!(kept.last(), Some(&json!([2999, 2999, 3.0])));
    let part = points("key=loss&start_step=10&end_step=12").json();
    assert_eq!(part["total"], 3);
    assert_eq!(part["points"], json!([[10, 10, 3.0], [11, 11, 4.0], [12, 12, 5.0]]));
    assert_eq!(points("key=nothing").json(), json!({"key": "nothing", "total": 0, "points": []}));
    for bad in ["", "key=loss&max_points=3", "key=loss&max_points=10001", "key=loss&start_step=x"] {
        assert_eq!(points(bad).status, 400, "{bad}");
    }
    assert_eq!(server.get(&format!("{V1}/runs/none/metrics/points?key=a")).status, 404);

    let summary = server.get(&format!("{V1}/runs/{run}/metrics")).json();
    let expected = json!({"metrics": [{
        "key": "loss", "count": 3000, "min": 0.0, "max": 6.0,
        "last": {"step": 2999, "timestamp": 2999, "value": 3.0},
    }]});
    assert_eq!(summary, expected);
    assert_eq!(server.get(&format!("{V1}/runs/none/metrics")).status, 404);
}
