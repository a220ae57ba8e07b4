//! What runs read and made: datasets and logged models.

use modelyard_store::{Dataset, DatasetInput, DatasetSummary, ModelOutput, RunInputs, Store};

use crate::harness::*;

on_both_engines!(
    inputs_come_back_with_their_tags,
    the_same_input_again_changes_nothing,
    a_dataset_belongs_to_an_experiment_by_name_and_digest,
    models_read_and_made_come_back,
    the_same_output_again_changes_nothing,
    datasets_of_experiments_are_listed,
);

pub(crate) fn dataset(name: &str, digest: &str) -> Dataset {
    Dataset {
        name: name.to_owned(),
        digest: digest.to_owned(),
        source_type: "local".to_owned(),
        source: "{\"uri\": \"a\"}".to_owned(),
        schema: None,
        profile: None,
    }
}

pub(crate) fn input(name: &str, digest: &str, context: Option<&str>) -> DatasetInput {
    let tags = context.map(|context| pair("mlflow.data.context", context));
    DatasetInput { dataset: dataset(name, digest), tags: tags.into_iter().collect() }
}

async fn reads(store: &Store, run_id: &str, datasets: Vec<DatasetInput>) {
    let inputs = RunInputs { datasets, models: Vec::new() };
    store.log_inputs(run_id.to_owned(), inputs).await.unwrap();
}

async fn inputs_come_back_with_their_tags(store: Store) {
    let id = run(&store).await;
    let full = DatasetInput {
        dataset: Dataset {
            schema: Some("{\"a\": \"é\"}".to_owned()),
            profile: Some(String::new()),
            ..dataset("full", "1")
        },
        tags: pairs(&[("z", "1"), ("a", "2"), ("z", "3")]),
    };
    let bare = input("bare", "", None);
    reads(&store, &id, vec![full.clone(), bare.clone()]).await;
    let found = read(&store, &id).await.datasets;
    let full = DatasetInput { tags: pairs(&[("a", "2"), ("z", "3")]), ..full };
    assert_eq!(found, [full, bare], "of equal tags the last wins");
}

async fn the_same_input_again_changes_nothing(store: Store) {
    let id = run(&store).await;
    reads(&store, &id, vec![input("d", "1", Some("train"))]).await;
    let before = read(&store, &id).await;
    reads(&store, &id, vec![input("d", "1", Some("train")), input("d", "1", Some("eval"))]).await;
    assert_eq!(read(&store, &id).await, before);
}

async fn a_dataset_belongs_to_an_experiment_by_name_and_digest(store: Store) {
    let (one, other) = (run(&store).await, run(&store).await);
    reads(&store, &one, vec![input("d", "1", None), input("d", "2", None)]).await;
    // The first to name a dataset describes it.
    let changed = Dataset { schema: Some("new".to_owned()), ..dataset("d", "1") };
    reads(&store, &other, vec![DatasetInput { dataset: changed.clone(), tags: Vec::new() }]).await;
    assert_eq!(read(&store, &other).await.datasets[0].dataset, dataset("d", "1"));
    let elsewhere = experiment(&store, "elsewhere").await;
    let far = run_in(&store, elsewhere, "r").await;
    reads(&store, &far, vec![DatasetInput { dataset: changed.clone(), tags: Vec::new() }]).await;
    assert_eq!(read(&store, &far).await.datasets[0].dataset, changed);
    let digests: Vec<_> =
        read(&store, &one).await.datasets.into_iter().map(|input| input.dataset.digest).collect();
    assert_eq!(digests, ["1", "2"]);
}

async fn models_read_and_made_come_back(store: Store) {
    let id = run(&store).await;
    let inputs = RunInputs {
        datasets: Vec::new(),
        models: vec!["m-b".to_owned(), "m-a".to_owned(), "m-b".to_owned()],
    };
    store.log_inputs(id.clone(), inputs).await.unwrap();
    let output = |model: &str, step| ModelOutput { model_id: model.to_owned(), step };
    let made = vec![output("m-z", 1), output("m-a", 2), output("m-y", i64::MIN)];
    store.log_outputs(id.clone(), made).await.unwrap();
    let run = read(&store, &id).await;
    assert_eq!(run.model_inputs, ["m-a", "m-b"]);
    let made = [output("m-y", i64::MIN), output("m-z", 1), output("m-a", 2)];
    assert_eq!(run.model_outputs, made, "outputs are ordered by step");
}

async fn the_same_output_again_changes_nothing(store: Store) {
    let id = run(&store).await;
    let output = |step| vec![ModelOutput { model_id: "m-1".to_owned(), step }];
    store.log_outputs(id.clone(), output(3)).await.unwrap();
    store.log_outputs(id.clone(), output(3)).await.unwrap();
    store.log_outputs(id.clone(), output(4)).await.unwrap();
    assert_eq!(read(&store, &id).await.model_outputs, output(3));
}

async fn datasets_of_experiments_are_listed(store: Store) {
    let other = experiment(&store, "other").await;
    let runs = [run(&store).await, run(&store).await, run_in(&store, other, "r").await];
    reads(&store, &runs[0], vec![input("b", "1", Some("train")), input("a", "9", None)]).await;
    reads(&store, &runs[1], vec![input("b", "1", None), input("b", "1", Some("eval"))]).await;
    reads(&store, &runs[2], vec![input("c", "1", Some("test"))]).await;
    let deleted = run(&store).await;
    reads(&store, &deleted, vec![input("gone", "1", None)]).await;
    store.delete_run(deleted).await.unwrap();
    let row = |experiment_id, name: &str, digest: &str, context: Option<&str>| DatasetSummary {
        experiment_id,
        name: name.to_owned(),
        digest: digest.to_owned(),
        context: context.map(ToOwned::to_owned),
    };
    let all = [
        row(DEFAULT, "a", "9", None),
        row(DEFAULT, "b", "1", None),
        row(DEFAULT, "b", "1", Some("train")),
        row(DEFAULT, "gone", "1", None),
        row(other, "c", "1", Some("test")),
    ];
    let list = async |ids: &[i64], limit| store.search_datasets(ids.to_vec(), limit).await.unwrap();
    assert_eq!(list(&[DEFAULT, other], 100).await, all);
    assert_eq!(list(&[other], 100).await, all[4..]);
    assert_eq!(list(&[DEFAULT], 2).await, all[..2]);
    assert_eq!(list(&[], 100).await, []);
    assert_eq!(list(&[77], 100).await, []);
}
