//! What goes into a run and comes out of it: datasets and models.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::common::{KEY_VALUE, KeyValue, count_at_most};
use super::REQUIRED_TEXT;
use crate::error::Error;
use crate::limits;
use crate::validate;
use crate::wire::{Check, Field, Kind, Message, Request, Rules, missing};

/// `runs/log-inputs`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogInputs {
    /// The run.
    #[serde(default)]
    pub run_id: String,
    /// Its datasets.
    #[serde(default)]
    pub datasets: Vec<DatasetInput>,
    /// Its models.
    #[serde(default)]
    pub models: Vec<ModelInput>,
}

/// A dataset as an input of a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetInput {
    /// Tags of the use, such as `mlflow.data.context`.
    #[serde(default)]
    pub tags: Vec<KeyValue>,
    /// The dataset.
    #[serde(default)]
    pub dataset: Dataset,
}

/// A dataset; its name and digest identify it within an experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// The name.
    #[serde(default)]
    pub name: String,
    /// The digest.
    #[serde(default)]
    pub digest: String,
    /// The kind of source, such as `code` or `http`.
    #[serde(default)]
    pub source_type: String,
    /// Where it comes from, as JSON text.
    #[serde(default)]
    pub source: String,
    /// Its columns, as JSON text.
    #[serde(default)]
    pub schema: Option<String>,
    /// Its statistics, as JSON text.
    #[serde(default)]
    pub profile: Option<String>,
}

/// A logged model as an input of a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelInput {
    /// The model.
    #[serde(default)]
    pub model_id: String,
}

const DATASET: Message = Message(&[
    Field::new("name", Kind::Text, &[]),
    Field::new("digest", Kind::Text, &[]),
    Field::new("source_type", Kind::Text, &[]),
    Field::new("source", Kind::Text, &[]),
    Field::new("schema", Kind::Text, &[]),
    Field::new("profile", Kind::Text, &[]),
]);
const DATASET_INPUT: Message = Message(&[
    Field::new("tags", Kind::Messages(&KEY_VALUE), &[]),
    Field::new("dataset", Kind::Message(&DATASET), &[]),
]);
const MODEL_INPUT: Message = Message(&[Field::new("model_id", Kind::Text, &[])]);

impl Request for LogInputs {
    const MESSAGE: Message = Message(&[
        Field::new("run_id", Kind::Text, REQUIRED_TEXT),
        Field::new("datasets", Kind::Messages(&DATASET_INPUT), &[Check::Array]),
        Field::new("models", Kind::Messages(&MODEL_INPUT), &[Check::Array]),
    ]);

    fn is_complete(&self) -> bool {
        !self.run_id.is_empty()
    }

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::run_id(&self.run_id)?;
        if self.datasets.len() > limits::MAX_DATASETS_PER_BATCH {
            return Err(Error::invalid(format!(
                "A log-inputs request can contain at most {} datasets. Got {} datasets. Please \
                 split up datasets across multiple requests and try again.",
                limits::MAX_DATASETS_PER_BATCH,
                self.datasets.len()
            )));
        }
        count_at_most(self.models.len(), limits::MAX_MODELS_PER_BATCH, "models")?;
        for (index, input) in self.datasets.iter().enumerate() {
            input.check(index)?;
        }
        for (index, model) in self.models.iter().enumerate() {
            if model.model_id.is_empty() {
                return Err(missing(&format!("models[{index}].model_id")));
            }
        }
        Ok(())
    }
}

