//! Bodies recorded between MLflow's clients and server, in excerpts.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::experiments::{CreateExperiment, ExperimentAnswer, Experiments};
use super::logged_models::{
    CreateLoggedModel, FinalizeLoggedModel, LogModelParams, LoggedModelAnswer, SearchLoggedModels,
    SetModelTags,
};
use super::metrics::{LogBatch, LogMetric, MetricHistory};
use super::runs::{CreateRun, LogInputs, LogOutputs, RunAnswer, RunInfoAnswer, Runs, UpdateRun};
use crate::error::ErrorCode;
use crate::wire::{Params, Request, Rules};

/// An answer of MLflow, read and written again, keeps every field.
fn keeps<T: Serialize + DeserializeOwned>(answer: &Value) {
    let typed: T = serde_json::from_value(answer.clone()).unwrap();
    assert_eq!(serde_json::to_value(&typed).unwrap(), *answer);
}

fn read<T: Request>(body: &Value) -> T {
    Params::from_body(body.to_string().as_bytes()).read(Rules::default()).unwrap()
}

#[test]
fn run_answers_have_mlflows_fields() {
    keeps::<RunAnswer>(&json!({"run": {
        "info": {
            "run_uuid": "be0d", "experiment_id": "2", "run_name": "manual", "user_id": "root",
            "status": "RUNNING", "start_time": 1_795_446_615_818_i64,
            "artifact_uri": "mlflow-artifacts:/2/be0d/artifacts", "lifecycle_stage": "active",
            "run_id": "be0d"
        },
        "data": {"tags": [{"key": "mlflow.user", "value": "root"}]},
        "inputs": {}
    }}));
    keeps::<Runs>(&json!({"runs": [{
        "info": {
            "run_uuid": "be0d", "experiment_id": "2", "run_name": "manual", "user_id": "",
            "status": "FINISHED", "start_time": 0, "end_time": 5, "artifact_uri": "/x",
            "lifecycle_stage": "deleted", "run_id": "be0d"
        },
        "data": {
            "metrics": [
                {"key": "loss", "value": 0.5, "timestamp": 1, "step": 1},
                {"key": "nanm", "value": "NaN", "timestamp": 2, "step": 0}
            ],
            "params": [{"key": "lr", "value": "0.1"}]
        },
        "inputs": {"dataset_inputs": [{
            "tags": [{"key": "mlflow.data.context", "value": "train"}],
            "dataset": {"name": "d", "digest": "2ae0", "source_type": "http", "source": "{}"}
        }]},
        "outputs": {"model_outputs": [{"model_id": "m-1", "step": 0}]}
    }], "next_page_token": "x"}));
    keeps::<Runs>(&json!({}));
    keeps::<MetricHistory>(&json!({}));
    keeps::<RunInfoAnswer>(&json!({"run_info": {
        "run_uuid": "a", "experiment_id": "0", "run_name": "n", "user_id": "u", "status": "KILLED",
        "start_time": 1, "artifact_uri": "/x", "lifecycle_stage": "active", "run_id": "a"
    }}));
}

#[test]
fn experiment_and_model_answers_have_mlflows_fields() {
    keeps::<ExperimentAnswer>(&json!({"experiment": {
        "experiment_id": "0", "name": "Default", "artifact_location": "mlflow-artifacts:/0",
        "lifecycle_stage": "active", "last_update_time": 2, "creation_time": 1,
        "tags": [{"key": "a", "value": ""}], "workspace": "default"
    }}));
    keeps::<Experiments>(&json!({}));
    keeps::<LoggedModelAnswer>(&json!({"model": {
        "info": {
            "model_id": "m-80c8", "experiment_id": "2", "name": "model",
            "creation_timestamp_ms": 1, "last_updated_timestamp_ms": 2, "artifact_uri": "/x",
            "status": "LOGGED_MODEL_READY", "model_type": "", "source_run_id": "55bf",
            "tags": [{"key": "mlflow.source.type", "value": "LOCAL"}]
        },
        "data": {
            "params": [{"key": "ccp_alpha", "value": "0.0"}],
            "metrics": [{
                "key": "m", "value": 1.0, "timestamp": 1, "step": 0, "dataset_name": "d",
                "dataset_digest": "f7", "model_id": "m-80c8", "run_id": "55bf"
            }]
        }
    }}));
}

#[test]
fn fields_come_in_the_order_of_mlflows_numbers() {
    let answer = json!({"experiment": {
        "experiment_id": "0", "name": "n", "artifact_location": "l", "lifecycle_stage": "active",
        "last_update_time": 2, "creation_time": 1, "workspace": "default"
    }});
    let typed: ExperimentAnswer = serde_json::from_value(answer).unwrap();
    assert_eq!(
        serde_json::to_string(&typed).unwrap(),
        r#"{"experiment":{"experiment_id":"0","name":"n","artifact_location":"l","lifecycle_stage":"active","last_update_time":2,"creation_time":1,"workspace":"default"}}"#
    );
}

