//! `dataframe_split` and `dataframe_records`: JSON to a frame, as pandas builds and MLflow casts it.

use super::cast;
use super::enforce::Loose;
use super::fault::{Fault, Rejection};
use super::limits::check_cells;
use super::nested;
use super::pandas;
use crate::frame::{Column, Name};
use crate::json::{Dict, Value, repr};
use crate::signature::{ColumnSpec, ColumnType};

/// What stands under `dataframe_split`.
pub(crate) fn split(value: Value) -> Result<Loose, Rejection> {
    let mut dict = match value {
        Value::Dict(dict) => dict,
        other => {
            let kind = match &other {
                Value::List(_) => "list".to_owned(),
                other => format!("type <class '{}'>", other.type_name()),
            };
            return Err(Rejection::input(format!(
                "Dataframe split format must be a dictionary. Got {kind}."
            )));
        }
    };
    let known = |key: &str| matches!(key, "columns" | "data" | "index");
    if dict.get("data").is_none() || !dict.keys().all(known) {
        let mut keys: Vec<String> = dict.keys().map(repr::string).collect();
        keys.sort_unstable();
        let keys =
            if keys.is_empty() { "set()".into() } else { format!("{{{}}}", keys.join(", ")) };
        return Err(Rejection::input(format!(
            "Dataframe split format must have 'data' field and optionally 'columns' and 'index' fields. Got {keys}.'"
        )));
    }
    let index = dict.remove("index").filter(|index| *index != Value::Null);
    let names = dict.remove("columns").filter(|names| *names != Value::Null);
    let data = dict.remove("data").unwrap_or(Value::Null);
    split_parts(index, names, data).map_err(|fault| fault.of_frame("split"))
}

/// Whether `dataframe_split` gives its rows other labels than pandas does.
pub(crate) fn are_rows_labelled(value: &Value) -> bool {
    match value.get("index") {
        None | Some(Value::Null) => false,
        Some(Value::List(labels)) => {
            !labels.iter().zip(0..).all(|(label, at)| *label == Value::Int(at))
        }
        Some(_) => true,
    }
}

fn split_parts(index: Option<Value>, names: Option<Value>, data: Value) -> Result<Loose, Fault> {
    let names = names.map(names_of).transpose()?;
    let rows = match data {
        Value::List(rows) => rows,
        Value::Null => Vec::new(),
        Value::Dict(_) => return Err(Fault::Undecided("dataframe_split with an object as data")),
        _ => return Err(Fault::value_error("DataFrame constructor not properly called!")),
    };
    if matches!(rows.first(), Some(Value::Dict(_))) {
        return Err(Fault::Undecided("dataframe_split with objects as rows"));
    }
    let loose = of_rows(rows, names)?;
    match index {
        None => Ok(loose),
        Some(Value::List(index)) if index.len() == loose.rows => Ok(loose),
        Some(Value::List(index)) if index.is_empty() => {
            // pandas keeps the columns and drops the rows.
            let columns = loose.names.iter().map(|_| Column::Object(Vec::new())).collect();
            Ok(Loose { columns, rows: 0, names: loose.names })
        }
        Some(Value::List(index)) if !loose.columns.is_empty() && loose.rows > 0 => {
            Err(Fault::value_error(format!(
                "Length of values ({}) does not match length of index ({})",
                loose.rows,
                index.len()
            )))
        }
        Some(_) => Err(Fault::Undecided("an index that is no list")),
    }
}

fn names_of(value: Value) -> Result<Vec<Name>, Fault> {
    let items = match value {
        Value::List(items) => items,
        Value::Dict(_) => return Err(Fault::Undecided("columns as an object")),
        other => {
            let shown = repr::value(&other);
            return Err(Fault::type_error(format!(
                "Index(...) must be called with a collection of some kind, {shown} was passed"
            )));
        }
    };
    let name = |value| match value {
        Value::Str(text) => Ok(Name::Text(text.into())),
        Value::Int(number) => Ok(Name::Number(number)),
        Value::List(_) | Value::Dict(_) => Err(Fault::Undecided("columns of more than one level")),
        other => Ok(Name::Other(other)),
    };
    let names = items.into_iter().map(name).collect::<Result<Vec<_>, _>>()?;
    let texts = names.iter().any(|n| matches!(n, Name::Text(_)));
    if texts && !names.iter().all(|n| matches!(n, Name::Text(_))) {
        return Err(Fault::Undecided("columns named by different types"));
    }
    Ok(names)
}

/// A frame of rows. Short rows are filled up, and a list of values is one column.
fn of_rows(rows: Vec<Value>, names: Option<Vec<Name>>) -> Result<Loose, Fault> {
    let count = rows.len();
    let nested = matches!(rows.first(), Some(Value::List(_)));
    let width = if nested {
        rows.iter().filter_map(Value::as_list).map(<[Value]>::len).max().unwrap_or(0)
    } else {
        usize::from(count > 0)
    };
    if let Some(names) = &names
        && count > 0
        && names.len() != width
    {
        if !nested {
            return Err(Fault::Undecided("rows that are no lists"));
        }
        return Err(Fault::value_error(format!(
            "{} columns passed, passed data had {width} columns",
            names.len()
        )));
    }
    check_cells(count, width)?;
    let names = names.unwrap_or_else(|| (0_i64..).take(width).map(Name::Number).collect());
    let mut cells: Vec<Vec<Value>> = names.iter().map(|_| Vec::with_capacity(count)).collect();
    for row in rows {
        match row {
            Value::List(row) if nested => {
                let mut row = row.into_iter();
                for column in &mut cells {
                    column.push(row.next().unwrap_or(Value::Null));
                }
            }
            _ if nested => return Err(Fault::Undecided("rows of different kinds")),
            Value::List(_) | Value::Dict(_) => {
                return Err(Fault::Undecided("rows of different kinds"));
            }
            value => cells[0].push(value),
        }
    }
    let columns = cells.into_iter().map(pandas::infer).collect();
    check_unique(Loose { names, columns, rows: count })
}

