//! What the store keeps of a series equals what is recomputed from its points.

use std::collections::BTreeMap;

use modelyard_store::{MetricPoint, Store};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::check;
use super::generate::NAN;
use crate::harness::{log, on_postgres, on_sqlite, point, read, run};
use crate::metrics::history;

/// What one request logs, how often it is sent, and whether as one batch or point by point.
type Request = (Vec<MetricPoint>, usize, bool);

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let values = vec![-1.0, 0.0, -0.0, 1.0, 1e-300, NAN, f64::INFINITY, f64::NEG_INFINITY];
    let steps = vec![i64::MIN, -1, 0, 1, i64::MAX];
    let points = (select(vec!["a", "b"]), select(values), select(steps), select(vec![0, 1]))
        .prop_map(|(key, value, step, ms)| point(key, value, step, ms));
    vec((vec(points, 0..12), 1..=3_usize, any::<bool>()), 1..5)
}

#[test]
fn are_what_their_points_say_on_sqlite() {
    on_sqlite(async |store| are_what_their_points_say(&store, 256).await);
}

#[test]
fn are_what_their_points_say_on_postgres() {
    on_postgres(async |store| are_what_their_points_say(&store, 48).await);
}

async fn are_what_their_points_say(store: &Store, cases: u32) {
    check(cases, &requests(), async |requests| holds(store, &requests).await);
}

/// A point as the engines compare it: time, step, value and whether it is NaN.
type Place = (i64, i64, u64, bool);

fn place(value: f64, step: i64, ms: i64) -> Place {
    // A NaN counts as 0, and negative zero is zero.
    let value =
        if value.is_nan() || value == 0.0 { (0.0_f64, value.is_nan()) } else { (value, false) };
    (ms, step, sortable(value.0), value.1)
}

/// Bits that sort as the doubles do.
fn sortable(value: f64) -> u64 {
    let bits = value.to_bits();
    if value.is_sign_negative() { !bits } else { bits | 1 << 63 }
}

async fn holds(store: &Store, requests: &[Request]) {
    let id = run(store).await;
    let mut arrived: BTreeMap<String, Vec<MetricPoint>> = BTreeMap::new();
    for (points, times, singly) in requests {
        for _ in 0..*times {
            if *singly {
                for point in points {
                    store.log_metric(id.clone(), point.clone()).await.unwrap();
                }
            } else {
                log(store, &id, &[], points, &[]).await.unwrap();
            }
        }
        for point in points {
            arrived.entry(point.key.clone()).or_default().push(point.clone());
        }
    }
    let latest = read(store, &id).await.metrics;
    let summaries = store.run_metrics(id.clone()).await.unwrap();
    assert_eq!(latest.len(), arrived.len());
    assert_eq!(summaries.len(), arrived.len());
    for ((key, arrived), (latest, summary)) in arrived.iter().zip(latest.iter().zip(&summaries)) {
        assert_eq!((&latest.key, &summary.key), (key, key));
        let points = history(store, &id, key).await;

        // Every point once, in order.
        let found: Vec<_> = points.iter().map(|p| place(p.value, p.step, p.ms)).collect();
        let mut expected: Vec<_> = arrived.iter().map(|p| place(p.value, p.step, p.ms)).collect();
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(found, expected);

        // The latest: the first to arrive of those with the greatest step, time and value.
        let rank = |p: &MetricPoint| {
            let (ms, step, value, _) = place(p.value, p.step, p.ms);
            (step, ms, value)
        };
        let greatest = arrived.iter().map(rank).max().unwrap();
        let first = arrived.iter().find(|p| rank(p) == greatest).unwrap();
        for (value, step, ms) in
            [(latest.value, latest.step, latest.ms), (summary.value, summary.step, summary.ms)]
        {
            let expected = place(first.value, first.step, first.ms);
            assert_eq!(place(value, step, ms), expected, "latest of {points:?}");
        }

        // Count and extremes.
        assert_eq!(usize::try_from(summary.points).unwrap(), points.len());
        let numbers = || points.iter().map(|p| p.value).filter(|value| !value.is_nan());
        assert_eq!(summary.min, numbers().reduce(f64::min), "least of {points:?}");
        assert_eq!(summary.max, numbers().reduce(f64::max), "greatest of {points:?}");
    }
}
