//! Texts of every kind pass through unchanged, or are refused as the caller's mistake.

use modelyard_protocol::ErrorCode;
use modelyard_protocol::search::{Expr, RunText, TextTest};
use modelyard_store::{
    DatasetInput, ModelOutput, NewExperiment, NewLoggedModel, NewRun, Result, RunInputs, RunQuery,
    Store, View,
};

use crate::datasets::dataset;
use crate::harness::*;
use crate::logged_models::new_model;

on_both_engines!(
    every_text_comes_back_as_it_went,
    long_values_come_back_whole,
    keys_and_names_at_their_limits_are_stored,
    ids_of_any_length_are_stored_or_refused,
    the_nul_character_is_refused_everywhere,
);

const TEXTS: [&str; 18] = [
    "",
    " ",
    "'",
    "\"",
    "''",
    "`",
    "\\",
    "%_",
    "$1",
    "?1",
    "--; DROP TABLE run",
    "a\nb\r\n\tc",
    "\u{1}\u{1f}\u{7f}",
    "é e\u{301}",
    "日本語 한국어 עברית",
    "🦀👩‍👩‍👧",
    "\u{feff}\u{200b}\u{202e}",
    "\u{ffff}\u{10ffff}",
];

async fn every_text_comes_back_as_it_went(store: Store) {
    for (number, text) in TEXTS.into_iter().enumerate() {
        let name = format!("{number} {text}");
        let new = NewExperiment {
            name: name.clone(),
            artifact_location: Some(text.to_owned()),
            tags: pairs(&[(text, text)]),
        };
        let id = store.create_experiment(new).await.unwrap();
        let experiment = store.experiment_by_name(name.clone()).await.unwrap();
        assert_eq!((experiment.id, experiment.artifact_location.as_str()), (id, text));
        assert_eq!(shown(&experiment.tags), [(text, text)]);

        let new = NewRun { user_id: text.to_owned(), ..new_run(id, text, 0) };
        let run_id = store.create_run(new).await.unwrap().info.run_id;
        log(&store, &run_id, &[(text, text)], &[point(text, 1.0, 0, 0)], &[(text, text)])
            .await
            .unwrap();
        let input = DatasetInput { dataset: dataset(text, text), tags: pairs(&[(text, text)]) };
        let inputs = RunInputs { datasets: vec![input.clone()], models: vec![text.to_owned()] };
        store.log_inputs(run_id.clone(), inputs).await.unwrap();
        let run = read(&store, &run_id).await;
        assert_eq!((run.info.name.as_str(), run.info.user_id.as_str()), (text, text));
        assert_eq!(shown(&run.params), [(text, text)]);
        assert_eq!(run.metrics, [point(text, 1.0, 0, 0)]);
        assert!(shown(&run.tags).contains(&(text, text)));
        assert_eq!((&run.datasets[0], run.model_inputs[0].as_str()), (&input, text));

        // And a filter finds the run by it.
        let value = text.to_owned();
        let test = TextTest::Equal { value: value.clone(), negated: false };
        for field in [RunText::Param(value.clone()), RunText::Tag(value), RunText::RunName] {
            let filter = Expr::Text(field, test.clone());
            let page = store.search_runs(find(id, filter)).await.unwrap();
            assert_eq!(page.rows.len(), 1, "{text:?}");
        }
    }
}

fn find(experiment: i64, filter: Expr<modelyard_protocol::search::RunNumber, RunText>) -> RunQuery {
    RunQuery {
        experiments: vec![experiment],
        view: View::All,
        filter: Some(filter),
        order: modelyard_protocol::search::parse_run_order(&[]).unwrap(),
        limit: 10,
        after: None,
    }
}

/// A text of many characters that no compression makes short.
fn long(chars: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from_u32(0x4e00 + u32::try_from(state % 0x5000).unwrap()).unwrap()
    };
    std::iter::repeat_with(next).take(chars).collect()
}

