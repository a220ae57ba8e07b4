//! Reading a signature, with MLflow's rules about what is missing.

use super::{
    ColumnSpec, ColumnType, DataType, NumpyType, ParamSpec, ParamType, Property, Schema, Signature,
    TensorSpec,
};
use crate::json::{self, Dict, Value};

/// Why a text is no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SignatureError(String);

type Read<T> = Result<T, SignatureError>;

fn refuse<T>(why: impl Into<String>) -> Read<T> {
    Err(SignatureError(why.into()))
}

impl Signature {
    /// Reads the texts of a signature's parts.
    pub fn read(inputs: Option<&str>, outputs: Option<&str>, params: Option<&str>) -> Read<Self> {
        Ok(Self {
            inputs: inputs.map(schema).transpose()?,
            outputs: outputs.map(schema).transpose()?,
            params: params.map(param_specs).transpose()?,
        })
    }
}

fn list(text: &str) -> Read<Vec<Dict>> {
    let value = json::parse_text(text).map_err(|error| SignatureError(error.to_string()))?;
    let Value::List(items) = value else { return refuse("A schema must be a list.") };
    let dicts = items.into_iter().map(|item| match item {
        Value::Dict(dict) => Ok(dict),
        _ => refuse("Each part of a schema must be an object."),
    });
    dicts.collect()
}

fn schema(text: &str) -> Read<Schema> {
    let items = list(text)?;
    if items.is_empty() {
        return refuse("Creating Schema with empty inputs is not allowed.");
    }
    let is_tensor = |item: &Dict| item.get("type").and_then(Value::as_str) == Some("tensor");
    let tensors = items.iter().filter(|item| is_tensor(item)).count();
    if tensors > 0 && tensors < items.len() {
        return refuse(
            "Creating Schema with a combination of ColSpec and TensorSpec is not supported.",
        );
    }
    let schema = if tensors > 0 {
        Schema::Tensors(items.iter().map(tensor).collect::<Read<_>>()?)
    } else {
        Schema::Columns(items.iter().map(column).collect::<Read<_>>()?)
    };
    check(&schema)?;
    Ok(schema)
}

fn check(schema: &Schema) -> Read<()> {
    let (named, optional): (Vec<bool>, bool) = match schema {
        Schema::Columns(columns) => (
            columns.iter().map(|c| c.name.is_some()).collect(),
            columns.iter().any(|c| !c.required),
        ),
        Schema::Tensors(tensors) => (tensors.iter().map(|t| t.name.is_some()).collect(), false),
    };
    let names = named.iter().filter(|named| **named).count();
    if names > 0 && names < named.len() {
        return refuse(
            "Creating Schema with a combination of named and unnamed inputs is not allowed.",
        );
    }
    if names == 0 && optional {
        return refuse("Creating Schema with unnamed optional inputs is not supported.");
    }
    if names == 0 && named.len() > 1 && matches!(schema, Schema::Tensors(_)) {
        return refuse("Creating Schema with multiple unnamed TensorSpecs is not supported.");
    }
    Ok(())
}

fn name_of(item: &Dict) -> Read<Option<String>> {
    match item.get("name") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Str(name)) => Ok(Some(name.clone())),
        // Columns without names of their own have their number in some old signatures.
        Some(Value::Int(number)) => Ok(Some(number.to_string())),
        Some(_) => refuse("A name must be a text."),
    }
}

fn tensor(item: &Dict) -> Read<TensorSpec> {
    let Some(Value::Dict(spec)) = item.get("tensor-spec") else {
        return refuse("Missing keys in TensorSpec JSON. Expected to find key `tensor-spec`");
    };
    let (Some(Value::Str(dtype)), Some(Value::List(shape))) =
        (spec.get("dtype"), spec.get("shape"))
    else {
        return refuse(
            "Missing keys in TensorSpec JSON. Expected to find keys `dtype` and `shape`",
        );
    };
    let Some(kind) = numpy_type(dtype) else {
        return refuse(format!("Unsupported type of tensor '{dtype}'"));
    };
    let shape: Option<Vec<i64>> = shape.iter().map(Value::as_int).collect();
    let Some(shape) = shape else { return refuse("The shape of a tensor must be integers.") };
    Ok(TensorSpec { name: name_of(item)?, kind, shape })
}