impl DatasetInput {
    fn check(&self, index: usize) -> Result<(), Error> {
        let dataset = &self.dataset;
        for (name, value) in [("name", &dataset.name), ("digest", &dataset.digest)] {
            if value.is_empty() {
                return Err(missing(&format!("datasets[{index}].dataset.{name}")));
            }
        }
        validate::text(&dataset.name, limits::MAX_DATASET_NAME_CHARS, "name")?;
        validate::text(&dataset.digest, limits::MAX_DATASET_DIGEST_CHARS, "digest")?;
        validate::text(&dataset.source_type, limits::MAX_DATASET_DIGEST_CHARS, "source_type")?;
        validate::text(&dataset.source, limits::MAX_DATASET_SOURCE_CHARS, "source")?;
        let schema = dataset.schema.as_deref().unwrap_or_default();
        validate::text(schema, limits::MAX_DATASET_SCHEMA_CHARS, "schema")?;
        let profile = dataset.profile.as_deref().unwrap_or_default();
        validate::text(profile, limits::MAX_DATASET_PROFILE_CHARS, "profile")?;
        count_at_most(self.tags.len(), limits::MAX_TAGS_PER_INPUT, "tags of one dataset")?;
        for tag in &self.tags {
            validate::text(&tag.key, limits::MAX_INPUT_TAG_KEY_CHARS, "key")?;
            validate::text(&tag.value, limits::MAX_INPUT_TAG_VALUE_CHARS, "value")?;
        }
        Ok(())
    }
}

/// `runs/outputs`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogOutputs {
    /// The run.
    #[serde(default)]
    pub run_id: String,
    /// The models that it made.
    pub models: Vec<ModelOutput>,
}

/// A logged model that a run made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelOutput {
    /// The model.
    #[serde(default)]
    pub model_id: String,
    /// The step at which it was made.
    #[serde(default)]
    pub step: i64,
}

const MODEL_OUTPUT: Message =
    Message(&[Field::new("model_id", Kind::Text, &[]), Field::new("step", Kind::Int64, &[])]);

impl Request for LogOutputs {
    const MESSAGE: Message = Message(&[
        Field::new("run_id", Kind::Text, REQUIRED_TEXT),
        Field::new("models", Kind::Messages(&MODEL_OUTPUT), &[Check::Required, Check::Array]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        count_at_most(self.models.len(), limits::MAX_MODELS_PER_BATCH, "models")?;
        for (index, model) in self.models.iter().enumerate() {
            if model.model_id.is_empty() {
                return Err(missing(&format!("models[{index}].model_id")));
            }
        }
        Ok(())
    }
}

/// `runs/log-model`: how clients before MLflow 3 record a model in a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogModel {
    /// The run.
    #[serde(default)]
    pub run_id: String,
    /// The model's description: a JSON object as text.
    pub model_json: String,
}

impl LogModel {
    const MANDATORY: [&str; 4] = ["artifact_path", "flavors", "utc_time_created", "run_id"];
    const KEPT: [&str; 4] = ["artifact_path", "model_uuid", "run_id", "utc_time_created"];

    /// What the run's tag `mlflow.log-model.history` keeps of the description: which model it is,
    /// and its flavors without their `config`.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when it is not a JSON object or lacks a mandatory field.
    pub fn history_entry(&self) -> Result<Map<String, Value>, Error> {
        let Ok(mut model) = serde_json::from_str::<Map<_, _>>(&self.model_json) else {
            return Err(Error::invalid(format!(
                "Malformed model info. \n {} \n is not a valid JSON.",
                validate::excerpt(&self.model_json)
            )));
        };
        let missing = Self::MANDATORY.iter().filter(|name| !model.contains_key(**name));
        let missing: Vec<_> = missing.map(|name| format!("'{name}'")).collect();
        if !missing.is_empty() {
            return Err(Error::invalid(format!(
                "Model json is missing mandatory fields: {{{}}}",
                missing.join(", ")
            )));
        }
        let Some(Value::Object(mut flavors)) = model.remove("flavors") else {
            return Err(Error::invalid("Model json field 'flavors' must be an object."));
        };
        for flavor in flavors.values_mut() {
            if let Value::Object(flavor) = flavor {
                flavor.remove("config");
            }
        }
        let mut entry = Map::new();
        for name in Self::KEPT {
            entry.insert(name.to_owned(), model.remove(name).unwrap_or_default());
        }
        entry.insert("flavors".to_owned(), flavors.into());
        Ok(entry)
    }
}

impl Request for LogModel {
    const MESSAGE: Message = Message(&[
        Field::new("run_id", Kind::Text, &[Check::Text, Check::Required]),
        Field::new("model_json", Kind::Text, &[Check::Text, Check::Required]),
    ]);

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::storable(&self.model_json, "model_json")?;
        self.history_entry().map(drop)
    }
}
