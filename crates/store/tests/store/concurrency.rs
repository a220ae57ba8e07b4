//! Many tasks at once: no conflict reaches a caller, nothing is lost, nothing is doubled.

use std::sync::Arc;

use modelyard_protocol::ErrorCode;
use modelyard_store::{
    Batch, DatasetInput, Lifecycle, ModelOutput, NewExperiment, RunInputs, RunStatus, RunUpdate,
    Store,
};
use tokio::task::JoinSet;

use crate::datasets::dataset;
use crate::harness::*;

on_both_engines!(
    tasks_hammering_the_same_keys_never_see_a_conflict,
    new_names_in_any_order_never_see_a_conflict,
    of_many_experiments_with_one_name_one_is_created,
    of_many_values_of_a_param_one_is_kept,
    items_appended_at_once_are_all_kept,
    updates_and_names_do_not_deadlock,
    points_logged_by_all_are_counted_once,
    no_run_outlives_the_deletion_of_its_experiment,
);

const TASKS: i64 = 16;

/// Runs `work(store, n)` in many tasks at once and hands back what they answer.
async fn at_once<T, F>(store: &Arc<Store>, work: impl Fn(Arc<Store>, i64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for n in 0..TASKS {
        tasks.spawn(work(Arc::clone(store), n));
    }
    tasks.join_all().await
}

/// `0..count`, starting elsewhere and running in another direction for each task.
fn shuffled(count: i64, task: i64) -> Vec<i64> {
    let mut order: Vec<i64> = (0..count).map(|n| (n + task * 5) % count).collect();
    if task % 2 == 1 {
        order.reverse();
    }
    order
}

async fn tasks_hammering_the_same_keys_never_see_a_conflict(store: Store) {
    let store = Arc::new(store);
    let ids = Arc::new([run(&store).await, run(&store).await]);
    let work = |store: Arc<Store>, task: i64| {
        let ids = Arc::clone(&ids);
        async move {
            for round in 0..12 {
                let key = |n: i64| format!("k{n}");
                let batch = Batch {
                    metrics: shuffled(8, task + round)
                        .into_iter()
                        .map(|n| point(&key(n), 1.0, round, 0))
                        .collect(),
                    params: shuffled(8, task).into_iter().map(|n| pair(&key(n), "same")).collect(),
                    tags: shuffled(8, task + round)
                        .into_iter()
                        .map(|n| pair(&key(n), &task.to_string()))
                        .collect(),
                };
                let at = usize::try_from((task + round) % 2).unwrap();
                store.log_batch(ids[at].clone(), batch).await.unwrap();
            }
        }
    };
    at_once(&store, work).await;
    for id in ids.iter() {
        for summary in store.run_metrics(id.clone()).await.unwrap() {
            assert_eq!((summary.points, summary.step), (12, 11), "{}", summary.key);
        }
        let run = read(&store, id).await;
        assert_eq!((run.params.len(), run.metrics.len()), (8, 8));
    }
}

async fn new_names_in_any_order_never_see_a_conflict(store: Store) {
    let store = Arc::new(store);
    let work = |store: Arc<Store>, task| async move {
        let id = run(&store).await;
        for round in 0..4 {
            let points: Vec<_> = shuffled(20, task)
                .into_iter()
                .map(|n| point(&format!("round {round} name {n}"), 1.0, 0, 0))
                .collect();
            log(&store, &id, &[], &points, &[]).await.unwrap();
        }
        store.run_metrics(id).await.unwrap().len()
    };
    assert_eq!(at_once(&store, work).await, vec![80; 16]);
}

async fn of_many_experiments_with_one_name_one_is_created(store: Store) {
    let store = Arc::new(store);
    let work = |store: Arc<Store>, _| async move {
        let name = "contested".to_owned();
        let tags = pairs(&[("a", "1")]);
        store.create_experiment(NewExperiment { name, artifact_location: None, tags }).await
    };
    let outcomes = at_once(&store, work).await;
    let (created, refusals): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(created.len(), 1);
    for refusal in refusals {
        assert_eq!(code(refusal), ErrorCode::ResourceAlreadyExists);
    }
}

async fn of_many_values_of_a_param_one_is_kept(store: Store) {
    let store = Arc::new(store);
    let id = run(&store).await;
    let work = |store: Arc<Store>, task: i64| {
        let id = id.clone();
        async move { (task, store.log_param(id, pair("p", &task.to_string())).await) }
    };
    let outcomes = at_once(&store, work).await;
    let winners: Vec<_> =
        outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).map(|(task, _)| *task).collect();
    let [winner] = winners.as_slice() else { panic!("acknowledged: {winners:?}") };
    assert_eq!(shown(&read(&store, &id).await.params), [("p", winner.to_string().as_str())]);
    for (_, outcome) in outcomes.into_iter().filter(|(task, _)| task != winner) {
        assert_eq!(code(outcome), ErrorCode::InvalidParameterValue);
    }
}

