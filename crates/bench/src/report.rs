//! The tables that are printed and put into `bench/README.md`.

use std::fmt::Write as _;

use crate::goals::{Bound, WORKLOADS, judge};
use crate::limits::LIMIT;
use crate::peers::Peer;
use crate::results::Results;
use crate::scaling::SCALING;
use crate::suite::{Cell, short};

const PEERS: [Peer; 3] = [Peer::Modelyard, Peer::Mlflow, Peer::Fml];

/// Markdown of a whole run.
pub(crate) fn render(results: &Results) -> String {
    let machine = &results.machine;
    let mut out = format!(
        "{} cores ({}), {} MiB memory, Linux {}; mode {}.\n\n",
        machine.cores,
        machine.processor,
        machine.memory_mib,
        machine.kernel,
        format!("{:?}", results.mode).to_lowercase()
    );
    out += &goals(results);
    out += "\n### Beside the peers\n\n\
            Rates are per second, then p50 / p99 in ms and processor time of the server per \
            operation in ms; `*` marks a figure during which other processes kept more than \
            0.2 cores busy.\n\n\
            | workload | modelyard | mlflow | fml | x mlflow | x fml |\n|---|---|---|---|---|---|\n";
    for workload in WORKLOADS {
        for variant in results.variants(workload) {
            row(&mut out, results, workload, variant);
        }
    }
    out += "\n### Limits of the machine\n\n| probe | result |\n|---|---|\n";
    for variant in results.variants("limits") {
        let cell = results.cell("limits", variant, LIMIT).map_or_else(String::new, figure);
        let _ = writeln!(out, "| {variant} | {cell} |");
    }
    out += "\n### Growth with the database\n\n| what | result |\n|---|---|\n";
    for variant in results.variants(SCALING) {
        let cell = results.cell(SCALING, variant, Peer::Modelyard.name());
        let _ = writeln!(out, "| {variant} | {} |", cell.map_or_else(String::new, figure));
    }
    out
}

fn goals(results: &Results) -> String {
    let mut out =
        "### Goals\n\n| goal | needed | measured | on | met |\n|---|---|---|---|---|\n".to_owned();
    for goal in judge(results) {
        let (sign, bound) = match goal.bound {
            Bound::AtLeast(bound) => ("≥", bound),
            Bound::AtMost(bound) => ("≤", bound),
        };
        let met = match goal.met() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "not measured",
        };
        let (value, place) = goal.worst.map_or_else(
            || ("–".to_owned(), String::new()),
            |(value, place)| (format!("{}{}", short(value), goal.unit), place),
        );
        let (text, unit) = (goal.text, goal.unit);
        let _ =
            writeln!(out, "| {text} | {sign} {}{unit} | {value} | {place} | {met} |", short(bound));
    }
    out
}

fn row(out: &mut String, results: &Results, workload: &str, variant: &str) {
    let _ = write!(out, "| {workload} {variant} |");
    for peer in PEERS {
        let cell = results.cell(workload, variant, peer.name());
        let _ = write!(out, " {} |", cell.map_or_else(|| "–".to_owned(), figure));
    }
    for peer in [Peer::Mlflow, Peer::Fml] {
        let ratio = results.ratio(workload, variant, peer);
        let _ = write!(out, " {} |", ratio.map_or_else(|| "–".to_owned(), short));
    }
    out.push('\n');
}

fn figure(cell: &Cell) -> String {
    if let (Some(error), true) = (&cell.error, cell.values.is_empty()) {
        return error.replace(['|', '\n'], " ");
    }
    let value = |name: &str| cell.values.get(name).copied();
    let shown = |name: &str| value(name).map_or_else(String::new, short);
    if let (Some(median), Some(least), Some(most)) =
        (value("median_ms"), value("least_ms"), value("most_ms"))
    {
        return format!("{} ms ({}–{})", short(median), short(least), short(most));
    }
    if value("pss_mib").is_some() {
        let processes = shown("processes");
        return format!("{} MiB (PSS {}), {processes} proc", shown("rss_mib"), shown("pss_mib"));
    }
    if let Some(size) = value("body_mib") {
        return format!("{} MiB", short(size));
    }
    if let Some(size) = value("bytes") {
        return format!("{} bytes", short(size));
    }
    let mut text = String::new();
    if let Some(rate) = value("rate_per_s") {
        let _ = write!(text, "{}/s", short(rate));
    }
    if value("p50_ms").is_some() {
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}{} / {} ms", shown("p50_ms"), shown("p99_ms"));
    }
    if value("server_cpu_ms").is_some() {
        let _ = write!(text, ", {} cpu", shown("server_cpu_ms"));
    }
    if let Some(errors) = value("errors").filter(|errors| *errors > 0.0) {
        let _ = write!(text, ", **{} errors**", short(errors));
    }
    if value("others_cores").is_some_and(|cores| cores > 0.2) {
        text.push_str(" *");
    }
    text
}