/// Rows with the names of a signature.
pub(crate) fn rows(value: Value, names: Vec<Name>) -> Result<Loose, Rejection> {
    split_parts(None, None, value)
        .and_then(|loose| {
            if loose.names.len() == names.len() {
                return Ok(Loose { names, ..loose });
            }
            Err(Fault::value_error(format!(
                "{} columns passed, passed data had {} columns",
                names.len(),
                loose.names.len()
            )))
        })
        .map_err(Fault::of_array)
}

fn check_unique(loose: Loose) -> Result<Loose, Fault> {
    let mut texts: Vec<&str> = loose.names.iter().filter_map(Name::text).collect();
    texts.sort_unstable();
    if texts.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Fault::Undecided("two columns of one name"));
    }
    Ok(loose)
}

/// What stands under `dataframe_records`.
pub(crate) fn records(value: Value) -> Result<Loose, Rejection> {
    let items = match value {
        Value::List(items) => items,
        other => {
            let kind = match &other {
                Value::Dict(_) => "dictionary".to_owned(),
                other => format!("type <class '{}'>", other.type_name()),
            };
            return Err(Rejection::input(format!(
                "Dataframe records format must be a list of records. Got {kind}."
            )));
        }
    };
    let loose = if matches!(items.first(), Some(Value::Dict(_))) {
        of_records(items)
    } else {
        of_rows(items, None)
    };
    loose.map_err(|fault| fault.of_frame("records"))
}

fn of_records(items: Vec<Value>) -> Result<Loose, Fault> {
    let count = items.len();
    let mut rows: Vec<Dict> = Vec::with_capacity(count);
    for item in items {
        match item {
            Value::Dict(row) => rows.push(row),
            Value::List(_) | Value::Str(_) => {
                return Err(Fault::Undecided("records of different kinds"));
            }
            other => {
                let name = other.type_name();
                return Err(Fault::type_error(format!("'{name}' object is not iterable")));
            }
        }
    }
    let mut places = std::collections::HashMap::new();
    let mut names: Vec<Name> = Vec::new();
    let mut cells: Vec<Vec<Value>> = Vec::new();
    for (at, row) in rows.into_iter().enumerate() {
        for (name, value) in row.into_members() {
            let place = *places.entry(name).or_insert_with_key(|name| {
                names.push(Name::Text(name.as_str().into()));
                cells.push(Vec::new());
                cells.len() - 1
            });
            check_cells(count, cells.len())?;
            // Rows before this one had no such key.
            cells[place].resize(at, Value::Float(f64::NAN));
            cells[place].push(value);
        }
    }
    for column in &mut cells {
        column.resize(count, Value::Float(f64::NAN));
    }
    Ok(Loose { names, columns: cells.into_iter().map(pandas::infer).collect(), rows: count })
}

/// Casts the columns of a frame to the types that a signature has for them.
pub(crate) fn cast(loose: &mut Loose, specs: &[ColumnSpec]) -> Result<(), Rejection> {
    let places = loose.places();
    for (at, spec) in specs.iter().enumerate() {
        let at = match &spec.name {
            Some(name) => match places.get(name.as_str()) {
                Some(at) => *at,
                None => continue,
            },
            None if at < loose.columns.len() => at,
            None => break,
        };
        let column = std::mem::replace(&mut loose.columns[at], Column::Object(Vec::new()));
        let name = loose.names[at].key();
        loose.columns[at] = match &spec.kind {
            ColumnType::Scalar(kind) => {
                cast::cast(column, *kind).map_err(|fault| fault.of_cast(&name, kind.name()))?
            }
            ColumnType::Any => column,
            kind => {
                let values: Result<Vec<Value>, Fault> = column
                    .values()
                    .into_iter()
                    .map(|value| nested::enforce(value, kind, spec.required))
                    .collect();
                let values = values.map_err(|f| f.of_cast(&name, &nested::printed(kind)))?;
                Column::Object(values)
            }
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::are_rows_labelled;
    use crate::json::parse_text;

    #[test]
    fn rows_are_labelled_if_pandas_would_call_them_otherwise() {
        let labelled = |text: &str| are_rows_labelled(&parse_text(text).unwrap());
        for own in [r#"{"data": [[1]]}"#, r#"{"index": null}"#, r#"{"index": [0, 1, 2]}"#, "[1]"] {
            assert!(!labelled(own), "{own}");
        }
        for given in [r#"{"index": [1, 2]}"#, r#"{"index": ["a"]}"#, r#"{"index": [0.0]}"#] {
            assert!(labelled(given), "{given}");
        }
    }
}
