//! Logged models: life cycle, tags, params, metrics.

use modelyard_protocol::ErrorCode;
use modelyard_store::{
    Lifecycle, LoggedModel, LoggedModelStatus, MetricPoint, ModelLink, ModelMetric, NewLoggedModel,
    Store,
};

use crate::harness::*;

on_both_engines!(
    what_is_created_is_read_back,
    experiments_that_are_not_in_use_take_no_models,
    finalizing_sets_the_status,
    deleting_is_idempotent_and_hides,
    tags_are_set_replaced_and_removed,
    params_never_change,
    every_point_of_a_metric_is_kept,
    a_point_sent_again_changes_nothing,
    what_does_not_exist_is_said_to_be_missing,
    deleting_the_run_or_the_experiment_keeps_the_model,
);

pub(crate) fn new_model(experiment_id: i64, name: &str) -> NewLoggedModel {
    NewLoggedModel {
        experiment_id,
        name: name.to_owned(),
        model_type: String::new(),
        source_run_id: String::new(),
        params: Vec::new(),
        tags: Vec::new(),
    }
}

pub(crate) async fn model(store: &Store, name: &str) -> String {
    store.create_logged_model(new_model(DEFAULT, name)).await.unwrap().model_id
}

async fn read_model(store: &Store, id: &str) -> LoggedModel {
    store.logged_model(id.to_owned(), false).await.unwrap()
}

/// A point that also belongs to a logged model, measured on a dataset (name, digest).
pub(crate) fn linked(point: MetricPoint, model: &str, dataset: (&str, &str)) -> MetricPoint {
    let link = ModelLink {
        model_id: model.to_owned(),
        dataset_name: dataset.0.to_owned(),
        dataset_digest: dataset.1.to_owned(),
    };
    MetricPoint { model: Some(link), ..point }
}

async fn what_is_created_is_read_back(store: Store) {
    let run_id = run(&store).await;
    let new = NewLoggedModel {
        model_type: "agent".to_owned(),
        source_run_id: run_id.clone(),
        params: pairs(&[("b", "1"), ("a", "")]),
        tags: pairs(&[("t", "1"), ("t", "2")]),
        ..new_model(DEFAULT, "forest")
    };
    let created = store.create_logged_model(new).await.unwrap();
    assert_eq!(created.model_id.len(), 34);
    assert!(created.model_id.starts_with("m-"));
    assert_eq!((created.name.as_str(), created.model_type.as_str()), ("forest", "agent"));
    assert_eq!((created.experiment_id, &created.source_run_id), (DEFAULT, &run_id));
    assert_eq!(created.status, LoggedModelStatus::Pending);
    assert_eq!(created.lifecycle, Lifecycle::Active);
    let uri = format!("mlflow-artifacts:/0/models/{}/artifacts", created.model_id);
    assert_eq!(created.artifact_uri, uri);
    assert_eq!(shown(&created.params), [("a", ""), ("b", "1")]);
    assert_eq!(shown(&created.tags), [("t", "2")]);
    assert_eq!(created.updated_ms, created.created_ms);
    assert_eq!(read_model(&store, &created.model_id).await, created);
    let namesake = model(&store, "forest").await;
    assert_ne!(namesake, created.model_id, "names are not unique");
}

async fn experiments_that_are_not_in_use_take_no_models(store: Store) {
    let create = |experiment| store.create_logged_model(new_model(experiment, "m"));
    assert_eq!(code(create(77).await), ErrorCode::ResourceDoesNotExist);
    let id = experiment(&store, "e").await;
    store.delete_experiment(id).await.unwrap();
    assert_eq!(code(create(id).await), ErrorCode::InvalidParameterValue);
}

async fn finalizing_sets_the_status(store: Store) {
    let id = model(&store, "m").await;
    let mut last_ms = read_model(&store, &id).await.updated_ms;
    for status in [LoggedModelStatus::Ready, LoggedModelStatus::UploadFailed] {
        let answer = store.finalize_logged_model(id.clone(), status).await.unwrap();
        assert_eq!(answer.status, status);
        assert!(answer.updated_ms > last_ms);
        assert_eq!(read_model(&store, &id).await, answer);
        last_ms = answer.updated_ms;
    }
}

async fn deleting_is_idempotent_and_hides(store: Store) {
    let id = model(&store, "m").await;
    store.delete_logged_model(id.clone()).await.unwrap();
    store.delete_logged_model(id.clone()).await.unwrap();
    let (code, message) = refused(store.logged_model(id.clone(), false).await);
    assert_eq!(code, ErrorCode::ResourceDoesNotExist);
    assert_eq!(message, format!("Logged model with ID '{id}' not found."));
    let found = store.logged_model(id.clone(), true).await.unwrap();
    assert_eq!(found.lifecycle, Lifecycle::Deleted);
    let ready = store.finalize_logged_model(id.clone(), LoggedModelStatus::Ready).await;
    assert_eq!(refused(ready), (code, message.clone()));
    let tagged = store.set_logged_model_tags(id.clone(), pairs(&[("a", "1")])).await;
    assert_eq!(refused(tagged), (code, message.clone()));
    let params = store.log_logged_model_params(id.clone(), pairs(&[("a", "1")])).await;
    assert_eq!(refused(params), (code, message.clone()));
    let untagged = store.delete_logged_model_tag(id.clone(), "a".to_owned()).await;
    assert_eq!(refused(untagged), (code, message));
    assert_eq!(store.logged_model(id, true).await.unwrap(), found);
}

