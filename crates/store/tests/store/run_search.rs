//! Searching runs: the rules of filters and orderings, stated one by one. That any search equals a naive one
//! is a property of its own.

use modelyard_protocol::page_token::{ListKind, PageToken};
use modelyard_protocol::search::{parse_run_filter, parse_run_order};
use modelyard_store::{RunInputs, RunQuery, RunStatus, RunUpdate, Store, View};

use crate::datasets::input;
use crate::harness::*;

on_both_engines!(
    filters_find_what_they_say,
    a_metric_filter_looks_at_the_latest_value,
    datasets_are_found_by_name_digest_and_context,
    orderings_place_nan_and_missing_last,
    the_default_order_is_newest_first,
    views_and_experiments_narrow_the_search,
    a_page_goes_on_after_a_token_as_text,
    found_runs_carry_their_data,
    patterns_of_many_wildcards_end_soon,
    filters_at_their_limits_are_answered,
    orderings_at_their_limit_are_answered,
    as_many_experiments_as_may_be_named_are_searched,
    a_made_up_cursor_is_refused,
);

fn query(filter: &str, order_by: &[&str]) -> RunQuery {
    let order_by: Vec<_> = order_by.iter().map(|&clause| clause.to_owned()).collect();
    RunQuery {
        experiments: vec![DEFAULT],
        view: View::ActiveOnly,
        filter: parse_run_filter(filter).unwrap(),
        order: parse_run_order(&order_by).unwrap(),
        limit: 1_000,
        after: None,
    }
}

async fn names(store: &Store, query: RunQuery) -> Vec<String> {
    let page = store.search_runs(query).await.unwrap();
    assert_eq!(page.next, None);
    page.rows.into_iter().map(|run| run.info.name).collect()
}

/// Asserts what each filter finds, by name.
async fn finds(store: &Store, cases: &[(&str, &[&str])]) {
    for (filter, expected) in cases {
        assert_eq!(names(store, query(filter, &["run_name"])).await, *expected, "{filter}");
    }
}

async fn filters_find_what_they_say(store: Store) {
    let one = store.create_run(new_run(DEFAULT, "one", 1_000)).await.unwrap().info.run_id;
    let two = store.create_run(new_run(DEFAULT, "Two", 2_000)).await.unwrap().info.run_id;
    store.create_run(new_run(DEFAULT, "über", 3_000)).await.unwrap();
    log(&store, &one, &[("lr", "0.1"), ("odd key", "x")], &[], &[("team", "a")]).await.unwrap();
    log(&store, &two, &[("lr", "0.2")], &[], &[("team", "A"), ("note", "100%")]).await.unwrap();
    let finished = RunUpdate { status: Some(RunStatus::Finished), end_ms: Some(2_500), name: None };
    store.update_run(two.clone(), finished).await.unwrap();
    finds(
        &store,
        &[
            ("", &["Two", "one", "über"]),
            ("params.lr = '0.1'", &["one"]),
            ("params.lr != '0.1'", &["Two"]),
            ("NOT (params.lr = '0.1')", &["Two", "über"]),
            ("params.lr IN ('0.1', '0.2')", &["Two", "one"]),
            ("params.lr NOT IN ('0.1')", &["Two"]),
            ("params.`odd key` LIKE '_'", &["one"]),
            ("params.lr IS NULL", &["über"]),
            ("params.lr IS NOT NULL", &["Two", "one"]),
            ("tags.team = 'a'", &["one"]),
            ("tags.team LIKE 'a'", &["one"]),
            ("tags.team ILIKE 'a'", &["Two", "one"]),
            ("tags.note LIKE '100%'", &["Two"]),
            ("run_name LIKE '%e'", &["one"]),
            ("run_name LIKE '_ber'", &["über"]),
            ("run_name ILIKE 'ÜBER'", &[]),
            ("run_name NOT LIKE '%e'", &["Two", "über"]),
            ("tags.mlflow.runName = 'one'", &["one"]),
            ("status = 'FINISHED'", &["Two"]),
            ("status != 'FINISHED'", &["one", "über"]),
            ("status = 'finished'", &[]),
            ("user_id = 'tester' AND start_time >= 2000", &["Two", "über"]),
            ("start_time = 1000.5", &[]),
            ("start_time > 999.5 AND start_time < 1000.5", &["one"]),
            ("start_time BETWEEN 1000 AND 2000", &["Two", "one"]),
            ("start_time NOT BETWEEN 1000 AND 2000", &["über"]),
            ("end_time > 0", &["Two"]),
            ("end_time != 0", &["Two"]),
            ("end_time IS NULL", &["one", "über"]),
            ("params.lr = '0.1' OR tags.note IS NOT NULL", &["Two", "one"]),
            ("(params.lr = '0.1' OR params.lr = '0.2') AND NOT status = 'FINISHED'", &["one"]),
            ("artifact_uri LIKE 'mlflow-artifacts:/0/%/artifacts'", &["Two", "one", "über"]),
            (&format!("run_id = '{one}'"), &["one"]),
            (&format!("run_id NOT IN ('{one}', 'x')"), &["Two", "über"]),
        ],
    )
    .await;
}