fn numpy_type(name: &str) -> Option<NumpyType> {
    NumpyType::of_name(name).or(match name {
        "str_" | "unicode" => Some(NumpyType::Str),
        "bytes_" => Some(NumpyType::Bytes),
        "double" => Some(NumpyType::F64),
        "datetime64" => Some(NumpyType::Datetime),
        _ => None,
    })
}

fn column(item: &Dict) -> Read<ColumnSpec> {
    let kind = column_type(item, "ColSpec")?;
    let required = match item.get("required") {
        Some(value) => value.is_true(),
        // As in MLflow: only columns of one value are required when nothing is said.
        None => matches!(kind, ColumnType::Scalar(_)),
    };
    Ok(ColumnSpec { name: name_of(item)?, kind, required })
}

fn column_type(item: &Dict, of: &str) -> Read<ColumnType> {
    let Some(Value::Str(kind)) = item.get("type") else {
        return refuse(format!("Missing keys in {of} JSON. Expected to find key `type`"));
    };
    let inner = |key: &str| match item.get(key) {
        Some(Value::Dict(inner)) => Ok(Box::new(column_type(inner, key)?)),
        _ => refuse(format!("Missing keys in {of} JSON. Expected to find key `{key}`")),
    };
    Ok(match kind.as_str() {
        "array" => ColumnType::Array(inner("items")?),
        "map" => ColumnType::Map(inner("values")?),
        "object" => ColumnType::Object(properties(item)?),
        "any" => ColumnType::Any,
        "sparkml_vector" => ColumnType::SparkVector,
        other => match DataType::of_name(other) {
            Some(kind) => ColumnType::Scalar(kind),
            None => return refuse(format!("Unsupported type '{other}'")),
        },
    })
}

fn properties(item: &Dict) -> Read<Vec<Property>> {
    let Some(Value::Dict(members)) = item.get("properties") else {
        return refuse("Missing keys in Object JSON. Expected to find key `properties`");
    };
    if members.is_empty() {
        return refuse("Creating Object with empty properties is not allowed.");
    }
    let mut properties = members
        .iter()
        .map(|(name, member)| {
            let Value::Dict(member) = member else {
                return refuse("Expected properties to be a dictionary of Property JSON");
            };
            let required = member.get("required").is_none_or(Value::is_true);
            Ok(Property { name: name.to_owned(), kind: column_type(member, "Property")?, required })
        })
        .collect::<Read<Vec<_>>>()?;
    properties.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(properties)
}

fn param_specs(text: &str) -> Read<Vec<ParamSpec>> {
    list(text)?.iter().map(param).collect()
}

fn param(item: &Dict) -> Read<ParamSpec> {
    let (Some(Value::Str(kind)), Some(name), Some(default)) =
        (item.get("type").or_else(|| item.get("dtype")), name_of(item)?, item.get("default"))
    else {
        return refuse(
            "Missing keys in ParamSpec JSON. Expected to find keys `name`, `type`(or `dtype`) and `default`.",
        );
    };
    let kind = match kind.as_str() {
        "object" => ParamType::Object(properties(item)?),
        other => match DataType::of_name(other) {
            Some(DataType::Binary) | None => {
                return refuse(format!("Unsupported type '{other}' of parameter '{name}'"));
            }
            Some(kind) => ParamType::Scalar(kind),
        },
    };
    let is_list = match item.get("shape") {
        None | Some(Value::Null) => false,
        Some(Value::List(shape)) if shape.as_slice() == [Value::Int(-1)] => true,
        Some(_) => return refuse(format!("Unsupported shape of parameter '{name}'")),
    };
    Ok(ParamSpec { name, kind, default: default.clone(), is_list })
}
