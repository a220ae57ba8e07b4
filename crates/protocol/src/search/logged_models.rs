//! What can be searched on logged models.

use super::ast::{CompareOp, Expr, Number};
use super::lexer::{Kind, Token};
use super::order_by::{self, OrderKey};
use super::parser::{self, Field, Grammar, Operator, plain_number, quoted_text};
use crate::error::Error;
use crate::states::LoggedModelStatus;
use crate::validate;

/// A filter over logged models.
pub type LoggedModelFilter = Expr<LoggedModelNumber, LoggedModelText>;

/// A number of a logged model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoggedModelNumber {
    /// The metric with this key; a test holds when **any** logged point passes it (MLflow's rule).
    Metric(String),
    /// `creation_timestamp`, milliseconds since the epoch.
    CreationTimestamp,
    /// `last_updated_timestamp`, milliseconds since the epoch.
    LastUpdatedTimestamp,
    /// `experiment_id`; only equality and lists apply.
    ExperimentId,
}

/// A text of a logged model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoggedModelText {
    /// The parameter with this key.
    Param(String),
    /// The tag with this key.
    Tag(String),
    /// `name`
    Name,
    /// `model_id`
    ModelId,
    /// `model_type`
    ModelType,
    /// `status`, by its short name: `UNSPECIFIED`, `PENDING`, `READY`, `FAILED`. Literals written
    /// as on the wire (`LOGGED_MODEL_READY`) are brought to that form.
    Status,
    /// `source_run_id`
    SourceRunId,
}

/// One entry of the `order_by` list of logged-models/search, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderByField {
    /// `metrics.<key>` or an attribute.
    pub field_name: String,
    /// The direction.
    pub ascending: bool,
    /// Only points on this dataset count (metrics only).
    pub dataset_name: Option<String>,
    /// Only points on a dataset with this digest count (metrics only).
    pub dataset_digest: Option<String>,
}

/// What logged models are ordered by: the keys, the last of which is always the model id.
pub type LoggedModelOrder = Vec<OrderKey<LoggedModelOrderField>>;

/// A field that logged models can be ordered by. Models without a value come last in both
/// directions, models whose metric is NaN just before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoggedModelOrderField {
    /// The newest point (by time, then step, then smallest run id) of a metric, of all its points
    /// or of those on one dataset.
    Metric {
        /// The metric's key.
        key: String,
        /// Only points with this dataset name.
        dataset_name: Option<String>,
        /// Only points with this dataset digest.
        dataset_digest: Option<String>,
    },
    /// `creation_timestamp`
    CreationTimestamp,
    /// `last_updated_timestamp`
    LastUpdatedTimestamp,
    /// `name`
    Name,
    /// `model_id`
    ModelId,
    /// `model_type`
    ModelType,
    /// `status`, by its number (0 unspecified, 1 pending, 2 ready, 3 failed).
    Status,
    /// `source_run_id`
    SourceRunId,
    /// `experiment_id`
    ExperimentId,
}

/// Parses the filter of logged-models/search; `None` when it is empty.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`, naming the character at which the filter goes wrong.
pub fn parse_logged_model_filter(filter: &str) -> Result<Option<LoggedModelFilter>, Error> {
    parser::parse::<LoggedModels>(filter)
}

/// Reads the `order_by` list of logged-models/search and adds MLflow's tie-breaks:
/// `creation_timestamp DESC`, then `model_id ASC`. A field that is repeated has no further effect.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for an unknown field.
pub fn parse_logged_model_order(entries: &[OrderByField]) -> Result<LoggedModelOrder, Error> {
    order_by::check_count(entries.len())?;
    let mut keys: LoggedModelOrder = Vec::new();
    for entry in entries {
        let field = order_field(entry).map_err(Error::invalid)?;
        if !keys.iter().any(|key| key.field == field) {
            keys.push(OrderKey { field, ascending: entry.ascending });
        }
    }
    if !keys.iter().any(|key| key.field == LoggedModelOrderField::CreationTimestamp) {
        let field = LoggedModelOrderField::CreationTimestamp;
        keys.push(OrderKey { field, ascending: false });
    }
    order_by::close_with(&mut keys, LoggedModelOrderField::ModelId, true);
    Ok(keys)
}