async fn a_metric_filter_looks_at_the_latest_value(store: Store) {
    let make = async |name: &str, points: &[(i64, f64)]| {
        let id = run_in(&store, DEFAULT, name).await;
        let points: Vec<_> = points.iter().map(|&(step, v)| point("m", v, step, 0)).collect();
        log(&store, &id, &[], &points, &[]).await.unwrap();
    };
    make("fell", &[(0, 9.0), (1, 1.0)]).await;
    make("rose", &[(0, 1.0), (1, 5.0)]).await;
    make("nan", &[(0, 1.0), (1, f64::NAN)]).await;
    make("inf", &[(0, f64::INFINITY)]).await;
    make("none", &[]).await;
    finds(
        &store,
        &[
            ("metrics.m > 1", &["inf", "rose"]),
            ("metrics.m >= 1", &["fell", "inf", "rose"]),
            ("metrics.m = 1", &["fell"]),
            ("metrics.m < 0", &[]),
            ("metrics.m = 0", &[]),
            ("metrics.m != 1", &["inf", "nan", "rose"]),
            ("metrics.m = 1e999", &["inf"]),
            ("metrics.m BETWEEN 1 AND 5", &["fell", "rose"]),
            ("metrics.m NOT BETWEEN 1 AND 5", &["inf", "nan"]),
            ("metrics.m IN (1, 5)", &["fell", "rose"]),
            ("metrics.m NOT IN (1, 5)", &["inf", "nan"]),
            ("metrics.m IS NULL", &["none"]),
            ("metrics.m IS NOT NULL", &["fell", "inf", "nan", "rose"]),
            ("NOT metrics.m > 1", &["fell", "nan", "none"]),
            ("metrics.other > 1", &[]),
            ("metrics.other IS NULL AND metrics.m > 4", &["inf", "rose"]),
        ],
    )
    .await;
}

async fn datasets_are_found_by_name_digest_and_context(store: Store) {
    let reads = async |name: &str, list: &[(&str, &str, Option<&str>)]| {
        let id = run_in(&store, DEFAULT, name).await;
        let datasets = list.iter().map(|(name, digest, context)| input(name, digest, *context));
        let inputs = RunInputs { datasets: datasets.collect(), models: Vec::new() };
        store.log_inputs(id, inputs).await.unwrap();
    };
    reads("a", &[("iris", "1", Some("train")), ("wine", "2", None)]).await;
    reads("b", &[("iris", "2", Some("eval"))]).await;
    reads("c", &[]).await;
    finds(
        &store,
        &[
            ("dataset.name = 'iris'", &["a", "b"]),
            ("dataset.name != 'iris'", &["a"]),
            ("NOT dataset.name = 'iris'", &["c"]),
            ("dataset.name = 'iris' AND dataset.digest = '2'", &["a", "b"]),
            ("datasets.digest IN ('2')", &["a", "b"]),
            ("dataset.context LIKE 'tr%'", &["a"]),
            ("dataset.context IS NULL", &["c"]),
            ("dataset.context IS NOT NULL", &["a", "b"]),
            ("dataset.name ILIKE 'W%'", &["a"]),
        ],
    )
    .await;
}

