//! What is to be reached, and whether it was.

use crate::limits::LIMIT;
use crate::peers::Peer;
use crate::results::Results;
use crate::scaling::SCALING;
use crate::suite::{Cell, short};

/// Which side of the bound is good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// A goal with the worst figure that counts for it.
#[derive(Debug)]
pub(crate) struct Goal {
    pub(crate) text: String,
    pub(crate) bound: Bound,
    pub(crate) unit: &'static str,
    /// The figure and what it was measured on; none when a part of it was not measured.
    pub(crate) worst: Option<(f64, String)>,
}

impl Goal {
    pub(crate) fn met(&self) -> Option<bool> {
        self.worst.as_ref().map(|(value, _)| match self.bound {
            Bound::AtLeast(bound) => *value >= bound,
            Bound::AtMost(bound) => *value <= bound,
        })
    }
}

pub(crate) const WORKLOADS: [&str; 8] = ["W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8"];

/// Goals against MLflow: words, workload, what the variant starts and ends with, times better.
const AGAINST_MLFLOW: [(&str, &str, &str, &str, f64); 14] = [
    ("start, new database", "W1", "first", "", 200.0),
    ("start, existing database", "W1", "existing", "", 200.0),
    ("idle memory (PSS)", "W1", "idle", "", 80.0),
    ("log-metric, 1 connection", "W2", "log-metric, 1 ", "", 40.0),
    ("log-metric, 32 connections", "W2", "log-metric, 32 ", "", 300.0),
    ("log-batch", "W3", "metrics", "", 20.0),
    ("run life cycle", "W4", "run life cycle", "", 100.0),
    ("search", "W5", "search", "conn", 25.0),
    ("history", "W6", "get-history", "points", 80.0),
    ("large artifacts", "W7", "large", "", 2.0),
    ("small artifacts", "W7", "small", "", 8.0),
    ("version create", "W8", "version create", "", 20.0),
    ("alias move", "W8", "alias move", "", 20.0),
    ("registry search", "W8", "search", "", 20.0),
];

/// All goals, judged on `results`.
pub(crate) fn judge(results: &Results) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (text, workload, start, end, times) in AGAINST_MLFLOW {
        goals.push(Goal {
            text: format!("{text}, against MLflow"),
            bound: Bound::AtLeast(times),
            unit: "x",
            worst: least_ratio(results, &[workload], Peer::Mlflow, |variant| {
                variant.starts_with(start) && variant.ends_with(end)
            }),
        });
    }
    goals.push(Goal {
        text: "idle memory (RSS), against MLflow".to_owned(),
        bound: Bound::AtLeast(80.0),
        unit: "x",
        worst: rss_ratio(results),
    });
    goals.push(Goal {
        text: "order by metric, 1 connection, p50".to_owned(),
        bound: Bound::AtMost(10.0),
        unit: " ms",
        worst: results
            .value("W5", "search order by metric, 1 conn", Peer::Modelyard.name(), "p50_ms")
            .map(|value| (value, "search order by metric, 1 conn".to_owned())),
    });
    goals.push(Goal {
        text: "ahead of FastTrackML in every workload".to_owned(),
        bound: Bound::AtLeast(1.0),
        unit: "x",
        worst: least_ratio(results, &WORKLOADS, Peer::Fml, |variant| !variant.ends_with("answer")),
    });
    goals.push(Goal {
        text: "writes from 8 connections on, against FastTrackML".to_owned(),
        bound: Bound::AtLeast(5.0),
        unit: "x",
        worst: least_ratio(results, &["W2", "W3", "W4"], Peer::Fml, |variant| {
            variant.ends_with(", 8 conn") || variant.ends_with(", 32 conn")
        }),
    });
    goals.extend(distances(results));
    goals.push(growth(results));
    goals
}

