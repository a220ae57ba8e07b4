//! Runs, filters and orderings at random, of a small vocabulary, so that much of it meets.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::iter;

use futures_util::future::join_all;
use modelyard_protocol::search::{
    CompareOp, DatasetField, Expr, Number, NumberTest, RunFilter, RunNumber, RunOrder, RunText,
    TextTest, parse_run_order,
};
use modelyard_store::{
    Batch, KeyValue, MetricPoint, NewRun, RunInputs, RunStatus, RunUpdate, Store,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::datasets::input;
use crate::harness::point;
use crate::model::Row;

/// A run to be made.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    /// Which of the case's experiments, counted round.
    pub(super) experiment: usize,
    deleted: bool,
    name: &'static str,
    user_id: &'static str,
    status: RunStatus,
    start_ms: i64,
    end_ms: Option<i64>,
    pub(super) params: BTreeMap<&'static str, String>,
    pub(super) tags: BTreeMap<&'static str, String>,
    metrics: Vec<MetricPoint>,
    datasets: BTreeMap<(&'static str, &'static str), Option<&'static str>>,
}

pub(super) const NAN: f64 = f64::NAN;

pub(super) const TEXTS: [&str; 14] =
    ["", "a", "A", "ab", "aB", "b", "a%", "_", "é", "É", "日本", "10", "9", "it's \"so\""];
pub(super) const DOUBLES: [f64; 9] =
    [-1.0, 0.0, 0.5, 1.0, 2.0, 1e300, 5e-324, f64::INFINITY, f64::NEG_INFINITY];
const METRICS: [&str; 3] = ["m", "n n", "é"];
const PARAMS: [&str; 2] = ["p", "q"];
const TAGS: [&str; 2] = ["t", "é k"];
const DATASETS: [&str; 3] = ["d", "D", "é"];
const DIGESTS: [&str; 2] = ["1", "2"];
const CONTEXTS: [&str; 3] = ["train", "eval", ""];

/// Texts, some longer than what an index holds of them and alike so far.
pub(super) fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => select(&TEXTS[..]).prop_map(str::to_owned),
        1 => select(&["a", "b"][..]).prop_map(|end| "x".repeat(70) + end),
    ]
}

/// A value that few runs share.
pub(super) fn rare_value() -> impl Strategy<Value = String> {
    (0..30).prop_map(|n: i32| format!("rare {n}"))
}

pub(super) fn pairs(
    keys: &'static [&'static str],
) -> impl Strategy<Value = BTreeMap<&'static str, String>> {
    (btree_map(select(keys), value(), 0..=keys.len()), rare_value()).prop_map(
        |(mut pairs, rare)| {
            pairs.insert("rare", rare);
            pairs
        },
    )
}

pub(super) fn double() -> impl Strategy<Value = f64> {
    prop_oneof![5 => select(&DOUBLES[..]), 1 => Just(NAN)]
}

/// Up to four points; several may belong to one metric.
fn points() -> impl Strategy<Value = Vec<MetricPoint>> {
    let one = (select(&METRICS[..]), double(), -1..=1_i64, 0..=1_i64)
        .prop_map(|(key, value, step, ms)| point(key, value, step, ms));
    vec(one, 0..=4)
}

pub(super) fn spec() -> impl Strategy<Value = Spec> {
    let times = (0..12_i64, option::of(0..12_i64));
    let words = (select(&["r", "R", "é", "r%"][..]), select(&["u", "v"][..]));
    let dataset = (select(&DATASETS[..]), select(&DIGESTS[..]));
    let datasets = btree_map(dataset, option::of(select(&CONTEXTS[..])), 0..=2);
    let own = (0..1_000_usize, prop::bool::weighted(0.2), select(RunStatus::ALL));
    (own, words, times, pairs(&PARAMS), pairs(&TAGS), points(), datasets).prop_map(
        |(own, words, times, params, tags, metrics, datasets)| Spec {
            experiment: own.0,
            deleted: own.1,
            name: words.0,
            user_id: words.1,
            status: own.2,
            start_ms: times.0,
            end_ms: times.1,
            params,
            tags,
            metrics,
            datasets,
        },
    )
}

/// Makes runs, in this order as far as their ids are concerned, and notes them for the model.
pub(super) async fn make(store: &Store, experiments: &[i64], specs: &[Spec]) -> Vec<Row> {
    let mut rows = Vec::with_capacity(specs.len());
    for chunk in specs.chunks(64) {
        rows.extend(join_all(chunk.iter().map(|spec| make_one(store, experiments, spec))).await);
    }
    rows
}