async fn items_appended_at_once_are_all_kept(store: Store) {
    let store = Arc::new(store);
    let id = run(&store).await;
    let work = |store: Arc<Store>, task: i64| {
        let id = id.clone();
        async move { store.append_to_tag(id, "list".to_owned(), task.into()).await.unwrap() }
    };
    at_once(&store, work).await;
    let tags = read(&store, &id).await.tags;
    let list = &tags.iter().find(|tag| tag.key == "list").unwrap().value;
    let mut items: Vec<i64> = serde_json::from_str(list).unwrap();
    items.sort_unstable();
    assert_eq!(items, (0..TASKS).collect::<Vec<_>>());
}

async fn updates_and_names_do_not_deadlock(store: Store) {
    let store = Arc::new(store);
    let id = run(&store).await;
    let work = |store: Arc<Store>, task: i64| {
        let id = id.clone();
        async move {
            for round in 0..10 {
                let name = format!("{task} {round}");
                match (task + round) % 4 {
                    0 => {
                        let update = RunUpdate {
                            name: Some(name),
                            status: Some(RunStatus::Finished),
                            end_ms: Some(round),
                        };
                        store.update_run(id.clone(), update).await.unwrap();
                    }
                    1 => {
                        let tag = pair("mlflow.runName", &name);
                        store.set_tag(id.clone(), tag).await.unwrap();
                    }
                    2 => {
                        let tags = [("a", "1"), ("mlflow.runName", name.as_str()), ("z", "1")];
                        log(&store, &id, &[], &[point("m", 1.0, round, task)], &tags)
                            .await
                            .unwrap();
                    }
                    _ => {
                        let datasets = shuffled(4, task)
                            .into_iter()
                            .map(|n| dataset(&n.to_string(), "1"))
                            .map(|dataset| DatasetInput { dataset, tags: pairs(&[("c", "1")]) })
                            .collect();
                        let models: Vec<_> =
                            shuffled(4, task).into_iter().map(|n| format!("m-{n}")).collect();
                        let made =
                            models.iter().map(|id| ModelOutput { model_id: id.clone(), step: 0 });
                        store.log_outputs(id.clone(), made.collect()).await.unwrap();
                        let inputs = RunInputs { datasets, models };
                        store.log_inputs(id.clone(), inputs).await.unwrap();
                    }
                }
            }
        }
    };
    at_once(&store, work).await;
    let run = read(&store, &id).await;
    let tag = run.tags.iter().find(|tag| tag.key == "mlflow.runName").unwrap();
    assert_eq!(run.info.name, tag.value, "name and tag were written together");
    assert_eq!((run.datasets.len(), run.model_inputs.len(), run.model_outputs.len()), (4, 4, 4));
    assert!(run.datasets.iter().all(|input| shown(&input.tags) == [("c", "1")]));
}

async fn points_logged_by_all_are_counted_once(store: Store) {
    let store = Arc::new(store);
    let id = run(&store).await;
    let work = |store: Arc<Store>, task: i64| {
        let id = id.clone();
        async move {
            for n in shuffled(30, task) {
                let value = if n % 7 == 0 { f64::NAN } else { 30.0 - n as f64 };
                store.log_metric(id.clone(), point("m", value, n, 0)).await.unwrap();
            }
        }
    };
    at_once(&store, work).await;
    let summary = store.run_metrics(id.clone()).await.unwrap().remove(0);
    assert_eq!((summary.points, summary.step, summary.value), (30, 29, 1.0));
    assert_eq!((summary.min, summary.max), (Some(1.0), Some(29.0)));
    assert_eq!(crate::metrics::history(&store, &id, "m").await.len(), 30);
}

async fn no_run_outlives_the_deletion_of_its_experiment(store: Store) {
    let store = Arc::new(store);
    for round in 0..8 {
        let id = experiment(&store, &format!("e{round}")).await;
        let work = |store: Arc<Store>, task: i64| async move {
            if task == TASKS / 2 {
                store.delete_experiment(id).await.unwrap();
                return None;
            }
            let created = store.create_run(new_run(id, "r", 0)).await;
            created.ok().map(|run| run.info.run_id)
        };
        for run_id in at_once(&store, work).await.into_iter().flatten() {
            let stage = store.run_info(run_id).await.unwrap().lifecycle;
            assert_eq!(stage, Lifecycle::Deleted, "in use inside a deleted experiment");
        }
    }
}
