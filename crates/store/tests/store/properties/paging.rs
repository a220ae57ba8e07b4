//! Pages give the whole list, with no gap and no repeat, while runs are added between them.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use modelyard_protocol::search::{RunFilter, RunOrder};
use modelyard_store::{RunQuery, Store, View};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::check;
use super::generate::{self, Spec, filter, order, rare_leaf, spec};
use crate::harness::{experiment, on_postgres, on_sqlite};
use crate::model;

#[derive(Debug, Clone)]
struct Case {
    /// 1, 2, or so many that they are searched together.
    experiments: usize,
    view: View,
    filter: Option<RunFilter>,
    order: RunOrder,
    limit: usize,
    /// The runs that are there before the first page.
    before: Vec<Spec>,
    /// The runs that are added after each page.
    between: Vec<Vec<Spec>>,
}

fn case() -> impl Strategy<Value = Case> {
    let filter = prop_oneof![
        2 => Just(None),
        2 => filter().prop_map(Some),
        1 => rare_leaf().prop_map(Some),
    ];
    let runs = (vec(spec(), 0..24), vec(vec(spec(), 0..3), 0..8));
    (select(vec![1, 1, 2, 17]), select(View::ALL), filter, order(None), 1..6_usize, runs).prop_map(
        |(experiments, view, filter, order, limit, (before, between))| Case {
            experiments,
            view,
            filter,
            order,
            limit,
            before,
            between,
        },
    )
}

#[test]
fn give_the_whole_list_on_sqlite() {
    on_sqlite(async |store| give_the_whole_list(&store, 256).await);
}

#[test]
fn give_the_whole_list_on_postgres() {
    on_postgres(async |store| give_the_whole_list(&store, 32).await);
}

async fn give_the_whole_list(store: &Store, cases: u32) {
    let names = AtomicUsize::new(0);
    check(cases, &case(), async |case| holds(store, &names, case).await);
}

async fn holds(store: &Store, names: &AtomicUsize, case: Case) {
    let name = || format!("e{}", names.fetch_add(1, Ordering::Relaxed));
    let experiments =
        join_all((0..case.experiments).map(|_| async { experiment(store, &name()).await }));
    let experiments = experiments.await;
    let rows = generate::make(store, &experiments, &case.before).await;
    let expected = model::search(&rows, &experiments, case.view, case.filter.as_ref(), &case.order);
    let mut query = RunQuery {
        experiments: experiments.clone(),
        view: case.view,
        filter: case.filter,
        order: case.order.clone(),
        limit: case.limit,
        after: None,
    };
    let mut between = case.between.iter();
    let mut seen = Vec::new();
    loop {
        let page = store.search_runs(query.clone()).await.unwrap();
        assert!(page.rows.len() <= case.limit);
        seen.extend(page.rows.into_iter().map(|run| run.info.run_id));
        let Some(next) = page.next else { break };
        query.after = Some(next);
        if let Some(added) = between.next() {
            generate::make(store, &experiments, added).await;
        }
    }
    let distinct: HashSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "a run came twice: {seen:?}");
    let before: HashSet<_> = rows.iter().map(|row| row.run_id.as_str()).collect();
    let kept: Vec<_> = seen.iter().map(String::as_str).filter(|id| before.contains(id)).collect();
    let expected: Vec<_> = expected.iter().map(|row| row.run_id.as_str()).collect();
    assert_eq!(kept, expected, "of the runs that were there before the first page");
}
