//! What was deleted: lists, restoring, removal for good.

use modelyard_protocol::ErrorCode;
use modelyard_protocol::names::{PURGE_TAG, RETENTION_TAG};
use modelyard_store::{
    Dataset, DatasetInput, KeyValue, MetricPoint, ModelOutput, NewLoggedModel, RunInputs, Store,
    TrashItem, TrashKind, TrashQuery, TrashScope,
};

use crate::harness::*;
use crate::logged_models::{linked, model, new_model};

on_both_engines!(
    the_latest_deletion_comes_first_and_pages_are_one_list,
    lists_keep_to_their_scope,
    a_logged_model_comes_back,
    what_is_in_use_is_not_removed,
    a_run_goes_with_all_its_rows,
    points_go_in_portions_even_if_all_have_one_time,
    what_is_being_removed_is_not_restored,
    an_experiment_goes_when_it_is_empty_and_its_name_is_free,
    a_run_in_use_keeps_its_deleted_experiment,
    what_is_gone_is_gone,
);

async fn list(store: &Store, kind: TrashKind, scope: TrashScope) -> Vec<TrashItem> {
    let query = TrashQuery { kind, scope, limit: 1_000, after: None };
    store.trash(query).await.unwrap().rows
}

fn ids(items: &[TrashItem]) -> Vec<&str> {
    items.iter().map(|item| item.id.as_str()).collect()
}

async fn remove(store: &Store, kind: TrashKind, id: &str) -> u32 {
    let item = store.begin_purge(kind, id.to_owned()).await.unwrap();
    let mut portions = 1;
    while store.purge_portion(item.clone()).await.unwrap() {
        portions += 1;
    }
    portions
}

async fn the_latest_deletion_comes_first_and_pages_are_one_list(store: Store) {
    let mut deleted = Vec::new();
    for number in 0..7 {
        let run_id = run_in(&store, DEFAULT, &format!("r{number}")).await;
        store.delete_run(run_id.clone()).await.unwrap();
        deleted.insert(0, run_id);
    }
    run(&store).await;
    let all = list(&store, TrashKind::Run, TrashScope::InActive).await;
    assert_eq!(ids(&all), deleted);
    assert_eq!((all[0].name.as_str(), all[0].experiment_name.as_str()), ("r6", "Default"));
    assert!(all[0].deleted_ms > all[1].deleted_ms && !all[0].purging);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (kind, scope) = (TrashKind::Run, TrashScope::InActive);
        let page = store.trash(TrashQuery { kind, scope, limit: 3, after }).await.unwrap();
        found.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, all);
}

async fn lists_keep_to_their_scope(store: Store) {
    let gone = experiment(&store, "gone").await;
    let tag = KeyValue { key: RETENTION_TAG.to_owned(), value: "30d".to_owned() };
    store.set_experiment_tag(gone, tag).await.unwrap();
    let with_it = run_in(&store, gone, "with it").await;
    let alone = run(&store).await;
    let new = NewLoggedModel { experiment_id: gone, ..new_model(gone, "m") };
    let its_model = store.create_logged_model(new).await.unwrap().model_id;
    let other_model = model(&store, "other").await;
    store.delete_run(alone.clone()).await.unwrap();
    store.delete_logged_model(other_model.clone()).await.unwrap();
    store.delete_experiment(gone).await.unwrap();

    let experiments = list(&store, TrashKind::Experiment, TrashScope::Everywhere).await;
    assert_eq!(ids(&experiments), [gone.to_string()]);
    assert_eq!((experiments[0].runs, experiments[0].models), (1, 1));
    assert_eq!(experiments[0].retention.as_deref(), Some("30d"));
    for (kind, deleted, its_own) in
        [(TrashKind::Run, &alone, &with_it), (TrashKind::LoggedModel, &other_model, &its_model)]
    {
        assert_eq!(ids(&list(&store, kind, TrashScope::InActive).await), [deleted.as_str()]);
        assert_eq!(ids(&list(&store, kind, TrashScope::In(gone)).await), [its_own.as_str()]);
        assert_eq!(list(&store, kind, TrashScope::Everywhere).await.len(), 2);
    }
}

