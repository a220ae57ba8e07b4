//! Lists, objects and maps in the cells of a frame.

use super::enforce;
use super::fault::Fault;
use super::pandas;
use crate::frame::Column;
use crate::json::{Dict, Value, repr};
use crate::signature::{ColumnType, DataType, Property};

/// A cell, checked and converted as its type wants it.
pub(crate) fn enforce(value: Value, kind: &ColumnType, required: bool) -> Result<Value, Fault> {
    match kind {
        ColumnType::Scalar(kind) => scalar(&value, *kind, required),
        ColumnType::Array(items) => array(value, items, required),
        ColumnType::SparkVector => array(value, &ColumnType::Scalar(DataType::Double), required),
        ColumnType::Object(properties) => object(value, properties, required),
        ColumnType::Map(values) => map(value, values, required),
        ColumnType::Any => Ok(value),
    }
}

fn scalar(value: &Value, kind: DataType, required: bool) -> Result<Value, Fault> {
    let missing = matches!(value, Value::Null) || matches!(value, Value::Float(v) if v.is_nan());
    if !required && missing {
        return Ok(Value::Null);
    }
    if matches!(value, Value::Null | Value::List(_) | Value::Dict(_)) {
        let name = value.type_name();
        return Err(Fault::mlflow(format!("Expected data to be scalar, got {name}")));
    }
    if matches!(kind, DataType::Datetime | DataType::Binary) {
        return Err(Fault::Undecided("times and bytes inside of objects"));
    }
    match enforce::scalars("", pandas::infer(vec![value.clone()]), kind) {
        Ok(column) => Ok(column.value(0)),
        Err(Fault::Raised { class: "MlflowException", .. }) => Err(Fault::mlflow(format!(
            "Failed to enforce schema of data `{}` with dtype `{}`",
            repr::str(value),
            kind.name()
        ))),
        Err(other) => Err(other),
    }
}

fn array(value: Value, items: &ColumnType, required: bool) -> Result<Value, Fault> {
    let lenient = !required || *items == ColumnType::Any;
    let list = match value {
        Value::Null if lenient => return Ok(Value::Null),
        Value::List(list) => list,
        other => {
            let name = other.type_name();
            return Err(Fault::mlflow(format!(
                "Expected data to be list or numpy array, got {name}"
            )));
        }
    };
    if list.is_empty() {
        return Ok(Value::List(list));
    }
    let ColumnType::Scalar(kind) = items else {
        let of = |value| enforce(value, items, required);
        return list.into_iter().map(of).collect::<Result<_, _>>().map(Value::List);
    };
    if matches!(kind, DataType::Datetime | DataType::Binary) {
        return Err(Fault::Undecided("times and bytes inside of lists"));
    }
    let column = enforce::scalars("", pandas::infer(list), *kind)?;
    if *kind == DataType::String {
        // NumPy prints all else, and cuts it to the length of the longest text.
        let values = column.values();
        return if values.iter().all(|value| matches!(value, Value::Str(_))) {
            Ok(values.into())
        } else {
            Err(Fault::Undecided("a list of texts and other values"))
        };
    }
    if let (Column::Object(values), DataType::Boolean) = (&column, kind) {
        return Ok(values.iter().map(|v| Value::Bool(v.is_true())).collect::<Vec<_>>().into());
    }
    Ok(column.values().into())
}

/// An object with known members.
pub(crate) fn object(
    value: Value,
    properties: &[Property],
    required: bool,
) -> Result<Value, Fault> {
    let dict = match value {
        Value::Null if !required => return Ok(Value::Null),
        Value::Dict(dict) if !required && dict.is_empty() => return Ok(dict.into()),
        Value::Dict(dict) => dict,
        other => {
            let shown = repr::str(&other);
            return Err(Fault::mlflow(format!(
                "Failed to enforce schema of '{shown}' with type '{}'. Expected data to be dictionary, got {}",
                printed_object(properties),
                other.type_name()
            )));
        }
    };
    check_members(&dict, properties)?;
    let mut members = Vec::with_capacity(dict.len());
    for (key, value) in dict.into_members() {
        let Some(property) = properties.iter().find(|p| p.name == key) else { continue };
        let name = value.type_name();
        let value = enforce(value, &property.kind, property.required).map_err(|fault| match fault {
            Fault::Raised { class: "MlflowException", .. } => Fault::mlflow(format!(
                "Failed to enforce schema for key `{key}`. Expected type {}, received type {name}",
                type_name(&property.kind)
            )),
            other => other,
        })?;
        members.push((key, value));
    }
    Ok(Dict::from_members(members).into())
}

fn check_members(dict: &Dict, properties: &[Property]) -> Result<(), Fault> {
    let set = |mut names: Vec<&str>| {
        names.sort_unstable();
        let names: Vec<String> = names.into_iter().map(repr::string).collect();
        format!("{{{}}}", names.join(", "))
    };
    let required = properties.iter().filter(|p| p.required).map(|p| p.name.as_str());
    let missing: Vec<&str> = required.filter(|name| dict.get(name).is_none()).collect();
    if !missing.is_empty() {
        return Err(Fault::mlflow(format!("Missing required properties: {}", set(missing))));
    }
    let unknown: Vec<&str> =
        dict.keys().filter(|key| !properties.iter().any(|p| p.name == *key)).collect();
    if !unknown.is_empty() {
        return Err(Fault::mlflow(format!(
            "Invalid properties not defined in the schema found: {}",
            set(unknown)
        )));
    }
    Ok(())
}

fn map(value: Value, values: &ColumnType, required: bool) -> Result<Value, Fault> {
    let lenient = !required || *values == ColumnType::Any;
    match value {
        Value::Null if lenient => Ok(Value::Null),
        Value::Dict(dict) => {
            let of = |(key, value)| Ok((key, enforce(value, values, required)?));
            let members: Result<Vec<_>, Fault> = dict.into_members().into_iter().map(of).collect();
            Ok(Dict::from_members(members?).into())
        }
        other => {
            let name = other.type_name();
            Err(Fault::mlflow(format!("Expected data to be a dict, got {name}")))
        }
    }
}

fn type_name(kind: &ColumnType) -> &'static str {
    match kind {
        ColumnType::Scalar(kind) => kind.name(),
        ColumnType::Array(_) => "array",
        ColumnType::Object(_) => "object",
        ColumnType::Map(_) => "map",
        ColumnType::Any => "any",
        ColumnType::SparkVector => "sparkml_vector",
    }
}

/// A type as MLflow prints it.
pub(crate) fn printed(kind: &ColumnType) -> String {
    match kind {
        ColumnType::Scalar(kind) => kind.name().into(),
        ColumnType::Array(items) => format!("Array({})", printed(items)),
        ColumnType::Map(values) => format!("Map(str -> {})", printed(values)),
        ColumnType::Any => "Any".into(),
        ColumnType::SparkVector => "SparkML vector".into(),
        ColumnType::Object(properties) => printed_object(properties),
    }
}

/// The type of an object as MLflow prints it.
pub(crate) fn printed_object(properties: &[Property]) -> String {
    let property = |p: &Property| {
        let required = if p.required { "required" } else { "optional" };
        format!("{}: {} ({required})", p.name, printed(&p.kind))
    };
    format!("{{{}}}", properties.iter().map(property).collect::<Vec<_>>().join(", "))
}
