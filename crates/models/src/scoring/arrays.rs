//! `inputs` and `instances`: JSON to arrays, each of the type that its column or tensor has.

use std::collections::HashMap;

use super::fault::{Fault, Rejection};
use super::nested;
use super::numpy;
use crate::frame::{Column, Tensor};
use crate::json::{Dict, Value, repr};
use crate::signature::{ColumnSpec, ColumnType, Schema, TensorSpec};

/// One converted value.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    /// A scalar of NumPy: a column of one.
    Scalar(Column),
    /// An array, without dimensions too.
    Array(Tensor),
    /// A value of Python.
    Value(Value),
}

/// What a request has under `inputs` or `instances`, converted.
#[derive(Debug)]
pub(crate) enum Arg {
    /// By name.
    Dict(Vec<(String, Cell)>),
    /// A list of objects.
    Rows(Vec<Vec<(String, Cell)>>),
    /// Without a name.
    One(Cell),
}

/// What is known about one value.
#[derive(Clone, Copy)]
enum Spec<'a> {
    None,
    Column(&'a ColumnSpec),
    Tensor(&'a TensorSpec),
}

/// The specs of a schema by their names.
type Specs<'a> = HashMap<&'a str, Spec<'a>>;

fn by_name(schema: Option<&Schema>) -> Specs<'_> {
    match schema {
        None => HashMap::new(),
        Some(Schema::Columns(all)) => {
            all.iter().filter_map(|c| Some((c.name.as_deref()?, Spec::Column(c)))).collect()
        }
        Some(Schema::Tensors(all)) => {
            all.iter().filter_map(|t| Some((t.name.as_deref()?, Spec::Tensor(t)))).collect()
        }
    }
}

impl<'a> Spec<'a> {
    fn first(schema: Option<&'a Schema>) -> Self {
        let found = match schema {
            None => None,
            Some(Schema::Columns(all)) => all.first().map(Self::Column),
            Some(Schema::Tensors(all)) => all.first().map(Self::Tensor),
        };
        found.unwrap_or(Self::None)
    }

    fn printed(self) -> String {
        match self {
            Self::Column(spec) => {
                let required = if spec.required { "required" } else { "optional" };
                let name = spec.name.as_ref().map(|n| format!("{}: ", repr::string(n)));
                format!("{}{} ({required})", name.unwrap_or_default(), nested::printed(&spec.kind))
            }
            Self::Tensor(spec) => {
                let name = spec.name.as_ref().map(|n| format!("{}: ", repr::string(n)));
                let shape = repr::tuple(&spec.shape);
                format!("{}Tensor('{}', {shape})", name.unwrap_or_default(), spec.kind.name())
            }
            Self::None => "None".into(),
        }
    }
}

fn convert(value: &Value, spec: Spec<'_>) -> Result<Cell, Fault> {
    match spec {
        Spec::None => numpy::array(value, None).map(Cell::Array),
        Spec::Tensor(spec) => numpy::array(value, Some(spec.kind)).map(Cell::Array),
        Spec::Column(spec) => match &spec.kind {
            ColumnType::Scalar(kind) if matches!(value, Value::List(_)) => {
                numpy::array(value, Some(kind.numpy())).map(Cell::Array)
            }
            ColumnType::Scalar(kind) => numpy::cast(&[value], kind.numpy()).map(Cell::Scalar),
            ColumnType::Array(_) | ColumnType::SparkVector => {
                let enforced = nested::enforce(value.clone(), &spec.kind, spec.required)?;
                if enforced == Value::Null {
                    return Err(Fault::Undecided("an absent list as an array"));
                }
                // NumPy must be able to hold it.
                numpy::array(&enforced, None)?;
                Ok(Cell::Value(enforced))
            }
            ColumnType::Any => Ok(Cell::Value(value.clone())),
            kind => nested::enforce(value.clone(), kind, spec.required).map(Cell::Value),
        },
    }
}

fn members(dict: &Dict, specs: &Specs<'_>) -> Result<Vec<(String, Cell)>, Rejection> {
    let member = |(name, value): (&str, &Value)| {
        let spec = specs.get(name).copied().unwrap_or(Spec::None);
        Ok((name.to_owned(), convert(value, spec).map_err(Fault::of_array)?))
    };
    dict.iter().map(member).collect()
}

