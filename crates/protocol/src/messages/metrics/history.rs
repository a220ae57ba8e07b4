//! The history of metrics.

use serde::{Deserialize, Serialize};

use super::super::common::either;
use super::super::runs::Metric;
use super::REQUIRED_TEXT;
use crate::error::Error;
use crate::limits;
use crate::validate;
use crate::wire::{Check, Double, Field, Kind, Message, Query, Request, Rules};

/// `metrics/get-history`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetHistory {
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    run_uuid: String,
    /// The metric.
    pub metric_key: String,
    /// Where the list goes on.
    #[serde(default)]
    pub page_token: String,
    /// Points on a page; all of them if absent.
    #[serde(default)]
    pub max_results: Option<i64>,
}

impl GetHistory {
    /// The run.
    pub fn run_id(&self) -> &str {
        either(&self.run_id, &self.run_uuid)
    }
}

impl Request for GetHistory {
    const MESSAGE: Message = Message(&[
        Field::new("run_id", Kind::Text, &[Check::Text, Check::Required]),
        Field::new("metric_key", Kind::Text, &[Check::Text, Check::Required]),
        Field::new("page_token", Kind::Text, &[Check::Text]),
        Field::new("max_results", Kind::Int32, &[]),
        Field::new("run_uuid", Kind::Text, &[]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        match self.max_results {
            Some(value) if value < 1 => Err(Error::invalid(format!(
                "Invalid value {value} for parameter 'max_results' supplied. It must be a positive \
                 integer."
            ))),
            _ => Ok(()),
        }
    }
}

/// Answer of `metrics/get-history`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricHistory {
    /// One page, by time, step and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// Where the list goes on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// `metrics/get-history-bulk`: a query, read without a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryBulk {
    /// The runs.
    pub run_ids: Vec<String>,
    /// The metric.
    pub metric_key: String,
    /// Points in the answer.
    pub max_results: i64,
}

impl HistoryBulk {
    /// Reads the query.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` without runs or metric, with too many runs, and when
    /// `max_results` is not a number, 0 or more.
    pub fn read(query: &Query) -> Result<Self, Error> {
        let run_ids: Vec<String> = query.all("run_id").map(str::to_owned).collect();
        if run_ids.is_empty() {
            return Err(Error::invalid(
                "GetMetricHistoryBulk request must specify at least one run_id.",
            ));
        }
        if run_ids.len() > limits::MAX_HISTORY_BULK_RUNS {
            return Err(Error::invalid(format!(
                "GetMetricHistoryBulk request cannot specify more than {} run_ids. Received {} \
                 run_ids.",
                limits::MAX_HISTORY_BULK_RUNS,
                run_ids.len()
            )));
        }
        let Some(metric_key) = query.get("metric_key") else {
            return Err(Error::invalid("GetMetricHistoryBulk request must specify a metric_key."));
        };
        let max_results = match query.get("max_results") {
            None => limits::MAX_HISTORY_BULK_RESULTS,
            Some(text) => text.trim().parse::<i64>().map_err(|_not_an_integer| {
                validate::invalid_value("max_results", text, Some("It must be an integer."))
            })?,
        };
        if max_results < 0 {
            validate::max_results(max_results, i64::MAX)?;
        }
        let max_results = max_results.min(limits::MAX_HISTORY_BULK_RESULTS);
        Ok(Self { run_ids, metric_key: metric_key.to_owned(), max_results })
    }
}

/// A point of a metric, with its run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricWithRun {
    /// The metric.
    pub key: String,
    /// The value.
    pub value: Double,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// The step.
    #[serde(default)]
    pub step: i64,
    /// The run.
    pub run_id: String,
}

/// Answer of `metrics/get-history-bulk` (always with its list) and, when not empty, of
/// `metrics/get-history-bulk-interval`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricHistoryBulk {
    /// The points.
    #[serde(default)]
    pub metrics: Vec<MetricWithRun>,
}

/// `metrics/get-history-bulk-interval`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryBulkInterval {
    /// The runs.
    pub run_ids: Vec<String>,
    /// The metric.
    pub metric_key: String,
    #[serde(default)]
    start_step: Option<i64>,
    #[serde(default)]
    end_step: Option<i64>,
    /// Points per run.
    #[serde(default = "default_interval_results")]
    pub max_results: i64,
}

fn default_interval_results() -> i64 {
    limits::MAX_HISTORY_INTERVAL_RESULTS
}

impl HistoryBulkInterval {
    /// The steps to sample, both ends included; all if absent.
    pub fn steps(&self) -> Option<(i64, i64)> {
        self.start_step.zip(self.end_step)
    }
}

impl Request for HistoryBulkInterval {
    const MESSAGE: Message = Message(&[
        Field::new(
            "run_ids",
            Kind::Texts,
            &[
                Check::Required,
                Check::Array,
                Check::TextItems,
                Check::CountAtMost(
                    limits::MAX_HISTORY_BULK_RUNS,
                    "GetMetricHistoryBulkInterval",
                    "run_ids",
                ),
            ],
        ),
        Field::new("metric_key", Kind::Text, REQUIRED_TEXT),
        Field::new("start_step", Kind::Int32, &[Check::IntLike]),
        Field::new("end_step", Kind::Int32, &[Check::IntLike]),
        Field::new(
            "max_results",
            Kind::Int32,
            &[Check::IntLike, Check::Within(1, limits::MAX_HISTORY_INTERVAL_RESULTS)],
        ),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        match (self.start_step, self.end_step) {
            (Some(start), Some(end)) if start > end => Err(Error::invalid(format!(
                "end_step must be greater than start_step. Found start_step={start} and \
                 end_step={end}."
            ))),
            (Some(_), None) | (None, Some(_)) => Err(Error::invalid(
                "If either start step or end step are specified, both must be specified.",
            )),
            _ => Ok(()),
        }
    }
}
