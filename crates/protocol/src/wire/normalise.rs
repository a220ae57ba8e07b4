//! Brings a loose request into the strict form that the structs read.

use serde_json::{Map, Value};

use super::message::{Field, Kind, Message};
use super::{number, python};
use crate::error::Error;

/// A value that does not have the type of its field.
pub(super) struct Mismatch {
    path: String,
    value: Value,
    expected: &'static str,
}

impl Mismatch {
    pub(super) fn into_error(self) -> Error {
        Error::invalid(format!(
            "Invalid value {} for parameter '{}' supplied:  Hint: Value was of type '{}', expected \
             {}. See the API docs for more information about request parameters.",
            python::json(&self.value),
            self.path,
            python::type_name(&self.value),
            self.expected
        ))
    }
}

/// The request with `snake_case` names, without nulls and unknown fields, every value in the form
/// its struct reads; and the first value that has no such form.
pub(super) fn normalise(
    message: &Message,
    request: &Map<String, Value>,
) -> (Value, Option<Mismatch>) {
    let mut mismatch = None;
    let value = object(message, request, "", &mut mismatch);
    (value, mismatch)
}

/// Refuses an object that spells one field in both ways, also in nested messages.
pub(super) fn refuse_double_spelling(message: &Message, request: &Value) -> Result<(), Error> {
    let Value::Object(request) = request else { return Ok(()) };
    for field in message.0 {
        let camel = camel_case(field.name);
        if camel != field.name && request.contains_key(field.name) && request.contains_key(&camel) {
            return Err(Error::invalid(format!(
                "Request specifies both '{}' and '{camel}'; provide only one of them.",
                field.name
            )));
        }
        let value = request.get(field.name).or_else(|| request.get(&camel));
        match (field.kind, value) {
            (Kind::Message(nested), Some(value)) => refuse_double_spelling(nested, value)?,
            (Kind::Messages(nested), Some(Value::Array(items))) => {
                items.iter().try_for_each(|item| refuse_double_spelling(nested, item))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The value of a field, however its name is spelled.
fn lookup<'a>(request: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    request.get(name).or_else(|| request.get(&camel_case(name)))
}

fn object(
    message: &Message,
    request: &Map<String, Value>,
    path: &str,
    mismatch: &mut Option<Mismatch>,
) -> Value {
    let mut strict = Map::new();
    for field in message.0 {
        let Some(value) = lookup(request, field.name).filter(|value| !value.is_null()) else {
            continue;
        };
        let path =
            if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
        if let Some(value) = convert(field, value, &path, mismatch) {
            strict.insert(field.name.to_owned(), value);
        }
    }
    Value::Object(strict)
}

fn convert(
    field: &Field,
    value: &Value,
    path: &str,
    mismatch: &mut Option<Mismatch>,
) -> Option<Value> {
    let expected = match (field.kind, value) {
        (Kind::Text, Value::String(_)) | (Kind::Bool, Value::Bool(_)) => {
            return Some(value.clone());
        }
        (Kind::Text, _) => "a string",
        (Kind::Bool, Value::String(text)) if text.eq_ignore_ascii_case("true") => {
            return Some(true.into());
        }
        (Kind::Bool, Value::String(text)) if text.eq_ignore_ascii_case("false") => {
            return Some(false.into());
        }
        (Kind::Bool, _) => "true or false",
        (Kind::Int64, value) => match number::integer(value) {
            Some(integer) => return Some(integer.into()),
            None => "a 64-bit integer",
        },
        (Kind::Int32, value) => match number::integer(value).and_then(|i| i32::try_from(i).ok()) {
            Some(integer) => return Some(integer.into()),
            None => "a 32-bit integer",
        },
        (Kind::Double, value) => match number::float(value) {
            // NaN and the infinities have no JSON number; their texts are read by the struct.
            Some(float) if float.is_finite() => return Some(float.into()),
            Some(_) => return Some(value.clone()),
            None => "a number, or one of the strings \"NaN\", \"Infinity\", \"-Infinity\"",
        },
        (Kind::Enum(names), value) => match enum_value(names, value) {
            Ok(known) => return known,
            Err(()) => "one of the names or numbers of this enum",
        },
        (Kind::Message(nested), Value::Object(value)) => {
            return Some(object(nested, value, path, mismatch));
        }
        (Kind::Message(_), _) => "an object",
        (Kind::Texts, Value::Array(items)) => {
            match items.iter().position(|item| !item.is_string()) {
                None => return Some(value.clone()),
                Some(index) => {
                    let path = format!("{path}[{index}]");
                    note(mismatch, path, &items[index], "a string");
                    return None;
                }
            }
        }
        (Kind::Messages(nested), Value::Array(items)) => {
            return Some(list(nested, items, path, mismatch));
        }
        (Kind::Texts | Kind::Messages(_), _) => "a list",
    };
    note(mismatch, path.to_owned(), value, expected);
    None
}

fn list(nested: &Message, items: &[Value], path: &str, mismatch: &mut Option<Mismatch>) -> Value {
    let strict = items.iter().enumerate().filter_map(|(index, item)| {
        let path = format!("{path}[{index}]");
        match item {
            Value::Object(item) => Some(object(nested, item, &path, mismatch)),
            other => {
                note(mismatch, path, other, "an object");
                None
            }
        }
    });
    Value::Array(strict.collect())
}

fn note(mismatch: &mut Option<Mismatch>, path: String, value: &Value, expected: &'static str) {
    mismatch.get_or_insert_with(|| Mismatch { path, value: value.clone(), expected });
}

/// The number of an enum value; nothing for an unknown name.
fn enum_value(names: &[(&str, i16)], value: &Value) -> Result<Option<Value>, ()> {
    if let Value::String(text) = value
        && let Some((_, number)) = names.iter().find(|(name, _)| name == text)
    {
        return Ok(Some((*number).into()));
    }
    match (number::integer(value), value) {
        (Some(wanted), _) => match names.iter().find(|(_, number)| i64::from(*number) == wanted) {
            Some((_, number)) => Ok(Some((*number).into())),
            None => Err(()),
        },
        (None, Value::String(_)) => Ok(None),
        (None, _) => Err(()),
    }
}

fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        if c == '_' {
            upper = true;
        } else if upper {
            camel.push(c.to_ascii_uppercase());
            upper = false;
        } else {
            camel.push(c);
        }
    }
    camel
}
