//! Batches: all of one or nothing.

use modelyard_protocol::ErrorCode;
use modelyard_store::{Batch, MetricPoint, ModelLink, Store};

use crate::harness::*;

on_both_engines!(
    a_batch_logs_everything,
    a_clash_leaves_nothing_behind,
    an_unknown_model_leaves_nothing_behind,
    an_empty_batch_changes_nothing,
    a_batch_sent_again_changes_nothing,
);

async fn a_batch_logs_everything(store: Store) {
    let id = run(&store).await;
    let metrics = [point("loss", 0.5, 0, 10), point("loss", 0.25, 1, 20), point("acc", 1.0, 0, 10)];
    log(&store, &id, &[("lr", "0.1")], &metrics, &[("stage", "dev")]).await.unwrap();
    let run = read(&store, &id).await;
    assert_eq!(shown(&run.params), [("lr", "0.1")]);
    assert!(shown(&run.tags).contains(&("stage", "dev")));
    assert_eq!(run.metrics, [metrics[2].clone(), metrics[1].clone()]);
}

/// Asserts that a refused batch with every kind of data left no trace.
async fn leaves_nothing(store: &Store, metrics: Vec<MetricPoint>, expected: ErrorCode) {
    let id = run(store).await;
    store.log_param(id.clone(), pair("old", "1")).await.unwrap();
    let before = read(store, &id).await;
    let batch = Batch {
        metrics,
        params: pairs(&[("new", "1"), ("old", "2")]),
        tags: pairs(&[("t", "1"), ("mlflow.runName", "renamed")]),
    };
    assert_eq!(code(store.log_batch(id.clone(), batch).await), expected);
    assert_eq!(read(store, &id).await, before);
    let history = store.metric_history(id, "m".to_owned(), None, 10).await.unwrap();
    assert_eq!(history.points, []);
}

async fn a_clash_leaves_nothing_behind(store: Store) {
    let metrics = vec![point("m", 1.0, 0, 0)];
    leaves_nothing(&store, metrics, ErrorCode::InvalidParameterValue).await;
    // The name of the metric, new in the refused batch, serves the next one.
    let id = run(&store).await;
    store.log_metric(id.clone(), point("m", 2.0, 0, 0)).await.unwrap();
    assert_eq!(read(&store, &id).await.metrics, [point("m", 2.0, 0, 0)]);
}

async fn an_unknown_model_leaves_nothing_behind(store: Store) {
    let model = ModelLink {
        model_id: "m-nobody".to_owned(),
        dataset_name: String::new(),
        dataset_digest: String::new(),
    };
    let linked = MetricPoint { model: Some(model), ..point("m", 1.0, 0, 0) };
    let id = run(&store).await;
    let before = read(&store, &id).await;
    let batch = Batch {
        metrics: vec![point("m", 3.0, 0, 0), linked],
        params: pairs(&[("p", "1")]),
        tags: pairs(&[("t", "1")]),
    };
    let (code, message) = refused(store.log_batch(id.clone(), batch).await);
    assert_eq!(code, ErrorCode::BadRequest);
    assert_eq!(message, "Logged model with ID 'm-nobody' not found; create it first.");
    assert_eq!(read(&store, &id).await, before);
}

async fn an_empty_batch_changes_nothing(store: Store) {
    let id = run(&store).await;
    let before = read(&store, &id).await;
    store.log_batch(id.clone(), Batch::default()).await.unwrap();
    assert_eq!(read(&store, &id).await, before);
}

async fn a_batch_sent_again_changes_nothing(store: Store) {
    let id = run(&store).await;
    let metrics: Vec<_> = (0..50).map(|n| point("m", f64::from(n), n.into(), 7)).collect();
    let send = async || log(&store, &id, &[("p", "1")], &metrics, &[("t", "1")]).await.unwrap();
    send().await;
    let (before, summary) = (read(&store, &id).await, store.run_metrics(id.clone()).await.unwrap());
    send().await;
    assert_eq!(read(&store, &id).await, before);
    assert_eq!(store.run_metrics(id.clone()).await.unwrap(), summary);
    assert_eq!(summary[0].points, 50);
}