/// What stands under `inputs`.
pub(crate) fn inputs(value: &Value, schema: Option<&Schema>) -> Result<Arg, Rejection> {
    if let Some(schema) = schema {
        if let (true, 1, Value::List(items)) = (schema.is_named(), schema.len(), value)
            && !items.iter().any(|item| matches!(item, Value::Dict(_)))
        {
            let cell = convert(value, Spec::first(Some(schema))).map_err(Fault::of_array)?;
            let name = match schema {
                Schema::Columns(columns) => columns[0].name.clone(),
                Schema::Tensors(tensors) => tensors[0].name.clone(),
            };
            return Ok(Arg::Dict(vec![(name.unwrap_or_default(), cell)]));
        }
        if !schema.is_named() && matches!(value, Value::Null | Value::Dict(_)) {
            return Err(Rejection::input(format!(
                "Failed to parse input data. This model contains an un-named  model signature which expects a single n-dimensional array or a single value as input, however, an input of type <class '{}'> was found.",
                value.type_name()
            )));
        }
    }
    let specs = by_name(schema);
    match value {
        Value::Dict(dict) => members(dict, &specs).map(Arg::Dict),
        Value::List(items) if items.iter().all(|item| matches!(item, Value::Dict(_))) => {
            let rows = items.iter().filter_map(Value::as_dict).map(|row| members(row, &specs));
            rows.collect::<Result<_, _>>().map(Arg::Rows)
        }
        Value::List(_) => {
            convert(value, Spec::first(schema)).map(Arg::One).map_err(Fault::of_array)
        }
        scalar => {
            let spec = Spec::first(schema);
            let failed = |_: &str, _| {
                Rejection::input(format!(
                    "Failed to convert data `{}` to type `{}` defined in the model signature.",
                    repr::str(scalar),
                    spec.printed()
                ))
            };
            convert(scalar, spec).map(Arg::One).map_err(|fault| fault.rejected(failed))
        }
    }
}

/// What stands under `instances`: objects become columns, and all have the same length.
pub(crate) fn instances(value: &Value, schema: Option<&Schema>) -> Result<Arg, Rejection> {
    let specs = by_name(schema);
    let arg = match value {
        Value::List(items) if matches!(items.first(), Some(Value::Dict(_))) => {
            Arg::Dict(columns_of(items, &specs)?)
        }
        other => inputs(other, schema)?,
    };
    if let Arg::Dict(members) = &arg {
        check_lengths(members, &specs)?;
    }
    Ok(arg)
}

fn malformed(class: &str, message: &str) -> Rejection {
    Rejection::input(format!(
        "Ensure that the input is a valid JSON-formatted string.\nError: {class}({})",
        repr::string(message)
    ))
}

fn columns_of(items: &[Value], specs: &Specs<'_>) -> Result<Vec<(String, Cell)>, Rejection> {
    let mut places = HashMap::new();
    let mut columns: Vec<(String, Vec<Cell>)> = Vec::new();
    for item in items {
        let Value::Dict(dict) = item else {
            let name = item.type_name();
            return Err(malformed(
                "AttributeError",
                &format!("'{name}' object has no attribute 'items'"),
            ));
        };
        for (name, cell) in members(dict, specs)? {
            let place = *places.entry(name).or_insert_with_key(|name| {
                columns.push((name.clone(), Vec::new()));
                columns.len() - 1
            });
            columns[place].1.push(cell);
        }
    }
    let stacked = columns.into_iter().map(|(name, cells)| {
        let malformed = |class: &str, message: String| malformed(class, &message);
        Ok((name, stack(cells).map_err(|fault| fault.rejected(malformed))?))
    });
    stacked.collect()
}

