//! A search finds what reading all runs one by one would find, on every path that the store may take.

use modelyard_protocol::search::{Expr, RunFilter, RunOrder, RunText, TextTest};
use modelyard_store::{RunQuery, Store, View};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::generate::{self, Spec, filter, order, rare_leaf};
use super::{check, sample};
use crate::harness::{experiment, on_postgres, on_sqlite};
use crate::model::{self, Row};

/// The paths of a search. Each has cases of its own, made so that the store must take it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Path {
    /// From the index of a rare value.
    Rare,
    /// Experiment by experiment, in the order of a metric: with a value, NaN, without.
    Segments,
    /// Experiment by experiment, in another order.
    Walk,
    /// Many experiments together.
    Together,
}

const PATHS: [Path; 4] = [Path::Rare, Path::Segments, Path::Walk, Path::Together];

#[test]
fn equals_a_naive_search_on_sqlite() {
    on_sqlite(async |store| equals_a_naive_search(&store, 64).await);
}

#[test]
fn equals_a_naive_search_on_postgres() {
    on_postgres(async |store| equals_a_naive_search(&store, 16).await);
}

/// More than the store's limit of a rare value has one of `COMMON` in this experiment.
const LARGE: usize = 560;
const EXPERIMENTS: usize = 21;
const COMMON: &str = "common";

async fn equals_a_naive_search(store: &Store, cases_per_path: u32) {
    let mut experiments = Vec::new();
    for n in 0..EXPERIMENTS {
        experiments.push(experiment(store, &format!("e{n}")).await);
    }
    let mut specs: Vec<Spec> = sample(&prop::collection::vec(generate::spec(), LARGE + 140));
    for (n, spec) in specs.iter_mut().enumerate() {
        if n < LARGE {
            spec.experiment = 0;
            spec.params.insert(COMMON, "yes".to_owned());
            spec.tags.insert(COMMON, "yes".to_owned());
        } else {
            spec.experiment = 1 + n % (EXPERIMENTS - 1);
        }
    }
    let rows = generate::make(store, &experiments, &specs).await;
    for path in PATHS {
        let queries = query(path, &experiments);
        check(cases_per_path, &queries, async |query| same(store, &rows, path, query).await);
    }
}

/// Experiments, at times one twice or one that does not exist.
fn some(experiments: &[i64], count: std::ops::RangeInclusive<usize>) -> BoxedStrategy<Vec<i64>> {
    let chosen = subsequence(experiments.to_vec(), count).prop_shuffle();
    (chosen, prop::option::weighted(0.2, any::<bool>()))
        .prop_map(|(mut chosen, extra)| {
            match extra {
                Some(true) => chosen.push(chosen[0]),
                Some(false) => chosen.push(9_999),
                None => {}
            }
            chosen
        })
        .boxed()
}

/// A filter that no index of a value helps with: negated or of alternatives, or beside a common value.
fn undriven() -> BoxedStrategy<Option<RunFilter>> {
    let common = |field: fn(String) -> RunText| {
        let test = TextTest::Equal { value: "yes".to_owned(), negated: false };
        Expr::Text(field(COMMON.to_owned()), test)
    };
    let negated = filter().prop_map(|inner| Expr::Not(Box::new(inner))).boxed();
    let either = prop::collection::vec(filter(), 2..4).prop_map(Expr::Or);
    let common = select(vec![common(RunText::Param), common(RunText::Tag)]).boxed();
    prop_oneof![
        1 => Just(None),
        3 => negated.clone().prop_map(Some),
        3 => either.prop_map(Some),
        1 => common.clone().prop_map(Some),
        2 => (common, negated).prop_map(|(a, b)| Some(Expr::And(vec![a, b]))),
    ]
    .boxed()
}

/// A rare test, alone or beside others.
fn driven() -> BoxedStrategy<Option<RunFilter>> {
    (rare_leaf(), prop::collection::vec(filter(), 0..3), any::<bool>())
        .prop_map(|(rare, mut others, first)| {
            if others.is_empty() {
                return Some(rare);
            }
            others.insert(if first { 0 } else { others.len() }, rare);
            Some(Expr::And(others))
        })
        .boxed()
}

fn query(path: Path, experiments: &[i64]) -> impl Strategy<Value = RunQuery> + use<> {
    let view = select(View::ALL);
    let (chosen, filter, order): (_, _, BoxedStrategy<RunOrder>) = match path {
        Path::Rare => (some(experiments, 1..=EXPERIMENTS), driven(), order(None).boxed()),
        Path::Segments => (some(experiments, 1..=7), undriven(), order(Some(true)).boxed()),
        Path::Walk => (some(experiments, 1..=7), undriven(), order(Some(false)).boxed()),
        Path::Together => (some(experiments, 17..=EXPERIMENTS), undriven(), order(None).boxed()),
    };
    // The large experiment alone is what a store of one experiment looks like.
    let alone = vec![experiments[0]];
    let chosen = match path {
        Path::Together => chosen,
        _ => prop_oneof![2 => chosen, 1 => Just(alone)].boxed(),
    };
    (chosen, view, filter, order, 1..60_usize).prop_map(
        |(experiments, view, filter, order, limit)| RunQuery {
            experiments,
            view,
            filter,
            order,
            limit,
            after: None,
        },
    )
}

/// How many pages of a search are followed.
const PAGES: usize = 4;

async fn same(store: &Store, rows: &[Row], path: Path, mut query: RunQuery) {
    let plan = store.explain_search(query.clone()).await.unwrap();
    let expected_path = match path {
        Path::Rare => "rare",
        Path::Segments | Path::Walk => "parts",
        Path::Together => "together",
    };
    assert_eq!(plan.path, expected_path, "the case does not test what it was made for");
    let expected =
        model::search(rows, &query.experiments, query.view, query.filter.as_ref(), &query.order);
    let mut expected = expected.as_slice();
    for _ in 0..PAGES {
        let page = store.search_runs(query.clone()).await.unwrap();
        let (shown, rest) = expected.split_at(query.limit.min(expected.len()));
        let ids: Vec<_> = page.rows.iter().map(|run| run.info.run_id.as_str()).collect();
        let expected_ids: Vec<_> = shown.iter().map(|row| row.run_id.as_str()).collect();
        assert_eq!(ids, expected_ids);
        for (run, row) in page.rows.iter().zip(shown) {
            row.assert_shown_as(run);
        }
        assert_eq!(page.next.is_some(), !rest.is_empty(), "a next page exists just if it has rows");
        let Some(next) = page.next else { return };
        query.after = Some(next);
        expected = rest;
    }
}
