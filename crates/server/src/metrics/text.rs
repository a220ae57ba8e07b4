//! The text format of Prometheus (version 0.0.4).

use std::fmt::{Display, Write as _};

use super::Histogram;
use super::histogram::BUCKETS;
use crate::AppState;

pub(crate) const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// All counters of the server, as `/metrics` shows them. Routes nobody has called are left out.
pub(crate) fn render(app: &AppState) -> String {
    let mut page = Page::new();
    requests(&mut page, app);
    let metrics = &app.metrics;
    page.gauge("http_in_flight", "Requests being worked on.", metrics.in_flight.value());
    page.gauge("http_connections", "Open connections.", metrics.connections.value());
    page.head("http_refused_total", "counter", "Requests refused before their route was reached.");
    for (reason, counter) in [
        ("host", &metrics.refused_hosts),
        ("origin", &metrics.refused_origins),
        ("load", &metrics.refused_load),
    ] {
        page.line("http_refused_total", &format!("reason=\"{reason}\""), counter.value());
    }
    page.head("artifact_bytes_total", "counter", "Bytes of artifacts moved.");
    for (direction, counter) in
        [("in", &metrics.transfer_bytes_in), ("out", &metrics.transfer_bytes_out)]
    {
        page.line("artifact_bytes_total", &format!("direction=\"{direction}\""), counter.value());
    }
    queues(&mut page, app);
    writer(&mut page, app);
    page.finish()
}

fn requests(page: &mut Page, app: &AppState) {
    let called = || {
        let routes = app.routes.iter().zip(&app.metrics.routes);
        let labelled = routes.map(|(info, metrics)| {
            (format!("method=\"{}\",route=\"{}\"", info.method, info.path), metrics)
        });
        labelled.filter(|(_, metrics)| metrics.by_class.iter().any(|class| class.value() > 0))
    };
    page.head("http_requests_total", "counter", "Answers by route and class of status.");
    for (labels, metrics) in called() {
        for (class, counter) in CLASSES.iter().zip(&metrics.by_class) {
            if counter.value() > 0 {
                let labels = format!("{labels},status=\"{class}\"");
                page.line("http_requests_total", &labels, counter.value());
            }
        }
    }
    let name = "http_request_duration_seconds";
    page.head(name, "histogram", "Time from the head of a request to the head of its answer.");
    for (labels, metrics) in called() {
        page.histogram(name, &labels, &metrics.latency);
    }
}

fn queues(page: &mut Page, app: &AppState) {
    page.head("queue_running", "gauge", "Requests that hold a slot of their lane.");
    for (lane, queue) in app.admission.queues() {
        page.line("queue_running", &format!("lane=\"{lane}\""), queue.running());
    }
    page.head("queue_waiting", "gauge", "Requests that wait for a slot of their lane.");
    for (lane, queue) in app.admission.queues() {
        page.line("queue_waiting", &format!("lane=\"{lane}\""), queue.waiting());
    }
}

/// How well the writer groups: operations per commit are the requests that shared one sync.
fn writer(page: &mut Page, app: &AppState) {
    let load = app.store.load();
    let help = "Transactions committed by the database writer (SQLite only).";
    page.counter("database_commits_total", help, load.commits);
    let help = "Write operations in those transactions (SQLite only).";
    page.counter("database_operations_total", help, load.operations);
    let help = "Writes that wait for the database writer (SQLite only).";
    page.plain("database_writes_waiting", "gauge", help, load.waiting);
}

/// The page being written; writing to a String cannot fail.
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn new() -> Self {
        Self(String::with_capacity(16 << 10))
    }

    /// The whole page.
    pub(crate) fn finish(self) -> String {
        self.0
    }

    pub(crate) fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP modelyard_{name} {help}\n# TYPE modelyard_{name} {kind}");
    }

    pub(crate) fn line(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "modelyard_{name}{{{labels}}} {value}");
    }

    /// The lines of one histogram.
    pub(crate) fn histogram(&mut self, name: &str, labels: &str, histogram: &Histogram) {
        let counts = histogram.cumulative();
        let bounds = BUCKETS.iter().map(|(_, text)| *text).chain(["+Inf"]);
        for (bound, count) in bounds.zip(counts) {
            self.line(&format!("{name}_bucket"), &format!("{labels},le=\"{bound}\""), count);
        }
        self.line(&format!("{name}_sum"), labels, histogram.sum_seconds());
        self.line(&format!("{name}_count"), labels, counts[BUCKETS.len()]);
    }

    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.plain(name, "gauge", help, value);
    }

    pub(crate) fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.plain(name, "counter", help, value);
    }

    fn plain(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "modelyard_{name} {value}");
    }
}
