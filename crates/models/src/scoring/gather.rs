//! From arrays to a frame, as MLflow builds one before it enforces a signature of columns.

use std::collections::HashMap;

use super::arrays::{Arg, Cell, concat, value_of};
use super::enforce::Loose;
use super::fault::Fault;
use super::limits::check_cells;
use super::pandas;
use crate::frame::{Column, Name, Tensor};
use crate::json::{Value, repr};
use crate::signature::{ColumnSpec, ColumnType};

/// The frame of converted inputs.
pub(crate) fn frame(arg: Arg, specs: &[ColumnSpec]) -> Result<Loose, Fault> {
    match arg {
        Arg::Dict(members) => of_dict(members, specs).map_err(|fault| match fault {
            Fault::Raised { message, .. } => Fault::mlflow(format!(
                "This model contains a column-based signature, which suggests a DataFrame input. There was an error casting the input data to a DataFrame: {message}"
            )),
            other => other,
        }),
        Arg::Rows(rows) if rows.is_empty() || specs.iter().all(|spec| spec.name.is_some()) => {
            of_rows(rows)
        }
        Arg::Rows(_) => Err(Fault::Undecided("a list of objects for columns without names")),
        Arg::One(Cell::Array(tensor)) => of_tensor(tensor),
        Arg::One(Cell::Scalar(column)) => {
            Ok(Loose { names: vec![Name::Number(0)], columns: vec![column], rows: 1 })
        }
        Arg::One(Cell::Value(_)) => Err(Fault::Undecided("a single list or object")),
    }
}

fn of_dict(members: Vec<(String, Cell)>, specs: &[ColumnSpec]) -> Result<Loose, Fault> {
    let nested = specs.iter().any(|spec| {
        matches!(spec.kind, ColumnType::Array(_) | ColumnType::Object(_) | ColumnType::SparkVector)
    });
    let single = |value: &Value| match value {
        Value::Dict(_) => false,
        Value::List(items) => items.iter().all(|item| matches!(item, Value::Str(_))),
        _ => true,
    };
    let scalars = members.iter().all(|(_, cell)| match cell {
        Cell::Scalar(_) => true,
        Cell::Array(_) => false,
        Cell::Value(value) => single(value),
    });
    if nested || scalars {
        return one_row(members);
    }
    let mut rows = None;
    for (_, cell) in &members {
        let length = match cell {
            Cell::Array(tensor) => tensor.shape.first().copied(),
            Cell::Value(Value::List(items)) => Some(items.len()),
            Cell::Value(Value::Dict(_)) => return Err(Fault::Undecided("an object as a column")),
            Cell::Scalar(_) | Cell::Value(_) => None,
        };
        if let Some(length) = length
            && *rows.get_or_insert(length) != length
        {
            return Err(Fault::value_error("All arrays must be of the same length"));
        }
    }
    let Some(rows) = rows else {
        return Err(Fault::value_error("If using all scalar values, you must pass an index"));
    };
    check_cells(rows, members.len())?;
    let (mut names, mut columns) = (Vec::new(), Vec::new());
    for (name, cell) in members {
        names.push(Name::Text(name.into()));
        columns.push(match cell {
            Cell::Scalar(column) => column.repeated(rows),
            Cell::Array(tensor) => match tensor.shape.len() {
                0 => tensor.elements.repeated(rows),
                1 => tensor.elements,
                _ => match value_of(&tensor) {
                    Value::List(items) => Column::Object(items),
                    other => Column::Object(vec![other]),
                },
            },
            Cell::Value(Value::List(items)) => pandas::infer(items),
            Cell::Value(value) => pandas::infer(vec![value]).repeated(rows),
        });
    }
    Ok(Loose { names, columns, rows })
}

fn one_row(members: Vec<(String, Cell)>) -> Result<Loose, Fault> {
    let (mut names, mut columns) = (Vec::new(), Vec::new());
    for (name, cell) in members {
        names.push(Name::Text(name.into()));
        columns.push(match cell {
            Cell::Scalar(column) => column,
            Cell::Array(tensor) => Column::Object(vec![value_of(&tensor)]),
            Cell::Value(value) => pandas::infer(vec![value]),
        });
    }
    Ok(Loose { names, columns, rows: 1 })
}

fn of_rows(rows: Vec<Vec<(String, Cell)>>) -> Result<Loose, Fault> {
    let count = rows.len();
    let mut places = HashMap::new();
    let mut columns: Vec<(String, Vec<Option<Cell>>)> = Vec::new();
    for (at, row) in rows.into_iter().enumerate() {
        for (name, cell) in row {
            let place = *places.entry(name).or_insert_with_key(|name| {
                columns.push((name.clone(), Vec::new()));
                columns.len() - 1
            });
            check_cells(count, columns.len())?;
            let cells = &mut columns[place].1;
            cells.resize(at, None);
            cells.push(Some(cell));
        }
    }
    let (mut names, mut typed) = (Vec::new(), Vec::new());
    for (name, mut cells) in columns {
        cells.resize(count, None);
        names.push(Name::Text(name.into()));
        typed.push(column_of(cells)?);
    }
    Ok(Loose { names, columns: typed, rows: count })
}

/// One column of scalars; where one is missing, pandas infers the type anew.
fn column_of(cells: Vec<Option<Cell>>) -> Result<Column, Fault> {
    let scalars = cells.iter().all(|cell| matches!(cell, Some(Cell::Scalar(_))));
    if scalars {
        let columns = cells.into_iter().flatten().filter_map(|cell| match cell {
            Cell::Scalar(column) => Some(column),
            Cell::Array(_) | Cell::Value(_) => None,
        });
        return concat(columns).ok_or(Fault::Undecided("cells of different types"));
    }
    let value = |cell: Option<Cell>| match cell {
        None => Ok(Value::Float(f64::NAN)),
        Some(Cell::Value(value)) => Ok(value),
        Some(Cell::Array(tensor)) => Ok(value_of(&tensor)),
        Some(Cell::Scalar(column)) => match column {
            Column::F32(_) | Column::Time(_) | Column::Bytes(_) => {
                Err(Fault::Undecided("missing cells of this type"))
            }
            other => Ok(other.value(0)),
        },
    };
    let values = cells.into_iter().map(value).collect::<Result<Vec<_>, _>>()?;
    Ok(pandas::infer(values))
}

fn of_tensor(tensor: Tensor) -> Result<Loose, Fault> {
    let Tensor { shape, elements } = tensor;
    match shape.as_slice() {
        // Of an empty list pandas makes no column.
        [0] | [_, 0] => Ok(Loose { names: Vec::new(), columns: Vec::new(), rows: shape[0] }),
        [] | [_] => {
            let rows = elements.len();
            Ok(Loose { names: vec![Name::Number(0)], columns: vec![elements], rows })
        }
        [rows, width] => {
            let columns = (0..*width).map(|at| elements.stride(at, *width)).collect();
            let names = (0_i64..).take(*width).map(Name::Number).collect();
            Ok(Loose { names, columns, rows: *rows })
        }
        _ => Err(Fault::value_error(format!("Must pass 2-d input. shape={}", repr::tuple(&shape)))),
    }
}
