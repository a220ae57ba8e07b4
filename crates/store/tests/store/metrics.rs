//! Metrics: the latest point, duplicates, values at the edges.

use modelyard_store::{MetricPoint, SeriesPoint, Store};

use crate::harness::*;

on_both_engines!(
    the_latest_point_has_the_greatest_step_time_and_value,
    the_order_of_arrival_does_not_matter,
    nan_competes_as_zero,
    an_identical_point_is_dropped,
    the_same_step_with_another_value_is_added,
    the_summary_counts_and_bounds,
    values_are_kept_exactly,
    steps_and_times_are_kept_to_the_limits,
    names_are_told_apart_by_their_bytes,
    runs_do_not_share_series,
);

/// The points of a metric, oldest first.
pub(crate) async fn history(store: &Store, run_id: &str, key: &str) -> Vec<SeriesPoint> {
    let page = store.metric_history(run_id.to_owned(), key.to_owned(), None, 1_000_000).await;
    let page = page.unwrap();
    assert!(!page.more);
    page.points
}

async fn the_latest_point_has_the_greatest_step_time_and_value(store: Store) {
    /// What is logged as value, step and ms, and which of it is the latest.
    type Case = (&'static [(f64, i64, i64)], usize);
    let cases: [Case; 8] = [
        (&[(1.0, 0, 0)], 0),
        (&[(1.0, 0, 0), (0.0, 1, 0)], 1),
        (&[(1.0, 5, 0), (2.0, 4, 99)], 0),
        (&[(1.0, 5, 10), (2.0, 5, 9)], 0),
        (&[(1.0, 5, 10), (2.0, 5, 10), (1.5, 5, 10)], 1),
        (&[(1.0, -2, 0), (2.0, -1, 0), (3.0, -3, 0)], 1),
        (&[(1.0, 0, 7), (f64::INFINITY, 0, 7), (f64::MAX, 0, 7)], 1),
        (&[(-1.0, i64::MAX, 0), (1.0, i64::MIN, i64::MAX)], 0),
    ];
    for (number, (points, latest)) in cases.into_iter().enumerate() {
        let points: Vec<_> = points.iter().map(|&(v, step, ms)| point("m", v, step, ms)).collect();
        let (single, batched) = (run(&store).await, run(&store).await);
        for point in &points {
            store.log_metric(single.clone(), point.clone()).await.unwrap();
        }
        log(&store, &batched, &[], &points, &[]).await.unwrap();
        for id in [single, batched] {
            assert_eq!(read(&store, &id).await.metrics, [points[latest].clone()], "case {number}");
        }
    }
}

async fn the_order_of_arrival_does_not_matter(store: Store) {
    let points = [(3.0, 2, 5), (1.0, 2, 5), (9.0, 1, 9), (2.0, 2, 4)];
    let points = points.map(|(value, step, ms)| point("m", value, step, ms));
    for first in 0..points.len() {
        for reversed in [false, true] {
            let mut order = points.clone();
            order.rotate_left(first);
            if reversed {
                order.reverse();
            }
            let id = run(&store).await;
            for point in order {
                store.log_metric(id.clone(), point).await.unwrap();
            }
            assert_eq!(read(&store, &id).await.metrics, [points[0].clone()]);
        }
    }
}

async fn nan_competes_as_zero(store: Store) {
    let nan = |step, ms| point("m", f64::NAN, step, ms);
    // What is logged, and whether the latest value is NaN.
    let cases = [
        (vec![nan(0, 0)], true),
        (vec![point("m", 1.0, 0, 0), nan(1, 0)], true),
        (vec![nan(0, 0), point("m", 1.0, 1, 0)], false),
        (vec![point("m", 1.0, 0, 0), nan(0, 0)], false),
        (vec![nan(0, 0), point("m", 1.0, 0, 0)], false),
        (vec![point("m", -1.0, 0, 0), nan(0, 0)], true),
        (vec![nan(0, 0), point("m", -1.0, 0, 0)], true),
        // Between equals the first stays, as in MLflow.
        (vec![point("m", 0.0, 0, 0), nan(0, 0)], false),
        (vec![nan(0, 0), point("m", 0.0, 0, 0)], true),
    ];
    for (number, (points, expected)) in cases.into_iter().enumerate() {
        let (single, batched) = (run(&store).await, run(&store).await);
        for point in &points {
            store.log_metric(single.clone(), point.clone()).await.unwrap();
        }
        log(&store, &batched, &[], &points, &[]).await.unwrap();
        for (way, id) in [("singly", single), ("in a batch", batched)] {
            let latest = read(&store, &id).await.metrics;
            assert_eq!(latest[0].value.is_nan(), expected, "case {number}, logged {way}");
            assert_eq!(history(&store, &id, "m").await.len(), points.len(), "case {number}");
        }
    }
}

async fn an_identical_point_is_dropped(store: Store) {
    let id = run(&store).await;
    for value in [1.5, f64::NAN, f64::INFINITY, 0.0] {
        for _ in 0..3 {
            store.log_metric(id.clone(), point("m", value, 3, 4)).await.unwrap();
        }
        let twice = [point("m", value, 3, 4), point("m", value, 3, 4)];
        log(&store, &id, &[], &twice, &[]).await.unwrap();
    }
    assert_eq!(history(&store, &id, "m").await.len(), 4);
    assert_eq!(store.run_metrics(id).await.unwrap()[0].points, 4);
}

async fn the_same_step_with_another_value_is_added(store: Store) {
    let id = run(&store).await;
    for (value, step, ms) in [(2.0, 1, 1), (1.0, 1, 1), (1.0, 1, 2), (1.0, 2, 1)] {
        store.log_metric(id.clone(), point("m", value, step, ms)).await.unwrap();
    }
    let points = history(&store, &id, "m").await;
    let found: Vec<_> = points.iter().map(|point| (point.value, point.step, point.ms)).collect();
    assert_eq!(found, [(1.0, 1, 1), (2.0, 1, 1), (1.0, 2, 1), (1.0, 1, 2)]);
}

async fn the_summary_counts_and_bounds(store: Store) {
    let id = run(&store).await;
    let nan = f64::NAN;
    log(&store, &id, &[], &[point("m", nan, 0, 0), point("n", nan, 0, 0)], &[]).await.unwrap();
    log(&store, &id, &[], &[point("m", -3.0, 1, 1), point("m", 7.0, 2, 2)], &[]).await.unwrap();
    log(&store, &id, &[], &[point("m", nan, 3, 3), point("m", 7.0, 2, 2)], &[]).await.unwrap();
    let summaries = store.run_metrics(id).await.unwrap();
    let [m, n] = summaries.as_slice() else { panic!("{summaries:?}") };
    assert_eq!((m.key.as_str(), m.points, m.step, m.ms), ("m", 4, 3, 3));
    assert!(m.value.is_nan());
    assert_eq!((m.min, m.max), (Some(-3.0), Some(7.0)));
    assert_eq!((n.key.as_str(), n.points, n.min, n.max), ("n", 1, None, None));
}

/// Doubles that a careless path through text, integers or SQL would change.
pub(crate) const EDGES: [f64; 20] = [
    0.0,
    1.0,
    -1.0,
    0.1,
    1.0 / 3.0,
    f64::MIN,
    f64::MAX,
    f64::MIN_POSITIVE,
    5e-324,
    -5e-324,
    2.225_073_858_507_201e-308,
    f64::EPSILON,
    9_007_199_254_740_991.0,
    9_007_199_254_740_993.0,
    9_223_372_036_854_775_807.0,
    -9_223_372_036_854_775_808.0,
    1e300,
    -1e-300,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

async fn values_are_kept_exactly(store: Store) {
    let id = run(&store).await;
    for (number, value) in EDGES.into_iter().enumerate() {
        let key = format!("edge {number}");
        store.log_metric(id.clone(), point(&key, value, 0, 0)).await.unwrap();
        let points = history(&store, &id, &key).await;
        assert_eq!(points[0].value.to_bits(), value.to_bits(), "{value:?} in the history");
    }
    let negative_zero = point("negative zero", -0.0, 0, 0);
    store.log_metric(id.clone(), negative_zero).await.unwrap();
    for latest in read(&store, &id).await.metrics {
        match latest.key.strip_prefix("edge ") {
            Some(number) => {
                let value = EDGES[number.parse::<usize>().unwrap()];
                assert_eq!(latest.value.to_bits(), value.to_bits(), "{value:?} as the latest");
            }
            // The engines compare it equal to zero, and SQLite keeps only one of the two.
            None => assert_eq!(latest.value.to_bits(), 0.0_f64.to_bits()),
        }
    }
    for summary in store.run_metrics(id).await.unwrap() {
        assert_eq!(summary.min, Some(summary.value), "{}", summary.key);
        assert_eq!(summary.max, Some(summary.value), "{}", summary.key);
    }
}

async fn steps_and_times_are_kept_to_the_limits(store: Store) {
    let id = run(&store).await;
    let limits = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    let points: Vec<MetricPoint> = limits
        .iter()
        .flat_map(|&step| limits.iter().map(move |&ms| point("m", 1.0, step, ms)))
        .collect();
    log(&store, &id, &[], &points, &[]).await.unwrap();
    let found = history(&store, &id, "m").await;
    assert_eq!(found.len(), points.len());
    for (point, (ms, step)) in
        found.iter().zip(limits.iter().flat_map(|ms| limits.iter().map(move |step| (ms, step))))
    {
        assert_eq!((point.ms, point.step), (*ms, *step));
    }
    assert_eq!(read(&store, &id).await.metrics, [point("m", 1.0, i64::MAX, i64::MAX)]);
}

async fn names_are_told_apart_by_their_bytes(store: Store) {
    let id = run(&store).await;
    let keys = ["a", "A", "a ", " a", "a/b", "a.b", "é", "e\u{301}", "メトリクス", "%", "_"];
    let points: Vec<_> = keys.iter().map(|key| point(key, 1.0, 0, 0)).collect();
    log(&store, &id, &[], &points, &[]).await.unwrap();
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    let metrics = read(&store, &id).await.metrics;
    assert_eq!(metrics.iter().map(|point| point.key.as_str()).collect::<Vec<_>>(), sorted);
    let summaries = store.run_metrics(id).await.unwrap();
    assert_eq!(summaries.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), sorted);
}

async fn runs_do_not_share_series(store: Store) {
    let (one, other) = (run(&store).await, run(&store).await);
    store.log_metric(one.clone(), point("m", 1.0, 0, 0)).await.unwrap();
    store.log_metric(other.clone(), point("m", 2.0, 0, 0)).await.unwrap();
    assert_eq!(read(&store, &one).await.metrics, [point("m", 1.0, 0, 0)]);
    assert_eq!(read(&store, &other).await.metrics, [point("m", 2.0, 0, 0)]);
}
