//! What can be searched on runs.

use super::ast::{Expr, Number};
use super::lexer::Token;
use super::order_by::{self, OrderKey};
use super::parser::{self, Field, Grammar, plain_number};
use crate::error::Error;

/// A filter over runs.
pub type RunFilter = Expr<RunNumber, RunText>;

/// A number of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunNumber {
    /// The latest value of the metric with this key.
    Metric(String),
    /// `start_time`, milliseconds since the epoch.
    StartTime,
    /// `end_time`, milliseconds since the epoch.
    EndTime,
}

/// A text of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunText {
    /// The parameter with this key.
    Param(String),
    /// The tag with this key.
    Tag(String),
    /// `run_id`
    RunId,
    /// `run_name`
    RunName,
    /// `user_id`
    UserId,
    /// `status`, by its name (`FINISHED`).
    Status,
    /// `artifact_uri`
    ArtifactUri,
    /// A property of a dataset input. A test holds when at least one input of the run passes it,
    /// `IS NULL` when the run has no input with such a value.
    Dataset(DatasetField),
}

/// A property of a dataset input of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatasetField {
    /// The dataset's name.
    Name,
    /// The dataset's digest.
    Digest,
    /// The input's tag `mlflow.data.context`.
    Context,
}

/// What runs are ordered by: the keys, the last of which is always the run id.
pub type RunOrder = Vec<OrderKey<RunOrderField>>;

/// A field that runs can be ordered by. Runs without a value come last in both directions, runs
/// whose metric is NaN just before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunOrderField {
    /// The latest value of the metric with this key.
    Metric(String),
    /// The parameter with this key, compared as text.
    Param(String),
    /// The tag with this key, compared as text.
    Tag(String),
    /// `start_time`
    StartTime,
    /// `end_time`
    EndTime,
    /// `run_id`
    RunId,
    /// `run_name`
    RunName,
    /// `user_id`
    UserId,
    /// `status`, by its name.
    Status,
    /// `artifact_uri`
    ArtifactUri,
}

/// Parses the filter of runs/search; `None` when it is empty.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`, naming the character at which the filter goes wrong.
pub fn parse_run_filter(filter: &str) -> Result<Option<RunFilter>, Error> {
    parser::parse::<Runs>(filter)
}

/// Parses the `order_by` list of runs/search and adds MLflow's tie-breaks: `start_time DESC`, then
/// `run_id ASC`.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for a clause that cannot be read, an unknown or repeated field.
pub fn parse_run_order(clauses: &[String]) -> Result<RunOrder, Error> {
    let mut keys = order_by::parse(clauses, |entity, key| {
        use RunOrderField as F;
        Ok(match entity_of(entity)? {
            Entity::Metric => F::Metric(key.to_owned()),
            Entity::Param => F::Param(key.to_owned()),
            Entity::Tag => F::Tag(key.to_owned()),
            Entity::Attribute => match key {
                "start_time" | "created" | "Created" => F::StartTime,
                "end_time" => F::EndTime,
                "run_id" => F::RunId,
                "run_name" => F::RunName,
                "user_id" => F::UserId,
                "status" => F::Status,
                "artifact_uri" => F::ArtifactUri,
                _ => return Err(invalid_attribute(key)),
            },
            Entity::Dataset => return Err("Invalid identifier type 'dataset'".to_owned()),
        })
    })?;
    order_by::refuse_duplicates(&keys, clauses)?;
    if !keys.iter().any(|key| key.field == RunOrderField::StartTime) {
        keys.push(OrderKey { field: RunOrderField::StartTime, ascending: false });
    }
    order_by::close_with(&mut keys, RunOrderField::RunId, true);
    Ok(keys)
}

struct Runs;

impl Grammar for Runs {
    type Number = RunNumber;
    type Text = RunText;

    fn field(entity: Option<&str>, key: &str) -> Result<Field<RunNumber, RunText>, String> {
        Ok(match entity_of(entity)? {
            Entity::Metric => Field::Number(RunNumber::Metric(key.to_owned())),
            Entity::Param => Field::Text(RunText::Param(key.to_owned())),
            Entity::Tag => Field::Text(RunText::Tag(key.to_owned())),
            Entity::Attribute => match key {
                "start_time" | "created" | "Created" => Field::Number(RunNumber::StartTime),
                "end_time" => Field::Number(RunNumber::EndTime),
                "run_id" => Field::Text(RunText::RunId),
                "run_name" | "run name" | "Run name" | "Run Name" => Field::Text(RunText::RunName),
                "user_id" => Field::Text(RunText::UserId),
                "status" => Field::Text(RunText::Status),
                "artifact_uri" => Field::Text(RunText::ArtifactUri),
                _ => return Err(invalid_attribute(key)),
            },
            Entity::Dataset => Field::Text(RunText::Dataset(match key {
                "name" => DatasetField::Name,
                "digest" => DatasetField::Digest,
                "context" => DatasetField::Context,
                _ => {
                    return Err(format!(
                        "Invalid dataset key '{}' specified. Valid keys are 'name', 'digest', \
                         'context'",
                        parser::clip(key)
                    ));
                }
            })),
        })
    }

    fn number(field: &RunNumber, literal: &Token<'_>) -> Result<Number, String> {
        match (field, plain_number(literal)) {
            #[expect(clippy::cast_precision_loss, reason = "metrics are 64-bit floats")]
            (RunNumber::Metric(_), Some(Number::Integer(value))) => Ok(Number::Float(value as f64)),
            (_, Some(value)) => Ok(value),
            (RunNumber::Metric(_), None) => Err(format!(
                "Expected numeric value type for metric. Found {}",
                parser::clip(literal.raw)
            )),
            (RunNumber::StartTime, None) => Err(parser::not_numeric("start_time", literal)),
            (RunNumber::EndTime, None) => Err(parser::not_numeric("end_time", literal)),
        }
    }
}

enum Entity {
    Metric,
    Param,
    Tag,
    Attribute,
    Dataset,
}

fn entity_of(entity: Option<&str>) -> Result<Entity, String> {
    Ok(match entity {
        None | Some("attribute" | "attributes" | "attr" | "run") => Entity::Attribute,
        Some("metric" | "metrics") => Entity::Metric,
        Some("parameter" | "parameters" | "param" | "params") => Entity::Param,
        Some("tag" | "tags") => Entity::Tag,
        Some("dataset" | "datasets") => Entity::Dataset,
        Some(other) => {
            return Err(format!(
                "Invalid entity type '{}'. Valid values are ['metric', 'parameter', 'tag', \
                 'attribute', 'dataset']",
                parser::clip(other)
            ));
        }
    })
}

fn invalid_attribute(key: &str) -> String {
    format!(
        "Invalid attribute key '{}' specified. Valid keys are 'run_id', 'run_name', 'user_id', \
         'status', 'artifact_uri', 'start_time', 'end_time', 'created'; metrics, params and tags \
         need a prefix, such as 'metrics.'",
        parser::clip(key)
    )
}
