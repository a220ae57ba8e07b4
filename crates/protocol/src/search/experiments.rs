//! What can be searched on experiments.

use super::ast::{CompareOp, Expr, Number};
use super::lexer::Token;
use super::order_by::{self, OrderKey};
use super::parser::{self, Field, Grammar, Operator, is_tag, plain_number, quoted_text};
use crate::error::Error;
use crate::validate;

/// A filter over experiments.
pub type ExperimentFilter = Expr<ExperimentNumber, ExperimentText>;

/// A number of an experiment. Its literals are always [`Number::Integer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExperimentNumber {
    /// `experiment_id`; only equality and lists apply.
    Id,
    /// `creation_time`, milliseconds since the epoch.
    CreationTime,
    /// `last_update_time`, milliseconds since the epoch.
    LastUpdateTime,
}

/// A text of an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExperimentText {
    /// `name`
    Name,
    /// The tag with this key.
    Tag(String),
}

/// What experiments are ordered by: the keys, the last of which is always the experiment id.
pub type ExperimentOrder = Vec<OrderKey<ExperimentOrderField>>;

/// A field that experiments can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExperimentOrderField {
    /// `name`
    Name,
    /// `experiment_id`, as a number.
    Id,
    /// `creation_time`
    CreationTime,
    /// `last_update_time`
    LastUpdateTime,
}

/// Parses the filter of experiments/search; `None` when it is empty.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`, naming the character at which the filter goes wrong.
pub fn parse_experiment_filter(filter: &str) -> Result<Option<ExperimentFilter>, Error> {
    parser::parse::<Experiments>(filter)
}

/// Parses the `order_by` list of experiments/search. Without one the order is
/// `creation_time DESC, experiment_id ASC`; with one, ties are broken by `experiment_id DESC`
/// (both as in MLflow). A field that is repeated has no further effect.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for a clause that cannot be read or an unknown field.
pub fn parse_experiment_order(clauses: &[String]) -> Result<ExperimentOrder, Error> {
    use ExperimentOrderField as F;
    if clauses.is_empty() {
        return Ok(vec![
            OrderKey { field: F::CreationTime, ascending: false },
            OrderKey { field: F::Id, ascending: true },
        ]);
    }
    let parsed = order_by::parse(clauses, |entity, key| match (is_tag(entity)?, key) {
        (true, _) => Err("Invalid order_by entity: tag".to_owned()),
        (false, "name") => Ok(F::Name),
        (false, "experiment_id") => Ok(F::Id),
        (false, "creation_time") => Ok(F::CreationTime),
        (false, "last_update_time") => Ok(F::LastUpdateTime),
        (false, _) => Err(invalid_attribute(key)),
    })?;
    let mut keys: ExperimentOrder = Vec::new();
    for key in parsed {
        if !keys.iter().any(|earlier| earlier.field == key.field) {
            keys.push(key);
        }
    }
    order_by::close_with(&mut keys, F::Id, false);
    Ok(keys)
}

struct Experiments;

impl Grammar for Experiments {
    type Number = ExperimentNumber;
    type Text = ExperimentText;

    fn field(
        entity: Option<&str>,
        key: &str,
    ) -> Result<Field<ExperimentNumber, ExperimentText>, String> {
        Ok(match (is_tag(entity)?, key) {
            (true, key) => Field::Text(ExperimentText::Tag(key.to_owned())),
            (false, "name") => Field::Text(ExperimentText::Name),
            (false, "experiment_id") => Field::Number(ExperimentNumber::Id),
            (false, "creation_time") => Field::Number(ExperimentNumber::CreationTime),
            (false, "last_update_time") => Field::Number(ExperimentNumber::LastUpdateTime),
            (false, _) => return Err(invalid_attribute(key)),
        })
    }

    fn number(field: &ExperimentNumber, literal: &Token<'_>) -> Result<Number, String> {
        if *field == ExperimentNumber::Id {
            let text = quoted_text(literal).ok_or_else(|| {
                format!("Expected a quoted string value for attributes. Got value {}", literal.raw)
            })?;
            let id = validate::experiment_id(&text).map_err(|error| error.message)?;
            return Ok(Number::Integer(id));
        }
        let name = match field {
            ExperimentNumber::LastUpdateTime => "last_update_time",
            _ => "creation_time",
        };
        match plain_number(literal) {
            Some(Number::Integer(value)) => Ok(Number::Integer(value)),
            Some(Number::Float(_)) => Err(format!(
                "Invalid value for numeric attribute '{name}': '{}'",
                parser::clip(literal.raw)
            )),
            None => Err(parser::not_numeric(name, literal)),
        }
    }

    fn allows(field: &ExperimentNumber, operator: Operator) -> bool {
        *field != ExperimentNumber::Id
            || matches!(
                operator,
                Operator::Compare(CompareOp::Equal | CompareOp::NotEqual)
                    | Operator::In { .. }
                    | Operator::IsNull { .. }
            )
    }
}

fn invalid_attribute(key: &str) -> String {
    format!(
        "Invalid attribute key '{}' specified. Valid keys are 'name', 'experiment_id', \
         'creation_time', 'last_update_time'",
        parser::clip(key)
    )
}
