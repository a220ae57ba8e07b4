//! Logged models.

use serde::{Deserialize, Serialize};

use super::common::{KEY_VALUE, KeyValue, check_pairs, count_at_most, refuse_repeated};
use super::metrics::ModelMetric;
use crate::error::Error;
use crate::limits;
use crate::search::OrderByField;
use crate::states::LoggedModelStatus;
use crate::validate;
use crate::wire::{Check, Field, Kind, Message, Request, Rules};

const TEXT_REQUIRED: &[Check] = &[Check::Text, Check::Required];

/// `POST logged-models`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateLoggedModel {
    /// The experiment.
    pub experiment_id: String,
    /// The name; empty for a random one.
    #[serde(default)]
    pub name: String,
    /// The kind of model, a free text.
    #[serde(default)]
    pub model_type: String,
    /// The run that made it.
    #[serde(default)]
    pub source_run_id: String,
    /// Its parameters.
    #[serde(default)]
    pub params: Vec<KeyValue>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<KeyValue>,
}

impl Request for CreateLoggedModel {
    const MESSAGE: Message = Message(&[
        Field::new("experiment_id", Kind::Text, TEXT_REQUIRED),
        Field::new("name", Kind::Text, &[Check::Text]),
        Field::new("model_type", Kind::Text, &[Check::Text]),
        Field::new("source_run_id", Kind::Text, &[Check::Text]),
        Field::new("params", Kind::Messages(&KEY_VALUE), &[Check::Array]),
        Field::new("tags", Kind::Messages(&KEY_VALUE), &[Check::Array]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        if !self.name.is_empty() {
            validate::logged_model_name(&self.name)?;
        }
        validate::text(&self.model_type, limits::MAX_LOGGED_MODEL_NAME_CHARS, "model_type")?;
        validate::text(&self.source_run_id, limits::MAX_KEY_CHARS, "source_run_id")?;
        check_params(&self.params)?;
        check_tags(&self.tags)?;
        refuse_repeated(&self.tags, "tag")
    }
}

/// `POST logged-models/{model_id}/params`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogModelParams {
    /// The model, again: the path names it too.
    pub model_id: String,
    /// The parameters to add.
    #[serde(default)]
    pub params: Vec<KeyValue>,
}

impl Request for LogModelParams {
    const MESSAGE: Message = Message(&[
        Field::new("model_id", Kind::Text, TEXT_REQUIRED),
        Field::new("params", Kind::Messages(&KEY_VALUE), &[Check::Array]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        check_params(&self.params)
    }
}

/// `PATCH logged-models/{model_id}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinalizeLoggedModel {
    /// The model, again: the path names it too.
    pub model_id: String,
    /// The new status; `LOGGED_MODEL_STATUS_UNSPECIFIED` for a name that is not known (as MLflow).
    #[serde(default = "unspecified")]
    pub status: LoggedModelStatus,
}

fn unspecified() -> LoggedModelStatus {
    LoggedModelStatus::Unspecified
}

impl Request for FinalizeLoggedModel {
    const MESSAGE: Message = Message(&[
        Field::new("model_id", Kind::Text, TEXT_REQUIRED),
        Field::new(
            "status",
            Kind::Enum(LoggedModelStatus::NAMES),
            &[Check::IntLike, Check::Required],
        ),
    ]);
}

/// `PATCH logged-models/{model_id}/tags`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetModelTags {
    /// The tags to set. Of a repeated key the last one counts.
    #[serde(default)]
    pub tags: Vec<KeyValue>,
}

impl Request for SetModelTags {
    const MESSAGE: Message =
        Message(&[Field::new("tags", Kind::Messages(&KEY_VALUE), &[Check::Array])]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        check_tags(&self.tags)
    }
}

/// MLflow cuts no values of logged models, so neither do we.
fn check_params(params: &[KeyValue]) -> Result<(), Error> {
    count_at_most(params.len(), limits::MAX_MODEL_PARAMS_PER_REQUEST, "params")?;
    check_pairs(params, "params")?;
    refuse_repeated(params, "parameter")
}

fn check_tags(tags: &[KeyValue]) -> Result<(), Error> {
    count_at_most(tags.len(), limits::MAX_TAGS_PER_REQUEST, "tags")?;
    check_pairs(tags, "tags")
}

/// `POST logged-models/search`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchLoggedModels {
    /// The experiments.
    pub experiment_ids: Vec<String>,
    /// The filter.
    #[serde(default)]
    pub filter: String,
    /// Only points on these datasets count in the filter's metrics.
    #[serde(default)]
    pub datasets: Vec<DatasetRef>,
    /// Models on a page.
    #[serde(default = "default_results")]
    pub max_results: i64,
    /// The ordering.
    #[serde(default)]
    pub order_by: Vec<OrderBy>,
    /// Where the list goes on.
    #[serde(default)]
    pub page_token: String,
}

