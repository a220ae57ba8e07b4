//! Histories of metrics: order, paging, ranges of steps.

use modelyard_store::{HistoryPage, SeriesPoint, Store};

use crate::harness::*;
use crate::metrics::history;

on_both_engines!(
    points_are_ordered_by_time_step_and_value,
    pages_give_every_point_once,
    what_does_not_exist_has_no_history,
    series_are_ordered_by_step_and_cut_to_a_range,
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
    let runs = vec!["nobody".to_owned(), other];
    assert_eq!(store.metric_series(runs, "m".to_owned(), None).await.unwrap(), []);
}

async fn series_are_ordered_by_step_and_cut_to_a_range(store: Store) {
    let (one, other) = (run(&store).await, run(&store).await);
    let log = async |id: &str, list: &[(i64, i64, f64)]| {
        let points: Vec<_> =
            list.iter().map(|&(step, ms, value)| point("m", value, step, ms)).collect();
        crate::harness::log(&store, id, &[], &points, &[]).await.unwrap();
    };
    log(&one, &[(3, 1, 1.0), (-1, 9, 2.0), (3, 0, 5.0), (0, 0, 4.0), (0, 0, f64::NAN)]).await;
    log(&other, &[(1, 1, 1.0)]).await;
    let read = async |steps| {
        let runs = vec![other.clone(), one.clone()];
        let found = store.metric_series(runs, "m".to_owned(), steps).await.unwrap();
        let of = |run: &str| {
            let series = found.iter().find(|series| series.run_id == run)?;
            let points = series.points.iter().map(|point| (point.step, point.ms, point.value));
            Some(format!("{:?}", points.collect::<Vec<_>>()))
        };
        (of(&one), of(&other))
    };
    let whole = "[(-1, 9, 2.0), (0, 0, NaN), (0, 0, 4.0), (3, 0, 5.0), (3, 1, 1.0)]";
    let (first, second) = read(None).await;
    assert_eq!((first.as_deref(), second.as_deref()), (Some(whole), Some("[(1, 1, 1.0)]")));
    let (first, second) = read(Some((0, 2))).await;
    let cut = "[(0, 0, NaN), (0, 0, 4.0)]";
    assert_eq!((first.as_deref(), second.as_deref()), (Some(cut), Some("[(1, 1, 1.0)]")));
    assert_eq!(read(Some((2, 1))).await, (None, None));
    let (first, _) = read(Some((i64::MIN, i64::MAX))).await;
    assert_eq!(first.as_deref(), Some(whole));
}

async fn a_deleted_run_keeps_its_history(store: Store) {
    let id = run(&store).await;
    store.log_metric(id.clone(), point("m", 1.0, 0, 0)).await.unwrap();
    store.delete_run(id.clone()).await.unwrap();
    assert_eq!(history(&store, &id, "m").await.len(), 1);
}
