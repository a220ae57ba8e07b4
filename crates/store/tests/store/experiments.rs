//! Experiments: life cycle, names, tags.

use modelyard_protocol::ErrorCode;
use modelyard_protocol::limits::MAX_CUSTOM_VIEWS_PER_EXPERIMENT;
use modelyard_store::{Lifecycle, NewExperiment, Store, newest_schema_version};

use crate::harness::*;
use crate::logged_models::new_model;

on_both_engines!(
    a_new_store_has_mlflows_default_experiment,
    what_is_created_is_read_back,
    an_own_artifact_location_is_kept,
    the_query_of_a_location_stays_at_its_end,
    names_are_taken_by_deleted_experiments_too,
    renaming_follows_the_same_rule,
    deleting_takes_the_runs_along,
    restoring_brings_back_all_runs,
    the_default_experiment_can_be_deleted_and_restored,
    tags_are_set_replaced_and_removed,
    a_deleted_experiment_takes_no_tags,
    custom_views_are_limited,
    what_does_not_exist_is_said_to_be_missing,
    every_change_moves_the_update_time,
);

async fn a_new_store_has_mlflows_default_experiment(store: Store) {
    let default = read_experiment(&store, DEFAULT).await;
    assert_eq!(default.name, "Default");
    assert_eq!(default.artifact_location, "mlflow-artifacts:/0");
    assert_eq!(default.lifecycle, Lifecycle::Active);
    assert_eq!(
        default.created_ms,
        CLOCK_START_MS + newest_schema_version(),
        "the first readings date the schema's steps"
    );
    assert_eq!(default.tags, []);
}

async fn what_is_created_is_read_back(store: Store) {
    let new = NewExperiment {
        name: "first".to_owned(),
        artifact_location: None,
        tags: pairs(&[("b", "1"), ("a", "2"), ("b", "3")]),
    };
    let id = store.create_experiment(new).await.unwrap();
    let found = read_experiment(&store, id).await;
    assert_eq!(found, store.experiment_by_name("first".to_owned()).await.unwrap());
    assert_eq!((found.id, found.name.as_str()), (id, "first"));
    assert_eq!(found.artifact_location, format!("mlflow-artifacts:/{id}"));
    assert_eq!(found.lifecycle, Lifecycle::Active);
    assert_eq!(shown(&found.tags), [("a", "2"), ("b", "3")], "of equal keys the last wins");
    assert!(found.created_ms > CLOCK_START_MS);
    assert_eq!(found.updated_ms, found.created_ms);
}

async fn an_own_artifact_location_is_kept(store: Store) {
    let new = NewExperiment {
        name: "elsewhere".to_owned(),
        artifact_location: Some("s3://bucket/a b/".to_owned()),
        tags: Vec::new(),
    };
    let id = store.create_experiment(new).await.unwrap();
    assert_eq!(read_experiment(&store, id).await.artifact_location, "s3://bucket/a b/");
    let run = store.create_run(new_run(id, "r", 0)).await.unwrap().info;
    assert_eq!(run.artifact_uri, format!("s3://bucket/a b/{}/artifacts", run.run_id));
}

async fn the_query_of_a_location_stays_at_its_end(store: Store) {
    let new = NewExperiment {
        name: "elsewhere".to_owned(),
        artifact_location: Some("s3://bucket/p?region=x".to_owned()),
        tags: Vec::new(),
    };
    let id = store.create_experiment(new).await.unwrap();
    let run = store.create_run(new_run(id, "r", 0)).await.unwrap().info;
    assert_eq!(run.artifact_uri, format!("s3://bucket/p/{}/artifacts?region=x", run.run_id));
    let model = store.create_logged_model(new_model(id, "m")).await.unwrap();
    let expected = format!("s3://bucket/p/models/{}/artifacts?region=x", model.model_id);
    assert_eq!(model.artifact_uri, expected);
}

