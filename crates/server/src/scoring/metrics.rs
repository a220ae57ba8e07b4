//! Counters of a model's server, for Prometheus.

use std::time::Duration;

use modelyard_deployments::served::{Engine, Served};

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
    pub(super) fn render(&self, served: &Served) -> String {
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
        page.gauge("http_connections", "Open connections.", self.connections.value());
        page.finish()
    }
}

/// A label's value: Prometheus wants backslashes, quotes and line ends escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
