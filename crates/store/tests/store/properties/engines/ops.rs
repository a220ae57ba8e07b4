//! Operations at random, of a small vocabulary.

use modelyard_protocol::search::{
    ExperimentFilter, ExperimentOrder, RunFilter, RunOrder, parse_experiment_filter,
    parse_experiment_order,
};
use modelyard_store::{KeyValue, LoggedModelStatus, MetricPoint, RunStatus, View};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::generate::{NAN, filter, order};
use crate::harness::{pair, point};

/// An operation on the case's experiments, runs and models, which are counted round.
#[derive(Debug, Clone)]
pub(super) enum Op {
    CreateExperiment(usize),
    RenameExperiment(usize, usize),
    DeleteExperiment(usize),
    RestoreExperiment(usize),
    TagExperiment(usize, KeyValue),
    UntagExperiment(usize, String),
    SearchExperiments(View, Option<ExperimentFilter>, ExperimentOrder),
    CreateRun(usize, String, i64),
    UpdateRun(usize, Option<RunStatus>, Option<String>),
    DeleteRun(usize),
    RestoreRun(usize),
    LogMetric(usize, MetricPoint),
    LogParam(usize, KeyValue),
    SetTag(usize, KeyValue),
    DeleteTag(usize, String),
    AppendToTag(usize, String),
    LogBatch(usize, Vec<MetricPoint>, Vec<KeyValue>, Vec<KeyValue>),
    LogInputs(usize, Vec<(String, Option<String>)>),
    LogOutputs(usize, usize, i64),
    History(usize, String),
    SearchRuns(View, Option<RunFilter>, RunOrder, usize),
    SearchDatasets,
    Overview(usize),
    CreateModel(usize, usize, String),
    FinalizeModel(usize, LoggedModelStatus),
    DeleteModel(usize),
    TagModel(usize, Vec<KeyValue>),
    UntagModel(usize, String),
    ModelParams(usize, Vec<KeyValue>),
    ModelMetric(usize, usize, MetricPoint, String),
    SearchModels(usize, usize),
}

pub(super) const MODEL_FILTERS: [&str; 8] = [
    "",
    "name LIKE '%a%'",
    "name ILIKE 'É%' OR status = 'READY'",
    "metrics.a > 0",
    "metrics.a != 1 AND NOT tags.a = 'a'",
    "params.a IS NULL",
    "params.a IN ('a', 'é')",
    "tags.é IS NOT NULL",
];
pub(super) const MODEL_ORDERS: [&str; 4] =
    ["name", "metrics.a", "metrics.b", "last_updated_timestamp"];
const EXPERIMENT_FILTERS: [&str; 6] = [
    "",
    "name LIKE '%1'",
    "tags.a = 'a' OR tags.a IS NULL",
    "NOT tags.a ILIKE 'É'",
    "name NOT LIKE '%2'",
    "tags.é != 'a'",
];

