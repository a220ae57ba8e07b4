//! The input of a request as the table that an estimator takes.

use std::sync::Arc;

use modelyard_estimators::{Cells, Table};

use super::Unanswered;
use crate::frame::{Column, Frame, Name, Tensor};
use crate::scoring::Input;

pub(super) fn table(input: &Input) -> Result<Table, Unanswered> {
    match input {
        Input::Frame(frame) => of_frame(frame),
        Input::Tensor(tensor) => of_tensor(tensor),
        Input::Tensors(_) => Err(needs_python("several arrays by name")),
        Input::Json(_) => Err(needs_python("JSON as it came")),
    }
}

fn of_frame(frame: &Frame) -> Result<Table, Unanswered> {
    let names = names(frame.names())?;
    let columns = match frame.block() {
        Some(block) => {
            let width = frame.width();
            let column = |at| block.iter().skip(at).step_by(width).copied().collect();
            (0..width).map(|at| Cells::F64(column(at))).collect()
        }
        None => {
            let columns = (0..frame.width()).map(|at| match frame.column(at) {
                Some(column) => cells(&column),
                None => Err(needs_python("a frame without a column")),
            });
            columns.collect::<Result<_, _>>()?
        }
    };
    Ok(Table::new(names, columns)?)
}

/// The names of the columns, as scikit-learn sees them: numbers are no names.
fn names(names: &[Name]) -> Result<Option<Vec<Arc<str>>>, Unanswered> {
    let texts: Vec<Arc<str>> = names
        .iter()
        .filter_map(|name| match name {
            Name::Text(text) => Some(Arc::clone(text)),
            Name::Number(_) | Name::Other(_) => None,
        })
        .collect();
    if texts.len() == names.len() && !names.is_empty() {
        return Ok(Some(texts));
    }
    // Each library has its own rules for a frame whose columns are numbers, or some of them.
    Err(needs_python("columns whose names are no texts"))
}

/// A matrix; arrays of other shapes are for the library to judge.
fn of_tensor(tensor: &Tensor) -> Result<Table, Unanswered> {
    let [rows, width] = tensor.shape[..] else {
        return Err(needs_python("an array that is no matrix"));
    };
    macro_rules! columns {
        ($values:expr, $kind:ident, $convert:expr) => {
            (0..width)
                .map(|at| {
                    let column = $values.iter().skip(at).step_by(width).take(rows);
                    Cells::$kind(column.map($convert).collect())
                })
                .collect()
        };
    }
    let columns = match &tensor.elements {
        Column::F64(values) => columns!(values, F64, |value| *value),
        Column::F32(values) => columns!(values, F32, |value| *value),
        Column::I64(values) => columns!(values, I64, |value| *value),
        Column::I32(values) => columns!(values, I64, |value| i64::from(*value)),
        Column::Bool(values) => columns!(values, Bool, |value| *value),
        _ => {
            return Err(needs_python(
                "an array of a kind that libraries convert by their own rules",
            ));
        }
    };
    Ok(Table::new(None, columns)?)
}

fn cells(column: &Column) -> Result<Cells, Unanswered> {
    Ok(match column {
        Column::F64(values) => Cells::F64(values.clone()),
        Column::F32(values) => Cells::F32(values.clone()),
        Column::I64(values) => Cells::I64(values.clone()),
        Column::I32(values) => Cells::I64(values.iter().map(|value| i64::from(*value)).collect()),
        Column::Bool(values) => Cells::Bool(values.clone()),
        Column::Str(values) => {
            Cells::Text(values.iter().map(|text| text.as_deref().map(Arc::from)).collect())
        }
        _ => {
            return Err(needs_python(
                "a column of a kind that libraries convert by their own rules",
            ));
        }
    })
}

fn needs_python(why: &str) -> Unanswered {
    Unanswered::NeedsPython(why.to_owned())
}
