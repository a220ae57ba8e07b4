//! What can be searched on registered models and on their versions.

use super::ast::{Expr, Number};
use super::lexer::Token;
use super::order_by::{self, OrderKey};
use super::parser::{self, Field, Grammar, clip, is_tag, plain_number, quoted_text};
use crate::error::Error;

/// A filter over registered models.
pub type RegisteredModelFilter = Expr<RegisteredModelNumber, RegisteredModelText>;

/// A number of a registered model. Its literals are always [`Number::Integer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisteredModelNumber {
    /// `creation_timestamp`, milliseconds since the epoch; not MLflow's.
    CreationTimestamp,
    /// `last_updated_timestamp`, milliseconds since the epoch; not MLflow's.
    LastUpdatedTimestamp,
}

/// A text of a registered model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegisteredModelText {
    /// `name`
    Name,
    /// The tag with this key.
    Tag(String),
}

/// What registered models are ordered by: the keys, the last of which is always the name.
pub type RegisteredModelOrder = Vec<OrderKey<RegisteredModelOrderField>>;

/// A field that registered models can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisteredModelOrderField {
    /// `name`
    Name,
    /// `timestamp` and `last_updated_timestamp`
    LastUpdatedTimestamp,
}

/// A filter over versions.
pub type ModelVersionFilter = Expr<ModelVersionNumber, ModelVersionText>;

/// A number of a version. Its literals are always [`Number::Integer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelVersionNumber {
    /// `version_number`
    Version,
    /// `creation_timestamp`, milliseconds since the epoch; not MLflow's.
    CreationTimestamp,
    /// `last_updated_timestamp`, milliseconds since the epoch; not MLflow's.
    LastUpdatedTimestamp,
}

/// A text of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelVersionText {
    /// `name`, that of the registered model.
    Name,
    /// `run_id`
    RunId,
    /// `source_path`
    Source,
    /// The tag with this key.
    Tag(String),
}

/// What versions are ordered by: the keys, the last two of which make it total.
pub type ModelVersionOrder = Vec<OrderKey<ModelVersionOrderField>>;

/// A field that versions can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelVersionOrderField {
    /// `name`
    Name,
    /// `version_number`
    Version,
    /// `creation_timestamp`
    CreationTimestamp,
    /// `last_updated_timestamp`
    LastUpdatedTimestamp,
}

/// Parses the filter of registered-models/search; `None` when it is empty.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`, naming the character at which the filter goes wrong.
pub fn parse_registered_model_filter(filter: &str) -> Result<Option<RegisteredModelFilter>, Error> {
    parser::parse::<RegisteredModels>(filter)
}

/// Parses the filter of model-versions/search; `None` when it is empty.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`, naming the character at which the filter goes wrong.
pub fn parse_model_version_filter(filter: &str) -> Result<Option<ModelVersionFilter>, Error> {
    parser::parse::<ModelVersions>(filter)
}

/// Parses the `order_by` list of registered-models/search: by name if there is none.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for a clause that cannot be read, an unknown field or one that is repeated.
pub fn parse_registered_model_order(clauses: &[String]) -> Result<RegisteredModelOrder, Error> {
    use RegisteredModelOrderField as F;
    let mut keys = order_by::parse(clauses, |entity, key| match (entity, key) {
        (None, "name") => Ok(F::Name),
        (None, "timestamp" | "last_updated_timestamp") => Ok(F::LastUpdatedTimestamp),
        (entity, key) => {
            let entity = entity.map(|entity| format!("{entity}.")).unwrap_or_default();
            Err(format!(
                "Invalid order by key '{}{}' specified. Valid keys are 'name', 'timestamp', \
                 'last_updated_timestamp'",
                clip(&entity),
                clip(key)
            ))
        }
    })?;
    order_by::refuse_duplicates(&keys, clauses)?;
    order_by::close_with(&mut keys, F::Name, true);
    Ok(keys)
}

