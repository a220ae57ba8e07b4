//! Experiments.

use serde::{Deserialize, Serialize};

use super::common::{KEY_VALUE, KeyValue, count_at_most, refuse_repeated};
use crate::error::Error;
use crate::limits;
use crate::states::{LifecycleStage, ViewType};
use crate::validate;
use crate::wire::{Check, Field, Kind, Message, Request, Rules};

const REQUIRED_TEXT: &[Check] = &[Check::Required, Check::Text];

/// `experiments/create`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateExperiment {
    /// The name, unique among all experiments, deleted ones included.
    pub name: String,
    /// Where its artifacts go; absent or empty for the server's default. What may be named is
    /// judged where artifacts are kept.
    #[serde(default)]
    pub artifact_location: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<KeyValue>,
}

impl Request for CreateExperiment {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, REQUIRED_TEXT),
        Field::new("artifact_location", Kind::Text, &[Check::Text]),
        Field::new("tags", Kind::Messages(&KEY_VALUE), &[Check::Array]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        count_at_most(self.tags.len(), limits::MAX_TAGS_PER_REQUEST, "tags")?;
        let views = self.tags.iter().filter(|tag| validate::is_custom_view(&tag.key)).count();
        if views > limits::MAX_CUSTOM_VIEWS_PER_EXPERIMENT {
            return Err(validate::too_many_custom_views(None));
        }
        validate::storable(&self.artifact_location, "artifact_location")?;
        validate::experiment_name(&self.name)?;
        self.tags.iter().try_for_each(|tag| validate::experiment_tag(&tag.key, &tag.value))?;
        refuse_repeated(&self.tags, "tag")
    }
}

/// `experiments/get`, `/delete` and `/restore`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentById {
    /// The experiment.
    pub experiment_id: String,
}

impl Request for ExperimentById {
    const MESSAGE: Message = Message(&[Field::new("experiment_id", Kind::Text, REQUIRED_TEXT)]);
}

/// `experiments/get-by-name`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentByName {
    /// The name.
    pub experiment_name: String,
}

impl Request for ExperimentByName {
    const MESSAGE: Message = Message(&[Field::new("experiment_name", Kind::Text, REQUIRED_TEXT)]);
}

/// `experiments/update`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateExperiment {
    /// The experiment.
    pub experiment_id: String,
    /// Its new name.
    pub new_name: String,
}

impl Request for UpdateExperiment {
    const MESSAGE: Message = Message(&[
        Field::new("experiment_id", Kind::Text, REQUIRED_TEXT),
        Field::new("new_name", Kind::Text, &[Check::Text, Check::Required]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::experiment_name(&self.new_name)
    }
}

/// `experiments/search`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchExperiments {
    /// Which life-cycle stages to show; active ones unless said.
    #[serde(default)]
    pub view_type: Option<ViewType>,
    /// Experiments on a page. There is no default: MLflow refuses requests without it.
    #[serde(default)]
    pub max_results: i64,
    /// The ordering.
    #[serde(default)]
    pub order_by: Vec<String>,
    /// The filter.
    #[serde(default)]
    pub filter: String,
    /// Where the list goes on.
    #[serde(default)]
    pub page_token: String,
}

impl Request for SearchExperiments {
    const MESSAGE: Message = Message(&[
        Field::new("view_type", Kind::Enum(ViewType::NAMES), &[Check::IntLike]),
        Field::new("max_results", Kind::Int64, &[Check::IntLike]),
        Field::new("order_by", Kind::Texts, &[Check::Array]),
        Field::new("filter", Kind::Text, &[Check::Text]),
        Field::new("page_token", Kind::Text, &[Check::Text]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::max_results(self.max_results, limits::MAX_SEARCH_EXPERIMENTS_RESULTS)
    }
}

/// `experiments/set-experiment-tag`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetExperimentTag {
    /// The experiment.
    pub experiment_id: String,
    /// The tag's key.
    pub key: String,
    /// The tag's value.
    #[serde(default)]
    pub value: String,
}

impl Request for SetExperimentTag {
    const MESSAGE: Message = Message(&[
        Field::new("experiment_id", Kind::Text, REQUIRED_TEXT),
        Field::new("key", Kind::Text, REQUIRED_TEXT),
        Field::new("value", Kind::Text, &[Check::Text]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::experiment_tag(&self.key, &self.value)
    }
}

/// `experiments/delete-experiment-tag`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteExperimentTag {
    /// The experiment.
    pub experiment_id: String,
    /// The tag's key.
    pub key: String,
}

impl Request for DeleteExperimentTag {
    const MESSAGE: Message = Message(&[
        Field::new("experiment_id", Kind::Text, REQUIRED_TEXT),
        Field::new("key", Kind::Text, REQUIRED_TEXT),
    ]);
}

/// An experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experiment {
    /// The id.
    pub experiment_id: String,
    /// The name.
    pub name: String,
    /// Where its artifacts are.
    pub artifact_location: String,
    /// Active or deleted.
    pub lifecycle_stage: LifecycleStage,
    /// Last change of name, stage or tags, milliseconds since the epoch.
    pub last_update_time: i64,
    /// Milliseconds since the epoch.
    pub creation_time: i64,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<KeyValue>,
    /// The workspace; `default` where there are none.
    #[serde(default)]
    pub workspace: String,
}

/// Answer of `experiments/create`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedExperiment {
    /// The id of the new experiment.
    pub experiment_id: String,
}

/// Answer of `experiments/get` and `/get-by-name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentAnswer {
    /// The experiment.
    pub experiment: Experiment,
}

/// Answer of `experiments/search`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experiments {
    /// One page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub experiments: Vec<Experiment>,
    /// Where the list goes on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}
