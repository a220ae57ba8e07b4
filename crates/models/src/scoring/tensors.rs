//! Enforcing a signature of tensors.

use super::arrays::{Arg, Cell};
use super::enforce::{self, Loose};
use super::fault::{Fault, Rejection};
use super::{Input, cast, numpy};
use crate::frame::{Column, Name, Tensor};
use crate::json::{Value, repr};
use crate::signature::{DataType, NumpyType, TensorSpec};

/// Tensors of `inputs` or `instances`.
pub(crate) fn arg(arg: Arg, specs: &[TensorSpec]) -> Result<Input, Fault> {
    let named = specs.first().is_some_and(|spec| spec.name.is_some());
    if !named {
        return match arg {
            Arg::One(Cell::Array(tensor)) => check(tensor, &specs[0]).map(Input::Tensor),
            Arg::Rows(_) => Err(Fault::mlflow(
                "This model contains a tensor-based model signature with no input names, which suggests a numpy array input or a pandas dataframe input with proper column values, but an input of type <class 'list'> was found.",
            )),
            _ => Err(Fault::Undecided("an input that is no array")),
        };
    }
    let mut members = match arg {
        Arg::Dict(members) => members,
        Arg::One(cell) if specs.len() == 1 => {
            vec![(specs[0].name.clone().unwrap_or_default(), cell)]
        }
        Arg::One(_) | Arg::Rows(_) => Vec::new(),
    };
    let names: Vec<Name> = members.iter().map(|(name, _)| name.as_str().into()).collect();
    enforce::check_names(&names, &enforce::places(&names), required(specs))?;
    let mut tensors = Vec::with_capacity(specs.len());
    for spec in specs {
        let name = spec.name.as_deref().unwrap_or_default();
        let at = members.iter().position(|(own, _)| own == name);
        let Some((name, Cell::Array(tensor))) = at.map(|at| members.swap_remove(at)) else {
            return Err(Fault::Undecided("a tensor that is no array"));
        };
        tensors.push((name, check(tensor, spec)?));
    }
    Ok(Input::Tensors(tensors))
}

/// The names of tensors, which are all required.
fn required(specs: &[TensorSpec]) -> impl Iterator<Item = (Option<&str>, bool)> + Clone {
    specs.iter().map(|spec| (spec.name.as_deref(), true))
}

/// The tensor, if its shape is one that the signature allows.
pub(crate) fn check(tensor: Tensor, spec: &TensorSpec) -> Result<Tensor, Fault> {
    let fits =
        |(n, expected): (&usize, &i64)| *expected == -1 || i64::try_from(*n) == Ok(*expected);
    if tensor.shape.len() == spec.shape.len() && tensor.shape.iter().zip(&spec.shape).all(fits) {
        return Ok(tensor);
    }
    Err(Fault::mlflow(format!(
        "Shape of input {} does not match expected shape {}.",
        repr::tuple(&tensor.shape),
        repr::tuple(&spec.shape)
    )))
}

/// Casts the columns of a frame to the types of the tensors, as far as they are scalars.
fn cast_all(loose: &mut Loose, specs: &[TensorSpec]) -> Result<(), Rejection> {
    let mut failed = Vec::new();
    for at in 0..loose.columns.len() {
        let own = &loose.names[at];
        let named = |spec: &&TensorSpec| spec.name.as_deref().is_some_and(|name| own.is(name));
        let spec = match specs {
            [spec] if spec.name.is_none() => spec,
            _ => match specs.iter().find(named) {
                Some(spec) => spec,
                None => continue,
            },
        };
        let column = std::mem::replace(&mut loose.columns[at], Column::Object(Vec::new()));
        match cast_column(column, spec) {
            Ok(column) => loose.columns[at] = column,
            Err(fault) => failed.push(fault.of_cast(&own.key(), spec.kind.name())),
        }
    }
    // MLflow goes through them in the order of a set.
    match failed.pop() {
        None => Ok(()),
        Some(failure) if failed.is_empty() => Err(failure),
        Some(_) => Err(Rejection::Undecided("more than one wrong column")),
    }
}

/// The column as one of the tensor's type, or as it is if it holds lists.
fn cast_column(column: Column, spec: &TensorSpec) -> Result<Column, Fault> {
    if column.is_empty() {
        return Err(Fault::Raised {
            class: "IndexError",
            message: "single positional indexer is out-of-bounds".into(),
        });
    }
    if matches!(&column, Column::Object(values) if matches!(values[0], Value::List(_))) {
        return Ok(column);
    }
    let kind = match spec.kind {
        NumpyType::F64 => DataType::Double,
        NumpyType::F32 => DataType::Float,
        NumpyType::I64 => DataType::Long,
        NumpyType::I32 => DataType::Integer,
        NumpyType::Bool => DataType::Boolean,
        _ => return Err(Fault::Undecided("a frame for tensors of this type")),
    };
    cast::cast(column, kind)
}

/// Tensors of a frame: one for each column, or one of all columns.
pub(crate) fn frame(mut loose: Loose, specs: &[TensorSpec]) -> Result<Input, Rejection> {
    cast_all(&mut loose, specs)?;
    of_frame(&loose, specs).map_err(Fault::of_enforcement)
}

