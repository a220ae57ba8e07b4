//! Answers, and what a model is.

use super::{OipError, datatype, refuse};
use crate::frame::{Column, Tensor};
use crate::json::{self, Dict, Value};
use crate::scoring::Output;
use crate::signature::{ColumnType, NumpyType, Schema, Signature};

/// The name of the one tensor that has none of its own.
const OUTPUT: &str = "output";

/// Appends the answer to a request. Numbers that JSON has not are `null`.
pub fn encode(
    output: &Output,
    model: &str,
    version: Option<&str>,
    id: Option<&str>,
    out: &mut Vec<u8>,
) -> Result<(), OipError> {
    out.extend_from_slice(b"{\"model_name\": ");
    json::write_string(model, out);
    for (key, value) in [("model_version", version), ("id", id)] {
        if let Some(value) = value {
            out.extend_from_slice(b", ");
            json::write_string(key, out);
            out.extend_from_slice(b": ");
            json::write_string(value, out);
        }
    }
    out.extend_from_slice(b", \"outputs\": [");
    match output {
        Output::Tensor(tensor) => write_tensor(OUTPUT, &tensor.shape, &tensor.elements, out),
        Output::Tensors(tensors) => {
            let tensors =
                tensors.iter().map(|(n, Tensor { shape, elements })| (n, shape, elements));
            for (at, (name, shape, elements)) in tensors.enumerate() {
                separate(at, out);
                write_tensor(name, shape, elements, out);
            }
        }
        Output::Frame(frame) => {
            for (at, name) in frame.names().iter().enumerate() {
                separate(at, out);
                if let Some(column) = frame.column(at) {
                    write_tensor(&name.key(), &[frame.rows()], &column, out);
                }
            }
        }
        Output::Json(_) => return refuse("The model's answer is no tensor and no frame"),
    }
    out.extend_from_slice(b"]}");
    Ok(())
}

fn separate(at: usize, out: &mut Vec<u8>) {
    if at > 0 {
        out.extend_from_slice(b", ");
    }
}

fn write_tensor(name: &str, shape: &[usize], elements: &Column, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"name\": ");
    json::write_string(name, out);
    out.extend_from_slice(b", \"shape\": [");
    for (at, size) in shape.iter().enumerate() {
        separate(at, out);
        json::write_integer(i64::try_from(*size).unwrap_or(i64::MAX), out);
    }
    out.extend_from_slice(b"], \"datatype\": \"");
    out.extend_from_slice(datatype::name(elements.kind()).as_bytes());
    out.extend_from_slice(b"\", \"data\": [");
    for at in 0..elements.len() {
        separate(at, out);
        match elements {
            Column::Str(values) => match &values[at] {
                Some(text) => json::write_string(text, out),
                None => out.extend_from_slice(b"null"),
            },
            Column::Object(values) => write_value(&values[at], out),
            _ => write_value(&elements.value(at), out),
        }
    }
    out.extend_from_slice(b"]}");
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Float(value) if !value.is_finite() => out.extend_from_slice(b"null"),
        // Objects are texts of JSON: the protocol has no other form for them.
        Value::List(_) | Value::Dict(_) => json::write_string(&json::dumps(value), out),
        _ => json::write_value(value, out),
    }
}

/// What a model is: `GET /v2/models/{name}`.
pub fn metadata(name: &str, versions: &[&str], platform: &str, signature: &Signature) -> Value {
    let mut dict = Dict::new();
    dict.insert("name", name);
    dict.insert("versions", versions.iter().map(|v| Value::from(*v)).collect::<Vec<_>>());
    dict.insert("platform", platform);
    dict.insert("inputs", described(signature.inputs.as_ref(), "input"));
    dict.insert("outputs", described(signature.outputs.as_ref(), OUTPUT));
    dict.into()
}

fn described(schema: Option<&Schema>, unnamed: &str) -> Vec<Value> {
    let entry = |name: Option<&str>, kind: NumpyType, shape: &[i64]| {
        let mut dict = Dict::new();
        dict.insert("name", name.unwrap_or(unnamed));
        dict.insert("datatype", datatype::name(kind));
        dict.insert("shape", shape.iter().map(|n| Value::Int(*n)).collect::<Vec<_>>());
        Value::from(dict)
    };
    match schema {
        None => Vec::new(),
        Some(Schema::Tensors(specs)) => {
            specs.iter().map(|spec| entry(spec.name.as_deref(), spec.kind, &spec.shape)).collect()
        }
        Some(Schema::Columns(specs)) => specs
            .iter()
            .enumerate()
            .map(|(at, spec)| {
                let kind = match spec.kind {
                    ColumnType::Scalar(kind) => kind.numpy(),
                    _ => NumpyType::Object,
                };
                let number = (specs.len() > 1).then(|| at.to_string());
                entry(spec.name.as_deref().or(number.as_deref()), kind, &[-1])
            })
            .collect(),
    }
}
