//! The datasets of experiments.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::limits;
use crate::wire::{Field, Kind, Message, Request, Rules};

/// `experiments/search-datasets`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchDatasets {
    /// The experiments.
    #[serde(default)]
    pub experiment_ids: Vec<String>,
}

impl Request for SearchDatasets {
    const MESSAGE: Message = Message(&[Field::new("experiment_ids", Kind::Texts, &[])]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        let (count, limit) = (self.experiment_ids.len(), limits::MAX_SEARCH_DATASETS_EXPERIMENTS);
        if count == 0 {
            return Err(Error::invalid(
                "SearchDatasets request must specify at least one experiment_id.",
            ));
        }
        if count > limit {
            return Err(Error::invalid(format!(
                "SearchDatasets request cannot specify more than {limit} experiment_ids. Received \
                 {count} experiment_ids."
            )));
        }
        Ok(())
    }
}

/// A dataset as it is used in an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// The experiment.
    pub experiment_id: String,
    /// The dataset's name.
    pub name: String,
    /// The dataset's digest.
    pub digest: String,
    /// The use, from the tag `mlflow.data.context`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// Answer of `experiments/search-datasets`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetSummaries {
    /// At most [`limits::MAX_SEARCH_DATASETS_RESULTS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dataset_summaries: Vec<DatasetSummary>,
}
