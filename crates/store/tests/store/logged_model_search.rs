//! Searching logged models: filters, datasets, orderings by metrics, paging.

use modelyard_protocol::search::{
    OrderByField, parse_logged_model_filter, parse_logged_model_order,
};
use modelyard_store::{DatasetFilter, LoggedModelQuery, LoggedModelStatus, NewLoggedModel, Store};

use crate::harness::*;
use crate::logged_models::{linked, model, new_model};

on_both_engines!(
    filters_find_what_they_say,
    a_metric_passes_when_any_point_does,
    datasets_narrow_the_metrics_of_a_filter,
    orderings_by_a_metric_place_nan_and_missing_last,
    an_ordering_may_name_a_dataset,
    orderings_by_attributes_sort_as_they_say,
    pages_give_the_whole_list_while_models_are_added,
    deleted_models_are_hidden,
);

fn by(field: &str, ascending: bool) -> OrderByField {
    OrderByField {
        field_name: field.to_owned(),
        ascending,
        dataset_name: None,
        dataset_digest: None,
    }
}

fn query(filter: &str, order_by: &[OrderByField]) -> LoggedModelQuery {
    LoggedModelQuery {
        experiments: vec![DEFAULT],
        filter: parse_logged_model_filter(filter).unwrap(),
        datasets: Vec::new(),
        order: parse_logged_model_order(order_by).unwrap(),
        limit: 1_000,
        after: None,
    }
}

async fn names(store: &Store, query: LoggedModelQuery) -> Vec<String> {
    let page = store.search_logged_models(query).await.unwrap();
    assert_eq!(page.next, None);
    page.rows.into_iter().map(|model| model.name).collect()
}

fn by_name() -> [OrderByField; 1] {
    [by("name", true)]
}

