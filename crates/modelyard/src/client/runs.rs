//! Runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::experiments::Empty;
use super::{Client, Error, Number};

/// A run, as the API gives it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Run {
    pub(crate) info: RunInfo,
    #[serde(default)]
    pub(crate) data: RunData,
    #[serde(default)]
    pub(crate) inputs: RunInputs,
    #[serde(default)]
    pub(crate) outputs: RunOutputs,
}

/// The fixed fields of a run.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RunInfo {
    pub(crate) run_id: String,
    #[serde(default)]
    pub(crate) experiment_id: String,
    #[serde(default)]
    pub(crate) run_name: String,
    #[serde(default)]
    pub(crate) user_id: String,
    #[serde(default)]
    pub(crate) status: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) start_time: Option<i64>,
    /// Milliseconds since the Unix epoch; absent while the run goes on.
    pub(crate) end_time: Option<i64>,
    #[serde(default)]
    pub(crate) artifact_uri: String,
    #[serde(default)]
    pub(crate) lifecycle_stage: String,
}

/// What was logged to a run.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct RunData {
    #[serde(default)]
    pub(crate) metrics: Vec<Metric>,
    #[serde(default)]
    pub(crate) params: Vec<Tag>,
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
}

/// The latest point of a metric.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metric {
    pub(crate) key: String,
    pub(crate) value: Number,
}

/// A key with a text: tags and parameters alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tag {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: String,
}

/// The datasets and models a run used.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct RunInputs {
    #[serde(default)]
    pub(crate) dataset_inputs: Vec<DatasetInput>,
    #[serde(default)]
    pub(crate) model_inputs: Vec<Value>,
}

/// The models a run made.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct RunOutputs {
    #[serde(default)]
    pub(crate) model_outputs: Vec<Value>,
}

/// A dataset and in which role the run used it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DatasetInput {
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
    pub(crate) dataset: Dataset,
}

/// A dataset.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Dataset {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) digest: String,
    #[serde(default)]
    pub(crate) source_type: String,
    #[serde(default)]
    pub(crate) source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,
}

/// Active objects, deleted ones, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ViewType {
    ActiveOnly,
    DeletedOnly,
    All,
}

/// What to look for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RunSearch {
    pub(crate) experiment_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<String>,
    pub(crate) run_view_type: ViewType,
    pub(crate) max_results: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) order_by: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page_token: Option<String>,
}

/// A run to be started.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NewRun<'a> {
    pub(crate) experiment_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<&'a str>,
    /// Milliseconds since the Unix epoch.
    pub(crate) start_time: i64,
    pub(crate) tags: &'a [Tag],
}

#[derive(Deserialize)]
struct Found {
    run: Run,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    runs: Vec<Run>,
    next_page_token: Option<String>,
}

impl RunData {
    /// The metrics by key.
    pub(crate) fn metrics(&self) -> BTreeMap<&str, &Number> {
        self.metrics.iter().map(|metric| (metric.key.as_str(), &metric.value)).collect()
    }

    /// The parameters by key.
    pub(crate) fn params(&self) -> BTreeMap<&str, &str> {
        by_key(&self.params)
    }

    /// The tags by key.
    pub(crate) fn tags(&self) -> BTreeMap<&str, &str> {
        by_key(&self.tags)
    }
}

impl DatasetInput {
    /// The tags by key.
    pub(crate) fn tags(&self) -> BTreeMap<&str, &str> {
        by_key(&self.tags)
    }
}

fn by_key(tags: &[Tag]) -> BTreeMap<&str, &str> {
    tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect()
}

impl Client {
    /// The run with this id, deleted ones included.
    pub(crate) fn run(&self, id: &str) -> Result<Run, Error> {
        let found: Found = self.get("/api/2.0/mlflow/runs/get", &[("run_id", id)])?;
        Ok(found.run)
    }

    /// One page of a search, with the token of the next.
    pub(crate) fn search_runs(
        &self,
        search: &RunSearch,
    ) -> Result<(Vec<Run>, Option<String>), Error> {
        let page: Page = self.post("/api/2.0/mlflow/runs/search", search, true)?;
        Ok((page.runs, page.next_page_token.filter(|token| !token.is_empty())))
    }

    /// Starts a run. Not repeated when the connection breaks: there would be two.
    pub(crate) fn create_run(&self, run: &NewRun<'_>) -> Result<Run, Error> {
        let created: Found = self.post("/api/2.0/mlflow/runs/create", run, false)?;
        Ok(created.run)
    }

    /// Ends a run.
    pub(crate) fn end_run(&self, id: &str, status: &str, end_time_ms: i64) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Update<'a> {
            run_id: &'a str,
            status: &'a str,
            end_time: i64,
        }
        let message = Update { run_id: id, status, end_time: end_time_ms };
        self.post::<Empty>("/api/2.0/mlflow/runs/update", &message, true)?;
        Ok(())
    }

    /// Marks a run deleted.
    pub(crate) fn delete_run(&self, id: &str) -> Result<(), Error> {
        let message = BTreeMap::from([("run_id", id)]);
        self.post::<Empty>("/api/2.0/mlflow/runs/delete", &message, true)?;
        Ok(())
    }

    /// Takes the mark off again.
    pub(crate) fn restore_run(&self, id: &str) -> Result<(), Error> {
        let message = BTreeMap::from([("run_id", id)]);
        self.post::<Empty>("/api/2.0/mlflow/runs/restore", &message, true)?;
        Ok(())
    }
}
