//! Counters of a model's server, for Prometheus.

use std::time::Duration;

use modelyard_deployments::served::{Engine, Live};
use modelyard_deployments::workers::{State, Status, WorkerStatus};

use crate::metrics::{CLASSES, Counter, Gauge, Histogram, Page};

/// The protocols, as [`modelyard_deployments::served::Form::name`] has them.
const FORMS: [&str; 3] = ["mlflow", "oip", "kserve"];
/// Who answers: nobody, when a request reaches no engine.
const ENGINES: [&str; 3] = ["native", "python", "none"];

#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) in_flight: Gauge,
    pub(super) connections: Gauge,
    forms: [FormMetrics; FORMS.len()],
}

#[derive(Debug, Default)]
struct FormMetrics {
    /// Answers by engine and first digit of their status.
    answers: [[Counter; CLASSES.len()]; ENGINES.len()],
    latency: Histogram,
}

impl Metrics {
    pub(super) fn answered(&self, form: &str, status: u16, engine: Option<Engine>, took: Duration) {
        let Some(form) = FORMS.iter().position(|name| *name == form) else { return };
        let engine = match engine {
            Some(Engine::Native) => 0,
            Some(Engine::Python) => 1,
            None => 2,
        };
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        self.forms[form].answers[engine][class].add(1);
        self.forms[form].latency.observe(took);
    }

    /// The page at `/metrics`.
    pub(super) fn render(&self, live: &Live) -> String {
        let served = live.current();
        let mut page = Page::new();
        let (name, version) = (escaped(served.name()), served.version().unwrap_or_default());
        let engine = served.engine().name();
        page.head("model_info", "gauge", "The model that is served.");
        let labels =
            format!("model=\"{name}\",version=\"{}\",engine=\"{engine}\"", escaped(version));
        page.line("model_info", &labels, 1);
        page.head("model_requests_total", "counter", "Answers by protocol, engine and status.");
        for (form, metrics) in FORMS.iter().zip(&self.forms) {
            for (engine, classes) in ENGINES.iter().zip(&metrics.answers) {
                for (class, counter) in CLASSES.iter().zip(classes) {
                    if counter.value() > 0 {
                        let labels = format!(
                            "model=\"{name}\",protocol=\"{form}\",engine=\"{engine}\",status=\"{class}\""
                        );
                        page.line("model_requests_total", &labels, counter.value());
                    }
                }
            }
        }
        let histogram = "model_request_duration_seconds";
        page.head(histogram, "histogram", "Time from a request's last byte to its answer.");
        for (form, metrics) in FORMS.iter().zip(&self.forms) {
            let labels = format!("model=\"{name}\",protocol=\"{form}\"");
            page.histogram(histogram, &labels, &metrics.latency);
        }
        page.gauge("model_in_flight", "Requests being worked on.", self.in_flight.value());
        let help = "How often another version has taken the model's place.";
        page.counter("model_replaced_total", help, live.replaced());
        let help = "Whether the native engine was switched off because Python answered otherwise.";
        page.gauge("model_native_divergence", help, u8::from(served.has_diverged()));
        if let Some(workers) = served.workers() {
            render_workers(&mut page, &workers);
        }
        page.gauge("http_connections", "Open connections.", self.connections.value());
        page.finish()
    }
}

fn render_workers(page: &mut Page, status: &Status) {
    page.gauge("worker_queue", "Requests that wait for a worker.", status.queued);
    page.gauge("worker_in_flight", "Requests that are in a worker.", status.in_flight);
    let help = "Calls of the model that answered several requests.";
    page.counter("worker_batches_total", help, status.batches.batches);
    let help = "Requests that were answered together with others.";
    page.counter("worker_batched_requests_total", help, status.batches.calls);
    let each =
        |page: &mut Page, name: &str, kind: &str, help: &str, of: &dyn Fn(&WorkerStatus) -> u64| {
            page.head(name, kind, help);
            for (at, worker) in status.workers.iter().enumerate() {
                page.line(name, &format!("worker=\"{at}\""), of(worker));
            }
        };
    each(page, "worker_up", "gauge", "Whether a worker has loaded the model.", &|worker| {
        u64::from(matches!(worker.state, State::Idle | State::Busy))
    });
    each(page, "worker_restarts_total", "counter", "Starts after the first.", &|it| it.restarts);
    each(page, "worker_requests_total", "counter", "Calls answered.", &|it| it.requests);
    each(page, "worker_memory_bytes", "gauge", "Resident memory.", &|it| {
        it.rss_bytes.unwrap_or_default()
    });
}

/// A label's value: Prometheus wants backslashes, quotes and line ends escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