async fn a_logged_model_comes_back(store: Store) {
    let id = model(&store, "m").await;
    store.delete_logged_model(id.clone()).await.unwrap();
    assert_eq!(code(store.logged_model(id.clone(), false).await), ErrorCode::ResourceDoesNotExist);
    store.restore_logged_model(id.clone()).await.unwrap();
    store.restore_logged_model(id.clone()).await.unwrap();
    store.logged_model(id, false).await.unwrap();
    assert!(list(&store, TrashKind::LoggedModel, TrashScope::Everywhere).await.is_empty());
    let missing = store.restore_logged_model("m-none".to_owned()).await;
    assert_eq!(code(missing), ErrorCode::ResourceDoesNotExist);
}

async fn what_is_in_use_is_not_removed(store: Store) {
    let (run_id, model_id) = (run(&store).await, model(&store, "m").await);
    for (kind, id) in [
        (TrashKind::Run, run_id.clone()),
        (TrashKind::LoggedModel, model_id),
        (TrashKind::Experiment, "0".to_owned()),
    ] {
        let item = store.trash_item(kind, id.clone()).await.unwrap();
        assert_eq!(code(store.begin_purge(kind, id).await), ErrorCode::InvalidParameterValue);
        // Not without the mark either, however one came by the item.
        assert_eq!(code(store.purge_portion(item).await), ErrorCode::InvalidParameterValue);
    }
    assert_eq!(read(&store, &run_id).await.info.run_id, run_id);
    for id in ["x", "-1", "99999999999999999999"] {
        refused(store.begin_purge(TrashKind::Experiment, id.to_owned()).await);
    }
}

async fn a_run_goes_with_all_its_rows(store: Store) {
    let (run_id, stays) = (run(&store).await, run(&store).await);
    let model_id = model(&store, "m").await;
    let dataset = Dataset {
        name: "d".to_owned(),
        digest: "1".to_owned(),
        source_type: "s".to_owned(),
        source: "{}".to_owned(),
        schema: None,
        profile: None,
    };
    for id in [&run_id, &stays] {
        let points = [point("a", 1.0, 0, 1), point("a", 2.0, 1, 2)];
        log(&store, id, &[("p", "1")], &points, &[("t", "1")]).await.unwrap();
        let own = linked(point("b", 1.0, 0, 1), &model_id, ("d", "1"));
        log(&store, id, &[], &[own], &[]).await.unwrap();
        let input = DatasetInput { dataset: dataset.clone(), tags: pairs(&[("c", "x")]) };
        store
            .log_inputs(id.clone(), RunInputs { datasets: vec![input], models: Vec::new() })
            .await
            .unwrap();
        let output = ModelOutput { model_id: model_id.clone(), step: 0 };
        store.log_outputs(id.clone(), vec![output]).await.unwrap();
    }
    let before = read(&store, &stays).await;
    store.delete_run(run_id.clone()).await.unwrap();
    remove(&store, TrashKind::Run, &run_id).await;
    assert_eq!(code(store.run(run_id.clone()).await), ErrorCode::ResourceDoesNotExist);
    assert_eq!(read(&store, &stays).await, before);
    // On SQLite the next run takes the number of the last one: nothing may be left under it.
    let next = read(&store, &run(&store).await).await;
    assert!(next.metrics.is_empty() && next.params.is_empty() && next.datasets.is_empty());
    assert_eq!(next.tags.len(), 1);
    // The model's own points tell of a run that is no more, as in MLflow.
    assert_eq!(store.logged_model(model_id, false).await.unwrap().metrics.len(), 2);
}

async fn points_go_in_portions_even_if_all_have_one_time(store: Store) {
    let run_id = run(&store).await;
    let model_id = model(&store, "m").await;
    let steps = |from: i64, ms: fn(i64) -> i64| -> Vec<MetricPoint> {
        let points = (from..from + 500).map(|step| point("a", 0.5, step, ms(step)));
        points.map(|it| linked(it, &model_id, ("", ""))).collect()
    };
    for from in (0..30_000).step_by(500) {
        log(&store, &run_id, &[], &steps(from, |step| step), &[]).await.unwrap();
    }
    for from in (30_000..60_000).step_by(500) {
        log(&store, &run_id, &[], &steps(from, |_| 100_000), &[]).await.unwrap();
    }
    store.delete_run(run_id.clone()).await.unwrap();
    assert!(remove(&store, TrashKind::Run, &run_id).await > 2);
    store.delete_logged_model(model_id.clone()).await.unwrap();
    assert!(remove(&store, TrashKind::LoggedModel, &model_id).await > 2);
    let gone = store.logged_model(model_id, true).await;
    assert_eq!(code(gone), ErrorCode::ResourceDoesNotExist);
}

