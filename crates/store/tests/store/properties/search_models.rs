//! A search of logged models finds what reading all of them one by one would find.

use std::cmp::Reverse;

use modelyard_protocol::search::{
    Expr, LoggedModelFilter, LoggedModelNumber, LoggedModelOrderField, LoggedModelText, Number,
    NumberTest, OrderByField, parse_logged_model_order,
};
use modelyard_store::{
    DatasetFilter, KeyValue, Lifecycle, LoggedModel, LoggedModelQuery, LoggedModelStatus,
    MetricPoint, ModelMetric, NewLoggedModel, Store,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::generate::{self, DOUBLES};
use super::{check, sample};
use crate::harness::{
    CLOCK_START_MS, DEFAULT, experiment, log, on_postgres, on_sqlite, point, run,
};
use crate::logged_models::linked;
use crate::model::{self, Sorted};

const MODELS: usize = 60;

#[test]
fn equals_a_naive_search_on_sqlite() {
    on_sqlite(async |store| equals_a_naive_search(&store, 192).await);
}

#[test]
fn equals_a_naive_search_on_postgres() {
    on_postgres(async |store| equals_a_naive_search(&store, 48).await);
}

async fn equals_a_naive_search(store: &Store, cases: u32) {
    let experiments = vec![DEFAULT, experiment(store, "a").await, experiment(store, "b").await];
    let runs = [run(store).await, run(store).await];
    let rows = make(store, &experiments, &runs).await;
    let queries = query(experiments, runs[0].clone());
    check(cases, &queries, async |query| same(store, &rows, query).await);
}

const NAMES: [&str; 4] = ["a", "A", "é", "a%"];
const TYPES: [&str; 3] = ["", "agent", "Agent"];
const METRICS: [&str; 2] = ["m", "n n"];
const PARAMS: [&str; 2] = ["p", "q"];
const TAGS: [&str; 2] = ["t", "é k"];
const DATASETS: [(&str, &str); 4] = [("", ""), ("d", "1"), ("d", "2"), ("é", "1")];

/// A model to be made: where, its words, params, tags, status, whether it is deleted, and its points with
/// the run that measured each.
type Spec = (
    (usize, &'static str, &'static str, bool),
    Vec<KeyValue>,
    Vec<KeyValue>,
    Option<LoggedModelStatus>,
    bool,
    Vec<(usize, MetricPoint)>,
);

fn spec() -> impl Strategy<Value = Spec> {
    let owned = |keys| {
        generate::pairs(keys).prop_map(|pairs| {
            pairs
                .into_iter()
                .map(|(key, value)| KeyValue { key: key.to_owned(), value })
                .collect::<Vec<_>>()
        })
    };
    let words = (0..3_usize, select(&NAMES[..]), select(&TYPES[..]), any::<bool>());
    let status = select(&[LoggedModelStatus::Ready, LoggedModelStatus::UploadFailed][..]);
    let value = prop_oneof![5 => select(&DOUBLES[..]), 1 => Just(generate::NAN)];
    let measured = (select(&METRICS[..]), value, -1..=1_i64, 0..=1_i64, select(&DATASETS[..]));
    let measured = measured.prop_map(|(key, value, step, ms, dataset)| {
        // The model's id is filled in when it is known.
        linked(point(key, value, step, ms), "", dataset)
    });
    (
        words,
        owned(&PARAMS),
        owned(&TAGS),
        option::of(status),
        prop::bool::weighted(0.1),
        vec((0..2_usize, measured), 0..6),
    )
}

/// Makes models, and reads them back one by one.
async fn make(store: &Store, experiments: &[i64], runs: &[String; 2]) -> Vec<LoggedModel> {
    let mut ids = Vec::new();
    for (words, params, tags, status, deleted, points) in sample(&vec(spec(), MODELS)) {
        let new = NewLoggedModel {
            experiment_id: experiments[words.0],
            name: words.1.to_owned(),
            model_type: words.2.to_owned(),
            source_run_id: if words.3 { runs[0].clone() } else { String::new() },
            params,
            tags,
        };
        let id = store.create_logged_model(new).await.unwrap().model_id;
        for (run, mut point) in points {
            if let Some(link) = &mut point.model {
                link.model_id.clone_from(&id);
            }
            log(store, &runs[run], &[], &[point], &[]).await.unwrap();
        }
        ids.push((id, status, deleted));
    }
    let mut rows = Vec::new();
    for (id, status, deleted) in ids {
        if let Some(status) = status {
            store.finalize_logged_model(id.clone(), status).await.unwrap();
        }
        if deleted {
            store.delete_logged_model(id.clone()).await.unwrap();
        }
        rows.push(store.logged_model(id, true).await.unwrap());
    }
    rows
}

fn leaf(source_run: String) -> impl Strategy<Value = LoggedModelFilter> {
    let times = 0..i64::try_from(MODELS * 2).unwrap();
    let times = times.prop_map(|n| Number::Integer(CLOCK_START_MS + n)).boxed();
    let ids = (0..4_i64).prop_map(Number::Integer).boxed();
    let doubles = select(&DOUBLES[..]).prop_map(Number::Float).boxed();
    let number = |field: LoggedModelNumber, literal| {
        generate::number_test(literal).prop_map(move |test| Expr::Number(field.clone(), test))
    };
    let metric = prop_oneof![4 => select(&METRICS[..]), 1 => Just("absent")];
    let attribute = |field: LoggedModelText, words: Vec<String>| {
        generate::text_test(select(words).boxed())
            .prop_map(move |test| Expr::Text(field.clone(), test))
    };
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let pair = |field: fn(String) -> LoggedModelText, keys: &'static [&'static str]| {
        let key = prop_oneof![4 => select(keys), 1 => Just("rare"), 1 => Just("absent")];
        let values = prop_oneof![5 => generate::value(), 1 => generate::rare_value()].boxed();
        (key, generate::text_test(values))
            .prop_map(move |(key, test)| Expr::Text(field(key.to_owned()), test))
    };
    prop_oneof![
        4 => (metric, generate::number_test(doubles)).prop_map(|(key, test)| {
            Expr::Number(LoggedModelNumber::Metric(key.to_owned()), test)
        }),
        1 => number(LoggedModelNumber::CreationTimestamp, times.clone()),
        1 => number(LoggedModelNumber::LastUpdatedTimestamp, times),
        1 => number(LoggedModelNumber::ExperimentId, ids),
        2 => pair(LoggedModelText::Param, &PARAMS),
        2 => pair(LoggedModelText::Tag, &TAGS),
        1 => attribute(LoggedModelText::Name, words(&NAMES)),
        1 => attribute(LoggedModelText::ModelType, words(&TYPES)),
        1 => attribute(LoggedModelText::Status, words(&["PENDING", "READY", "FAILED"])),
        1 => attribute(LoggedModelText::SourceRunId, vec![source_run, String::new()]),
        1 => attribute(LoggedModelText::ModelId, words(&["", "m-0"])),
    ]
}