/// The least ratio over the variants that count; none if there are none, or if one of them cannot
/// be compared: a part that was not measured could be the worst.
fn least_ratio(
    results: &Results,
    workloads: &[&str],
    peer: Peer,
    counts: impl Fn(&str) -> bool,
) -> Option<(f64, String)> {
    let mut least: Option<(f64, String)> = None;
    for workload in workloads.iter().filter(|workload| peer.has_workload(workload)) {
        let variants: Vec<&str> =
            results.variants(workload).into_iter().filter(|variant| counts(variant)).collect();
        if variants.is_empty() {
            return None;
        }
        for variant in variants {
            let ratio = results.ratio(workload, variant, peer)?;
            if least.as_ref().is_none_or(|(least, _)| ratio < *least) {
                least = Some((ratio, format!("{workload} {variant}")));
            }
        }
    }
    least
}

fn rss_ratio(results: &Results) -> Option<(f64, String)> {
    let variant = "idle memory";
    results.ratio("W1", variant, Peer::Mlflow)?;
    let rss = |peer: Peer| results.value("W1", variant, peer.name(), "rss_mib");
    Some((rss(Peer::Mlflow)? / rss(Peer::Modelyard)?, format!("W1 {variant}")))
}

/// How far ours is from the limits of the machine.
fn distances(results: &Results) -> [Goal; 2] {
    let keyed = "SQLite rows, keyed, 1000 a commit";
    let heap = "SQLite rows, heap, 1000 a commit";
    let batch = ("W3", "metrics, 8 conn");
    let to_heap = distance(results, batch, heap).map_or_else(String::new, |(times, _)| {
        format!("; to bare rows without a key: {}x", short(times))
    });
    let metric = ("W2", "log-metric, 32 conn");
    [
        Goal {
            text: format!("log-batch, distance to bare batched SQLite inserts with a key{to_heap}"),
            bound: Bound::AtMost(2.0),
            unit: "x",
            worst: distance(results, batch, keyed),
        },
        Goal {
            text: "log-metric at 32, distance to a bare axum POST".to_owned(),
            bound: Bound::AtMost(3.0),
            unit: "x",
            worst: distance(results, metric, "bare axum POST, 32 conn"),
        },
    ]
}

/// How many times faster the limit is than ours, if both were measured in one run.
fn distance(
    results: &Results,
    (workload, variant): (&str, &str),
    limit: &str,
) -> Option<(f64, String)> {
    let ours = results.cell(workload, variant, Peer::Modelyard.name())?;
    let limit = results.cell("limits", limit, LIMIT).filter(|limit| limit.run == ours.run)?;
    let rate = |cell: &Cell| cell.values.get("rate_per_s").copied();
    Some((rate(limit)? / rate(ours)?, format!("{workload} {variant}")))
}

/// The worst growth of a median from the smallest database to a larger one.
fn growth(results: &Results) -> Goal {
    let p50 = |variant: &str| results.value(SCALING, variant, Peer::Modelyard.name(), "p50_ms");
    let variants = results.variants(SCALING);
    let mut worst: Option<(f64, String)> = None;
    for variant in &variants {
        let Some((what, size)) = split(variant) else { continue };
        let small = variants.iter().find(|other| split(other).is_some_and(|(w, _)| w == what));
        let (Some(small), Some(large)) = (small.and_then(|v| p50(v)), p50(variant)) else {
            continue;
        };
        if worst.as_ref().is_none_or(|(most, _)| large / small > *most) {
            worst = Some((large / small, format!("{what}, {size}")));
        }
    }
    Goal {
        text: "growth of the median with the database".to_owned(),
        bound: Bound::AtMost(1.5),
        unit: "x",
        worst,
    }
}

