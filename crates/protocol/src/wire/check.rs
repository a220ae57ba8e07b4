//! MLflow's checks on the raw JSON of a request, with its messages.

use serde_json::{Map, Value};

use super::message::{Check, Field, Message};
use super::{number, python};
use crate::error::Error;

const SEE_DOCS: &str = "See the API docs for more information about request parameters.";

/// Makes the checks of a message in their order. The type checks are left out when all values have
/// the types of their fields.
pub(super) fn check(
    message: &Message,
    request: &Map<String, Value>,
    types_are_right: bool,
) -> Result<(), Error> {
    for field in message.0 {
        // MLflow looks for the `snake_case` name here, whatever the reading accepts.
        let present = request.get(field.name);
        let required = field.checks.iter().any(|check| matches!(check, Check::Required));
        if present.is_none() && !required {
            continue;
        }
        let mut value = present.unwrap_or(&Value::Null);
        if field.name == "run_id" && value.is_null() {
            value = request.get("run_uuid").unwrap_or(value);
        }
        for check in field.checks {
            if !(types_are_right && check.is_type_check()) {
                check_one(field, *check, value)?;
            }
        }
    }
    Ok(())
}

fn check_one(field: &Field, check: Check, value: &Value) -> Result<(), Error> {
    let holds = match (check, value) {
        (Check::Required, value) if is_missing(value) => return Err(missing(field.name)),
        // An explicit null is an absent field.
        (Check::Required, _) | (_, Value::Null) => true,
        (Check::Text, value) => value.is_string(),
        (Check::IntLike, Value::String(_)) => number::integer(value).is_some(),
        (Check::FloatLike, Value::String(_)) => number::float(value).is_some(),
        (Check::IntLike | Check::FloatLike, value) => value.is_number() || value.is_boolean(),
        (Check::Bool, value) => value.is_boolean(),
        (Check::Array, value) => value.is_array(),
        (Check::TextItems, Value::Array(items)) => items.iter().all(Value::is_string),
        (Check::TextItems, _) => false,
        (Check::AtMost(limit), value) => number::integer(value).is_none_or(|i| i <= limit),
        (Check::Within(low, high), value) => {
            if number::integer(value).is_some_and(|i| !(low..=high).contains(&i)) {
                return Err(Error::invalid(format!(
                    "{} must be between {low} and {high}. {SEE_DOCS}",
                    field.name
                )));
            }
            true
        }
        (Check::CountAtMost(limit, request, items), Value::Array(values)) => {
            if values.len() > limit {
                return Err(Error::invalid(format!(
                    "{request} request must specify at most {limit} {items}. Received {} {items}. \
                     {SEE_DOCS}",
                    values.len()
                )));
            }
            true
        }
        (Check::ItemsHave(names), Value::Array(items)) => {
            return items_have(field.name, names, items);
        }
        (Check::CountAtMost(..) | Check::ItemsHave(_), _) => true,
    };
    if holds { Ok(()) } else { Err(wrong_type(field.name, value)) }
}

fn items_have(list: &str, names: &[&str], items: &[Value]) -> Result<(), Error> {
    for (index, item) in items.iter().enumerate() {
        let Value::Object(item) = item else { continue };
        for name in names {
            if item.get(*name).is_none_or(is_missing) {
                return Err(missing(&format!("{list}[{index}].{name}")));
            }
        }
    }
    Ok(())
}

fn is_missing(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

/// MLflow's error for a required field that is absent or empty.
pub(crate) fn missing(path: &str) -> Error {
    Error::invalid(format!("Missing value for required parameter '{path}'. {SEE_DOCS}"))
}

fn wrong_type(path: &str, value: &Value) -> Error {
    Error::invalid(format!(
        "Invalid value {} for parameter '{path}' supplied:  Hint: Value was of type '{}'. {SEE_DOCS}",
        python::json(value),
        python::type_name(value)
    ))
}
