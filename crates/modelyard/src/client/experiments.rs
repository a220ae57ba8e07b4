//! Experiments.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::runs::{Tag, ViewType};
use super::{Client, Error};

/// An experiment, as the API gives it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Experiment {
    pub(crate) experiment_id: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) artifact_location: String,
    #[serde(default)]
    pub(crate) lifecycle_stage: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) creation_time: Option<i64>,
    /// Milliseconds since the Unix epoch.
    pub(crate) last_update_time: Option<i64>,
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
    /// Absent on servers without workspaces.
    pub(crate) workspace: Option<String>,
}

impl Experiment {
    /// The tags by key.
    pub(crate) fn tags(&self) -> BTreeMap<&str, &str> {
        self.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect()
    }
}

/// What to look for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ExperimentSearch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) order_by: Vec<String>,
    pub(crate) view_type: ViewType,
    pub(crate) max_results: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page_token: Option<String>,
}

#[derive(Deserialize)]
struct Created {
    experiment_id: String,
}

#[derive(Deserialize)]
struct Found {
    experiment: Experiment,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    experiments: Vec<Experiment>,
    next_page_token: Option<String>,
}

/// An answer without content.
#[derive(Deserialize)]
pub(super) struct Empty {}

impl Client {
    /// Creates an experiment and returns its id. Not repeated when the connection breaks: the
    /// second request would say that the name is taken.
    pub(crate) fn create_experiment(
        &self,
        name: &str,
        artifact_location: Option<&str>,
        tags: &[Tag],
    ) -> Result<String, Error> {
        #[derive(Serialize)]
        struct Create<'a> {
            name: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            artifact_location: Option<&'a str>,
            #[serde(skip_serializing_if = "<[Tag]>::is_empty")]
            tags: &'a [Tag],
        }
        let message = Create { name, artifact_location, tags };
        let created: Created = self.post("/api/2.0/mlflow/experiments/create", &message, false)?;
        Ok(created.experiment_id)
    }

    /// The experiment with this id, deleted ones included.
    pub(crate) fn experiment(&self, id: &str) -> Result<Experiment, Error> {
        let query = [("experiment_id", id)];
        let found: Found = self.get("/api/2.0/mlflow/experiments/get", &query)?;
        Ok(found.experiment)
    }

    /// The experiment with this name, deleted ones included.
    pub(crate) fn experiment_by_name(&self, name: &str) -> Result<Experiment, Error> {
        let query = [("experiment_name", name)];
        let found: Found = self.get("/api/2.0/mlflow/experiments/get-by-name", &query)?;
        Ok(found.experiment)
    }

    /// One page of a search, with the token of the next.
    pub(crate) fn search_experiments(
        &self,
        search: &ExperimentSearch,
    ) -> Result<(Vec<Experiment>, Option<String>), Error> {
        let page: Page = self.post("/api/2.0/mlflow/experiments/search", search, true)?;
        Ok((page.experiments, page.next_page_token.filter(|token| !token.is_empty())))
    }

    /// Marks an experiment and its runs deleted.
    pub(crate) fn delete_experiment(&self, id: &str) -> Result<(), Error> {
        self.change_experiment("delete", &[("experiment_id", id)])
    }

    /// Takes the mark off again.
    pub(crate) fn restore_experiment(&self, id: &str) -> Result<(), Error> {
        self.change_experiment("restore", &[("experiment_id", id)])
    }

    /// Gives an experiment another name.
    pub(crate) fn rename_experiment(&self, id: &str, new_name: &str) -> Result<(), Error> {
        self.change_experiment("update", &[("experiment_id", id), ("new_name", new_name)])
    }

    /// Deleting or restoring twice is an error in MLflow, so a broken connection is reported
    /// instead of repeated.
    fn change_experiment(&self, verb: &str, fields: &[(&str, &str)]) -> Result<(), Error> {
        let message: BTreeMap<_, _> = fields.iter().copied().collect();
        let path = format!("/api/2.0/mlflow/experiments/{verb}");
        self.post::<Empty>(&path, &message, verb == "update")?;
        Ok(())
    }
}