/// What is measured and on which size.
fn split(variant: &str) -> Option<(&str, &str)> {
    variant.split_once(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::results::Machine;
    use crate::suite::Mode;

    fn results(cells: &[(&str, &str, &str, &str, f64)]) -> Results {
        let cells = cells.iter().map(|(workload, variant, server, name, value)| Cell {
            workload: (*workload).to_owned(),
            variant: (*variant).to_owned(),
            server: (*server).to_owned(),
            values: BTreeMap::from([((*name).to_owned(), *value)]),
            error: None,
            run: "one".to_owned(),
        });
        Results { mode: Mode::Quick, machine: Machine::here().unwrap(), cells: cells.collect() }
    }

    fn find(goals: &[Goal], text: &str) -> (Option<bool>, Option<f64>) {
        let goal = goals.iter().find(|goal| goal.text.starts_with(text)).unwrap();
        (goal.met(), goal.worst.as_ref().map(|(value, _)| *value))
    }

    #[test]
    fn the_worst_variant_decides() {
        let goals = judge(&results(&[
            ("W3", "metrics, 1 conn", "modelyard", "rate_per_s", 300.0),
            ("W3", "metrics, 1 conn", "mlflow", "rate_per_s", 10.0),
            ("W3", "metrics, 8 conn", "modelyard", "rate_per_s", 150.0),
            ("W3", "metrics, 8 conn", "mlflow", "rate_per_s", 10.0),
            ("limits", "SQLite rows, keyed, 1000 a commit", "limit", "rate_per_s", 299.0),
        ]));
        assert_eq!(find(&goals, "log-batch, against MLflow"), (Some(false), Some(15.0)));
        assert_eq!(find(&goals, "log-batch, distance").0, Some(true));
        assert_eq!(find(&goals, "history"), (None, None));
    }

    #[test]
    fn less_time_is_better_and_growth_is_against_the_smallest() {
        let goals = judge(&results(&[
            ("W1", "first, new database", "modelyard", "median_ms", 20.0),
            ("W1", "first, new database", "mlflow", "median_ms", 10_000.0),
            ("scaling", "search none, 1000 runs", "modelyard", "p50_ms", 2.0),
            ("scaling", "search none, 5000 runs", "modelyard", "p50_ms", 4.0),
        ]));
        assert_eq!(find(&goals, "start, new"), (Some(true), Some(500.0)));
        assert_eq!(find(&goals, "growth"), (Some(false), Some(2.0)));
    }

    #[test]
    fn what_was_not_measured_could_be_the_worst() {
        let goals = judge(&results(&[
            ("W3", "metrics, 1 conn", "modelyard", "rate_per_s", 300.0),
            ("W3", "metrics, 1 conn", "mlflow", "rate_per_s", 10.0),
            ("W3", "metrics, 8 conn", "modelyard", "rate_per_s", 300.0),
        ]));
        assert_eq!(find(&goals, "log-batch, against MLflow"), (None, None));
    }

    #[test]
    fn figures_of_two_runs_are_not_compared() {
        let mut results = results(&[
            ("W3", "metrics, 8 conn", "modelyard", "rate_per_s", 300.0),
            ("W3", "metrics, 8 conn", "mlflow", "rate_per_s", 10.0),
            ("limits", "SQLite rows, keyed, 1000 a commit", "limit", "rate_per_s", 299.0),
        ]);
        results.cells[0].run = "another".to_owned();
        let goals = judge(&results);
        assert_eq!(find(&goals, "log-batch, against MLflow"), (None, None));
        assert_eq!(find(&goals, "log-batch, distance"), (None, None));
    }

    #[test]
    fn both_distances_to_sqlite_are_shown() {
        let goals = judge(&results(&[
            ("W3", "metrics, 8 conn", "modelyard", "rate_per_s", 100.0),
            ("limits", "SQLite rows, keyed, 1000 a commit", "limit", "rate_per_s", 150.0),
            ("limits", "SQLite rows, heap, 1000 a commit", "limit", "rate_per_s", 400.0),
        ]));
        let goal = goals.iter().find(|goal| goal.text.contains("SQLite")).unwrap();
        assert!(
            goal.text.ends_with("with a key; to bare rows without a key: 4.00x"),
            "{}",
            goal.text
        );
    }
}
