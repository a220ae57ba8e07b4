//! Runs: creation, updates, names, life cycle.

use modelyard_protocol::ErrorCode;
use modelyard_store::{
    Batch, DatasetInput, Lifecycle, ModelOutput, NewRun, RunInputs, RunStatus, RunUpdate, Store,
};

use crate::harness::*;

on_both_engines!(
    what_is_created_is_read_back,
    experiments_that_are_not_in_use_take_no_runs,
    only_what_is_given_is_updated,
    a_status_may_change_in_any_direction,
    the_name_and_its_tag_follow_each_other,
    deleting_and_restoring_are_idempotent,
    a_deleted_run_refuses_every_write,
    an_unknown_run_refuses_everything,
    times_are_kept_to_the_limits,
);

async fn what_is_created_is_read_back(store: Store) {
    let id = experiment(&store, "e").await;
    let new = NewRun {
        tags: pairs(&[("z", "1"), ("mlflow.runName", "first"), ("a", "")]),
        ..new_run(id, "first", 1_234)
    };
    let created = store.create_run(new).await.unwrap();
    let info = &created.info;
    assert_eq!(info.run_id.len(), 32);
    assert!(info.run_id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    assert_eq!((info.experiment_id, info.name.as_str()), (id, "first"));
    assert_eq!((info.user_id.as_str(), info.start_ms, info.end_ms), ("tester", 1_234, None));
    assert_eq!((info.status, info.lifecycle), (RunStatus::Running, Lifecycle::Active));
    assert_eq!(info.artifact_uri, format!("mlflow-artifacts:/{id}/{}/artifacts", info.run_id));

    let found = read(&store, &info.run_id).await;
    assert_eq!(found.info, created.info);
    assert_eq!(store.run_info(info.run_id.clone()).await.unwrap(), created.info);
    assert_eq!(shown(&found.tags), [("a", ""), ("mlflow.runName", "first"), ("z", "1")]);
    assert_eq!((found.metrics.len(), found.params.len(), found.datasets.len()), (0, 0, 0));
    assert_eq!((found.model_inputs.len(), found.model_outputs.len()), (0, 0));
}

async fn experiments_that_are_not_in_use_take_no_runs(store: Store) {
    let (code, message) = refused(store.create_run(new_run(77, "r", 0)).await);
    assert_eq!(code, ErrorCode::ResourceDoesNotExist);
    assert_eq!(message, "No Experiment with id=77 exists");
    let id = experiment(&store, "e").await;
    store.delete_experiment(id).await.unwrap();
    let (code, message) = refused(store.create_run(new_run(id, "r", 0)).await);
    assert_eq!(code, ErrorCode::InvalidParameterValue);
    let expected =
        format!("The experiment {id} must be in the 'active' state. Current state is deleted.");
    assert_eq!(message, expected);
}

async fn only_what_is_given_is_updated(store: Store) {
    let id = run(&store).await;
    let before = store.run_info(id.clone()).await.unwrap();
    let update = async |update: RunUpdate| {
        let answered = store.update_run(id.clone(), update).await.unwrap();
        assert_eq!(answered, store.run_info(id.clone()).await.unwrap(), "answer and row differ");
        answered
    };
    assert_eq!(update(RunUpdate::default()).await, before);
    let ended = update(RunUpdate { end_ms: Some(9), ..RunUpdate::default() }).await;
    assert_eq!((ended.end_ms, ended.status), (Some(9), RunStatus::Running));
    let status = Some(RunStatus::Finished);
    let finished = update(RunUpdate { status, ..RunUpdate::default() }).await;
    assert_eq!((finished.end_ms, finished.status), (Some(9), RunStatus::Finished));
    assert_eq!((finished.name, finished.start_ms), (before.name, before.start_ms));
}

async fn a_status_may_change_in_any_direction(store: Store) {
    let id = run(&store).await;
    for from in RunStatus::ALL {
        for to in RunStatus::ALL {
            for status in [*from, *to] {
                let update = RunUpdate { status: Some(status), ..RunUpdate::default() };
                store.update_run(id.clone(), update).await.unwrap();
                assert_eq!(read(&store, &id).await.info.status, status);
            }
        }
    }
}

async fn the_name_and_its_tag_follow_each_other(store: Store) {
    let name = "mlflow.runName";
    let id = run(&store).await;
    let both = async || {
        let run = read(&store, &id).await;
        let tag = run.tags.into_iter().find(|tag| tag.key == name).map(|tag| tag.value);
        (run.info.name, tag)
    };
    let same = |text: &str| (text.to_owned(), Some(text.to_owned()));
    assert_eq!(both().await, same("run"));
    let update = RunUpdate { name: Some("updated".to_owned()), ..RunUpdate::default() };
    store.update_run(id.clone(), update).await.unwrap();
    assert_eq!(both().await, same("updated"));
    store.set_tag(id.clone(), pair(name, "tagged")).await.unwrap();
    assert_eq!(both().await, same("tagged"));
    log(&store, &id, &[], &[], &[(name, "lost"), ("a", "1"), (name, "batched")]).await.unwrap();
    assert_eq!(both().await, same("batched"));
    // A run without the tag keeps its name, as in MLflow.
    store.delete_tag(id.clone(), name.to_owned()).await.unwrap();
    assert_eq!(both().await, ("batched".to_owned(), None));
}

async fn deleting_and_restoring_are_idempotent(store: Store) {
    let id = run(&store).await;
    store.restore_run(id.clone()).await.unwrap();
    for _ in 0..2 {
        store.delete_run(id.clone()).await.unwrap();
        assert_eq!(read(&store, &id).await.info.lifecycle, Lifecycle::Deleted);
    }
    for _ in 0..2 {
        store.restore_run(id.clone()).await.unwrap();
        assert_eq!(read(&store, &id).await.info.lifecycle, Lifecycle::Active);
    }
}

/// Everything that writes to a run, and what the client is told of each.
async fn write_all(store: &Store, id: &str) -> Vec<(&'static str, ErrorCode, String)> {
    let id = || id.to_owned();
    let inputs = RunInputs {
        datasets: vec![DatasetInput {
            dataset: crate::datasets::dataset("d", "1"),
            tags: Vec::new(),
        }],
        models: vec!["m-1".to_owned()],
    };
    let outputs = vec![ModelOutput { model_id: "m-1".to_owned(), step: 0 }];
    let finish = RunUpdate { status: Some(RunStatus::Finished), ..RunUpdate::default() };
    let item = serde_json::json!({"a": 1});
    let outcomes = [
        ("log_metric", store.log_metric(id(), point("m", 1.0, 0, 0)).await),
        ("log_param", store.log_param(id(), pair("p", "1")).await),
        ("set_tag", store.set_tag(id(), pair("t", "1")).await),
        ("delete_tag", store.delete_tag(id(), "t".to_owned()).await),
        ("append_to_tag", store.append_to_tag(id(), "l".to_owned(), item).await),
        ("log_batch", log(store, &id(), &[("p", "1")], &[point("m", 1.0, 0, 0)], &[]).await),
        ("an empty log_batch", store.log_batch(id(), Batch::default()).await),
        ("update_run", store.update_run(id(), finish).await.map(|_| ())),
        ("log_inputs", store.log_inputs(id(), inputs).await),
        ("log_outputs", store.log_outputs(id(), outputs).await),
    ];
    outcomes
        .into_iter()
        .map(|(what, outcome)| {
            let (code, message) = refused(outcome);
            (what, code, message)
        })
        .collect()
}

async fn a_deleted_run_refuses_every_write(store: Store) {
    let id = run(&store).await;
    store.set_tag(id.clone(), pair("t", "0")).await.unwrap();
    store.delete_run(id.clone()).await.unwrap();
    let before = read(&store, &id).await;
    for (what, code, message) in write_all(&store, &id).await {
        assert_eq!(code, ErrorCode::InvalidParameterValue, "{what}");
        let expected =
            format!("The run {id} must be in the 'active' state. Current state is deleted.");
        assert_eq!(message, expected, "{what}");
    }
    assert_eq!(read(&store, &id).await, before);
}

async fn an_unknown_run_refuses_everything(store: Store) {
    for id in ["", "nobody", "'; DROP TABLE run; --", "00000000000000000000000000000000"] {
        let told = (ErrorCode::ResourceDoesNotExist, format!("Run with id={id} not found"));
        for (what, code, message) in write_all(&store, id).await {
            assert_eq!((code, message), told, "{what}");
        }
        assert_eq!(refused(store.run(id.to_owned()).await), told);
        assert_eq!(refused(store.run_info(id.to_owned()).await), told);
        assert_eq!(refused(store.delete_run(id.to_owned()).await), told);
        assert_eq!(refused(store.restore_run(id.to_owned()).await), told);
    }
}

async fn times_are_kept_to_the_limits(store: Store) {
    for ms in [i64::MIN, -1, 0, 1, i64::MAX] {
        let id = store.create_run(new_run(DEFAULT, "r", ms)).await.unwrap().info.run_id;
        let update = RunUpdate { end_ms: Some(ms), ..RunUpdate::default() };
        store.update_run(id.clone(), update).await.unwrap();
        let info = read(&store, &id).await.info;
        assert_eq!((info.start_ms, info.end_ms), (ms, Some(ms)));
    }
}