async fn long_values_come_back_whole(store: Store) {
    let id = run(&store).await;
    let texts = [long(6_000), long(8_000), long(1_000_000)];
    for (number, text) in texts.iter().enumerate() {
        let key = number.to_string();
        log(&store, &id, &[(&key, text)], &[], &[(&key, text)]).await.unwrap();
    }
    let described = DatasetInput {
        dataset: modelyard_store::Dataset {
            source: texts[2].clone(),
            schema: Some(texts[2].clone()),
            profile: Some(texts[2].clone()),
            ..dataset("d", "1")
        },
        tags: Vec::new(),
    };
    let inputs = RunInputs { datasets: vec![described.clone()], models: Vec::new() };
    store.log_inputs(id.clone(), inputs).await.unwrap();
    let found = read(&store, &id).await;
    for (number, text) in texts.iter().enumerate() {
        let key = number.to_string();
        let equal = |pair: &modelyard_store::KeyValue| pair.key == key && pair.value == *text;
        assert!(found.params.iter().any(equal) && found.tags.iter().any(equal), "text {number}");
    }
    assert_eq!(found.datasets, [described]);
    // Values that differ only behind the indexed head are told apart.
    let head = "x".repeat(100);
    let other = run(&store).await;
    store.log_param(id, pair("tail", &format!("{head}a"))).await.unwrap();
    store.log_param(other.clone(), pair("tail", &format!("{head}b"))).await.unwrap();
    let value = format!("{head}b");
    let filter =
        Expr::Text(RunText::Param("tail".to_owned()), TextTest::Equal { value, negated: false });
    let page = store.search_runs(find(DEFAULT, filter)).await.unwrap();
    assert_eq!(page.rows.iter().map(|run| &run.info.run_id).collect::<Vec<_>>(), [&other]);
}

async fn keys_and_names_at_their_limits_are_stored(store: Store) {
    use modelyard_protocol::limits;
    let key = long(limits::MAX_KEY_CHARS);
    let name = long(limits::MAX_EXPERIMENT_NAME_CHARS);
    let e = experiment(&store, &name).await;
    store.set_experiment_tag(e, pair(&key, &name)).await.unwrap();
    let id = run_in(&store, e, &long(limits::MAX_RUN_NAME_CHARS)).await;
    log(&store, &id, &[(&key, &name)], &[point(&key, 1.0, 0, 0)], &[(&key, &name)]).await.unwrap();
    let dataset =
        dataset(&long(limits::MAX_DATASET_NAME_CHARS), &long(limits::MAX_DATASET_DIGEST_CHARS));
    let tag = pair(&long(limits::MAX_INPUT_TAG_KEY_CHARS), &name);
    let datasets = vec![DatasetInput { dataset, tags: vec![tag] }];
    store.log_inputs(id.clone(), RunInputs { datasets, models: Vec::new() }).await.unwrap();
    let model = NewLoggedModel {
        params: pairs(&[(&key, &name)]),
        tags: pairs(&[(&key, &name)]),
        ..new_model(e, &long(limits::MAX_LOGGED_MODEL_NAME_CHARS))
    };
    store.create_logged_model(model).await.unwrap();
    let run = read(&store, &id).await;
    assert_eq!((shown(&run.params), run.metrics.len()), (vec![(key.as_str(), name.as_str())], 1));
}

/// Ids that clients may invent have no limit in MLflow; an index of PostgreSQL has.
async fn ids_of_any_length_are_stored_or_refused(store: Store) {
    let id = run(&store).await;
    let huge = long(20_000);
    let output = vec![ModelOutput { model_id: huge.clone(), step: 0 }];
    let inputs = RunInputs { datasets: Vec::new(), models: vec![huge.clone()] };
    let model = NewLoggedModel { source_run_id: huge.clone(), ..new_model(DEFAULT, "m") };
    let outcomes = [
        store.log_outputs(id.clone(), output).await,
        store.log_inputs(id.clone(), inputs).await,
        store.create_logged_model(model).await.map(|_| ()),
        store.run(huge).await.map(|_| ()),
    ];
    for outcome in outcomes {
        if outcome.is_err() {
            let code = code(outcome);
            let told = [ErrorCode::InvalidParameterValue, ErrorCode::ResourceDoesNotExist];
            assert!(told.contains(&code), "{code:?}");
        }
    }
}

