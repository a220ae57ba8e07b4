//! Metrics: logging (log-metric, log-batch) and history.

use serde::{Deserialize, Serialize};

use super::common::{KEY_VALUE, KeyValue, either};
use super::runs::{check_param, check_tag};
use crate::error::Error;
use crate::limits;
use crate::validate;
use crate::wire::{Check, Double, Field, Kind, Message, Request, Rules};

mod history;

pub use history::{
    GetHistory, HistoryBulk, HistoryBulkInterval, MetricHistory, MetricHistoryBulk, MetricWithRun,
};

const REQUIRED_TEXT: &[Check] = &[Check::Required, Check::Text];

/// `runs/log-metric`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogMetric {
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    run_uuid: String,
    /// The metric.
    pub key: String,
    /// The value.
    pub value: Double,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// The step.
    #[serde(default)]
    pub step: i64,
    /// The logged model that the value belongs to.
    #[serde(default)]
    pub model_id: Option<String>,
    /// The dataset on which the model had it.
    #[serde(default)]
    pub dataset_name: Option<String>,
    /// The digest of that dataset.
    #[serde(default)]
    pub dataset_digest: Option<String>,
}

impl LogMetric {
    /// The run.
    pub fn run_id(&self) -> &str {
        either(&self.run_id, &self.run_uuid)
    }

    /// The point.
    pub fn into_point(self) -> MetricPoint {
        MetricPoint {
            key: self.key,
            value: self.value,
            timestamp: self.timestamp,
            step: self.step,
            model_id: self.model_id,
            dataset_name: self.dataset_name,
            dataset_digest: self.dataset_digest,
            run_id: None,
        }
    }
}

impl Request for LogMetric {
    const MESSAGE: Message = Message(&[
        Field::new("run_id", Kind::Text, REQUIRED_TEXT),
        Field::new("key", Kind::Text, REQUIRED_TEXT),
        Field::new("value", Kind::Double, &[Check::Required, Check::FloatLike]),
        Field::new("timestamp", Kind::Int64, &[Check::IntLike, Check::Required]),
        Field::new("step", Kind::Int64, &[Check::IntLike]),
        Field::new("model_id", Kind::Text, &[Check::Text]),
        Field::new("dataset_name", Kind::Text, &[Check::Text]),
        Field::new("dataset_digest", Kind::Text, &[Check::Text]),
        Field::new("run_uuid", Kind::Text, &[]),
    ]);

    fn is_complete(&self) -> bool {
        !self.run_id.is_empty() && !self.key.is_empty()
    }

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        check_point(&self.key, self.value, self.timestamp, None)?;
        check_origin(&mut self.model_id, &mut self.dataset_name, &mut self.dataset_digest)
    }
}

/// `runs/log-batch`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogBatch {
    /// The run.
    #[serde(default)]
    pub run_id: String,
    /// Points of metrics.
    #[serde(default)]
    pub metrics: Vec<MetricPoint>,
    /// Parameters, values cut to [`limits::MAX_PARAM_VALUE_CHARS`]; no key occurs twice.
    #[serde(default)]
    pub params: Vec<KeyValue>,
    /// Tags, values cut to [`limits::MAX_TAG_VALUE_CHARS`]. Of a repeated key the last one counts.
    #[serde(default)]
    pub tags: Vec<KeyValue>,
}

/// A point of a metric, as it is logged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricPoint {
    /// The metric.
    pub key: String,
    /// The value.
    pub value: Double,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// The step.
    #[serde(default)]
    pub step: i64,
    /// The logged model that the value belongs to.
    #[serde(default)]
    pub model_id: Option<String>,
    /// The dataset on which the model had it.
    #[serde(default)]
    pub dataset_name: Option<String>,
    /// The digest of that dataset.
    #[serde(default)]
    pub dataset_digest: Option<String>,
    /// Sent by clients, of no effect: the batch names the run.
    #[serde(default)]
    pub run_id: Option<String>,
}

const METRIC: Message = Message(&[
    Field::new("key", Kind::Text, &[]),
    Field::new("value", Kind::Double, &[]),
    Field::new("timestamp", Kind::Int64, &[]),
    Field::new("step", Kind::Int64, &[]),
    Field::new("model_id", Kind::Text, &[]),
    Field::new("dataset_name", Kind::Text, &[]),
    Field::new("dataset_digest", Kind::Text, &[]),
    Field::new("run_id", Kind::Text, &[]),
]);

impl Request for LogBatch {
    const MESSAGE: Message = Message(&[
        Field::new("run_id", Kind::Text, &[Check::Text, Check::Required]),
        Field::new(
            "metrics",
            Kind::Messages(&METRIC),
            &[Check::Array, Check::ItemsHave(&["key", "value", "timestamp"])],
        ),
        Field::new(
            "params",
            Kind::Messages(&KEY_VALUE),
            &[Check::Array, Check::ItemsHave(&["key"])],
        ),
        Field::new("tags", Kind::Messages(&KEY_VALUE), &[Check::Array, Check::ItemsHave(&["key"])]),
    ]);

