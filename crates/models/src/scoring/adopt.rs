//! What other protocols bring, enforced like MLflow's own: only conversions that lose nothing.

use std::collections::HashMap;

use super::enforce::{self, Loose};
use super::fault::Fault;
use super::{base64, numpy, tensors};
use crate::frame::{Column, Frame, Name, Tensor};
use crate::json::Value;
use crate::signature::{ColumnSpec, ColumnType, DataType, NumpyType, TensorSpec};

fn reason(fault: Fault) -> String {
    match fault {
        Fault::Raised { message, .. } => message,
        Fault::Undecided(why) => format!("Not supported by this protocol: {why}"),
    }
}

/// Elements of a type, `null` being NaN among floats.
pub(crate) fn elements(leaves: &[&Value], kind: NumpyType) -> Result<Column, String> {
    numpy::cast(leaves, kind).map_err(reason)
}

/// Bytes from base64.
pub(crate) fn base64(leaves: &[&Value]) -> Result<Column, String> {
    let bytes = leaves.iter().map(|leaf| match leaf.as_str() {
        Some(text) => base64::decode(text.as_bytes()),
        None => Err("Base64 must be a text".into()),
    });
    bytes.collect::<Result<_, _>>().map(Column::Bytes)
}

/// A frame of columns in any order.
pub(crate) fn frame(
    columns: Vec<(Name, Column)>,
    rows: usize,
    specs: &[ColumnSpec],
) -> Result<Frame, String> {
    let kinds: HashMap<&str, &ColumnType> =
        specs.iter().filter_map(|spec| Some((spec.name.as_deref()?, &spec.kind))).collect();
    let (names, columns): (Vec<Name>, Vec<Column>) = columns.into_iter().unzip();
    let mut loose = Loose { names, columns, rows };
    if loose.places().len() < loose.names.len() {
        return Err("Two tensors have the same name".into());
    }
    for (at, name) in loose.names.iter().enumerate() {
        let kind = kinds.get(&*name.key()).copied();
        let column = std::mem::replace(&mut loose.columns[at], Column::Bool(Vec::new()));
        loose.columns[at] = match (kind, column) {
            // Times are nanoseconds, and texts that are bytes are their UTF-8.
            (Some(ColumnType::Scalar(DataType::Datetime)), Column::I64(times)) => {
                Column::Time(times)
            }
            (Some(ColumnType::Scalar(DataType::Binary)), Column::Str(texts)) => {
                let bytes = |text: Option<String>| text.unwrap_or_default().into_bytes();
                Column::Bytes(texts.into_iter().map(bytes).collect())
            }
            (_, other) => widened(other),
        };
    }
    enforce::columns(loose, specs).map_err(reason)
}

/// Small integers as those that a frame's types have.
fn widened(column: Column) -> Column {
    match column {
        Column::I16(values) => Column::I32(values.into_iter().map(i32::from).collect()),
        Column::I8(values) => Column::I32(values.into_iter().map(i32::from).collect()),
        Column::U16(values) => Column::I32(values.into_iter().map(i32::from).collect()),
        Column::U8(values) => Column::I32(values.into_iter().map(i32::from).collect()),
        Column::U32(values) => Column::I64(values.into_iter().map(i64::from).collect()),
        other => other,
    }
}

/// A tensor of the type and shape that a signature has.
pub(crate) fn tensor(tensor: Tensor, spec: &TensorSpec) -> Result<Tensor, String> {
    let Tensor { shape, elements } = tensor;
    let elements = match (elements, spec.kind) {
        (Column::F32(values), NumpyType::F64) => {
            Column::F64(values.into_iter().map(f64::from).collect())
        }
        (Column::I32(values), NumpyType::I64) => {
            Column::I64(values.into_iter().map(i64::from).collect())
        }
        (Column::I64(values), NumpyType::Datetime) => Column::Time(values),
        (Column::Str(texts), NumpyType::Bytes) => {
            Column::Bytes(texts.into_iter().map(|t| t.unwrap_or_default().into_bytes()).collect())
        }
        (other, _) => other,
    };
    let fits = elements.dtype() == spec.kind.name()
        || matches!((&elements, spec.kind), (Column::Bytes(_), NumpyType::Bytes));
    if !fits {
        return Err(format!(
            "dtype of input {} does not match expected dtype {}",
            elements.dtype(),
            spec.kind.name()
        ));
    }
    tensors::check(Tensor { shape, elements }, spec).map_err(reason)
}