async fn make_one(store: &Store, experiments: &[i64], spec: &Spec) -> Row {
    let experiment = experiments[spec.experiment % experiments.len()];
    let owned = |pairs: &BTreeMap<&'static str, String>| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    };
    let list = |pairs: &BTreeMap<&'static str, String>| -> Vec<KeyValue> {
        owned(pairs).into_iter().map(|(key, value)| KeyValue { key, value }).collect()
    };
    let new = NewRun {
        experiment_id: experiment,
        name: spec.name.to_owned(),
        user_id: spec.user_id.to_owned(),
        start_ms: spec.start_ms,
        tags: list(&spec.tags),
    };
    let info = store.create_run(new).await.unwrap().info;
    let id = || info.run_id.clone();
    let batch =
        Batch { metrics: spec.metrics.clone(), params: list(&spec.params), tags: Vec::new() };
    store.log_batch(id(), batch).await.unwrap();
    if !spec.datasets.is_empty() {
        let datasets = spec
            .datasets
            .iter()
            .map(|((name, digest), context)| input(name, digest, *context))
            .collect();
        store.log_inputs(id(), RunInputs { datasets, models: Vec::new() }).await.unwrap();
    }
    let update = RunUpdate { status: Some(spec.status), end_ms: spec.end_ms, name: None };
    store.update_run(id(), update).await.unwrap();
    if spec.deleted {
        store.delete_run(id()).await.unwrap();
    }
    Row {
        run_id: id(),
        experiment,
        deleted: spec.deleted,
        name: spec.name.to_owned(),
        user_id: spec.user_id.to_owned(),
        status: spec.status.name(),
        start_ms: spec.start_ms,
        end_ms: spec.end_ms,
        artifact_uri: info.artifact_uri.clone(),
        params: owned(&spec.params),
        tags: owned(&spec.tags),
        metrics: latest(&spec.metrics),
        datasets: spec
            .datasets
            .iter()
            .map(|((name, digest), context)| {
                ((*name).to_owned(), (*digest).to_owned(), context.map(str::to_owned))
            })
            .collect(),
    }
}

/// The latest value of each metric: the first of those with the greatest step, time and value, where a NaN
/// counts as 0.
fn latest(points: &[MetricPoint]) -> BTreeMap<String, f64> {
    let mut found: BTreeMap<String, &MetricPoint> = BTreeMap::new();
    let rank = |point: &MetricPoint| {
        let value = if point.value.is_nan() { 0.0 } else { point.value };
        (point.step, point.ms, value)
    };
    for point in points {
        match found.get(&point.key) {
            Some(best) if rank(point) <= rank(best) => {}
            _ => {
                found.insert(point.key.clone(), point);
            }
        }
    }
    found.into_iter().map(|(key, point)| (key, point.value)).collect()
}