async fn what_is_being_removed_is_not_restored(store: Store) {
    let gone = experiment(&store, "gone").await;
    let (run_id, other) = (run_in(&store, gone, "r").await, run_in(&store, gone, "o").await);
    let new = new_model(gone, "m");
    let model_id = store.create_logged_model(new).await.unwrap().model_id;
    store.delete_experiment(gone).await.unwrap();
    // A run and a model of it, then the experiment comes back without them.
    for (kind, id) in [(TrashKind::Run, &run_id), (TrashKind::LoggedModel, &model_id)] {
        assert!(store.begin_purge(kind, id.clone()).await.unwrap().purging);
        assert!(store.begin_purge(kind, id.clone()).await.unwrap().purging, "twice is once");
    }
    let (_, message) = refused(store.restore_run(run_id.clone()).await);
    assert!(message.contains("modelyard gc"), "{message}");
    store.restore_experiment(gone).await.unwrap();
    assert_eq!(ids(&list(&store, TrashKind::Run, TrashScope::InActive).await), [run_id.as_str()]);
    refused(store.restore_run(run_id.clone()).await);
    refused(store.restore_logged_model(model_id.clone()).await);
    let tags = read(&store, &run_id).await.tags;
    assert!(tags.iter().any(|tag| tag.key == PURGE_TAG), "{tags:?}");
    // The experiment itself.
    store.delete_experiment(gone).await.unwrap();
    store.begin_purge(TrashKind::Experiment, gone.to_string()).await.unwrap();
    refused(store.restore_experiment(gone).await);
    refused(store.restore_run(other.clone()).await);
    let items = list(&store, TrashKind::Run, TrashScope::In(gone)).await;
    assert_eq!(items.len(), 2);
}

async fn an_experiment_goes_when_it_is_empty_and_its_name_is_free(store: Store) {
    let gone = experiment(&store, "churn").await;
    let run_id = run_in(&store, gone, "r").await;
    store.delete_experiment(gone).await.unwrap();
    let item = store.begin_purge(TrashKind::Experiment, gone.to_string()).await.unwrap();
    assert_eq!(code(store.purge_portion(item).await), ErrorCode::ResourceConflict);
    remove(&store, TrashKind::Run, &run_id).await;
    remove(&store, TrashKind::Experiment, &gone.to_string()).await;
    assert_eq!(code(store.experiment(gone).await), ErrorCode::ResourceDoesNotExist);
    let again = experiment(&store, "churn").await;
    assert!(again > gone, "a number is never used again");
    assert!(read_experiment(&store, again).await.tags.is_empty());
}

async fn a_run_in_use_keeps_its_deleted_experiment(store: Store) {
    let gone = experiment(&store, "gone").await;
    let run_id = run_in(&store, gone, "r").await;
    store.delete_experiment(gone).await.unwrap();
    store.restore_run(run_id.clone()).await.unwrap();
    let (_, message) = refused(store.begin_purge(TrashKind::Experiment, gone.to_string()).await);
    assert!(message.contains(&run_id), "{message}");
    store.restore_experiment(gone).await.unwrap();
}

async fn what_is_gone_is_gone(store: Store) {
    let run_id = run(&store).await;
    store.delete_run(run_id.clone()).await.unwrap();
    let item = store.begin_purge(TrashKind::Run, run_id.clone()).await.unwrap();
    while store.purge_portion(item.clone()).await.unwrap() {}
    assert!(!store.purge_portion(item).await.unwrap(), "another was quicker");
    let again = store.begin_purge(TrashKind::Run, run_id).await;
    assert_eq!(code(again), ErrorCode::ResourceDoesNotExist);
}
