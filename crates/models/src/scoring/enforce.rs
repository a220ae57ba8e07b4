//! Enforcing a signature: strict where casting was willing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::fault::Fault;
use super::limits::MAX_LISTED;
use super::{nested, pandas};
use crate::frame::{Column, Frame, Name};
use crate::json::{Value, repr};
use crate::signature::{ColumnSpec, ColumnType, DataType, NumpyType};

const HINT: &str = " Hint: the type mismatch is likely caused by missing values. Integer columns in python can not represent missing values and are therefore encoded as floats. The best way to avoid this problem is to infer the model schema based on a realistic data sample (training dataset) that includes missing values. Alternatively, you can declare integer columns as doubles (float64) whenever these columns may have missing values. See `Handling Integers With Missing Values <https://www.mlflow.org/docs/latest/models.html#handling-integers-with-missing-values>`_ for more details.";

/// A frame as a request gives it: columns in any order and number. Those that the signature has not
/// may be empty.
#[derive(Debug)]
pub(crate) struct Loose {
    pub(crate) names: Vec<Name>,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: usize,
}

impl Loose {
    /// Where each name is.
    pub(crate) fn places(&self) -> Places {
        places(&self.names)
    }

    pub(crate) fn into_frame(self) -> Frame {
        Frame::from_columns(self.names.into(), self.rows, self.columns)
    }
}

/// Where each name that is a text is.
pub(crate) type Places = HashMap<Arc<str>, usize>;

pub(crate) fn places(names: &[Name]) -> Places {
    let named = names.iter().enumerate().filter_map(|(at, name)| match name {
        Name::Text(text) => Some((Arc::clone(text), at)),
        Name::Number(_) | Name::Other(_) => None,
    });
    named.collect()
}

/// The columns of a signature, in its order; others are left out.
pub(crate) fn columns(mut loose: Loose, specs: &[ColumnSpec]) -> Result<Frame, Fault> {
    let places = loose.places();
    if specs.first().is_some_and(|spec| spec.name.is_some()) {
        let specs = specs.iter().map(|spec| (spec.name.as_deref(), spec.required));
        check_names(&loose.names, &places, specs)?;
    } else if loose.names.len() < specs.len() {
        return Err(Fault::mlflow(format!(
            "Model inference is missing inputs. The model signature declares {} inputs  but the provided value only has {} inputs. Note: the inputs were not named in the signature so we can only verify their count.",
            specs.len(),
            loose.names.len()
        )));
    }
    let (mut names, mut columns) = (Vec::new(), Vec::new());
    for (at, spec) in specs.iter().enumerate() {
        let at = match &spec.name {
            Some(name) => match places.get(name.as_str()) {
                Some(at) => *at,
                None => continue,
            },
            None => at,
        };
        let column = std::mem::replace(&mut loose.columns[at], Column::Object(Vec::new()));
        let name = loose.names[at].clone();
        let column = match &spec.kind {
            ColumnType::Scalar(kind) => scalars(&name.key(), column, *kind)?,
            other => {
                let required = spec.required || spec.name.is_none();
                let of = |value| nested::enforce(value, other, required);
                pandas::infer(column.values().into_iter().map(of).collect::<Result<_, _>>()?)
            }
        };
        names.push(name);
        columns.push(column);
    }
    Ok(Frame::from_columns(names.into(), loose.rows, columns))
}