/// `numpy.array` of a list of arrays or scalars.
fn stack(cells: Vec<Cell>) -> Result<Cell, Fault> {
    let mut values = Vec::with_capacity(cells.len());
    let mut kinds = Vec::new();
    for cell in &cells {
        match cell {
            Cell::Scalar(column) => {
                kinds.push(column.dtype());
                values.push(column.value(0));
            }
            Cell::Array(tensor) if tensor.is_object() => {
                return Err(Fault::Undecided("instances of objects"));
            }
            Cell::Array(tensor) => {
                kinds.push(tensor.elements.dtype());
                values.push(value_of(tensor));
            }
            Cell::Value(_) => return Err(Fault::Undecided("instances of lists or objects")),
        }
    }
    let tensor = numpy::array(&Value::List(values), None)?;
    if kinds.iter().any(|kind| *kind != kinds[0]) {
        return Ok(Cell::Array(tensor));
    }
    let elements = cells.into_iter().map(|cell| match cell {
        Cell::Scalar(column) => column,
        Cell::Array(tensor) => tensor.elements,
        Cell::Value(_) => Column::Object(Vec::new()),
    });
    let elements = concat(elements).ok_or(Fault::Undecided("instances of different types"))?;
    Ok(Cell::Array(Tensor { elements, ..tensor }))
}

/// Columns of one type, one after the other; `None` if the types differ.
pub(crate) fn concat(columns: impl Iterator<Item = Column>) -> Option<Column> {
    let append = |mut all: Column, next: Column| {
        match (&mut all, next) {
            (Column::F64(all), Column::F64(next)) => all.extend(next),
            (Column::F32(all), Column::F32(next)) => all.extend(next),
            (Column::I64(all), Column::I64(next)) => all.extend(next),
            (Column::I32(all), Column::I32(next)) => all.extend(next),
            (Column::I16(all), Column::I16(next)) => all.extend(next),
            (Column::I8(all), Column::I8(next)) => all.extend(next),
            (Column::U64(all), Column::U64(next)) => all.extend(next),
            (Column::U32(all), Column::U32(next)) => all.extend(next),
            (Column::U16(all), Column::U16(next)) => all.extend(next),
            (Column::U8(all), Column::U8(next)) => all.extend(next),
            (Column::Bool(all), Column::Bool(next)) => all.extend(next),
            (Column::Str(all), Column::Str(next)) => all.extend(next),
            (Column::Bytes(all), Column::Bytes(next)) => all.extend(next),
            (Column::Time(all), Column::Time(next)) => all.extend(next),
            (Column::Object(all), Column::Object(next)) => all.extend(next),
            _ => return None,
        }
        Some(all)
    };
    let mut columns = columns;
    let first = columns.next()?;
    columns.try_fold(first, append)
}

/// An array as nested lists.
pub(crate) fn value_of(tensor: &Tensor) -> Value {
    fn level(tensor: &Tensor, shape: &[usize], at: &mut usize) -> Value {
        match shape.split_first() {
            None => {
                *at += 1;
                tensor.elements.value(*at - 1)
            }
            Some((size, inner)) => {
                Value::List((0..*size).map(|_| level(tensor, inner, at)).collect())
            }
        }
    }
    level(tensor, &tensor.shape, &mut 0)
}

fn check_lengths(members: &[(String, Cell)], specs: &Specs<'_>) -> Result<(), Rejection> {
    let counts = |name: &str| match specs.get(name) {
        // Without names, all count.
        None | Some(Spec::None) => specs.is_empty(),
        Some(Spec::Tensor(_)) => true,
        Some(Spec::Column(spec)) => {
            let is_array = matches!(spec.kind, ColumnType::Array(_) | ColumnType::SparkVector);
            spec.required && !is_array
        }
    };
    let mut expected = None;
    for (name, cell) in members {
        let length = match cell {
            Cell::Array(tensor) => tensor.shape.first().copied(),
            Cell::Value(Value::List(items)) => Some(items.len()),
            Cell::Scalar(_) | Cell::Value(_) => continue,
        };
        if !counts(name) {
            continue;
        }
        let Some(length) = length else {
            return Err(malformed("TypeError", "len() of unsized object"));
        };
        if *expected.get_or_insert(length) != length {
            return Err(Rejection::input(
                "The length of values for each input/column name are not the same",
            ));
        }
    }
    Ok(())
}