async fn names_are_taken_by_deleted_experiments_too(store: Store) {
    let create = |name: &str| {
        let name = name.to_owned();
        store.create_experiment(NewExperiment { name, artifact_location: None, tags: Vec::new() })
    };
    let id = create("taken").await.unwrap();
    let (code, message) = refused(create("taken").await);
    assert_eq!(code, ErrorCode::ResourceAlreadyExists);
    assert_eq!(message, "Experiment(name=taken) already exists.");
    store.delete_experiment(id).await.unwrap();
    assert_eq!(refused(create("taken").await).0, ErrorCode::ResourceAlreadyExists);
    let other = create("Taken").await.unwrap();
    assert_ne!(other, id, "names differ by case");
}

async fn renaming_follows_the_same_rule(store: Store) {
    let (a, b) = (experiment(&store, "a").await, experiment(&store, "b").await);
    let rename = |id: i64, name: &str| store.rename_experiment(id, name.to_owned());
    rename(a, "c").await.unwrap();
    assert_eq!(read_experiment(&store, a).await.name, "c");
    rename(a, "c").await.unwrap();
    assert_eq!(code(rename(a, "b").await), ErrorCode::ResourceAlreadyExists);
    store.delete_experiment(b).await.unwrap();
    assert_eq!(code(rename(a, "b").await), ErrorCode::ResourceAlreadyExists);
    assert_eq!(code(rename(b, "d").await), ErrorCode::InvalidParameterValue);
    assert_eq!(code(rename(77, "d").await), ErrorCode::ResourceDoesNotExist);
    assert_eq!(read_experiment(&store, a).await.name, "c");
}

async fn deleting_takes_the_runs_along(store: Store) {
    let (mine, other) = (experiment(&store, "mine").await, experiment(&store, "other").await);
    let (run, neighbour) = (run_in(&store, mine, "r").await, run_in(&store, other, "n").await);
    store.delete_experiment(mine).await.unwrap();
    assert_eq!(read_experiment(&store, mine).await.lifecycle, Lifecycle::Deleted);
    assert_eq!(read(&store, &run).await.info.lifecycle, Lifecycle::Deleted);
    assert_eq!(read(&store, &neighbour).await.info.lifecycle, Lifecycle::Active);
    // MLflow's answer to a second deletion.
    assert_eq!(code(store.delete_experiment(mine).await), ErrorCode::ResourceDoesNotExist);
}

async fn restoring_brings_back_all_runs(store: Store) {
    let id = experiment(&store, "e").await;
    let (kept, dropped) = (run_in(&store, id, "kept").await, run_in(&store, id, "dropped").await);
    store.delete_run(dropped.clone()).await.unwrap();
    store.delete_experiment(id).await.unwrap();
    store.restore_experiment(id).await.unwrap();
    assert_eq!(read_experiment(&store, id).await.lifecycle, Lifecycle::Active);
    for run in [kept, dropped] {
        assert_eq!(read(&store, &run).await.info.lifecycle, Lifecycle::Active);
    }
    assert_eq!(code(store.restore_experiment(id).await), ErrorCode::ResourceDoesNotExist);
}

async fn the_default_experiment_can_be_deleted_and_restored(store: Store) {
    store.delete_experiment(DEFAULT).await.unwrap();
    assert_eq!(read_experiment(&store, DEFAULT).await.lifecycle, Lifecycle::Deleted);
    store.restore_experiment(DEFAULT).await.unwrap();
    assert_eq!(read_experiment(&store, DEFAULT).await.lifecycle, Lifecycle::Active);
}

async fn tags_are_set_replaced_and_removed(store: Store) {
    let set = |key: &str, value: &str| store.set_experiment_tag(DEFAULT, pair(key, value));
    set("b", "1").await.unwrap();
    set("a", "").await.unwrap();
    set("b", "2").await.unwrap();
    let tags = read_experiment(&store, DEFAULT).await.tags;
    assert_eq!(shown(&tags), [("a", ""), ("b", "2")]);
    store.delete_experiment_tag(DEFAULT, "b".to_owned()).await.unwrap();
    assert_eq!(shown(&read_experiment(&store, DEFAULT).await.tags), [("a", "")]);
    let (code, message) = refused(store.delete_experiment_tag(DEFAULT, "b".to_owned()).await);
    assert_eq!(code, ErrorCode::ResourceDoesNotExist);
    assert_eq!(message, "No tag with name: b in experiment with id 0");
}