fn order_by() -> impl Strategy<Value = OrderByField> {
    let name = select(
        &[
            "metrics.m",
            "metrics.n n",
            "metrics.absent",
            "creation_timestamp",
            "last_updated_timestamp",
            "name",
            "model_type",
            "status",
            "source_run_id",
            "experiment_id",
        ][..],
    );
    let dataset = (option::of(select(&["d", "é", ""][..])), option::of(select(&["1", "2"][..])));
    (name, any::<bool>(), dataset).prop_map(|(name, ascending, (dataset, digest))| {
        let of_metric = |part: Option<&str>| {
            part.filter(|_| name.starts_with("metrics")).map(ToOwned::to_owned)
        };
        OrderByField {
            field_name: name.to_owned(),
            ascending,
            dataset_name: of_metric(dataset),
            dataset_digest: of_metric(digest),
        }
    })
}

fn query(experiments: Vec<i64>, source_run: String) -> impl Strategy<Value = LoggedModelQuery> {
    let dataset = select(&DATASETS[..]).prop_flat_map(|(name, digest)| {
        any::<bool>().prop_map(move |digests| DatasetFilter {
            name: name.to_owned(),
            digest: digests.then(|| digest.to_owned()),
        })
    });
    let datasets = prop_oneof![2 => Just(Vec::new()), 1 => vec(dataset, 1..3)];
    let filter = option::weighted(0.9, generate::nested(leaf(source_run)));
    let order = vec(order_by(), 0..3).prop_map(|by| parse_logged_model_order(&by).unwrap());
    (subsequence(experiments, 1..=3), filter, datasets, order, 1..30_usize).prop_map(
        |(experiments, filter, datasets, order, limit)| LoggedModelQuery {
            experiments,
            filter,
            datasets,
            order,
            limit,
            after: None,
        },
    )
}

async fn same(store: &Store, rows: &[LoggedModel], mut query: LoggedModelQuery) {
    let expected = naive(rows, &query);
    let mut expected = expected.as_slice();
    loop {
        let page = store.search_logged_models(query.clone()).await.unwrap();
        let (shown, rest) = expected.split_at(query.limit.min(expected.len()));
        let ids = |list: &[&LoggedModel]| -> Vec<String> {
            list.iter().map(|model| model.model_id.clone()).collect()
        };
        let found: Vec<_> = page.rows.iter().collect();
        assert_eq!(ids(&found), ids(shown));
        // NaN is not equal to itself.
        assert_eq!(format!("{found:?}"), format!("{shown:?}"));
        assert_eq!(page.next.is_some(), !rest.is_empty(), "a next page exists just if it has rows");
        let Some(next) = page.next else { return };
        query.after = Some(next);
        expected = rest;
    }
}