async fn filters_find_what_they_say(store: Store) {
    let source = run(&store).await;
    let make = async |name: &str, kind: &str, run: &str, params: &[(&str, &str)]| {
        let new = NewLoggedModel {
            model_type: kind.to_owned(),
            source_run_id: run.to_owned(),
            params: pairs(params),
            tags: pairs(params),
            ..new_model(DEFAULT, name)
        };
        store.create_logged_model(new).await.unwrap()
    };
    let a = make("a", "agent", &source, &[("lr", "0.1")]).await;
    let b = make("b", "", "", &[("lr", "0.2"), ("k", "")]).await;
    make("é", "Agent", &source, &[]).await;
    store.finalize_logged_model(a.model_id.clone(), LoggedModelStatus::Ready).await.unwrap();
    store.finalize_logged_model(b.model_id.clone(), LoggedModelStatus::UploadFailed).await.unwrap();
    let cases: Vec<(String, &[&str])> = vec![
        (String::new(), &["a", "b", "é"]),
        ("name = 'a'".into(), &["a"]),
        ("name IN ('a', 'é')".into(), &["a", "é"]),
        ("name LIKE '_'".into(), &["a", "b", "é"]),
        ("model_type ILIKE 'agent'".into(), &["a", "é"]),
        ("model_type = 'agent'".into(), &["a"]),
        ("status = 'READY'".into(), &["a"]),
        ("status = 'LOGGED_MODEL_PENDING'".into(), &["é"]),
        ("status != 'FAILED'".into(), &["a", "é"]),
        (format!("source_run_id = '{source}'"), &["a", "é"]),
        (format!("model_id = '{}'", b.model_id), &["b"]),
        (format!("creation_timestamp < {}", b.created_ms), &["a"]),
        (format!("last_updated_timestamp > {}", b.created_ms + 1), &["a", "b"]),
        ("experiment_id = '0'".into(), &["a", "b", "é"]),
        ("experiment_id != '0'".into(), &[]),
        ("params.lr = '0.1'".into(), &["a"]),
        ("params.lr != '0.1'".into(), &["b"]),
        ("NOT params.lr = '0.1'".into(), &["b", "é"]),
        ("params.k IS NOT NULL".into(), &["b"]),
        ("tags.lr IS NULL".into(), &["é"]),
        ("tags.lr LIKE '0%' AND tags.k = ''".into(), &["b"]),
        ("params.lr = '0.1' OR model_type = 'Agent'".into(), &["a", "é"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(names(&store, query(&filter, &by_name())).await, expected, "{filter}");
    }
}

/// Models with points (step, value) of the metric `m` on a dataset.
async fn measured(store: &Store, list: &[(&str, &[(i64, f64)])], dataset: (&str, &str)) {
    let run = run(store).await;
    for (name, points) in list {
        let id = model(store, name).await;
        let points: Vec<_> = points
            .iter()
            .map(|&(step, value)| linked(point("m", value, step, step), &id, dataset))
            .collect();
        log(store, &run, &[], &points, &[]).await.unwrap();
    }
}

const NAN: f64 = f64::NAN;

async fn a_metric_passes_when_any_point_does(store: Store) {
    let list: [(&str, &[(i64, f64)]); 4] = [
        ("fell", &[(0, 9.0), (1, 1.0)]),
        ("rose", &[(0, 1.0), (1, 5.0)]),
        ("nan", &[(0, NAN)]),
        ("none", &[]),
    ];
    measured(&store, &list, ("", "")).await;
    let cases: [(&str, &[&str]); 9] = [
        ("metrics.m > 8", &["fell"]),
        ("metrics.m = 1", &["fell", "rose"]),
        ("metrics.m < 1", &[]),
        ("metrics.m != 1", &["fell", "nan", "rose"]),
        ("metrics.m NOT IN (1, 5)", &["fell", "nan"]),
        ("metrics.m BETWEEN 4 AND 6", &["rose"]),
        ("metrics.m IS NULL", &["none"]),
        ("metrics.m IS NOT NULL", &["fell", "nan", "rose"]),
        ("metrics.other IS NULL AND NOT metrics.m > 0", &["nan", "none"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(names(&store, query(filter, &by_name())).await, expected, "{filter}");
    }
}

async fn datasets_narrow_the_metrics_of_a_filter(store: Store) {
    measured(&store, &[("a1", &[(0, 1.0)])], ("a", "1")).await;
    measured(&store, &[("a2", &[(0, 1.0)])], ("a", "2")).await;
    measured(&store, &[("b1", &[(0, 1.0)])], ("b", "1")).await;
    measured(&store, &[("bare", &[(0, 1.0)])], ("", "")).await;
    let of = |name: &str, digest: Option<&str>| DatasetFilter {
        name: name.to_owned(),
        digest: digest.map(ToOwned::to_owned),
    };
    let cases: Vec<(Vec<DatasetFilter>, &[&str])> = vec![
        (vec![], &["a1", "a2", "b1", "bare"]),
        (vec![of("a", None)], &["a1", "a2"]),
        (vec![of("a", Some("2"))], &["a2"]),
        (vec![of("a", Some("1")), of("b", None)], &["a1", "b1"]),
        (vec![of("c", None)], &[]),
    ];
    for (datasets, expected) in cases {
        let query =
            LoggedModelQuery { datasets: datasets.clone(), ..query("metrics.m > 0", &by_name()) };
        assert_eq!(names(&store, query).await, expected, "{datasets:?}");
    }
    // Without a metric in the filter, a model needs any metric on one of the datasets.
    let query = LoggedModelQuery { datasets: vec![of("a", None)], ..query("", &by_name()) };
    assert_eq!(names(&store, query).await, ["a1", "a2"]);
}

async fn orderings_by_a_metric_place_nan_and_missing_last(store: Store) {
    let list: [(&str, &[(i64, f64)]); 7] = [
        ("two", &[(0, 9.0), (1, 2.0)]),
        ("none", &[]),
        ("inf", &[(0, f64::INFINITY)]),
        ("nan", &[(0, 5.0), (1, NAN)]),
        ("minus inf", &[(0, f64::NEG_INFINITY)]),
        ("one", &[(0, 1.0)]),
        ("other none", &[]),
    ];
    measured(&store, &list, ("", "")).await;
    let ascending = ["minus inf", "one", "two", "inf", "nan", "other none", "none"];
    let descending = ["inf", "two", "one", "minus inf", "nan", "other none", "none"];
    for (expected, up) in [(ascending, true), (descending, false)] {
        assert_eq!(names(&store, query("", &[by("metrics.m", up)])).await, expected);
        for limit in 1..4 {
            let mut query = LoggedModelQuery { limit, ..query("", &[by("metrics.m", up)]) };
            let mut paged = Vec::new();
            loop {
                let page = store.search_logged_models(query.clone()).await.unwrap();
                paged.extend(page.rows.into_iter().map(|model| model.name));
                let Some(next) = page.next else { break };
                query.after = Some(next);
            }
            assert_eq!(paged, expected, "pages of {limit}");
        }
    }
}

async fn an_ordering_may_name_a_dataset(store: Store) {
    let (a, b, run) = (model(&store, "a").await, model(&store, "b").await, run(&store).await);
    let points = [
        linked(point("m", 1.0, 0, 0), &a, ("train", "1")),
        linked(point("m", 9.0, 0, 1), &a, ("eval", "1")),
        linked(point("m", 2.0, 0, 2), &b, ("train", "1")),
        linked(point("m", 3.0, 0, 3), &b, ("train", "2")),
    ];
    log(&store, &run, &[], &points, &[]).await.unwrap();
    let order = |name: Option<&str>, digest: Option<&str>| {
        [OrderByField {
            dataset_name: name.map(ToOwned::to_owned),
            dataset_digest: digest.map(ToOwned::to_owned),
            ..by("metrics.m", true)
        }]
    };
    for (name, digest, expected) in [
        (None, None, ["b", "a"]),
        (Some("train"), None, ["a", "b"]),
        (Some("train"), Some("2"), ["b", "a"]),
        (Some("eval"), None, ["a", "b"]),
        (None, Some("1"), ["b", "a"]),
    ] {
        let found = names(&store, query("", &order(name, digest))).await;
        assert_eq!(found, expected, "{name:?} {digest:?}");
    }
}

async fn orderings_by_attributes_sort_as_they_say(store: Store) {
    for name in ["b", "B", "a"] {
        model(&store, name).await;
    }
    let cases: [(Vec<OrderByField>, [&str; 3]); 4] = [
        (vec![], ["a", "B", "b"]),
        (vec![by("name", true)], ["B", "a", "b"]),
        (vec![by("name", false)], ["b", "a", "B"]),
        (vec![by("status", true), by("creation_timestamp", true)], ["b", "B", "a"]),
    ];
    for (order, expected) in cases {
        assert_eq!(names(&store, query("", &order)).await, expected, "{order:?}");
    }
}

async fn pages_give_the_whole_list_while_models_are_added(store: Store) {
    for n in 0..11 {
        model(&store, &format!("m{:02}", n * 4 % 11)).await;
    }
    for order in [vec![], vec![by("name", true)], vec![by("name", false)]] {
        let whole = names(&store, query("", &order)).await;
        let mut query = LoggedModelQuery { limit: 3, ..query("", &order) };
        let mut seen: Vec<String> = Vec::new();
        loop {
            let page = store.search_logged_models(query.clone()).await.unwrap();
            seen.extend(page.rows.into_iter().map(|model| model.name));
            let Some(next) = page.next else { break };
            query.after = Some(next);
            if seen.len() < 8 {
                model(&store, "m05+").await;
            }
        }
        seen.retain(|name| name != "m05+");
        let expected: Vec<_> = whole.into_iter().filter(|name| name != "m05+").collect();
        assert_eq!(seen, expected, "{order:?}");
    }
}

async fn deleted_models_are_hidden(store: Store) {
    let e = experiment(&store, "e").await;
    let (kept, gone) = (model(&store, "kept").await, model(&store, "gone").await);
    store.create_logged_model(new_model(e, "far")).await.unwrap();
    let in_both = || LoggedModelQuery { experiments: vec![DEFAULT, e], ..query("", &by_name()) };
    assert_eq!(names(&store, in_both()).await, ["far", "gone", "kept"]);
    store.delete_logged_model(gone).await.unwrap();
    assert_eq!(names(&store, in_both()).await, ["far", "kept"]);
    store.delete_experiment(e).await.unwrap();
    assert_eq!(names(&store, in_both()).await, ["far", "kept"], "as in MLflow");
    let nowhere = LoggedModelQuery { experiments: Vec::new(), ..query("", &[]) };
    assert_eq!(names(&store, nowhere).await, [""; 0]);
    let page = store.search_logged_models(query("", &[])).await.unwrap();
    assert_eq!(page.rows[0], store.logged_model(kept, false).await.unwrap(), "data come along");
}