async fn a_deleted_experiment_takes_no_tags(store: Store) {
    let id = experiment(&store, "e").await;
    store.set_experiment_tag(id, pair("a", "1")).await.unwrap();
    store.delete_experiment(id).await.unwrap();
    let (code, message) = refused(store.set_experiment_tag(id, pair("a", "2")).await);
    assert_eq!(code, ErrorCode::InvalidParameterValue);
    let expected =
        format!("The experiment {id} must be in the 'active' state. Current state is deleted.");
    assert_eq!(message, expected);
    let removed = store.delete_experiment_tag(id, "a".to_owned()).await;
    assert_eq!(refused(removed).0, ErrorCode::InvalidParameterValue);
    assert_eq!(shown(&read_experiment(&store, id).await.tags), [("a", "1")]);
}

async fn what_does_not_exist_is_said_to_be_missing(store: Store) {
    for id in [77, -1, i64::MAX, i64::MIN] {
        let (code, message) = refused(store.experiment(id).await);
        assert_eq!(code, ErrorCode::ResourceDoesNotExist);
        assert_eq!(message, format!("No Experiment with id={id} exists"));
        assert_eq!(refused(store.delete_experiment(id).await), (code, message.clone()));
        assert_eq!(refused(store.restore_experiment(id).await), (code, message.clone()));
        assert_eq!(refused(store.set_experiment_tag(id, pair("a", "b")).await), (code, message));
    }
    let (code, message) = refused(store.experiment_by_name("nobody".to_owned()).await);
    assert_eq!(code, ErrorCode::ResourceDoesNotExist);
    assert_eq!(message, "Could not find experiment with name 'nobody'");
}

async fn every_change_moves_the_update_time(store: Store) {
    let id = experiment(&store, "e").await;
    let mut last = read_experiment(&store, id).await.updated_ms;
    let created = last;
    let mut moved = async |what: &str| {
        let now = read_experiment(&store, id).await;
        assert!(now.updated_ms > last, "{what} leaves the time of the last update");
        assert_eq!(now.created_ms, created);
        last = now.updated_ms;
    };
    store.rename_experiment(id, "f".to_owned()).await.unwrap();
    moved("a new name").await;
    store.delete_experiment(id).await.unwrap();
    moved("the deletion").await;
    store.restore_experiment(id).await.unwrap();
    moved("the restoration").await;
    // As in MLflow, tags are no change of the experiment.
    store.set_experiment_tag(id, pair("a", "1")).await.unwrap();
    store.delete_experiment_tag(id, "a".to_owned()).await.unwrap();
    assert_eq!(read_experiment(&store, id).await.updated_ms, last);
}

async fn custom_views_are_limited(store: Store) {
    let id = experiment(&store, "e").await;
    let view = |n: usize| format!("mlflow.customView.view.{n}");
    let set = |key: String, value: &str| store.set_experiment_tag(id, pair(&key, value));
    for n in 0..MAX_CUSTOM_VIEWS_PER_EXPERIMENT {
        set(view(n), "{}").await.unwrap();
    }
    let (code, message) = refused(set(view(99), "{}").await);
    assert_eq!(code, ErrorCode::InvalidParameterValue);
    let expected = format!(
        "Unable to create another custom view for experiment {id}; the maximum number of custom views \
         per experiment is 50. Delete an existing custom view before creating a new one."
    );
    assert_eq!(message, expected);
    set(view(7), "changed").await.unwrap();
    set("another".to_owned(), "tag").await.unwrap();
    store.delete_experiment_tag(id, view(3)).await.unwrap();
    set(view(99), "{}").await.unwrap();
}
