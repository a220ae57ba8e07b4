//! Runs: answers.

use serde::{Deserialize, Serialize};

use super::super::common::KeyValue;
use crate::states::{LifecycleStage, RunStatus};
use crate::wire::Double;

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What it is.
    pub info: RunInfo,
    /// What was logged to it.
    #[serde(default)]
    pub data: RunData,
    /// What went in.
    #[serde(default)]
    pub inputs: RunInputs,
    /// What came out; absent in the answer of runs/create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<RunOutputs>,
}

/// The fixed properties of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The id, under its old name.
    pub run_uuid: String,
    /// The experiment.
    pub experiment_id: String,
    /// The name.
    pub run_name: String,
    /// Who runs it; empty if not said.
    #[serde(default)]
    pub user_id: String,
    /// The status.
    pub status: RunStatus,
    /// Milliseconds since the epoch.
    #[serde(default)]
    pub start_time: i64,
    /// Milliseconds since the epoch; absent when the run has not ended (and when it is 0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<i64>,
    /// Where its artifacts are.
    pub artifact_uri: String,
    /// Active or deleted.
    pub lifecycle_stage: LifecycleStage,
    /// The id.
    pub run_id: String,
}

/// What was logged to a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunData {
    /// The latest point of each metric.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// The parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<KeyValue>,
    /// The tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<KeyValue>,
}

/// A point of a metric of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The metric.
    pub key: String,
    /// The value.
    pub value: Double,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// The step.
    #[serde(default)]
    pub step: i64,
}

/// What went into a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInputs {
    /// The datasets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dataset_inputs: Vec<DatasetInputView>,
    /// The models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub model_inputs: Vec<ModelInputView>,
}

/// A dataset of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInputView {
    /// Tags of the use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<KeyValue>,
    /// The dataset.
    pub dataset: DatasetView,
}

/// A dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetView {
    /// The name.
    pub name: String,
    /// The digest.
    pub digest: String,
    /// The kind of source.
    pub source_type: String,
    /// Where it comes from.
    pub source: String,
    /// Its columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Its statistics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// A model that went into a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInputView {
    /// The model.
    pub model_id: String,
}

/// What came out of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOutputs {
    /// The models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub model_outputs: Vec<ModelOutputView>,
}

/// A model that came out of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelOutputView {
    /// The model.
    pub model_id: String,
    /// The step at which it was made.
    #[serde(default)]
    pub step: i64,
}

/// Answer of `runs/create` and `runs/get`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunAnswer {
    /// The run.
    pub run: Run,
}

/// Answer of `runs/update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfoAnswer {
    /// The run's properties after the change.
    pub run_info: RunInfo,
}

/// Answer of `runs/search`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Runs {
    /// One page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    /// Where the list goes on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}
