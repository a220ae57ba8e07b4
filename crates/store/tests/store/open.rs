//! Opening stores: once, again, side by side.

use std::sync::Arc;

use modelyard_database::{DatabaseUri, Engine};
use modelyard_store::{Settings, Store};

use crate::harness::*;

/// Runs a test with the address of an empty database on each engine.
fn on_each(test: &impl AsyncFn(&DatabaseUri)) {
    let folder = tempfile::tempdir().unwrap();
    let uris = [Some(sqlite_uri(folder.path())), postgres_uri()];
    for uri in uris.into_iter().flatten() {
        runtime().block_on(test(&uri));
    }
}

#[test]
fn what_was_acknowledged_is_there_after_reopening() {
    on_each(&async |uri| {
        let store = open(uri).await;
        let id = run(&store).await;
        let metrics = [point("m", f64::NAN, 1, 2), point("m", 3.0, 0, 0)];
        log(&store, &id, &[("p", "1")], &metrics, &[("t", "é")]).await.unwrap();
        let before = read(&store, &id).await;
        drop(store);
        let store = open(uri).await;
        let after = read(&store, &id).await;
        assert_eq!(format!("{after:?}"), format!("{before:?}"));
        // Names of metrics are found again, not made again.
        store.log_metric(id.clone(), point("m", 3.0, 0, 0)).await.unwrap();
        assert_eq!(store.run_metrics(id).await.unwrap()[0].points, 2);
    });
}

#[test]
fn the_default_experiment_is_made_once() {
    on_each(&async |uri| {
        let store = open(uri).await;
        store.rename_experiment(DEFAULT, "mine".to_owned()).await.unwrap();
        store.delete_experiment(DEFAULT).await.unwrap();
        drop(store);
        let store = open(uri).await;
        let found = read_experiment(&store, DEFAULT).await;
        assert_eq!(found.name, "mine");
        assert!(store.experiment_by_name("Default".to_owned()).await.is_err());
    });
}

#[test]
fn two_stores_on_one_database_see_each_other() {
    on_each(&async |uri| {
        let one = open(uri).await;
        let settings = Settings { artifact_root: "s3://bucket/root/".to_owned() };
        let other = Store::open(uri, settings, context()).await.unwrap();
        let id = experiment(&one, "e").await;
        // Both counters start alike; ids of their own keep the runs apart.
        let new = modelyard_store::NewExperiment {
            name: "f".to_owned(),
            artifact_location: None,
            tags: Vec::new(),
        };
        let second = other.create_experiment(new).await.unwrap();
        assert!(second > id);
        let location = read_experiment(&one, second).await.artifact_location;
        assert_eq!(location, format!("s3://bucket/root/{second}"));
        let run = run_in(&one, id, "r").await;
        for (number, store) in [&one, &other, &one].into_iter().enumerate() {
            let step = i64::try_from(number).unwrap();
            store.log_metric(run.clone(), point("m", 1.0, step, 0)).await.unwrap();
        }
        for store in [&one, &other] {
            assert_eq!(store.run_metrics(run.clone()).await.unwrap()[0].points, 3);
        }
    });
}

#[test]
fn stores_that_open_at_the_same_time_make_one_schema() {
    on_each(&async |uri| {
        let uri = Arc::new(match uri {
            DatabaseUri::Sqlite(path) => DatabaseUri::Sqlite(path.clone()),
            DatabaseUri::Postgres(url) => DatabaseUri::Postgres(url.clone()),
        });
        let mut opening = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let uri = Arc::clone(&uri);
            opening.spawn(async move {
                let store = open(&uri).await;
                read_experiment(&store, DEFAULT).await.name
            });
        }
        while let Some(name) = opening.join_next().await {
            assert_eq!(name.unwrap(), "Default");
        }
    });
}

#[test]
fn the_engine_is_the_one_that_was_named() {
    on_each(&async |uri| {
        let store = open(uri).await;
        let expected = match uri {
            DatabaseUri::Sqlite(_) => Engine::Sqlite,
            DatabaseUri::Postgres(_) => Engine::Postgres,
        };
        assert_eq!(store.engine(), expected);
        store.check().await.unwrap();
        assert_eq!(store.load().waiting, 0);
    });
}