/// Parses the `order_by` list of model-versions/search: those changed last first if there is none.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for a clause that cannot be read, an unknown field or one that is repeated.
pub fn parse_model_version_order(clauses: &[String]) -> Result<ModelVersionOrder, Error> {
    use ModelVersionOrderField as F;
    let mut keys = order_by::parse(clauses, |entity, key| match (is_tag(entity)?, key) {
        (true, _) => {
            let key = clip(key);
            Err(format!("Invalid order by key '{key}' specified. Valid keys are {VERSION_KEYS}"))
        }
        (false, "name") => Ok(F::Name),
        (false, "version_number") => Ok(F::Version),
        (false, "creation_timestamp") => Ok(F::CreationTimestamp),
        (false, "last_updated_timestamp") => Ok(F::LastUpdatedTimestamp),
        (false, _) => Err(invalid_attribute(key, VERSION_KEYS)),
    })?;
    order_by::refuse_duplicates(&keys, clauses)?;
    if keys.is_empty() {
        keys.push(OrderKey { field: F::LastUpdatedTimestamp, ascending: false });
    }
    let has = |keys: &ModelVersionOrder, field| keys.iter().any(|key| key.field == field);
    if !has(&keys, F::Name) {
        keys.push(OrderKey { field: F::Name, ascending: true });
    }
    if !has(&keys, F::Version) {
        keys.push(OrderKey { field: F::Version, ascending: false });
    }
    Ok(keys)
}

const MODEL_KEYS: &str = "'name', 'creation_timestamp', 'last_updated_timestamp'";
const VERSION_KEYS: &str =
    "'name', 'version_number', 'creation_timestamp', 'last_updated_timestamp'";
const VERSION_FILTER_KEYS: &str = "'name', 'version_number', 'run_id', 'source_path', \
                                   'creation_timestamp', 'last_updated_timestamp'";

struct RegisteredModels;

impl Grammar for RegisteredModels {
    type Number = RegisteredModelNumber;
    type Text = RegisteredModelText;

    fn field(
        entity: Option<&str>,
        key: &str,
    ) -> Result<Field<RegisteredModelNumber, RegisteredModelText>, String> {
        use RegisteredModelNumber as Number;
        Ok(match (is_tag(entity)?, key) {
            (true, key) => Field::Text(RegisteredModelText::Tag(key.to_owned())),
            (false, "name") => Field::Text(RegisteredModelText::Name),
            (false, "creation_timestamp") => Field::Number(Number::CreationTimestamp),
            (false, "last_updated_timestamp") => Field::Number(Number::LastUpdatedTimestamp),
            (false, key) => return Err(invalid_attribute(key, MODEL_KEYS)),
        })
    }

    fn number(_: &RegisteredModelNumber, literal: &Token<'_>) -> Result<Number, String> {
        whole_number("timestamp", literal)
    }
}

struct ModelVersions;

impl Grammar for ModelVersions {
    type Number = ModelVersionNumber;
    type Text = ModelVersionText;

    fn field(
        entity: Option<&str>,
        key: &str,
    ) -> Result<Field<ModelVersionNumber, ModelVersionText>, String> {
        use ModelVersionNumber as Number;
        Ok(match (is_tag(entity)?, key) {
            (true, key) => Field::Text(ModelVersionText::Tag(key.to_owned())),
            (false, "name") => Field::Text(ModelVersionText::Name),
            (false, "run_id") => Field::Text(ModelVersionText::RunId),
            (false, "source_path") => Field::Text(ModelVersionText::Source),
            (false, "version_number") => Field::Number(Number::Version),
            (false, "creation_timestamp") => Field::Number(Number::CreationTimestamp),
            (false, "last_updated_timestamp") => Field::Number(Number::LastUpdatedTimestamp),
            (false, key) => return Err(invalid_attribute(key, VERSION_FILTER_KEYS)),
        })
    }

    fn number(field: &ModelVersionNumber, literal: &Token<'_>) -> Result<Number, String> {
        let name = match field {
            ModelVersionNumber::Version => "version_number",
            _ => "timestamp",
        };
        whole_number(name, literal)
    }
}

/// A whole number, which MLflow's clients also write in quotes.
fn whole_number(name: &str, literal: &Token<'_>) -> Result<Number, String> {
    let invalid = || format!("Invalid value for numeric attribute '{name}': {}", clip(literal.raw));
    if let Some(text) = quoted_text(literal) {
        return text.trim().parse().map(Number::Integer).map_err(|_not_whole| invalid());
    }
    match plain_number(literal) {
        Some(Number::Integer(value)) => Ok(Number::Integer(value)),
        Some(Number::Float(_)) => Err(invalid()),
        None => Err(parser::not_numeric(name, literal)),
    }
}

fn invalid_attribute(key: &str, valid: &str) -> String {
    format!("Invalid attribute key '{}' specified. Valid keys are {valid}", clip(key))
}