async fn the_nul_character_is_refused_everywhere(store: Store) {
    let id = run(&store).await;
    let good = || "x".to_owned();
    let bad = || "a\0b".to_owned();
    let before = read(&store, &id).await;
    let batch = |params: &[(&str, &str)], metric: &str, tags: &[(&str, &str)]| {
        let batch = modelyard_store::Batch {
            metrics: vec![point(metric, 1.0, 0, 0)],
            params: pairs(params),
            tags: pairs(tags),
        };
        store.log_batch(id.clone(), batch)
    };
    let named = |name: String, artifact_location| NewExperiment {
        name,
        artifact_location,
        tags: Vec::new(),
    };
    let tagged = NewExperiment { tags: pairs(&[("k", "a\0b")]), ..named(good(), None) };
    let inputs = |name: String, model: String| RunInputs {
        datasets: vec![DatasetInput { dataset: dataset(&name, "1"), tags: Vec::new() }],
        models: vec![model],
    };
    let find_bad = |field| {
        let test = TextTest::Equal { value: bad(), negated: false };
        store.search_runs(find(DEFAULT, Expr::Text(field, test)))
    };
    fn unit<T>(outcome: Result<T>) -> Result<()> {
        outcome.map(|_| ())
    }
    let outcomes: Vec<(&str, Result<()>)> = vec![
        ("experiment name", unit(store.create_experiment(named(bad(), None)).await)),
        ("location", unit(store.create_experiment(named(good(), Some(bad()))).await)),
        ("experiment's first tag", unit(store.create_experiment(tagged).await)),
        ("new name", store.rename_experiment(DEFAULT, bad()).await),
        ("experiment tag key", store.set_experiment_tag(DEFAULT, pair("a\0b", "x")).await),
        ("experiment tag value", store.set_experiment_tag(DEFAULT, pair("x", "a\0b")).await),
        ("name to look up", unit(store.experiment_by_name(bad()).await)),
        ("run name", unit(store.create_run(new_run(DEFAULT, "a\0b", 0)).await)),
        ("param key", batch(&[("a\0b", "x")], "m", &[]).await),
        ("param value", batch(&[("k", "a\0b")], "m", &[]).await),
        ("metric key", batch(&[("k", "x")], "a\0b", &[]).await),
        ("tag key", batch(&[], "m", &[("a\0b", "x")]).await),
        ("tag value", batch(&[], "m", &[("k", "a\0b")]).await),
        ("dataset name", store.log_inputs(id.clone(), inputs(bad(), good())).await),
        ("model input", store.log_inputs(id.clone(), inputs(good(), bad())).await),
        ("model name", unit(store.create_logged_model(new_model(DEFAULT, "a\0b")).await)),
        ("run id", unit(store.run(bad()).await)),
        ("history", unit(store.metric_history(id.clone(), bad(), None, 1).await)),
        ("filter value", unit(find_bad(RunText::RunName).await)),
        ("filter key", unit(find_bad(RunText::Tag(bad())).await)),
    ];
    for (what, outcome) in outcomes {
        let Err(error) = outcome else { panic!("a NUL was stored: {what}") };
        let told = error.to_client();
        assert_eq!(told.code, ErrorCode::InvalidParameterValue, "{what}: {told}");
        assert_eq!(
            told.message, "A text holds the NUL character (U+0000), which cannot be stored.",
            "{what}"
        );
    }
    assert_eq!(read(&store, &id).await, before, "nothing of the refused writes is there");
}
