//! Versions of registered models.

use serde::{Deserialize, Serialize};

use super::common::{KEY_VALUE, KeyValue, count_at_most};
use super::registered_models::{TEXT, TEXT_REQUIRED};
use crate::error::Error;
use crate::limits;
use crate::names::is_prompt;
use crate::states::{ModelStage, ModelVersionStatus};
use crate::validate;
use crate::wire::{Check, Field, Kind, Message, Request, Rules};

/// `model-versions/create`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateModelVersion {
    /// The registered model.
    pub name: String,
    /// Where the model's files are; a placeholder for prompts.
    pub source: String,
    /// The run that made it.
    #[serde(default)]
    pub run_id: Option<String>,
    /// Its tags; of equal keys the last wins.
    #[serde(default)]
    pub tags: Vec<KeyValue>,
    /// A page about that run.
    #[serde(default)]
    pub run_link: String,
    /// What it is.
    #[serde(default)]
    pub description: String,
    /// The logged model that it is made from.
    #[serde(default)]
    pub model_id: Option<String>,
}

impl CreateModelVersion {
    /// Whether the tags say that it is a prompt, of equal keys the last.
    pub fn is_prompt(&self) -> bool {
        is_prompt(self.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())))
    }
}

impl Request for CreateModelVersion {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("source", Kind::Text, TEXT_REQUIRED),
        Field::new("run_id", Kind::Text, TEXT),
        Field::new("tags", Kind::Messages(&KEY_VALUE), &[Check::Array]),
        Field::new("run_link", Kind::Text, TEXT),
        Field::new("description", Kind::Text, TEXT),
        Field::new("model_id", Kind::Text, TEXT),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::text(&self.source, limits::MAX_MODEL_SOURCE_CHARS, "source")?;
        validate::text(&self.run_link, limits::MAX_RUN_LINK_CHARS, "run_link")?;
        for (id, name) in [(&self.run_id, "run_id"), (&self.model_id, "model_id")] {
            validate::text(id.as_deref().unwrap_or_default(), limits::MAX_KEY_CHARS, name)?;
        }
        count_at_most(self.tags.len(), limits::MAX_TAGS_PER_REQUEST, "tags")?;
        validate::registry_description(&self.description)
    }
}

/// `model-versions/get`, `/delete` and `/get-download-uri`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelVersionByNumber {
    /// The registered model.
    pub name: String,
    /// The version.
    pub version: String,
}

impl Request for ModelVersionByNumber {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("version", Kind::Text, TEXT_REQUIRED),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registered_model_name(&self.name)
    }
}

/// `model-versions/update`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateModelVersion {
    /// The registered model.
    pub name: String,
    /// The version.
    pub version: String,
    /// The new description; absent clears it.
    #[serde(default)]
    pub description: Option<String>,
}

impl Request for UpdateModelVersion {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("version", Kind::Text, TEXT_REQUIRED),
        Field::new("description", Kind::Text, TEXT),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registered_model_name(&self.name)?;
        validate::registry_description(self.description.as_deref().unwrap_or_default())
    }
}

/// `model-versions/transition-stage`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitionStage {
    /// The registered model.
    pub name: String,
    /// The version.
    pub version: String,
    /// The new stage, in any case.
    pub stage: String,
    /// Whether the versions that are in the stage now go to `Archived`.
    #[serde(default)]
    pub archive_existing_versions: bool,
}

impl Request for TransitionStage {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("version", Kind::Text, TEXT_REQUIRED),
        Field::new("stage", Kind::Text, TEXT_REQUIRED),
        Field::new("archive_existing_versions", Kind::Bool, &[Check::Bool]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        let stage = validate::stage(&self.stage)?;
        if self.archive_existing_versions && !stage.is_active() {
            return Err(Error::invalid(format!(
                "Model version transition cannot archive existing model versions because '{}' is \
                 not an Active stage. Valid stages are ['Staging', 'Production']",
                self.stage
            )));
        }
        validate::registered_model_name(&self.name)
    }
}

/// `model-versions/search`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchModelVersions {
    /// The filter.
    #[serde(default)]
    pub filter: String,
    /// Versions on a page.
    #[serde(default = "default_results")]
    pub max_results: i64,
    /// The ordering.
    #[serde(default)]
    pub order_by: Vec<String>,
    /// Where the list goes on.
    #[serde(default)]
    pub page_token: String,
}

const fn default_results() -> i64 {
    limits::DEFAULT_SEARCH_MODEL_VERSIONS_RESULTS
}

impl Request for SearchModelVersions {
    const MESSAGE: Message = Message(&[
        Field::new("filter", Kind::Text, TEXT),
        Field::new(
            "max_results",
            Kind::Int64,
            &[Check::IntLike, Check::AtMost(limits::MAX_SEARCH_MODEL_VERSIONS_RESULTS)],
        ),
        Field::new("order_by", Kind::Texts, &[Check::Array, Check::TextItems]),
        Field::new("page_token", Kind::Text, TEXT),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registry_max_results(self.max_results, limits::MAX_SEARCH_MODEL_VERSIONS_RESULTS)
    }
}

/// `model-versions/set-tag`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetModelVersionTag {
    /// The registered model.
    pub name: String,
    /// The version.
    pub version: String,
    /// The tag's key.
    pub key: String,
    /// The tag's value.
    #[serde(default)]
    pub value: String,
}

impl Request for SetModelVersionTag {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("version", Kind::Text, TEXT_REQUIRED),
        Field::new("key", Kind::Text, TEXT_REQUIRED),
        Field::new("value", Kind::Text, TEXT),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registered_model_name(&self.name)?;
        validate::model_version(&self.version)?;
        validate::model_version_tag(&self.key, &self.value)
    }
}

/// `model-versions/delete-tag`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteModelVersionTag {
    /// The registered model.
    pub name: String,
    /// The version.
    pub version: String,
    /// The tag's key.
    pub key: String,
}

impl Request for DeleteModelVersionTag {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("version", Kind::Text, TEXT_REQUIRED),
        Field::new("key", Kind::Text, TEXT_REQUIRED),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registered_model_name(&self.name)?;
        validate::model_version(&self.version)?;
        validate::key(&self.key, "key")
    }
}

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// The registered model.
    pub name: String,
    /// Its number, from 1.
    pub version: String,
    /// Milliseconds since the epoch.
    pub creation_timestamp: i64,
    /// Last change of description or stage, milliseconds since the epoch.
    pub last_updated_timestamp: i64,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Its stage.
    pub current_stage: ModelStage,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where its files are, as its maker said.
    pub source: String,
    /// The run that made it; may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Whether its files are there.
    pub status: ModelVersionStatus,
    /// Why its files are not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<KeyValue>,
    /// A page about its run; may be empty.
    pub run_link: String,
    /// The aliases that name it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// Answer of `model-versions/create`, `/get`, `/update`, `/transition-stage` and of
/// `GET registered-models/alias`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelVersionAnswer {
    /// The version.
    pub model_version: ModelVersion,
}

/// Answer of `model-versions/get-download-uri`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadUri {
    /// Where the files are.
    pub artifact_uri: String,
}

/// Answer of `model-versions/search` and `registered-models/get-latest-versions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelVersions {
    /// One page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub model_versions: Vec<ModelVersion>,
    /// Where the list goes on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}
