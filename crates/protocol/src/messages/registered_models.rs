//! Registered models.

use serde::{Deserialize, Serialize};

use super::common::{KEY_VALUE, KeyValue, count_at_most};
use super::model_versions::ModelVersion;
use crate::error::Error;
use crate::limits;
use crate::validate;
use crate::wire::{Check, Field, Kind, Message, Request, Rules};

pub(super) const TEXT: &[Check] = &[Check::Text];
pub(super) const TEXT_REQUIRED: &[Check] = &[Check::Text, Check::Required];

/// `registered-models/create`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRegisteredModel {
    /// The name, unique among models and prompts.
    pub name: String,
    /// Its tags; of equal keys the last wins.
    #[serde(default)]
    pub tags: Vec<KeyValue>,
    /// What it is.
    #[serde(default)]
    pub description: String,
    /// Of Databricks' jobs, which do not exist here; read and left, as MLflow does.
    #[serde(default)]
    pub deployment_job_id: String,
}

impl Request for CreateRegisteredModel {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("tags", Kind::Messages(&KEY_VALUE), &[Check::Array]),
        Field::new("description", Kind::Text, TEXT),
        Field::new("deployment_job_id", Kind::Text, &[]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registered_model_name(&self.name)?;
        count_at_most(self.tags.len(), limits::MAX_TAGS_PER_REQUEST, "tags")?;
        self.tags.iter().try_for_each(|tag| validate::registry_tag(&tag.key, &tag.value))?;
        validate::registry_description(&self.description)
    }
}

/// `registered-models/get` and `/delete`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisteredModelByName {
    /// The model.
    pub name: String,
}

impl Request for RegisteredModelByName {
    const MESSAGE: Message = Message(&[Field::new("name", Kind::Text, TEXT_REQUIRED)]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registered_model_name(&self.name)
    }
}

/// `registered-models/update`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateRegisteredModel {
    /// The model.
    pub name: String,
    /// The new description; absent clears it.
    #[serde(default)]
    pub description: String,
    /// Of Databricks' jobs, which do not exist here; read and left, as MLflow does.
    #[serde(default)]
    pub deployment_job_id: String,
}

impl Request for UpdateRegisteredModel {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("description", Kind::Text, TEXT),
        Field::new("deployment_job_id", Kind::Text, &[]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registered_model_name(&self.name)?;
        validate::registry_description(&self.description)
    }
}

/// `registered-models/rename`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenameRegisteredModel {
    /// The model.
    pub name: String,
    /// Its new name.
    pub new_name: String,
}

impl Request for RenameRegisteredModel {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("new_name", Kind::Text, TEXT_REQUIRED),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::new_registered_model_name(&self.new_name)?;
        validate::registered_model_name(&self.name)
    }
}

/// `registered-models/search`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRegisteredModels {
    /// The filter.
    #[serde(default)]
    pub filter: String,
    /// Models on a page.
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
    limits::DEFAULT_SEARCH_REGISTERED_MODELS_RESULTS
}

impl Request for SearchRegisteredModels {
    const MESSAGE: Message = Message(&[
        Field::new("filter", Kind::Text, TEXT),
        Field::new(
            "max_results",
            Kind::Int64,
            &[Check::IntLike, Check::AtMost(limits::MAX_SEARCH_REGISTERED_MODELS_RESULTS)],
        ),
        Field::new("order_by", Kind::Texts, &[Check::Array, Check::TextItems]),
        Field::new("page_token", Kind::Text, TEXT),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registry_max_results(
            self.max_results,
            limits::MAX_SEARCH_REGISTERED_MODELS_RESULTS,
        )
    }
}

/// `registered-models/get-latest-versions`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetLatestVersions {
    /// The model.
    pub name: String,
    /// The stages; all if empty.
    #[serde(default)]
    pub stages: Vec<String>,
}

impl Request for GetLatestVersions {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("stages", Kind::Texts, &[Check::Array, Check::TextItems]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registered_model_name(&self.name)
    }
}

/// `registered-models/set-tag`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetRegisteredModelTag {
    /// The model.
    pub name: String,
    /// The tag's key.
    pub key: String,
    /// The tag's value.
    #[serde(default)]
    pub value: String,
}

impl Request for SetRegisteredModelTag {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("key", Kind::Text, TEXT_REQUIRED),
        Field::new("value", Kind::Text, TEXT),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registered_model_name(&self.name)?;
        validate::registry_tag(&self.key, &self.value)
    }
}

/// `registered-models/delete-tag`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteRegisteredModelTag {
    /// The model.
    pub name: String,
    /// The tag's key.
    pub key: String,
}

impl Request for DeleteRegisteredModelTag {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("key", Kind::Text, TEXT_REQUIRED),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registered_model_name(&self.name)?;
        validate::key(&self.key, "key")
    }
}

/// `POST registered-models/alias`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetAlias {
    /// The model.
    pub name: String,
    /// The alias.
    pub alias: String,
    /// The version it is to name.
    pub version: String,
}

impl Request for SetAlias {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("alias", Kind::Text, TEXT_REQUIRED),
        Field::new("version", Kind::Text, TEXT_REQUIRED),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registered_model_name(&self.name)?;
        validate::new_alias(&self.alias)
    }
}

/// `GET` and `DELETE registered-models/alias`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasByName {
    /// The model.
    pub name: String,
    /// The alias.
    pub alias: String,
}

impl Request for AliasByName {
    const MESSAGE: Message = Message(&[
        Field::new("name", Kind::Text, TEXT_REQUIRED),
        Field::new("alias", Kind::Text, TEXT_REQUIRED),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::registered_model_name(&self.name)?;
        validate::alias(&self.alias)
    }
}

/// An alias of a registered model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The alias.
    pub alias: String,
    /// The version it names.
    pub version: String,
}

/// A registered model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredModel {
    /// The name.
    pub name: String,
    /// Milliseconds since the epoch.
    pub creation_timestamp: i64,
    /// Last change of the model, or of the set or stage of its versions, milliseconds since the epoch.
    pub last_updated_timestamp: i64,
    /// What it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The highest version of each stage, without their aliases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latest_versions: Vec<ModelVersion>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<KeyValue>,
    /// Its aliases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Alias>,
}

/// Answer of `registered-models/create`, `/get`, `/update` and `/rename`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredModelAnswer {
    /// The model.
    pub registered_model: RegisteredModel,
}

/// Answer of `registered-models/search`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredModels {
    /// One page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registered_models: Vec<RegisteredModel>,
    /// Where the list goes on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}
