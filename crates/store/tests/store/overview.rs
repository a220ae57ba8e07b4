//! What the user interface asks beyond MLflow's API, and what it is told of changes.

use modelyard_store::{
    Change, ChangeKind, Columns, ExperimentOverview, ModelOutput, RunInputs, RunUpdate, Store,
};

use crate::harness::*;
use crate::logged_models::{linked, new_model};

on_both_engines!(
    columns_are_the_keys_of_runs_in_use,
    overviews_count_runs_in_use,
    changes_are_told_after_the_commit,
);

async fn columns_are_the_keys_of_runs_in_use(store: Store) {
    let e = experiment(&store, "e").await;
    assert_eq!(store.experiment_columns(e).await.unwrap(), Columns::default());
    let kept = run_in(&store, e, "kept").await;
    let metrics = [point("loss", 1.0, 0, 0), point("acc", 1.0, 0, 0)];
    log(&store, &kept, &[("b", "1"), ("a", "1")], &metrics, &[("t", "1")]).await.unwrap();
    let gone = run_in(&store, e, "gone").await;
    log(&store, &gone, &[("x", "1")], &[point("y", 1.0, 0, 0)], &[("z", "1")]).await.unwrap();
    store.delete_run(gone).await.unwrap();
    let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let columns = store.experiment_columns(e).await.unwrap();
    assert_eq!(columns.metrics, texts(&["acc", "loss"]));
    assert_eq!(columns.params, texts(&["a", "b"]));
    assert_eq!(columns.tags, texts(&["mlflow.runName", "t"]));
}

async fn overviews_count_runs_in_use(store: Store) {
    let e = experiment(&store, "e").await;
    for start_ms in [5, 9, 7] {
        store.create_run(new_run(e, "r", start_ms)).await.unwrap();
    }
    let gone = store.create_run(new_run(e, "r", 99)).await.unwrap().info.run_id;
    store.delete_run(gone).await.unwrap();
    let found = store.experiment_overviews(vec![DEFAULT, e, 77]).await.unwrap();
    let empty = ExperimentOverview::default();
    assert_eq!(found, [empty, ExperimentOverview { runs: 3, last_start_ms: Some(9) }, empty]);
}

async fn changes_are_told_after_the_commit(store: Store) {
    let mut told = store.changes();
    let mut next = |expected: &[(Option<&str>, ChangeKind)]| {
        for (run_id, kind) in expected {
            let run_id = run_id.map(ToOwned::to_owned);
            let change = Change { experiment_id: DEFAULT, run_id, kind: *kind };
            assert_eq!(told.try_recv(), Ok(change));
        }
        assert!(told.try_recv().is_err(), "nothing else was changed");
    };
    store.set_experiment_tag(DEFAULT, pair("a", "1")).await.unwrap();
    next(&[(None, ChangeKind::Experiment)]);
    let id = run(&store).await;
    let run = Some(id.as_str());
    next(&[(run, ChangeKind::Run)]);
    store.log_metric(id.clone(), point("m", 1.0, 0, 0)).await.unwrap();
    next(&[(run, ChangeKind::Metrics)]);
    store.log_param(id.clone(), pair("p", "1")).await.unwrap();
    next(&[(run, ChangeKind::Params)]);
    store.set_tag(id.clone(), pair("t", "1")).await.unwrap();
    next(&[(run, ChangeKind::Tags)]);
    store.set_tag(id.clone(), pair("mlflow.runName", "renamed")).await.unwrap();
    next(&[(run, ChangeKind::Tags), (run, ChangeKind::Run)]);
    store.update_run(id.clone(), RunUpdate::default()).await.unwrap();
    next(&[(run, ChangeKind::Run)]);
    store.log_inputs(id.clone(), RunInputs::default()).await.unwrap();
    next(&[(run, ChangeKind::Run)]);
    let made = vec![ModelOutput { model_id: "m-1".to_owned(), step: 0 }];
    store.log_outputs(id.clone(), made).await.unwrap();
    next(&[(run, ChangeKind::Models)]);
    let model = store.create_logged_model(new_model(DEFAULT, "m")).await.unwrap().model_id;
    next(&[(None, ChangeKind::Models)]);
    let points = [linked(point("m", 1.0, 1, 0), &model, ("", ""))];
    log(&store, &id, &[("q", "1")], &points, &[("mlflow.runName", "again")]).await.unwrap();
    let all = [
        ChangeKind::Metrics,
        ChangeKind::Models,
        ChangeKind::Params,
        ChangeKind::Tags,
        ChangeKind::Run,
    ];
    next(&all.map(|kind| (run, kind)));
    log(&store, &id, &[("q", "1")], &[], &[]).await.unwrap();
    next(&[(run, ChangeKind::Params)]);
    // What was refused changed nothing.
    store.log_param(id.clone(), pair("p", "2")).await.unwrap_err();
    next(&[]);
    store.delete_run(id.clone()).await.unwrap();
    next(&[(run, ChangeKind::Run)]);
}