fn of_frame(loose: &Loose, specs: &[TensorSpec]) -> Result<Input, Fault> {
    if specs[0].name.is_some() {
        let places = loose.places();
        enforce::check_names(&loose.names, &places, required(specs))?;
        let mut tensors = Vec::new();
        for spec in specs {
            let name = spec.name.clone().unwrap_or_default();
            let Some(at) = places.get(name.as_str()) else { continue };
            let tensor = reshape(&name, &loose.columns[*at], spec)?;
            tensors.push((name, tensor));
        }
        return Ok(Input::Tensors(tensors));
    }
    let spec = &specs[0];
    let width = loose.columns.len();
    if width == 0 || loose.rows == 0 {
        return Err(Fault::mlflow("Input DataFrame is empty."));
    }
    if width == 1 {
        return reshape("None", &loose.columns[0], spec).map(Input::Tensor);
    }
    let columns = i64::try_from(width).unwrap_or(i64::MAX);
    if spec.shape != [-1, columns] {
        return Err(Fault::mlflow(format!(
            "This model contains a model signature with an unnamed input. Since the input data is a pandas DataFrame containing multiple columns, the input shape must be of the structure (-1, number_of_dataframe_columns). Instead, the input DataFrame passed had {width} columns and an input shape of {} with all values within the DataFrame of scalar type. Please adjust the passed in DataFrame to match the expected structure",
            repr::tuple(&spec.shape)
        )));
    }
    let shape = vec![loose.rows, width];
    let elements = interleaved(&loose.columns);
    let elements = elements.ok_or(Fault::Undecided("a frame of lists for a tensor"))?;
    Ok(Input::Tensor(Tensor { shape, elements }))
}

/// The cells of columns row by row, if all are of one type that a tensor of a frame can have.
fn interleaved(columns: &[Column]) -> Option<Column> {
    macro_rules! rows {
        ($variant:ident) => {{
            let values = columns.iter().map(|column| match column {
                Column::$variant(values) => Some(values),
                _ => None,
            });
            let values: Vec<&Vec<_>> = values.collect::<Option<_>>()?;
            let rows = values.first()?.len();
            let cells = (0..rows).flat_map(|row| values.iter().map(move |column| column[row]));
            Some(Column::$variant(cells.collect()))
        }};
    }
    match columns.first()? {
        Column::F64(_) => rows!(F64),
        Column::F32(_) => rows!(F32),
        Column::I64(_) => rows!(I64),
        Column::I32(_) => rows!(I32),
        Column::Bool(_) => rows!(Bool),
        _ => None,
    }
}

/// A column as a tensor of the shape that the signature has: any number of rows, all else fixed.
fn reshape(name: &str, column: &Column, spec: &TensorSpec) -> Result<Tensor, Fault> {
    let shape = || repr::tuple(&spec.shape);
    let fixed = spec.shape.first() == Some(&-1) && !spec.shape[1..].contains(&-1);
    if !fixed {
        let input =
            if name == "None" { "the unnamed input".into() } else { format!("input {name}") };
        return Err(Fault::mlflow(format!(
            "For pandas dataframe input, the first dimension of shape must be a variable dimension and other dimensions must be fixed, but in model signature the shape of {input} is {}.",
            shape()
        )));
    }
    if let Column::Object(values) = column {
        return lists(name, values, spec);
    }
    let rows = column.len();
    match spec.shape.as_slice() {
        [-1] => Ok(Tensor { shape: vec![rows], elements: column.clone() }),
        [-1, 1] => Ok(Tensor { shape: vec![rows, 1], elements: column.clone() }),
        _ => Err(Fault::mlflow(format!(
            "The input pandas dataframe column '{name}' contains scalar values, which requires the shape to be (-1,) or (-1, 1), but got tensor spec shape of {}.",
            shape()
        ))),
    }
}

fn lists(name: &str, values: &[Value], spec: &TensorSpec) -> Result<Tensor, Fault> {
    let failed = || {
        Fault::mlflow(format!(
            "The value in the Input DataFrame column '{name}' could not be converted to the expected shape of: '{}'. Ensure that each of the input list elements are of uniform length and that the data can be coerced to the tensor type '{}'",
            repr::tuple(&spec.shape),
            spec.kind.printed()
        ))
    };
    let mut leaves = Vec::new();
    let mut length = None;
    for value in values {
        let Value::List(items) = value else {
            return Err(Fault::Undecided("lists beside other values"));
        };
        if items.iter().any(|item| !matches!(item, Value::Int(_) | Value::Float(_))) {
            return Err(Fault::Undecided("lists of other values than numbers"));
        }
        if *length.get_or_insert(items.len()) != items.len() {
            return Err(failed());
        }
        leaves.extend(items);
    }
    let size: usize = spec.shape[1..].iter().map(|n| usize::try_from(*n).unwrap_or(0)).product();
    if length != Some(size) {
        return Err(failed());
    }
    let mut shape = vec![values.len()];
    shape.extend(spec.shape[1..].iter().map(|n| usize::try_from(*n).unwrap_or(0)));
    Ok(Tensor { shape, elements: numpy::cast(&leaves, spec.kind)? })
}