fn order_field(entry: &OrderByField) -> Result<LoggedModelOrderField, String> {
    use LoggedModelOrderField as F;
    let name = entry.field_name.as_str();
    if let Some((entity, key)) = name.split_once('.') {
        if entity != "metrics" {
            return Err(format!(
                "Invalid order by field name: {}. Only metrics are supported.",
                parser::clip(name)
            ));
        }
        return Ok(F::Metric {
            key: key.trim_matches('`').to_owned(),
            dataset_name: entry.dataset_name.clone(),
            dataset_digest: entry.dataset_digest.clone(),
        });
    }
    Ok(match name.trim() {
        "creation_timestamp" | "creation_time" | "creation_timestamp_ms" => F::CreationTimestamp,
        "last_updated_timestamp" | "last_updated_time" | "last_updated_timestamp_ms" => {
            F::LastUpdatedTimestamp
        }
        "name" => F::Name,
        "model_id" => F::ModelId,
        "model_type" => F::ModelType,
        "status" => F::Status,
        "source_run_id" => F::SourceRunId,
        "experiment_id" => F::ExperimentId,
        _ => return Err(format!("Invalid order by field name: {}", parser::clip(name))),
    })
}

struct LoggedModels;

impl Grammar for LoggedModels {
    type Number = LoggedModelNumber;
    type Text = LoggedModelText;

    fn field(
        entity: Option<&str>,
        key: &str,
    ) -> Result<Field<LoggedModelNumber, LoggedModelText>, String> {
        use {LoggedModelNumber as N, LoggedModelText as T};
        Ok(match entity {
            Some("metrics") => Field::Number(N::Metric(key.to_owned())),
            Some("params") => Field::Text(T::Param(key.to_owned())),
            Some("tags") => Field::Text(T::Tag(key.to_owned())),
            None | Some("attributes") => match key {
                "creation_timestamp" | "creation_time" | "creation_timestamp_ms" => {
                    Field::Number(N::CreationTimestamp)
                }
                "last_updated_timestamp" | "last_updated_time" | "last_updated_timestamp_ms" => {
                    Field::Number(N::LastUpdatedTimestamp)
                }
                "experiment_id" => Field::Number(N::ExperimentId),
                "name" => Field::Text(T::Name),
                "model_id" => Field::Text(T::ModelId),
                "model_type" => Field::Text(T::ModelType),
                "status" => Field::Text(T::Status),
                "source_run_id" => Field::Text(T::SourceRunId),
                _ => return Err(invalid_attribute(key)),
            },
            Some(other) => {
                return Err(format!(
                    "Invalid entity type: '{}'. Expected one of ['attributes', 'metrics', \
                     'params', 'tags']",
                    parser::clip(other)
                ));
            }
        })
    }

    fn number(field: &LoggedModelNumber, literal: &Token<'_>) -> Result<Number, String> {
        if *field == LoggedModelNumber::ExperimentId {
            let text = quoted_text(literal).unwrap_or_else(|| literal.raw.to_owned());
            let id = validate::experiment_id(&text).map_err(|error| error.message)?;
            return Ok(Number::Integer(id));
        }
        match (field, plain_number(literal)) {
            #[expect(clippy::cast_precision_loss, reason = "metrics are 64-bit floats")]
            (LoggedModelNumber::Metric(_), Some(Number::Integer(value))) => {
                Ok(Number::Float(value as f64))
            }
            (_, Some(value)) => Ok(value),
            (_, None) => {
                Err(format!("Expected a number, unquoted. Found {}", parser::clip(literal.raw)))
            }
        }
    }

    /// MLflow takes unquoted words and numbers as texts here (`params.lr = 0.01`).
    fn text(field: &LoggedModelText, literal: &Token<'_>) -> Result<String, String> {
        let text = quoted_text(literal).or_else(|| {
            matches!(literal.kind, Kind::Number | Kind::Word).then(|| literal.raw.to_owned())
        });
        let text =
            text.ok_or_else(|| format!("Expected a text, got {}", parser::clip(literal.raw)))?;
        Ok(if *field == LoggedModelText::Status { short_status(text) } else { text })
    }

    fn allows(field: &LoggedModelNumber, operator: Operator) -> bool {
        *field != LoggedModelNumber::ExperimentId
            || matches!(
                operator,
                Operator::Compare(CompareOp::Equal | CompareOp::NotEqual)
                    | Operator::In { .. }
                    | Operator::IsNull { .. }
            )
    }
}

fn short_status(text: String) -> String {
    LoggedModelStatus::from_name(&text).map_or(text, |status| status.short_name().to_owned())
}

fn invalid_attribute(key: &str) -> String {
    format!(
        "Invalid attribute key '{}' specified. Valid keys are 'name', 'model_id', 'model_type', \
         'status', 'source_run_id', 'experiment_id', 'creation_timestamp', \
         'last_updated_timestamp'; metrics, params and tags need a prefix, such as 'metrics.'",
        parser::clip(key)
    )
}
