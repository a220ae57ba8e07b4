//! Requests: `POST /v2/models/{name}/infer`.

use super::{OipError, datatype, refuse};
use crate::frame::{Column, Frame, Name, Tensor};
use crate::json::{self, Dict, Value};
use crate::scoring::{Input, adopt};
use crate::signature::{ColumnSpec, ColumnType, DataType, NumpyType, Schema, TensorSpec};

/// A decoded request.
#[derive(Debug, Clone, PartialEq)]
pub struct InferRequest {
    /// The client's name of the request, which the answer repeats.
    pub id: Option<String>,
    /// The model's input.
    pub input: Input,
    /// Parameters of the whole request.
    pub parameters: Dict,
    /// The outputs that the client wants; none for all.
    pub outputs: Vec<String>,
}

/// Reads a request for a model with this schema of inputs.
pub fn decode(body: &[u8], schema: Option<&Schema>) -> Result<InferRequest, OipError> {
    let value = json::parse(body).map_err(|error| OipError(error.to_string()))?;
    let Value::Dict(mut request) = value else {
        return refuse("A request must be an object");
    };
    let id = match request.remove("id") {
        None | Some(Value::Null) => None,
        Some(Value::Str(id)) => Some(id),
        Some(_) => return refuse("`id` must be a text"),
    };
    let parameters = match request.remove("parameters") {
        None | Some(Value::Null) => Dict::new(),
        Some(Value::Dict(parameters)) => parameters,
        Some(_) => return refuse("`parameters` must be an object"),
    };
    let outputs = match request.remove("outputs") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::List(outputs)) => outputs.iter().map(output_name).collect::<Result<_, _>>()?,
        Some(_) => return refuse("`outputs` must be a list"),
    };
    let tensors: Vec<(String, Tensor)> = match request.remove("inputs") {
        Some(Value::List(inputs)) if !inputs.is_empty() => {
            inputs.iter().map(tensor).collect::<Result<_, _>>()?
        }
        _ => return refuse("`inputs` must be a list of at least one tensor"),
    };
    let input = match schema {
        None => Input::Tensors(tensors),
        Some(Schema::Tensors(specs)) => named_tensors(tensors, specs)?,
        Some(Schema::Columns(specs)) => Input::Frame(frame(tensors, specs)?),
    };
    Ok(InferRequest { id, input, parameters, outputs })
}

fn output_name(output: &Value) -> Result<String, OipError> {
    match output.get("name") {
        Some(Value::Str(name)) => Ok(name.clone()),
        _ => refuse("Each of `outputs` must have a name"),
    }
}

fn tensor(input: &Value) -> Result<(String, Tensor), OipError> {
    let Some(Value::Str(name)) = input.get("name") else {
        return refuse("Each of `inputs` must have a name");
    };
    let Some(Value::List(sizes)) = input.get("shape") else {
        return refuse(format!("Tensor '{name}' must have a shape"));
    };
    let size = |size: &Value| size.as_int().and_then(|n| usize::try_from(n).ok());
    let Some(shape) = sizes.iter().map(size).collect::<Option<Vec<usize>>>() else {
        return refuse(format!("The shape of tensor '{name}' must be integers from 0"));
    };
    let kind = input.get("datatype").and_then(Value::as_str).and_then(datatype::of_name);
    let Some(kind) = kind else {
        return refuse(format!("The datatype of tensor '{name}' is not supported"));
    };
    let mut leaves = Vec::new();
    match input.get("data") {
        Some(data @ Value::List(_)) => flatten(data, &mut leaves),
        _ => return refuse(format!("Tensor '{name}' must have data")),
    }
    let Some(count) = shape.iter().try_fold(1_usize, |all, n| all.checked_mul(*n)) else {
        return refuse(format!("The shape of tensor '{name}' is too large"));
    };
    if count == 0 && shape.first().is_some_and(|rows| *rows > 0) {
        // Rows of nothing take no room in a request, however many.
        return refuse(format!("Tensor '{name}' has rows without elements"));
    }
    if count != leaves.len() {
        let found = leaves.len();
        return refuse(format!("Tensor '{name}' has {found} elements, its shape {count}"));
    }
    let elements = if is_base64(input) {
        adopt::base64(&leaves)
    } else if kind == NumpyType::Str && !leaves.iter().all(|v| v.as_str().is_some()) {
        Err(format!("The data of tensor '{name}' must be texts"))
    } else {
        adopt::elements(&leaves, kind)
    };
    Ok((name.clone(), Tensor { shape, elements: elements.map_err(OipError)? }))
}

/// Bytes that are no text come as base64, by a parameter that MLServer introduced.
fn is_base64(input: &Value) -> bool {
    let parameters = input.get("parameters");
    parameters.and_then(|p| p.get("content_type")).and_then(Value::as_str) == Some("base64")
}

/// Data may be nested or flat.
fn flatten<'a>(data: &'a Value, leaves: &mut Vec<&'a Value>) {
    match data {
        Value::List(items) => items.iter().for_each(|item| flatten(item, leaves)),
        leaf => leaves.push(leaf),
    }
}

fn named_tensors(
    mut tensors: Vec<(String, Tensor)>,
    specs: &[TensorSpec],
) -> Result<Input, OipError> {
    let mut found = Vec::with_capacity(specs.len());
    for spec in specs {
        let at = match &spec.name {
            // Of one tensor without a name any name will do.
            None => 0,
            Some(name) => match tensors.iter().position(|(own, _)| own == name) {
                Some(at) => at,
                None => return refuse(format!("Tensor '{name}' is missing")),
            },
        };
        let (name, tensor) = tensors.swap_remove(at);
        let tensor = adopt::tensor(tensor, spec).map_err(OipError)?;
        if spec.name.is_none() {
            return Ok(Input::Tensor(tensor));
        }
        found.push((name, tensor));
    }
    Ok(Input::Tensors(found))
}

fn frame(tensors: Vec<(String, Tensor)>, specs: &[ColumnSpec]) -> Result<Frame, OipError> {
    if let [(_, tensor)] = tensors.as_slice()
        && let [_, width] = tensor.shape.as_slice()
        && *width == specs.len()
        && specs.iter().all(|spec| spec.kind == ColumnType::Scalar(DataType::Double))
        && let Some(cells) = tensor.elements.to_f64()
    {
        let name = |(at, spec): (i64, &ColumnSpec)| match &spec.name {
            Some(name) => name.as_str().into(),
            None => Name::Number(at),
        };
        let names = (0..).zip(specs).map(name).collect();
        return Ok(Frame::from_block(names, tensor.shape[0], cells));
    }
    let rows = tensors[0].1.shape.first().copied().unwrap_or(1);
    let mut columns: Vec<(Name, Column)> = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        match tensor.shape.as_slice() {
            [n] | [n, 1] if *n == rows => columns.push((name.as_str().into(), tensor.elements)),
            [_] | [_, 1] => {
                return refuse(format!("Tensor '{name}' has other rows than the first"));
            }
            _ => {
                let wanted: Vec<&str> = specs.iter().filter_map(|s| s.name.as_deref()).collect();
                return refuse(format!(
                    "Tensor '{name}' is no column of one element for each row; missing are columns {wanted:?}"
                ));
            }
        }
    }
    adopt::frame(columns, rows, specs).map_err(OipError)
}