/// The hot requests of the Python clients are read strictly, without the slow way.
#[test]
fn the_clients_requests_take_the_fast_way() {
    let metric = json!({
        "run_uuid": "be0d", "key": "nanm", "value": "NaN", "timestamp": 1_795_446_616_102_i64,
        "step": 0, "run_id": "be0d"
    });
    let strict: LogMetric = serde_json::from_value(metric).unwrap();
    assert!(strict.is_complete());
    let batch = json!({"run_id": "55bf", "metrics": [{
        "key": "training_score", "value": 2_077.555_673_060_547_6, "timestamp": 1, "step": 0,
        "dataset_name": "dataset", "dataset_digest": "f7e5a261", "model_id": "m-80c8",
        "run_id": "55bf"
    }], "params": [{"key": "a", "value": "1"}], "tags": [{"key": "t", "value": ""}]});
    let strict: LogBatch = serde_json::from_value(batch).unwrap();
    assert!(strict.is_complete());
    assert_eq!(strict.metrics[0].value.0, 2_077.555_673_060_547_6);
    let create = json!({
        "experiment_id": "2", "user_id": "root", "run_name": "manual", "start_time": 1,
        "tags": [{"key": "mlflow.user", "value": "root"}]
    });
    let strict: CreateRun = serde_json::from_value(create).unwrap();
    assert!(strict.is_complete());
    let update = json!({"run_uuid": "a", "run_id": "a", "status": "FINISHED", "end_time": 5});
    let strict: UpdateRun = serde_json::from_value(update).unwrap();
    assert!(strict.is_complete());
}

#[test]
fn recorded_requests_are_read() {
    let inputs: LogInputs = read(&json!({"run_id": "55bf", "datasets": [{
        "tags": [{"key": "mlflow.data.context", "value": "train"}],
        "dataset": {
            "name": "dataset", "digest": "f7e5a261", "source_type": "code",
            "source": "{\"tags\": {}}", "schema": "{\"mlflow_colspec\": []}",
            "profile": "{\"num_rows\": 331}"
        }
    }]}));
    assert_eq!(inputs.datasets[0].dataset.profile.as_deref(), Some("{\"num_rows\": 331}"));
    let finalize: FinalizeLoggedModel =
        read(&json!({"model_id": "m-1", "status": "LOGGED_MODEL_READY"}));
    assert_eq!(finalize.status.short_name(), "READY");
}

/// Reads a body whose list `field` has `most` items, which is accepted, and one more, which is not.
fn counts<T: Request>(most: usize, field: &str, item: impl Fn(usize) -> Value, others: &Value) {
    let list = |items: usize| {
        let mut body = others.clone();
        body[field] = (0..items).map(&item).collect();
        Params::from_body(body.to_string().as_bytes()).read::<T>(Rules::default())
    };
    assert!(list(most).is_ok(), "{field}");
    let error = list(most + 1).err().unwrap();
    assert_eq!(error.code, ErrorCode::InvalidParameterValue);
    assert!(error.message.contains(&format!("at most {most} ")), "{}", error.message);
    assert!(error.message.contains(&format!("Got {}", most + 1)), "{}", error.message);
}

#[test]
fn lists_have_limits() {
    let pair = |at: usize| json!({"key": format!("k{at}"), "value": "v"});
    let model = |at: usize| json!({"model_id": format!("m-{at}")});
    counts::<CreateExperiment>(1000, "tags", pair, &json!({"name": "e"}));
    counts::<CreateRun>(1000, "tags", pair, &json!({"experiment_id": "0"}));
    counts::<CreateLoggedModel>(1000, "tags", pair, &json!({"experiment_id": "0"}));
    counts::<CreateLoggedModel>(1000, "params", pair, &json!({"experiment_id": "0"}));
    counts::<LogModelParams>(1000, "params", pair, &json!({"model_id": "m"}));
    counts::<SetModelTags>(1000, "tags", pair, &json!({}));
    counts::<LogInputs>(1000, "models", model, &json!({"run_id": "r"}));
    counts::<LogOutputs>(1000, "models", model, &json!({"run_id": "r"}));
    let of = json!({"experiment_ids": ["0"]});
    counts::<SearchLoggedModels>(20, "datasets", |_| json!({"dataset_name": "d"}), &of);
    let with = json!({"datasets": [{"dataset_name": "d"}]});
    counts::<SearchLoggedModels>(1000, "experiment_ids", |at| json!(at.to_string()), &with);
    let input = |tags: usize| {
        let tags: Vec<_> = (0..tags).map(pair).collect();
        let body = json!({"run_id": "r", "datasets": [
            {"tags": tags, "dataset": {"name": "d", "digest": "1", "source": "s"}}
        ]});
        Params::from_body(body.to_string().as_bytes()).read::<LogInputs>(Rules::default())
    };
    assert!(input(100).is_ok() && input(101).is_err());
}

#[test]
fn what_is_wrong_in_a_batch_is_named_by_its_place() {
    let refused = |body: &Value| {
        let body = body.to_string();
        let read = Params::from_body(body.as_bytes()).read::<LogBatch>(Rules::default());
        read.err().unwrap().message
    };
    let good = json!({"key": "a", "value": "1"});
    let bad = json!({"key": "a#", "value": "1"});
    let text = refused(&json!({"run_id": "r", "params": [good, bad]}));
    assert!(text.contains("'params[1].key'"), "{text}");
    let text = refused(&json!({"run_id": "r", "tags": [good, bad]}));
    assert!(text.contains("'tags[1].key'"), "{text}");
    let text = refused(&json!({"run_id": "r", "tags": [{"key": "a", "value": "\u{0}"}]}));
    assert!(text.contains("'tags[0].value'"), "{text}");
}