async fn orderings_place_nan_and_missing_last(store: Store) {
    let values: [(&str, Option<f64>); 8] = [
        ("two", Some(2.0)),
        ("none", None),
        ("nan", Some(f64::NAN)),
        ("inf", Some(f64::INFINITY)),
        ("minus inf", Some(f64::NEG_INFINITY)),
        ("one", Some(1.0)),
        ("other nan", Some(f64::NAN)),
        ("other none", None),
    ];
    for (start, (name, value)) in (0..).zip(values) {
        let id = store.create_run(new_run(DEFAULT, name, start)).await.unwrap().info.run_id;
        if let Some(value) = value {
            log(&store, &id, &[("p", name)], &[point("m", value, 0, 0)], &[]).await.unwrap();
        }
    }
    // Ties are broken by the newest start.
    let tail = ["other nan", "nan", "other none", "none"];
    for (clause, head) in [
        ("metrics.m", ["minus inf", "one", "two", "inf"]),
        ("metrics.m DESC", ["inf", "two", "one", "minus inf"]),
    ] {
        let found = names(&store, query("", &[clause])).await;
        assert_eq!(found, [head, tail].concat(), "{clause}");
    }
    for (clause, expected) in [
        ("params.p", ["inf", "minus inf", "nan", "one", "other nan", "two"]),
        ("params.p DESC", ["two", "other nan", "one", "nan", "minus inf", "inf"]),
    ] {
        let found = names(&store, query("", &[clause])).await;
        assert_eq!(found[..6], expected, "{clause}");
        assert_eq!(found[6..], ["other none", "none"], "{clause}");
    }
    let found = names(&store, query("", &["metrics.absent", "run_name DESC"])).await;
    let mut expected: Vec<_> = values.iter().map(|(name, _)| *name).collect();
    expected.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(found, expected);
}

async fn the_default_order_is_newest_first(store: Store) {
    for (name, start_ms) in [("old", 1), ("new", 9), ("same", 5), ("same", 5)] {
        store.create_run(new_run(DEFAULT, name, start_ms)).await.unwrap();
    }
    let page = store.search_runs(query("", &[])).await.unwrap();
    let found: Vec<_> = page.rows.iter().map(|run| run.info.name.as_str()).collect();
    assert_eq!(found, ["new", "same", "same", "old"]);
    assert!(page.rows[1].info.run_id < page.rows[2].info.run_id, "ties go by the id");
}

async fn views_and_experiments_narrow_the_search(store: Store) {
    let other = experiment(&store, "other").await;
    run_in(&store, DEFAULT, "kept").await;
    let gone = run_in(&store, DEFAULT, "gone").await;
    run_in(&store, other, "far").await;
    store.delete_run(gone).await.unwrap();
    let cases: Vec<(Vec<i64>, View, &[&str])> = vec![
        (vec![DEFAULT], View::ActiveOnly, &["kept"]),
        (vec![DEFAULT], View::DeletedOnly, &["gone"]),
        (vec![DEFAULT], View::All, &["gone", "kept"]),
        (vec![other, DEFAULT], View::All, &["far", "gone", "kept"]),
        (vec![other, other], View::ActiveOnly, &["far"]),
        (vec![other, 77], View::ActiveOnly, &["far"]),
        (vec![], View::All, &[]),
        (vec![77], View::All, &[]),
        ((0..40).collect(), View::All, &["far", "gone", "kept"]),
    ];
    for (experiments, view, expected) in cases {
        let query = RunQuery { experiments, view, ..query("", &["run_name"]) };
        let shown = format!("{:?} {view:?}", query.experiments);
        assert_eq!(names(&store, query).await, expected, "{shown}");
    }
}