async fn tags_are_set_replaced_and_removed(store: Store) {
    let id = model(&store, "m").await;
    let set = |list: &[(&str, &str)]| store.set_logged_model_tags(id.clone(), pairs(list));
    set(&[("a", "1"), ("b", "1")]).await.unwrap();
    set(&[("b", "2"), ("b", "3"), ("c", "")]).await.unwrap();
    let tags = read_model(&store, &id).await.tags;
    assert_eq!(shown(&tags), [("a", "1"), ("b", "3"), ("c", "")]);
    store.delete_logged_model_tag(id.clone(), "a".to_owned()).await.unwrap();
    let tags = read_model(&store, &id).await.tags;
    assert_eq!(shown(&tags), [("b", "3"), ("c", "")]);
    let (code, message) = refused(store.delete_logged_model_tag(id.clone(), "a".to_owned()).await);
    assert_eq!(code, ErrorCode::ResourceDoesNotExist);
    assert_eq!(message, format!("No tag with key 'a' found for model with ID '{id}'."));
}

async fn params_never_change(store: Store) {
    let id = model(&store, "m").await;
    let add = |list: &[(&str, &str)]| store.log_logged_model_params(id.clone(), pairs(list));
    add(&[("a", "1")]).await.unwrap();
    add(&[("a", "1"), ("b", "2")]).await.unwrap();
    assert_eq!(code(add(&[("c", "3"), ("a", "2")]).await), ErrorCode::BadRequest);
    let params = read_model(&store, &id).await.params;
    assert_eq!(shown(&params), [("a", "1"), ("b", "2")], "a refused request leaves nothing");
}

async fn every_point_of_a_metric_is_kept(store: Store) {
    let (id, one, other) = (model(&store, "m").await, run(&store).await, run(&store).await);
    let data = ("train", "1");
    let log = async |run: &str, point| store.log_metric(run.to_owned(), point).await.unwrap();
    log(&one, linked(point("acc", 0.1, 0, 10), &id, data)).await;
    log(&one, linked(point("acc", 0.2, 1, 10), &id, data)).await;
    log(&one, linked(point("acc", 0.3, 0, 9), &id, data)).await;
    log(&one, linked(point("acc", 0.4, 0, 8), &id, ("", ""))).await;
    log(&other, linked(point("acc", f64::NAN, 0, 7), &id, data)).await;
    log(&other, linked(point("loss", f64::INFINITY, 0, 7), &id, ("train", "2"))).await;
    log(&other, point("acc", 9.0, 0, 7)).await;
    let mut found: Vec<_> = read_model(&store, &id).await.metrics;
    found.sort_by(|a, b| (&a.key, a.ms).cmp(&(&b.key, b.ms)));
    let metric = |key: &str, value, step, ms, run: &str, dataset: (&str, &str)| ModelMetric {
        key: key.to_owned(),
        value,
        ms,
        step,
        run_id: run.to_owned(),
        dataset_name: dataset.0.to_owned(),
        dataset_digest: dataset.1.to_owned(),
    };
    let expected = [
        metric("acc", f64::NAN, 0, 7, &other, data),
        metric("acc", 0.4, 0, 8, &one, ("", "")),
        metric("acc", 0.3, 0, 9, &one, data),
        metric("acc", 0.1, 0, 10, &one, data),
        metric("acc", 0.2, 1, 10, &one, data),
        metric("loss", f64::INFINITY, 0, 7, &other, ("train", "2")),
    ];
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    // The points belong to their runs as well.
    assert_eq!(read(&store, &one).await.metrics[0].value, 0.2);
}

async fn a_point_sent_again_changes_nothing(store: Store) {
    let (id, run) = (model(&store, "m").await, run(&store).await);
    let measured = linked(point("acc", 0.5, 3, 4), &id, ("d", "1"));
    store.log_metric(run.clone(), measured.clone()).await.unwrap();
    let before = read_model(&store, &id).await;
    assert_eq!(before.metrics.len(), 1);
    store.log_metric(run.clone(), measured.clone()).await.unwrap();
    log(&store, &run, &[], &[measured.clone(), measured], &[]).await.unwrap();
    assert_eq!(read_model(&store, &id).await, before);
}

async fn what_does_not_exist_is_said_to_be_missing(store: Store) {
    let id = || "m-nobody".to_owned();
    let told =
        (ErrorCode::ResourceDoesNotExist, "Logged model with ID 'm-nobody' not found.".to_owned());
    assert_eq!(refused(store.logged_model(id(), true).await), told);
    let ready = store.finalize_logged_model(id(), LoggedModelStatus::Ready).await;
    assert_eq!(refused(ready), told);
    assert_eq!(refused(store.delete_logged_model(id()).await), told);
    assert_eq!(refused(store.set_logged_model_tags(id(), pairs(&[("a", "1")])).await), told);
    assert_eq!(refused(store.delete_logged_model_tag(id(), "a".to_owned()).await), told);
    assert_eq!(refused(store.log_logged_model_params(id(), pairs(&[("a", "1")])).await), told);
    let unknown = linked(point("m", 1.0, 0, 0), "m-nobody", ("", ""));
    assert_eq!(code(store.log_metric(run(&store).await, unknown).await), ErrorCode::BadRequest);
}

async fn deleting_the_run_or_the_experiment_keeps_the_model(store: Store) {
    let e = experiment(&store, "e").await;
    let source_run_id = run_in(&store, e, "r").await;
    let new = NewLoggedModel { source_run_id: source_run_id.clone(), ..new_model(e, "m") };
    let id = store.create_logged_model(new).await.unwrap().model_id;
    store.delete_run(source_run_id).await.unwrap();
    store.delete_experiment(e).await.unwrap();
    assert_eq!(read_model(&store, &id).await.lifecycle, Lifecycle::Active);
}
