//! Histories of metrics: order, paging, ranges of steps.

use modelyard_store::{HistoryPage, SeriesPoint, Store};

use crate::harness::*;
use crate::metrics::history;

on_both_engines!(
    points_are_ordered_by_time_step_and_value,
    pages_give_every_point_once,
    what_does_not_exist_has_no_history,
    samples_are_ordered_by_step_and_cut_to_a_range,
    samples_do_not_depend_on_the_order_in_time,
    a_deleted_run_keeps_its_history,
);

async fn points_are_ordered_by_time_step_and_value(store: Store) {
    let id = run(&store).await;
    let nan = f64::NAN;
    // (ms, step, value), sorted; NaN counts as 0 and follows it.
    let sorted = [
        (1, 9, 5.0),
        (2, 0, f64::NEG_INFINITY),
        (2, 0, -1.0),
        (2, 0, 0.0),
        (2, 0, nan),
        (2, 0, 5e-324),
        (2, 0, f64::INFINITY),
        (2, 1, 0.0),
        (3, -5, nan),
        (3, -4, 1.0),
    ];
    let mut points: Vec<_> =
        sorted.iter().map(|&(ms, step, value)| point("m", value, step, ms)).collect();
    points.rotate_left(3);
    points.reverse();
    log(&store, &id, &[], &points, &[]).await.unwrap();
    let found = history(&store, &id, "m").await;
    let found: Vec<_> =
        found.iter().map(|point| (point.ms, point.step, point.value.to_bits())).collect();
    let sorted: Vec<_> =
        sorted.iter().map(|&(ms, step, value)| (ms, step, value.to_bits())).collect();
    assert_eq!(found, sorted);
}

async fn pages_give_every_point_once(store: Store) {
    let id = run(&store).await;
    let values = [0.0, f64::NAN, 1.0, -1.0, f64::INFINITY, 0.5, 7.0];
    let points: Vec<_> = (0..70)
        .map(|n: usize| {
            let (step, ms) = (i64::try_from(n % 3).unwrap(), i64::try_from(n / 21).unwrap());
            point("m", values[n % 7], step, ms)
        })
        .collect();
    log(&store, &id, &[], &points, &[]).await.unwrap();
    let whole = history(&store, &id, "m").await;
    for limit in [1, 2, 7, whole.len() - 1, whole.len(), whole.len() + 1] {
        let mut paged: Vec<SeriesPoint> = Vec::new();
        loop {
            let after = paged.last().copied();
            let page = store.metric_history(id.clone(), "m".to_owned(), after, limit).await;
            let HistoryPage { points, more } = page.unwrap();
            assert!(!points.is_empty() && points.len() <= limit);
            paged.extend(points);
            if !more {
                break;
            }
        }
        // NaN is not equal to itself.
        assert_eq!(format!("{paged:?}"), format!("{whole:?}"), "pages of {limit}");
    }
}

async fn what_does_not_exist_has_no_history(store: Store) {
    let id = run(&store).await;
    store.log_metric(id.clone(), point("m", 1.0, 0, 0)).await.unwrap();
    let empty = HistoryPage { points: Vec::new(), more: false };
    for (run, key) in [("nobody", "m"), (id.as_str(), "other"), ("", "")] {
        let page = store.metric_history(run.to_owned(), key.to_owned(), None, 10).await.unwrap();
        assert_eq!(page, empty, "{run} {key}");
    }
    let other = run_in(&store, DEFAULT, "without").await;
    for run in ["nobody", &other] {
        assert_eq!(sample(&store, run, None, 10).await, [], "{run}");
    }
}

async fn sample(
    store: &Store,
    run: &str,
    steps: Option<(i64, i64)>,
    size: usize,
) -> Vec<(i64, i64, String)> {
    let found = store.sample_metric(run.to_owned(), "m".to_owned(), steps, size).await.unwrap();
    found.iter().map(|point| (point.step, point.ms, point.value.to_string())).collect()
}

async fn samples_are_ordered_by_step_and_cut_to_a_range(store: Store) {
    let id = run(&store).await;
    let logged = [(3, 1, 1.0), (-1, 9, 2.0), (3, 0, 5.0), (0, 0, 4.0), (0, 0, f64::NAN)];
    let points = logged.map(|(step, ms, value)| point("m", value, step, ms));
    log(&store, &id, &[], &points, &[]).await.unwrap();
    let whole = [(-1, 9, "2"), (0, 0, "NaN"), (0, 0, "4"), (3, 0, "5"), (3, 1, "1")];
    let whole = whole.map(|(step, ms, value)| (step, ms, value.to_owned()));
    assert_eq!(sample(&store, &id, None, 5).await, whole);
    assert_eq!(sample(&store, &id, Some((i64::MIN, i64::MAX)), 100).await, whole);
    assert_eq!(sample(&store, &id, Some((0, 2)), 100).await, whole[1..3]);
    assert_eq!(sample(&store, &id, Some((2, 1)), 100).await, []);
    // Two stretches of three and two points: the first of each, but the last of all for the last.
    assert_eq!(sample(&store, &id, None, 2).await, [whole[0].clone(), whole[4].clone()]);
    assert_eq!(sample(&store, &id, None, 1).await, whole[4..]);
}

/// Steps that rise with time take another way through the table than those that do not.
async fn samples_do_not_depend_on_the_order_in_time(store: Store) {
    let (rising, falling) = (run(&store).await, run(&store).await);
    let at = |ms: fn(i64) -> i64| (0..50).map(move |step| point("m", step as f64, step, ms(step)));
    log(&store, &rising, &[], &at(|step| step).collect::<Vec<_>>(), &[]).await.unwrap();
    log(&store, &falling, &[], &at(|step| 100 - step).collect::<Vec<_>>(), &[]).await.unwrap();
    for size in [1, 2, 7, 49, 50, 51] {
        let steps = async |run: &str, range| -> Vec<i64> {
            sample(&store, run, range, size).await.iter().map(|point| point.0).collect()
        };
        let found = steps(&rising, None).await;
        for range in [None, Some((0, 60))] {
            assert_eq!(steps(&rising, range).await, found, "{size} {range:?}");
            assert_eq!(steps(&falling, range).await, found, "{size} {range:?}");
        }
        assert_eq!(found.len(), size.min(50));
        assert_eq!(found.last(), Some(&49));
        // Part of a series keeps its own ends.
        let part = steps(&falling, Some((10, 29))).await;
        assert_eq!(part, steps(&rising, Some((10, 29))).await, "{size}");
        assert_eq!((part.len(), part.last()), (size.min(20), Some(&29)));
    }
    assert_eq!(sample(&store, &rising, None, 0).await, []);
}

async fn a_deleted_run_keeps_its_history(store: Store) {
    let id = run(&store).await;
    store.log_metric(id.clone(), point("m", 1.0, 0, 0)).await.unwrap();
    store.delete_run(id.clone()).await.unwrap();
    assert_eq!(history(&store, &id, "m").await.len(), 1);
}