fn naive<'r>(rows: &'r [LoggedModel], query: &LoggedModelQuery) -> Vec<&'r LoggedModel> {
    let mut found: Vec<_> = rows
        .iter()
        .filter(|row| row.lifecycle == Lifecycle::Active)
        .filter(|row| query.experiments.contains(&row.experiment_id))
        .filter(|row| {
            row.metrics.iter().any(|point| on(point, &query.datasets)) || query.datasets.is_empty()
        })
        .filter(|row| query.filter.as_ref().is_none_or(|it| passes(it, &query.datasets, row)))
        .collect();
    found.sort_by(|a, b| model::compare(&query.order, *a, *b, sorted));
    found
}

/// Whether a point was measured on one of the datasets; without any, all were.
fn on(point: &ModelMetric, datasets: &[DatasetFilter]) -> bool {
    datasets.is_empty()
        || datasets.iter().any(|dataset| {
            let digest = dataset.digest.as_ref();
            point.dataset_name == dataset.name
                && digest.is_none_or(|digest| point.dataset_digest == *digest)
        })
}

const fn status(row: &LoggedModel) -> (f64, &'static str) {
    match row.status {
        LoggedModelStatus::Unspecified => (0.0, "UNSPECIFIED"),
        LoggedModelStatus::Pending => (1.0, "PENDING"),
        LoggedModelStatus::Ready => (2.0, "READY"),
        LoggedModelStatus::UploadFailed => (3.0, "FAILED"),
    }
}

fn passes(filter: &LoggedModelFilter, datasets: &[DatasetFilter], row: &LoggedModel) -> bool {
    let number = |field: &LoggedModelNumber, test: &NumberTest| {
        let value = match field {
            LoggedModelNumber::Metric(key) => {
                let mut points = row.metrics.iter().filter(|it| it.key == *key && on(it, datasets));
                return match test {
                    NumberTest::IsNull { negated: false } => points.next().is_none(),
                    test => points.any(|point| model::number(Some(point.value), test)),
                };
            }
            LoggedModelNumber::CreationTimestamp => row.created_ms,
            LoggedModelNumber::LastUpdatedTimestamp => row.updated_ms,
            LoggedModelNumber::ExperimentId => row.experiment_id,
        };
        model::number(Some(value as f64), test)
    };
    let of = |pairs: &'_ [KeyValue], key: &str| {
        pairs.iter().find(|pair| pair.key == key).map(|pair| pair.value.clone())
    };
    let text = |field: &LoggedModelText| match field {
        LoggedModelText::Param(key) => of(&row.params, key),
        LoggedModelText::Tag(key) => of(&row.tags, key),
        LoggedModelText::Name => Some(row.name.clone()),
        LoggedModelText::ModelId => Some(row.model_id.clone()),
        LoggedModelText::ModelType => Some(row.model_type.clone()),
        LoggedModelText::Status => Some(status(row).1.to_owned()),
        LoggedModelText::SourceRunId => Some(row.source_run_id.clone()),
    };
    model::holds(filter, &number, &|field, test| model::text(text(field).as_deref(), test))
}

fn sorted<'r>(field: &LoggedModelOrderField, row: &'r LoggedModel) -> Sorted<'r> {
    use LoggedModelOrderField as F;
    match field {
        F::Metric { key, dataset_name, dataset_digest } => {
            let counts = |point: &&ModelMetric| {
                point.key == *key
                    && dataset_name.as_ref().is_none_or(|name| point.dataset_name == *name)
                    && dataset_digest.as_ref().is_none_or(|digest| point.dataset_digest == *digest)
            };
            // NaN counts as 0, and follows it.
            let stored = |value: f64| if value.is_nan() { 0.0 } else { value };
            let newest = row.metrics.iter().filter(counts).max_by(|a, b| {
                let place = |it: &ModelMetric| (it.ms, it.step, Reverse(it.run_id.clone()));
                place(a)
                    .cmp(&place(b))
                    .then(stored(a.value).total_cmp(&stored(b.value)))
                    .then(a.value.is_nan().cmp(&b.value.is_nan()))
            });
            Sorted::number(newest.map(|point| point.value))
        }
        F::CreationTimestamp => Sorted::number(Some(row.created_ms as f64)),
        F::LastUpdatedTimestamp => Sorted::number(Some(row.updated_ms as f64)),
        F::Name => Sorted::Text(&row.name),
        F::ModelId => Sorted::Text(&row.model_id),
        F::ModelType => Sorted::Text(&row.model_type),
        F::Status => Sorted::number(Some(status(row).0)),
        F::SourceRunId => Sorted::Text(&row.source_run_id),
        F::ExperimentId => Sorted::number(Some(row.experiment_id as f64)),
    }
}
