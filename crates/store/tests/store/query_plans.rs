//! SQLite answers searches by walking indexes: a page costs what it shows, not what the store holds.

use modelyard_protocol::search::{parse_run_filter, parse_run_order};
use modelyard_store::{RunQuery, Store, View};

use crate::harness::*;

fn query(filter: &str, order_by: &[&str]) -> RunQuery {
    let order_by: Vec<_> = order_by.iter().map(|&clause| clause.to_owned()).collect();
    RunQuery {
        experiments: vec![DEFAULT],
        view: View::ActiveOnly,
        filter: parse_run_filter(filter).unwrap(),
        order: parse_run_order(&order_by).unwrap(),
        limit: 2,
        after: None,
    }
}

/// The path of a search, and the plan of each of its statements as one text.
async fn plans(store: &Store, query: RunQuery) -> (&'static str, Vec<String>) {
    let plan = store.explain_search(query).await.unwrap();
    (plan.path, plan.statements.into_iter().map(|lines| lines.join("\n")).collect())
}

/// Runs with a common and a rare value of everything.
async fn fill(store: &Store) {
    for n in 0..30 {
        let id = store.create_run(new_run(DEFAULT, "r", n)).await.unwrap().info.run_id;
        let rare = n.to_string();
        let metrics = [point("m", n as f64, 0, 0), point("n", n as f64, 0, 0)];
        log(store, &id, &[("p", &rare)], &metrics, &[("t", &rare)]).await.unwrap();
    }
}

const FULL_SORT: &str = "USE TEMP B-TREE FOR ORDER BY";

fn on_filled(test: impl AsyncFnOnce(Store)) {
    on_sqlite(async |store| {
        fill(&store).await;
        test(store).await;
    });
}

#[test]
fn the_default_order_walks_the_index_of_start_times() {
    on_filled(async |store| {
        let common = "NOT tags.t = 'x' AND metrics.m != 7 AND params.p LIKE '%1'";
        for filter in ["", common] {
            let first = store.search_runs(query(filter, &[])).await.unwrap();
            assert!(first.next.is_some());
            // Another page starts where it is to start.
            for (after, terms) in [
                (None, "(experiment=? AND lifecycle=?)"),
                (first.next, "(experiment=? AND lifecycle=? AND start_ms<?)"),
            ] {
                let (path, plans) = plans(&store, RunQuery { after, ..query(filter, &[]) }).await;
                assert_eq!((path, plans.len()), ("parts", 1));
                let index = format!("INDEX run_by_start {terms}");
                assert!(plans[0].contains(&index), "{}", plans[0]);
                assert!(!plans[0].contains("TEMP B-TREE"), "{}", plans[0]);
                assert!(!plans[0].contains("SCAN"), "{}", plans[0]);
            }
        }
    });
}

#[test]
fn an_order_by_metric_walks_the_index_of_its_values() {
    on_filled(async |store| {
        for (clause, bound) in [("metrics.m", ">"), ("metrics.m DESC", "<")] {
            let first = store.search_runs(query("", &[clause])).await.unwrap();
            for after in [None, first.next] {
                let page = after.as_ref().map_or(String::new(), |_| format!(" AND value{bound}?"));
                let index = format!("metric_by_value (experiment=? AND name=? AND nan=?{page})");
                let (path, plans) = plans(&store, RunQuery { after, ..query("", &[clause]) }).await;
                assert_eq!((path, plans.len()), ("parts", 3), "values, NaN, none");
                for plan in &plans[..2] {
                    assert!(plan.contains("s0 USING COVERING INDEX metric_by_value"), "{plan}");
                    assert!(plan.contains("r USING INTEGER PRIMARY KEY"), "{plan}");
                }
                assert!(plans[0].contains(&index), "{}", plans[0]);
                // Equal values alone are sorted.
                assert!(!plans[0].contains(FULL_SORT), "{}", plans[0]);
                assert!(plans[2].contains("INDEX run_by_start"), "{}", plans[2]);
                assert!(!plans[2].contains("TEMP B-TREE"), "{}", plans[2]);
            }
        }
    });
}

#[test]
fn a_rare_value_is_found_by_its_own_index() {
    on_filled(async |store| {
        for (filter, index) in [
            ("params.p = '7'", "d USING INDEX param_by_value (key=? AND <expr>=?)"),
            (
                "tags.t = '7' AND status = 'RUNNING'",
                "d USING INDEX run_tag_by_value (key=? AND <expr>=?)",
            ),
            (
                "metrics.m > 28",
                "d USING COVERING INDEX metric_by_value (experiment=? AND name=? AND nan=? AND value>?)",
            ),
            (
                "metrics.m = 7",
                "d USING COVERING INDEX metric_by_value (experiment=? AND name=? AND nan=? AND value=?)",
            ),
        ] {
            for order in [&[][..], &["metrics.n"]] {
                let (path, plans) = plans(&store, query(filter, order)).await;
                assert_eq!((path, plans.len()), ("rare", 1), "{filter}");
                assert!(plans[0].contains(index), "{filter}: {}", plans[0]);
                assert!(plans[0].contains("r USING INTEGER PRIMARY KEY"), "{filter}: {}", plans[0]);
            }
        }
    });
}

#[test]
fn many_experiments_are_read_by_the_index_all_the_same() {
    on_filled(async |store| {
        let query = RunQuery { experiments: (0..40).collect(), ..query("", &[]) };
        let (path, plans) = plans(&store, query).await;
        assert_eq!((path, plans.len()), ("together", 1));
        assert!(plans[0].contains("INDEX run_by_start"), "{}", plans[0]);
    });
}