    fn is_complete(&self) -> bool {
        !self.run_id.is_empty()
            && self.metrics.iter().all(|metric| !metric.key.is_empty())
            && self.params.iter().chain(&self.tags).all(|pair| !pair.key.is_empty())
    }

    fn validate(&mut self, rules: Rules) -> Result<(), Error> {
        validate::run_id(&self.run_id)?;
        for (index, metric) in self.metrics.iter_mut().enumerate() {
            check_point(&metric.key, metric.value, metric.timestamp, Some(index))?;
            let MetricPoint { model_id, dataset_name, dataset_digest, .. } = metric;
            check_origin(model_id, dataset_name, dataset_digest)?;
        }
        // Building the paths costs more than the checks, so it waits for a failure.
        for (index, KeyValue { key, value }) in self.params.iter_mut().enumerate() {
            check_param(rules, key, value, "").or_else(|_wrong| {
                check_param(rules, key, value, &format!("params[{index}].key"))
            })?;
        }
        for (index, KeyValue { key, value }) in self.tags.iter_mut().enumerate() {
            check_tag(rules, key, value, "", "").or_else(|_wrong| {
                let path = |field| format!("tags[{index}].{field}");
                check_tag(rules, key, value, &path("key"), &path("value"))
            })?;
        }
        self.check_counts()?;
        self.refuse_repeated_params()
    }
}

impl LogBatch {
    fn check_counts(&self) -> Result<(), Error> {
        let (metrics, params, tags) = (self.metrics.len(), self.params.len(), self.tags.len());
        let counts = [
            ("metrics", limits::MAX_METRICS_PER_BATCH, metrics),
            ("params", limits::MAX_PARAMS_PER_BATCH, params),
            ("tags", limits::MAX_TAGS_PER_BATCH, tags),
            ("metrics, params, and tags", limits::MAX_ENTITIES_PER_BATCH, metrics + params + tags),
        ];
        for (what, limit, count) in counts {
            if count > limit {
                return Err(Error::invalid(format!(
                    "A batch logging request can contain at most {limit} {what}. Got {count} \
                     {what}. Please split up {what} across multiple requests and try again."
                )));
            }
        }
        Ok(())
    }

    fn refuse_repeated_params(&self) -> Result<(), Error> {
        let mut seen = std::collections::HashSet::new();
        let repeated: Vec<_> = self
            .params
            .iter()
            .filter(|param| !seen.insert(param.key.as_str()))
            .map(|param| format!("'{}'", param.key))
            .collect();
        if repeated.is_empty() {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "Duplicate parameter keys have been submitted: [{}]. Please ensure the request \
             contains only one param value per param key.",
            repeated.join(", ")
        )))
    }
}

fn check_point(
    key: &str,
    value: Double,
    timestamp: i64,
    index: Option<usize>,
) -> Result<(), Error> {
    let path = |name: &str| match index {
        Some(index) => format!("metrics[{index}].{name}"),
        None => name.to_owned(),
    };
    // Building the path costs more than the check, so it waits for a failure.
    if validate::key(key, "").is_err() {
        validate::key(key, &path("name"))?;
    }
    if timestamp < 0 {
        return Err(Error::invalid(format!(
            "Invalid value {timestamp} for parameter '{}' supplied: metric '{key}' (value={:?}). \
             Timestamp must be a nonnegative long (64-bit integer) ",
            path("timestamp"),
            value.0
        )));
    }
    validate::length(key, limits::MAX_KEY_CHARS, "Metric name")
}

/// Checks which model and dataset a point belongs to; empty texts count as absent.
fn check_origin(
    model_id: &mut Option<String>,
    dataset_name: &mut Option<String>,
    dataset_digest: &mut Option<String>,
) -> Result<(), Error> {
    for value in [&mut *model_id, &mut *dataset_name, &mut *dataset_digest] {
        value.take_if(|text| text.is_empty());
    }
    if dataset_name.is_some() != dataset_digest.is_some() {
        return Err(Error::invalid(
            "Both dataset_name and dataset_digest must be provided if one is provided",
        ));
    }
    let limits = [
        ("model_id", model_id, limits::MAX_KEY_CHARS),
        ("dataset_name", dataset_name, limits::MAX_DATASET_NAME_CHARS),
        ("dataset_digest", dataset_digest, limits::MAX_DATASET_DIGEST_CHARS),
    ];
    for (name, value, limit) in limits {
        if let Some(text) = value {
            validate::text(text, limit, name)?;
        }
    }
    Ok(())
}

/// A point of a metric of a logged model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelMetric {
    /// The metric.
    pub key: String,
    /// The value.
    pub value: Double,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// The step.
    #[serde(default)]
    pub step: i64,
    /// The dataset on which the model had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_name: Option<String>,
    /// The digest of that dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_digest: Option<String>,
    /// The model.
    pub model_id: String,
    /// The run that logged it.
    pub run_id: String,
}