pub(super) fn number_test(number: BoxedStrategy<Number>) -> impl Strategy<Value = NumberTest> {
    use CompareOp as Op;
    let op = select(vec![
        Op::Equal,
        Op::NotEqual,
        Op::Less,
        Op::LessOrEqual,
        Op::Greater,
        Op::GreaterOrEqual,
    ]);
    prop_oneof![
        3 => (op, number.clone()).prop_map(|(op, value)| NumberTest::Compare(op, value)),
        1 => (vec(number.clone(), 1..4), any::<bool>())
            .prop_map(|(values, negated)| NumberTest::In { values, negated }),
        1 => (number.clone(), number, any::<bool>())
            .prop_map(|(low, high, negated)| NumberTest::Between { low, high, negated }),
        1 => any::<bool>().prop_map(|negated| NumberTest::IsNull { negated }),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    let piece = select(&["%", "_", "a", "A", "b", "é", "É", "日", "x", "r", "rare ", "1"][..]);
    vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

pub(super) fn text_test(word: BoxedStrategy<String>) -> impl Strategy<Value = TextTest> {
    prop_oneof![
        2 => (word.clone(), any::<bool>())
            .prop_map(|(value, negated)| TextTest::Equal { value, negated }),
        3 => (pattern(), any::<bool>(), any::<bool>()).prop_map(
            |(pattern, case_insensitive, negated)| TextTest::Like {
                pattern,
                case_insensitive,
                negated
            }
        ),
        1 => (vec(word, 1..4), any::<bool>())
            .prop_map(|(values, negated)| TextTest::In { values, negated }),
        1 => any::<bool>().prop_map(|negated| TextTest::IsNull { negated }),
    ]
}

/// A test of a metric; one that is a range can be found by its index.
fn metric_leaf() -> impl Strategy<Value = RunFilter> {
    let literal = select(&DOUBLES[..]).prop_map(Number::Float).boxed();
    let key = select(&["m", "n n", "é", "absent"][..]).prop_map(str::to_owned);
    (key, number_test(literal)).prop_map(|(key, test)| Expr::Number(RunNumber::Metric(key), test))
}

fn leaf() -> impl Strategy<Value = RunFilter> {
    let time = select(vec![RunNumber::StartTime, RunNumber::EndTime]);
    let literal = prop_oneof![
        (0..12_i64).prop_map(Number::Integer),
        select(vec![5.5, 6.0, f64::INFINITY]).prop_map(Number::Float)
    ];
    let keyed = |keys: &'static [&'static str]| {
        prop_oneof![4 => select(keys), 1 => Just("rare"), 1 => Just("absent")]
            .prop_map(str::to_owned)
    };
    let attribute = |field: RunText, words: &'static [&'static str]| {
        text_test(select(words).prop_map(str::to_owned).boxed())
            .prop_map(move |test| Expr::Text(field.clone(), test))
    };
    let dataset = |field: DatasetField, words| attribute(RunText::Dataset(field), words);
    let values = || prop_oneof![5 => value(), 1 => rare_value()].boxed();
    prop_oneof![
        4 => metric_leaf(),
        2 => (time, number_test(literal.boxed())).prop_map(|(time, test)| Expr::Number(time, test)),
        3 => (keyed(&PARAMS), text_test(values()))
            .prop_map(|(key, test)| Expr::Text(RunText::Param(key), test)),
        3 => (keyed(&TAGS), text_test(values()))
            .prop_map(|(key, test)| Expr::Text(RunText::Tag(key), test)),
        1 => attribute(RunText::RunName, &["r", "R", "é", "r%", "nobody"]),
        1 => attribute(RunText::UserId, &["u", "v", "U"]),
        1 => attribute(RunText::Status, &["RUNNING", "FINISHED", "finished", "KILLED"]),
        1 => attribute(RunText::RunId, &["", "0"]),
        1 => attribute(RunText::ArtifactUri, &["", "mlflow-artifacts:/0"]),
        1 => dataset(DatasetField::Name, &DATASETS),
        1 => dataset(DatasetField::Digest, &DIGESTS),
        1 => dataset(DatasetField::Context, &CONTEXTS),
    ]
}

/// Any filter.
pub(super) fn filter() -> impl Strategy<Value = RunFilter> {
    nested(leaf())
}

/// Any filter of these tests.
pub(super) fn nested<N, T>(
    leaf: impl Strategy<Value = Expr<N, T>> + 'static,
) -> impl Strategy<Value = Expr<N, T>>
where
    N: Clone + Debug + 'static,
    T: Clone + Debug + 'static,
{
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Expr::And),
            vec(inner.clone(), 2..4).prop_map(Expr::Or),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

/// A test that few runs pass, and that an index finds.
pub(super) fn rare_leaf() -> impl Strategy<Value = RunFilter> {
    let field = select(vec![RunText::Param("rare".to_owned()), RunText::Tag("rare".to_owned())]);
    (field, rare_value())
        .prop_map(|(field, value)| Expr::Text(field, TextTest::Equal { value, negated: false }))
}

/// What runs may be ordered by.
const ORDERABLE: [&str; 16] = [
    "metrics.m",
    "metrics.`n n`",
    "metrics.é",
    "metrics.absent",
    "params.p",
    "params.q",
    "params.absent",
    "tags.t",
    "tags.`é k`",
    "start_time",
    "end_time",
    "run_name",
    "user_id",
    "status",
    "artifact_uri",
    "run_id",
];

/// An ordering; by a metric first, or by something else first, if that is asked for.
pub(super) fn order(metric_first: Option<bool>) -> impl Strategy<Value = RunOrder> {
    let is_metric = |clause: &str| clause.starts_with("metrics");
    let first: Vec<&str> = ORDERABLE
        .into_iter()
        .filter(|clause| metric_first.is_none_or(|metric| is_metric(clause) == metric))
        .collect();
    let least = usize::from(metric_first == Some(true));
    let rest = subsequence(ORDERABLE.to_vec(), 0..=2).prop_shuffle();
    (vec(select(first), least..=1), rest, vec(any::<bool>(), 3)).prop_map(
        move |(mut clauses, rest, ascending)| {
            if metric_first != Some(false) || !clauses.is_empty() {
                clauses.extend(
                    rest.into_iter().filter(|clause| !clauses.contains(clause)).collect::<Vec<_>>(),
                );
            }
            let directions = ascending.iter().map(|up| if *up { "ASC" } else { "DESC" });
            let clauses: Vec<String> = iter::zip(&clauses, directions)
                .map(|(clause, direction)| format!("{clause} {direction}"))
                .collect();
            parse_run_order(&clauses).unwrap()
        },
    )
}