async fn a_page_goes_on_after_a_token_as_text(store: Store) {
    for (n, value) in [3.0, f64::NAN, 1.5, f64::INFINITY, -0.0].into_iter().enumerate() {
        let id = run_in(&store, DEFAULT, &format!("r{n}")).await;
        log(&store, &id, &[("é", "'\"")], &[point("m", value, 0, 0)], &[]).await.unwrap();
    }
    run_in(&store, DEFAULT, "without").await;
    let mut query =
        RunQuery { limit: 1, ..query("", &["metrics.m", "params.é DESC", "end_time"]) };
    let mut seen = Vec::new();
    loop {
        let page = store.search_runs(query.clone()).await.unwrap();
        seen.extend(page.rows.into_iter().map(|run| run.info.name));
        let Some(keys) = page.next else { break };
        let text = PageToken { kind: ListKind::Runs, fingerprint: 7, keys }.encode();
        let token = PageToken::decode(&text, ListKind::Runs, 7, query.order.len()).unwrap();
        query.after = Some(token.keys);
    }
    assert_eq!(seen, ["r4", "r2", "r0", "r3", "r1", "without"]);
}

async fn found_runs_carry_their_data(store: Store) {
    // More than are read by one statement, in an order that is not that of their making.
    let mut ids = Vec::new();
    for n in 0..123 {
        let name = format!("{:03}", n * 50 % 123);
        let id = run_in(&store, DEFAULT, &name).await;
        let (params, tags) = ([("n", name.as_str())], [("n", name.as_str())]);
        log(&store, &id, &params, &[point("n", f64::from(n), 0, 0)], &tags).await.unwrap();
        ids.push(id);
    }
    for limit in [1, 2, 10, 11, 100, 101, 123] {
        let query = RunQuery { limit, ..query("", &["run_name"]) };
        let page = store.search_runs(query).await.unwrap();
        assert_eq!((page.rows.len(), page.next.is_some()), (limit, limit < 123));
        for (n, run) in page.rows.iter().enumerate() {
            assert_eq!(shown(&run.params), [("n", format!("{n:03}").as_str())]);
            assert_eq!((run.metrics.len(), run.tags.len()), (1, 2));
        }
    }
    for id in [&ids[0], &ids[122]] {
        let found = store.search_runs(query(&format!("run_id = '{id}'"), &[])).await.unwrap();
        assert_eq!(found.rows, [read(&store, id).await], "search and get show the same");
    }
}

async fn patterns_of_many_wildcards_end_soon(store: Store) {
    let id = run(&store).await;
    store.set_tag(id, pair("t", &"a".repeat(8_000))).await.unwrap();
    let hostile = format!("tags.t LIKE '{}b'", "%a".repeat(500));
    assert_eq!(names(&store, query(&hostile, &[])).await, [""; 0]);
    let matching = format!("tags.t LIKE '{}'", "%a".repeat(500));
    assert_eq!(names(&store, query(&matching, &[])).await, ["run"]);
}

