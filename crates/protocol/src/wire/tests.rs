//! Requests as MLflow 3.17.2 reads and refuses them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::error::{Error, ErrorCode};
use crate::messages::experiments::{CreateExperiment, ExperimentById, SearchExperiments};
use crate::messages::logged_models::{CreateLoggedModel, FinalizeLoggedModel, SearchLoggedModels};
use crate::messages::metrics::{GetHistory, HistoryBulkInterval, LogBatch, LogMetric};
use crate::messages::runs::{CreateRun, LogInputs, LogModel, SearchRuns, SetTag, UpdateRun};
use crate::states::{LoggedModelStatus, RunStatus, ViewType};

fn body<T: Request>(body: &str) -> Result<T, Error> {
    Params::from_body(body.as_bytes()).read(Rules::default())
}

fn query<T: Request>(query: &str) -> Result<T, Error> {
    Params::from_query(query).read(Rules::default())
}

fn message<T: Request>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "accepted".to_owned(),
        Err(error) => {
            assert_eq!(error.code, ErrorCode::InvalidParameterValue);
            let docs = " See the API docs for more information about request parameters.";
            error.message.replace(docs, "")
        }
    }
}

#[test]
fn the_first_missing_field_is_named_in_mlflows_order() {
    let missing = |name: &str| format!("Missing value for required parameter '{name}'.");
    let log_metric = |text: &str| message(body::<LogMetric>(text));
    assert_eq!(log_metric("{}"), missing("run_id"));
    assert_eq!(log_metric(""), missing("run_id"));
    assert_eq!(log_metric(r#"{"run_id": ""}"#), missing("run_id"));
    assert_eq!(log_metric(r#"{"run_id": "a", "timestamp": 1}"#), missing("key"));
    assert_eq!(log_metric(r#"{"run_id": "a", "key": "k"}"#), missing("value"));
    assert_eq!(log_metric(r#"{"run_id":"a","key":"k","value":null}"#), missing("value"));
    assert_eq!(log_metric(r#"{"run_uuid":"a","key":"k","value":1}"#), missing("timestamp"));
    let batch = |text: &str| message(body::<LogBatch>(text));
    assert_eq!(batch(r#"{"run_id":"a","metrics":[{"key":"a"}]}"#), missing("metrics[0].value"));
    let no_time = r#"{"run_id":"a","metrics":[{"key":"a","value":1}]}"#;
    assert_eq!(batch(no_time), missing("metrics[0].timestamp"));
    assert_eq!(batch(r#"{"run_id":"a","params":[{"key":""}]}"#), missing("params[0].key"));
    // Required fields are known by their `snake_case` names only.
    assert_eq!(log_metric(r#"{"runId":"a","key":"k","value":1,"timestamp":1}"#), missing("run_id"));
    assert_eq!(message(query::<ExperimentById>("experiment_id=")), missing("experiment_id"));
    assert_eq!(message(query::<HistoryBulkInterval>("metric_key=b")), missing("run_ids"));
    assert_eq!(message(body::<SearchLoggedModels>("{}")), missing("experiment_ids"));
}

#[test]
fn wrong_types_are_named_with_pythons_words() {
    let hint = |value: &str, name: &str, kind: &str| {
        format!(
            "Invalid value {value} for parameter '{name}' supplied:  Hint: Value was of type '{kind}'."
        )
    };
    assert_eq!(message(body::<CreateExperiment>(r#"{"name":5}"#)), hint("5", "name", "int"));
    let value = r#"{"run_id":"a","key":"k","value":"abc","timestamp":1}"#;
    assert_eq!(message(body::<LogMetric>(value)), hint("\"abc\"", "value", "str"));
    let key = r#"{"run_id":"a","key":7,"value":1,"timestamp":1}"#;
    assert_eq!(message(body::<LogMetric>(key)), hint("7", "key", "int"));
    assert_eq!(
        message(body::<SetTag>(r#"{"run_id":"a","key":"x","value":[{"b":1,"a":null}]}"#)),
        hint(r#"[{"a":null,"b":1}]"#, "value", "list")
    );
    assert_eq!(
        message(body::<UpdateRun>(r#"{"run_id":"a","status":99}"#)),
        hint("99", "status", "int")
    );
    assert_eq!(
        message(body::<SearchRuns>(r#"{"experiment_ids":["0"],"max_results":60000}"#)),
        hint("60000", "max_results", "int")
    );
    assert_eq!(
        message(query::<SearchExperiments>("max_results=x")),
        hint("\"x\"", "max_results", "str")
    );
    assert_eq!(
        message(body::<LogBatch>(r#"{"run_id":"a","metrics":5}"#)),
        hint("5", "metrics", "int")
    );
}

/// MLflow reads these half and goes on with zeros; we name the value.
#[test]
fn values_that_mlflow_drops_are_refused() {
    let cases = [
        (
            message(body::<LogMetric>(r#"{"run_id":"a","key":"k","value":1,"timestamp":1.5}"#)),
            "timestamp",
        ),
        (
            message(body::<LogMetric>(
                r#"{"run_id":"a","key":"k","value":1,"timestamp":9223372036854775808}"#,
            )),
            "timestamp",
        ),
        (
            message(body::<LogMetric>(r#"{"run_id":"a","key":"k","value":"nan","timestamp":1}"#)),
            "value",
        ),
        (
            message(body::<LogBatch>(r#"{"run_id":"a","params":[{"key":"a","value":5}]}"#)),
            "params[0].value",
        ),
        (message(body::<LogBatch>(r#"{"run_id":"a","metrics":["x"]}"#)), "metrics[0]"),
        (message(body::<SearchRuns>(r#"{"experiment_ids":[0]}"#)), "experiment_ids[0]"),
    ];
    for (message, path) in cases {
        assert!(message.contains(&format!("for parameter '{path}' supplied")), "{message}");
    }
}

#[test]
fn loose_forms_are_read() {
    let metric: LogMetric = body(
        r#"{"run_uuid": "r", "key": "k", "value": "NaN", "timestamp": "77", "step": 3.0,
            "modelId": "m", "dataset_name": null, "unknown": [1, {}]}"#,
    )
    .unwrap();
    assert_eq!(metric.run_id(), "r");
    let point = metric.into_point();
    assert!(point.value.0.is_nan());
    assert_eq!((point.timestamp, point.step), (77, 3));
    assert_eq!((point.model_id.as_deref(), point.dataset_name), (Some("m"), None));

    let bare: LogMetric =
        body(r#"{"run_id":"NaN \" NaN","key":"k","value":-Infinity,"timestamp":1}"#).unwrap();
    assert_eq!(bare.run_id(), "NaN \" NaN");
    assert_eq!(bare.value.0, f64::NEG_INFINITY);

    let twice: CreateExperiment = body(r#""{\"name\": \"e\"}""#).unwrap();
    assert_eq!(twice.name, "e");

    let status = |text: &str| body::<UpdateRun>(text).unwrap().status;
    assert_eq!(status(r#"{"run_id":"a","status":"FINISHED"}"#), Some(RunStatus::Finished));
    assert_eq!(status(r#"{"run_id":"a","status":"BOGUS"}"#), None);
    assert_eq!(status(r#"{"run_id":"a","status":"3"}"#), Some(RunStatus::Finished));
    let finalize: FinalizeLoggedModel = body(r#"{"model_id":"m","status":2}"#).unwrap();
    assert_eq!(finalize.status, LoggedModelStatus::Ready);
    let bogus: FinalizeLoggedModel = body(r#"{"model_id":"m","status":"BOGUS"}"#).unwrap();
    assert_eq!(bogus.status, LoggedModelStatus::Unspecified);

    let search: SearchExperiments =
        query("max_results=5&order_by=name&order_by=a%20DESC&view_type=ALL&maxResults=9").unwrap();
    assert_eq!(search.max_results, 5);
    assert_eq!(search.order_by, ["name", "a DESC"]);
    assert_eq!(search.view_type, Some(ViewType::All));
}

#[test]
fn one_field_may_not_be_spelled_twice() {
    let text = r#"{"name":"a","artifactLocation":"x","artifact_location":"y"}"#;
    assert_eq!(
        message(body::<CreateExperiment>(text)),
        "Request specifies both 'artifact_location' and 'artifactLocation'; provide only one of them."
    );
    let nested = r#"{"run_id":"a","metrics":[{"key":"k","value":1,"timestamp":1,"modelId":"x","model_id":"y"}]}"#;
    assert!(message(body::<LogBatch>(nested)).starts_with("Request specifies both 'model_id'"));
}

#[test]
fn bodies_that_are_not_objects_are_refused() {
    for text in ["[]", "5", "true", "\"[]\"", "[{\"name\": \"a\"}]"] {
        assert!(
            message(body::<CreateExperiment>(text)).contains("must be a JSON object"),
            "{text}"
        );
    }
    assert_eq!(
        message(body::<CreateExperiment>("null")),
        "Missing value for required parameter 'name'."
    );
    let broken = body::<CreateExperiment>("{\"name\": \"a\",}").unwrap_err().message;
    assert!(broken.starts_with("Missing value for required parameter 'name'."), "{broken}");
    assert!(broken.contains("not valid JSON: "), "{broken}");
    let deep = format!("{{\"name\": {}", "[".repeat(100_000));
    assert!(body::<CreateExperiment>(&deep).is_err());
}

#[test]
fn posts_must_be_declared_as_json() {
    let new =
        |method, kind| Params::new(method, None, kind, b"{}").map(drop).map_err(|e| e.message);
    assert_eq!(new("POST", None).unwrap_err(), "Bad Request. Content-Type header is missing.");
    assert_eq!(
        new("PUT", Some("text/plain")).unwrap_err(),
        "Bad Request. Content-Type must be one of ['application/json']."
    );
    assert!(new("POST", Some("application/json; charset=utf-8")).is_ok());
    assert!(new("PATCH", None).is_ok());
    assert!(new("DELETE", None).is_ok());
}

#[test]
fn limits_and_names_have_mlflows_messages() {
    let batch = |text: Value| message(body::<LogBatch>(&text.to_string()));
    let metrics = vec![json!({"key": "m", "value": 1, "timestamp": 1}); 1001];
    assert_eq!(
        batch(json!({"run_id": "a", "metrics": metrics})),
        "A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split \
         up metrics across multiple requests and try again."
    );
    let params = vec![json!({"key": "p"}); 2];
    assert_eq!(
        batch(json!({"run_id": "a", "params": params})),
        "Duplicate parameter keys have been submitted: ['p']. Please ensure the request contains \
         only one param value per param key."
    );
    assert_eq!(
        batch(json!({"run_id": "a b"})),
        "Invalid value \"a b\" for parameter 'run_id' supplied."
    );
    assert_eq!(
        batch(json!({"run_id": "a", "metrics": [{"key": "a#", "value": 1, "timestamp": 1}]})),
        "Invalid value \"a#\" for parameter 'metrics[0].name' supplied: Names may only contain \
         alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes \
         (/)."
    );
    let negative = r#"{"run_id":"a","key":"a","value":1,"timestamp":-1}"#;
    assert_eq!(
        message(body::<LogMetric>(negative)),
        "Invalid value -1 for parameter 'timestamp' supplied: metric 'a' (value=1.0). Timestamp \
         must be a nonnegative long (64-bit integer) "
    );
    assert_eq!(
        message(body::<SearchExperiments>("{}")),
        "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"
    );
    assert_eq!(
        message(query::<HistoryBulkInterval>("run_ids=a&metric_key=b&max_results=0")),
        "max_results must be between 1 and 2500."
    );
    assert_eq!(
        message(query::<HistoryBulkInterval>("run_ids=a&metric_key=b&start_step=5")),
        "If either start step or end step are specified, both must be specified."
    );
    assert_eq!(
        message(query::<GetHistory>("run_id=a&metric_key=b&max_results=0")),
        "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer."
    );
    let name = json!({"experiment_id": "0", "name": "a/b"}).to_string();
    assert!(
        message(body::<CreateLoggedModel>(&name))
            .starts_with("Invalid model name ('a/b') provided.")
    );
    let model = json!({"run_id": "a", "model_json": "{\"flavors\": {}}"}).to_string();
    assert_eq!(
        message(body::<LogModel>(&model)),
        "Model json is missing mandatory fields: {'artifact_path', 'utc_time_created', 'run_id'}"
    );
    assert_eq!(body::<CreateRun>("{}").unwrap_err().code, ErrorCode::BadRequest);
}

#[test]
fn long_values_are_cut_and_nul_is_refused() {
    let batch: LogBatch = body(
        &json!({
            "run_id": "a",
            "params": [{"key": "p", "value": "é".repeat(6001)}],
            "tags": [{"key": "t", "value": "x".repeat(9000)}],
        })
        .to_string(),
    )
    .unwrap();
    assert_eq!(batch.params[0].value.chars().count(), 6000);
    assert_eq!(batch.tags[0].value.len(), 8000);
    let nul = message(body::<SetTag>(r#"{"run_id":"a","key":"k","value":"a\u0000b"}"#));
    assert!(nul.contains("U+0000"), "{nul}");
    let dataset = json!({"name": "n", "digest": "d".repeat(37)});
    let inputs = json!({"run_id": "a", "datasets": [{"dataset": dataset}]}).to_string();
    assert_eq!(
        message(body::<LogInputs>(&inputs)),
        "'digest' exceeds the maximum length of 36 characters"
    );
}

/// JSON near to what a log-batch request is.
fn near_batch() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9NI.]{0,4}".prop_map(Value::from),
        Just(json!("NaN")),
    ];
    let name = prop_oneof![
        Just("key"),
        Just("value"),
        Just("timestamp"),
        Just("step"),
        Just("modelId"),
        Just("model_id"),
        Just("run_id"),
        Just("other"),
    ];
    let item = proptest::collection::btree_map(name, scalar.clone(), 0..6)
        .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Value>());
    let list =
        prop_oneof![proptest::collection::vec(item, 0..3).prop_map(Value::from), scalar.clone(),];
    (scalar, list.clone(), list.clone(), list).prop_map(|(run_id, metrics, params, tags)| {
        json!({"run_id": run_id, "metrics": metrics, "params": params, "tags": tags})
    })
}

proptest! {
    /// Where the strict reading accepts a request, the loose one reads the same.
    #[test]
    fn strict_and_loose_reading_agree(request in near_batch()) {
        let text = request.to_string();
        let loose = params::read_loosely::<LogBatch>(&request);
        if let Ok(strict) = serde_json::from_str::<LogBatch>(&text)
            && strict.is_complete()
        {
            prop_assert_eq!(Ok(strict), loose);
        }
    }

    #[test]
    fn no_body_panics(bytes: Vec<u8>, text in ".*", request in near_batch()) {
        let _ = Params::from_body(&bytes).read::<LogBatch>(Rules::default());
        let _ = Params::from_query(&text).read::<SearchExperiments>(Rules::default());
        let _ = Params::from_body(request.to_string().as_bytes()).read::<LogBatch>(Rules::default());
        let _ = Params::from_body(format!("{{{text}").as_bytes()).read::<LogMetric>(Rules::default());
    }
}