fn key() -> impl Strategy<Value = String> {
    select(&["a", "b", "é"][..]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = String> {
    select(&["a", "A", "é", "É", "", "x'y"][..]).prop_map(str::to_owned)
}

fn kv() -> impl Strategy<Value = KeyValue> {
    (key(), value()).prop_map(|(key, value)| KeyValue { key, value })
}

fn tag() -> impl Strategy<Value = KeyValue> {
    let name = value().prop_map(|value| pair("mlflow.runName", &value));
    prop_oneof![3 => kv(), 1 => name]
}

/// Pairs of different keys.
fn distinct() -> impl Strategy<Value = Vec<KeyValue>> {
    vec(kv(), 0..4).prop_map(|mut pairs| {
        pairs.sort_by(|a, b| a.key.cmp(&b.key));
        pairs.dedup_by(|a, b| a.key == b.key);
        pairs
    })
}

fn metric() -> impl Strategy<Value = MetricPoint> {
    let values = vec![0.0, 1.0, -1.5, NAN, f64::INFINITY, f64::NEG_INFINITY];
    (key(), select(values), -1..2_i64, 0..2_i64)
        .prop_map(|(key, value, step, ms)| point(&key, value, step, ms))
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let n = || 0..4_usize;
    let experiments = (
        select(View::ALL),
        select(&EXPERIMENT_FILTERS[..]),
        select(vec![vec![], vec!["name".to_owned()], vec!["last_update_time DESC".to_owned()]]),
    );
    let experiment_ops = prop_oneof![
        2 => n().prop_map(Op::CreateExperiment),
        1 => (n(), n()).prop_map(|(e, name)| Op::RenameExperiment(e, name)),
        1 => n().prop_map(Op::DeleteExperiment),
        2 => n().prop_map(Op::RestoreExperiment),
        1 => (n(), kv()).prop_map(|(e, tag)| Op::TagExperiment(e, tag)),
        1 => (n(), key()).prop_map(|(e, key)| Op::UntagExperiment(e, key)),
        1 => experiments.prop_map(|(view, filter, order)| {
            let filter = parse_experiment_filter(filter).unwrap();
            Op::SearchExperiments(view, filter, parse_experiment_order(&order).unwrap())
        }),
    ];
    let write_ops = prop_oneof![
        4 => (n(), value(), 0..3_i64).prop_map(|(e, name, ms)| Op::CreateRun(e, name, ms)),
        1 => (n(), option::of(select(RunStatus::ALL)), option::of(value()))
            .prop_map(|(r, status, name)| Op::UpdateRun(r, status, name)),
        1 => n().prop_map(Op::DeleteRun),
        1 => n().prop_map(Op::RestoreRun),
        2 => (n(), metric()).prop_map(|(r, point)| Op::LogMetric(r, point)),
        2 => (n(), kv()).prop_map(|(r, param)| Op::LogParam(r, param)),
        2 => (n(), tag()).prop_map(|(r, tag)| Op::SetTag(r, tag)),
        1 => (n(), key()).prop_map(|(r, key)| Op::DeleteTag(r, key)),
        1 => (n(), key()).prop_map(|(r, key)| Op::AppendToTag(r, key)),
        3 => (n(), vec(metric(), 0..6), distinct(), vec(tag(), 0..4))
            .prop_map(|(r, metrics, params, tags)| Op::LogBatch(r, metrics, params, tags)),
        1 => (n(), vec((key(), option::of(value())), 0..3))
            .prop_map(|(r, inputs)| Op::LogInputs(r, inputs)),
        1 => (n(), n(), 0..3_i64).prop_map(|(r, m, step)| Op::LogOutputs(r, m, step)),
    ];
    let read_ops = prop_oneof![
        1 => (n(), key()).prop_map(|(r, key)| Op::History(r, key)),
        4 => (select(View::ALL), option::of(filter()), order(None), 1..5_usize).prop_map(
            |(view, filter, order, limit)| Op::SearchRuns(view, filter, order, limit)
        ),
        1 => Just(Op::SearchDatasets),
        1 => n().prop_map(Op::Overview),
        2 => (0..MODEL_FILTERS.len(), 0..MODEL_ORDERS.len())
            .prop_map(|(filter, order)| Op::SearchModels(filter, order)),
    ];
    let model_ops = prop_oneof![
        3 => (n(), n(), value()).prop_map(|(e, r, name)| Op::CreateModel(e, r, name)),
        1 => (n(), select(LoggedModelStatus::ALL)).prop_map(|(m, s)| Op::FinalizeModel(m, s)),
        1 => n().prop_map(Op::DeleteModel),
        1 => (n(), vec(kv(), 0..4)).prop_map(|(m, tags)| Op::TagModel(m, tags)),
        1 => (n(), key()).prop_map(|(m, key)| Op::UntagModel(m, key)),
        1 => (n(), distinct()).prop_map(|(m, params)| Op::ModelParams(m, params)),
        3 => (n(), n(), metric(), value())
            .prop_map(|(r, m, point, data)| Op::ModelMetric(r, m, point, data)),
    ];
    prop_oneof![2 => experiment_ops, 6 => write_ops, 2 => read_ops, 2 => model_ops]
}