/// A dataset by name and, if given, digest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetRef {
    /// The name.
    #[serde(default)]
    pub dataset_name: String,
    /// The digest; any if absent.
    #[serde(default)]
    pub dataset_digest: Option<String>,
}

/// One key of the ordering.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderBy {
    #[serde(default)]
    field_name: String,
    #[serde(default = "yes")]
    ascending: bool,
    #[serde(default)]
    dataset_name: Option<String>,
    #[serde(default)]
    dataset_digest: Option<String>,
}

fn yes() -> bool {
    true
}

fn default_results() -> i64 {
    limits::DEFAULT_SEARCH_LOGGED_MODELS_RESULTS
}

const DATASET_REF: Message = Message(&[
    Field::new("dataset_name", Kind::Text, &[]),
    Field::new("dataset_digest", Kind::Text, &[]),
]);
const ORDER_BY: Message = Message(&[
    Field::new("field_name", Kind::Text, &[]),
    Field::new("ascending", Kind::Bool, &[]),
    Field::new("dataset_name", Kind::Text, &[]),
    Field::new("dataset_digest", Kind::Text, &[]),
]);

impl Request for SearchLoggedModels {
    const MESSAGE: Message = Message(&[
        Field::new(
            "experiment_ids",
            Kind::Texts,
            &[Check::Array, Check::TextItems, Check::Required],
        ),
        Field::new("filter", Kind::Text, &[Check::Text]),
        Field::new("datasets", Kind::Messages(&DATASET_REF), &[Check::Array]),
        Field::new("max_results", Kind::Int32, &[Check::IntLike]),
        Field::new("order_by", Kind::Messages(&ORDER_BY), &[Check::Array]),
        Field::new("page_token", Kind::Text, &[Check::Text]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        // MLflow takes 0 for "not said".
        if self.max_results == 0 {
            self.max_results = default_results();
        }
        validate::max_results(self.max_results, i64::MAX)?;
        self.max_results = self.max_results.min(limits::MAX_SEARCH_LOGGED_MODELS_RESULTS);
        self.check_counts()?;
        for dataset in &mut self.datasets {
            if dataset.dataset_name.is_empty() {
                return Err(Error::invalid(
                    "`dataset_name` in the `datasets` clause must be specified.",
                ));
            }
            dataset.dataset_digest.take_if(|digest| digest.is_empty());
        }
        Ok(())
    }
}

impl SearchLoggedModels {
    fn check_counts(&self) -> Result<(), Error> {
        let (datasets, experiments) = (self.datasets.len(), self.experiment_ids.len());
        let datasets_limit = limits::MAX_SEARCH_LOGGED_MODELS_DATASETS;
        if datasets > datasets_limit {
            return Err(Error::invalid(format!(
                "A search for logged models can name at most {datasets_limit} datasets. Got \
                 {datasets}. Search for some of them at a time."
            )));
        }
        let limit = limits::MAX_SEARCH_LOGGED_MODELS_DATASETS_EXPERIMENTS;
        if datasets > 0 && experiments > limit {
            return Err(Error::invalid(format!(
                "A search for logged models that names datasets can name at most {limit} \
                 experiments. Got {experiments}. Search in some of them at a time."
            )));
        }
        Ok(())
    }

    /// The ordering, for [`crate::search::parse_logged_model_order`].
    pub fn order(&self) -> Vec<OrderByField> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let key = |key: &OrderBy| OrderByField {
            field_name: key.field_name.clone(),
            ascending: key.ascending,
            dataset_name: given(&key.dataset_name),
            dataset_digest: given(&key.dataset_digest),
        };
        self.order_by.iter().map(key).collect()
    }
}

/// A logged model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoggedModel {
    /// What it is.
    pub info: LoggedModelInfo,
    /// What was logged to it.
    #[serde(default)]
    pub data: LoggedModelData,
}

/// The fixed properties of a logged model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedModelInfo {
    /// The id.
    pub model_id: String,
    /// The experiment.
    pub experiment_id: String,
    /// The name.
    pub name: String,
    /// Milliseconds since the epoch.
    pub creation_timestamp_ms: i64,
    /// Milliseconds since the epoch.
    pub last_updated_timestamp_ms: i64,
    /// Where its files are.
    pub artifact_uri: String,
    /// How far its files are.
    pub status: LoggedModelStatus,
    /// The kind of model; may be empty.
    #[serde(default)]
    pub model_type: String,
    /// The run that made it; may be empty.
    #[serde(default)]
    pub source_run_id: String,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<KeyValue>,
}

/// What was logged to a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoggedModelData {
    /// Its parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<KeyValue>,
    /// Every point of its metrics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<ModelMetric>,
}

/// Answer of the requests on one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoggedModelAnswer {
    /// The model.
    pub model: LoggedModel,
}

/// Answer of `POST logged-models/search`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoggedModels {
    /// One page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<LoggedModel>,
    /// Where the list goes on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}