/// Whether all required names are there; the message lists what is missing and what is too much.
pub(crate) fn check_names<'a>(
    actual: &[Name],
    places: &Places,
    specs: impl Iterator<Item = (Option<&'a str>, bool)> + Clone,
) -> Result<(), Fault> {
    let required = specs.clone().filter(|(_, required)| *required).filter_map(|(name, _)| name);
    let missing: Vec<&str> = required.filter(|name| !places.contains_key(*name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let known: HashSet<&str> = specs.filter_map(|(name, _)| name).collect();
    let is_extra = |name: &&Name| name.text().is_none_or(|name| !known.contains(name));
    let extra: Vec<String> =
        actual.iter().filter(is_extra).take(MAX_LISTED).map(Name::repr).collect();
    let missing = repr::list(missing.into_iter().map(repr::string));
    let note = if extra.is_empty() {
        String::new()
    } else {
        format!(" Note that there were extra inputs: {}.", repr::list(extra.into_iter()))
    };
    Err(Fault::mlflow(format!("Model is missing inputs {missing}.{note}")))
}

/// A column of one value per cell.
pub(crate) fn scalars(name: &str, column: Column, kind: DataType) -> Result<Column, Fault> {
    let column = match column {
        Column::Object(values) if !matches!(kind, DataType::Binary | DataType::String) => {
            pandas::infer(values)
        }
        other => other,
    };
    match (&column, kind) {
        (
            Column::Str(_) | Column::Object(_) | Column::Bytes(_),
            DataType::String | DataType::Binary,
        )
        | (Column::Object(_), DataType::Boolean)
        | (Column::F64(_), DataType::Double)
        | (Column::F32(_), DataType::Float)
        | (Column::I64(_), DataType::Long)
        | (Column::I32(_), DataType::Integer)
        | (Column::Bool(_), DataType::Boolean)
        | (Column::Time(_), DataType::Datetime) => return Ok(column),
        (Column::Object(_), DataType::Datetime) => {
            return Err(Fault::Undecided("objects as times"));
        }
        (Column::Object(values), DataType::Double) => return to_numeric(values),
        _ => {}
    }
    upcast(column, kind.numpy()).or_else(|column| match (&column, kind) {
        (Column::I64(values), DataType::Float | DataType::Double)
            if values.iter().all(|v| matches!(v, 0 | 1)) =>
        {
            super::cast::cast(column, kind)
        }
        _ => Err(incompatible(name, &column, kind)),
    })
}

/// `pandas.to_numeric` of objects.
fn to_numeric(values: &[Value]) -> Result<Column, Fault> {
    match values.iter().position(|v| matches!(v, Value::List(_) | Value::Dict(_))) {
        Some(at)
            if values[at].is_true()
                && values[..at].iter().all(|v| matches!(v, Value::Int(_) | Value::Float(_))) =>
        {
            Err(Fault::type_error(format!("Invalid object type at position {at}")))
        }
        None if values.iter().all(|v| *v == Value::Null) => {
            Ok(Column::F64(vec![f64::NAN; values.len()]))
        }
        _ => Err(Fault::Undecided("objects as numbers")),
    }
}

/// Conversions that lose nothing; the column comes back if there is none.
fn upcast(column: Column, to: NumpyType) -> Result<Column, Column> {
    Ok(match (column, to) {
        (Column::I32(values), NumpyType::I64) => {
            Column::I64(values.into_iter().map(i64::from).collect())
        }
        (Column::I32(values), NumpyType::F64) => {
            Column::F64(values.into_iter().map(f64::from).collect())
        }
        (Column::F32(values), NumpyType::F64) => {
            Column::F64(values.into_iter().map(f64::from).collect())
        }
        (other, _) => return Err(other),
    })
}

fn incompatible(name: &str, column: &Column, kind: DataType) -> Fault {
    let to = kind.numpy();
    let mut hint = "";
    if let (Column::F64(values), NumpyType::I32 | NumpyType::I64) = (column, to)
        && values.iter().any(|v| v.is_nan())
    {
        // Looking for whole numbers, MLflow stumbles over an infinity.
        match values.iter().find(|v| !v.is_nan() && v.fract() != 0.0) {
            Some(v) if v.is_infinite() => {
                return Fault::overflow("cannot convert float infinity to integer");
            }
            Some(_) => {}
            None => hint = HINT,
        }
    }
    Fault::mlflow(format!(
        "Incompatible input types for column {name}. Can not safely convert {} to {}.{hint}",
        column.dtype(),
        to.printed()
    ))
}