async fn filters_at_their_limits_are_answered(store: Store) {
    use modelyard_protocol::limits::{
        MAX_FILTER_COMPARISONS, MAX_FILTER_DEPTH, MAX_FILTER_LITERALS,
    };
    let id = run_in(&store, DEFAULT, "a").await;
    log(&store, &id, &[("p", "7")], &[point("m", 7.0, 0, 0)], &[("t", "7")]).await.unwrap();
    let joined = |word: &str| {
        let one = |n: usize| match n % 3 {
            0 => format!("tags.t != 'x{n}'"),
            1 => format!("params.p NOT LIKE '%{n}x'"),
            _ => format!("metrics.m != {}", n + 100),
        };
        (0..MAX_FILTER_COMPARISONS).map(one).collect::<Vec<_>>().join(word)
    };
    let list: Vec<_> = (0..MAX_FILTER_LITERALS).map(|n| format!("'{n}'")).collect();
    let nested = |level: usize| {
        let (open, close) = ("NOT (".repeat(level / 2), ")".repeat(level / 2));
        format!("{open}tags.t = '7'{close}")
    };
    for filter in [
        joined(" AND "),
        joined(" OR "),
        format!("params.p IN ({})", list.join(",")),
        nested(MAX_FILTER_DEPTH),
    ] {
        assert_eq!(names(&store, query(&filter, &[])).await, ["a"], "{filter:.100}");
    }
}

async fn orderings_at_their_limit_are_answered(store: Store) {
    for n in 0..9 {
        let id = run_in(&store, DEFAULT, &n.to_string()).await;
        let metrics = [point("m0", f64::from(n % 2), 0, 0), point("m1", f64::from(n % 3), 0, 0)];
        log(&store, &id, &[("p0", "same")], &metrics, &[]).await.unwrap();
    }
    let clauses: Vec<_> = (0..modelyard_protocol::limits::MAX_ORDER_BY_KEYS)
        .map(|n| {
            format!(
                "{}{} {}",
                ["metrics.m", "params.p", "tags.t"][n % 3],
                n / 3,
                ["ASC", "DESC"][n % 2]
            )
        })
        .collect();
    let clauses: Vec<_> = clauses.iter().map(String::as_str).collect();
    let whole = names(&store, query("", &clauses)).await;
    assert_eq!(whole.len(), 9);
    let mut query = RunQuery { limit: 2, ..query("", &clauses) };
    let mut paged = Vec::new();
    loop {
        let page = store.search_runs(query.clone()).await.unwrap();
        paged.extend(page.rows.into_iter().map(|run| run.info.name));
        let Some(next) = page.next else { break };
        query.after = Some(next);
    }
    assert_eq!(paged, whole);
}

async fn as_many_experiments_as_may_be_named_are_searched(store: Store) {
    run(&store).await;
    let in_many = |count: i64| RunQuery {
        experiments: (0..count).chain(0..count).collect(),
        ..query("params.p IS NULL", &["metrics.m"])
    };
    assert_eq!(names(&store, in_many(20_000)).await, ["run"]);
    let (_, message) = refused(store.search_runs(in_many(20_001)).await);
    assert!(message.contains("20001 experiments"), "{message}");
}

async fn a_made_up_cursor_is_refused(store: Store) {
    use modelyard_protocol::page_token::KeyValue::{Float, Integer, Null, Text};
    run(&store).await;
    // An order by metric, start and id.
    let ordered = || query("", &["metrics.m"]);
    let text = || Text("x".to_owned());
    for after in [vec![Float(1.0), Integer(1), text()], vec![Null, Integer(i64::MIN), text()]] {
        store.search_runs(RunQuery { after: Some(after), ..ordered() }).await.unwrap();
    }
    for after in [
        vec![],
        vec![Float(1.0), Integer(1)],
        vec![text(), Integer(1), text()],
        vec![Integer(1), Integer(1), text()],
        vec![Float(1.0), text(), text()],
        vec![Float(1.0), Null, text()],
        vec![Float(1.0), Integer(1), Float(f64::NAN)],
        vec![Float(1.0), Integer(1), text(), text()],
    ] {
        let shown = format!("{after:?}");
        let outcome = store.search_runs(RunQuery { after: Some(after), ..ordered() }).await;
        let (_, message) = refused(outcome);
        assert!(message.starts_with("Invalid page token"), "{shown}: {message}");
    }
}
