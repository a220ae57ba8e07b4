//! Casting the columns of a frame to the types of a signature, as `Series.astype` does it: before
//! the signature is enforced, and much more willingly.

use super::fault::Fault;
use super::{base64, numpy, time};
use crate::frame::{Column, NOT_A_TIME};
use crate::json::{Value, number};
use crate::signature::DataType;

const NOT_FINITE: &str = "Cannot convert non-finite values (NA or inf) to integer. Replace or remove non-finite values or cast to an integer type that supports these values (e.g. 'Int64')";

/// The column as one of a type.
pub(crate) fn cast(column: Column, kind: DataType) -> Result<Column, Fault> {
    match kind {
        DataType::Double => doubles(column).map(Column::F64),
        DataType::Float => floats(column),
        DataType::Long | DataType::Integer => integers(column, kind),
        DataType::Boolean => Ok(Column::Bool(booleans(&column))),
        DataType::String => Ok(match column {
            text @ Column::Str(_) => text,
            other => Column::Object(other.values()),
        }),
        DataType::Binary => binary(&column),
        DataType::Datetime => datetimes(column),
    }
}

fn doubles(column: Column) -> Result<Vec<f64>, Fault> {
    match column {
        Column::F64(values) => Ok(values),
        Column::Object(values) => values.iter().map(numpy::float).collect(),
        Column::Str(values) => {
            let float =
                |text: Option<String>| text.map_or(Ok(f64::NAN), |t| numpy::float(&t.into()));
            values.into_iter().map(float).collect()
        }
        other => other.to_f64().ok_or(Fault::Undecided("a column that is no JSON")),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "NumPy rounds the same way")]
#[expect(clippy::cast_precision_loss, reason = "NumPy rounds the same way")]
fn floats(column: Column) -> Result<Column, Fault> {
    let narrow = match column {
        // Rounded once, not by way of a double.
        Column::I64(values) => values.into_iter().map(|v| v as f32).collect(),
        Column::U64(values) => values.into_iter().map(|v| v as f32).collect(),
        other => doubles(other)?.into_iter().map(|v| v as f32).collect(),
    };
    Ok(Column::F32(narrow))
}

/// Integers: floats are cut, 64 bits wrap around in 32, and all else must be what `int()` takes.
#[expect(clippy::cast_possible_truncation, reason = "NumPy wraps around too")]
#[expect(clippy::cast_possible_wrap, reason = "NumPy wraps around too")]
fn integers(column: Column, kind: DataType) -> Result<Column, Fault> {
    let wide = match column {
        Column::I64(values) => values,
        Column::U64(values) => values.into_iter().map(|v| v as i64).collect(),
        Column::Bool(values) => values.into_iter().map(i64::from).collect(),
        Column::F64(values) => {
            if values.iter().any(|v| !v.is_finite()) {
                let message = NOT_FINITE.into();
                return Err(Fault::Raised { class: "IntCastingNaNError", message });
            }
            if kind == DataType::Integer {
                return Ok(Column::I32(values.into_iter().map(number::to_i32).collect()));
            }
            values.into_iter().map(number::to_i64).collect()
        }
        Column::Object(values) => return numpy::cast(&refs(&values), kind.numpy()),
        Column::Str(values) => {
            // What is missing is found first, wherever it is.
            if values.iter().any(Option::is_none) {
                numpy::integer(&Value::Float(f64::NAN))?;
            }
            let values: Vec<Value> = values.into_iter().flatten().map(Value::Str).collect();
            return numpy::cast(&refs(&values), kind.numpy());
        }
        _ => return Err(Fault::Undecided("a column that is no JSON")),
    };
    Ok(match kind {
        DataType::Integer => Column::I32(wide.into_iter().map(|v| v as i32).collect()),
        _ => Column::I64(wide),
    })
}

fn refs(values: &[Value]) -> Vec<&Value> {
    values.iter().collect()
}

fn booleans(column: &Column) -> Vec<bool> {
    match column {
        Column::Bool(values) => values.clone(),
        Column::F64(values) => values.iter().map(|v| *v != 0.0).collect(),
        Column::I64(values) => values.iter().map(|v| *v != 0).collect(),
        // A missing text is NaN, which is true.
        Column::Str(values) => {
            values.iter().map(|v| v.as_ref().is_none_or(|text| !text.is_empty())).collect()
        }
        other => other.values().iter().map(Value::is_true).collect(),
    }
}

fn binary(column: &Column) -> Result<Column, Fault> {
    let no_text = || Fault::type_error("encoding without a string argument");
    let decoded = |text: &str| {
        base64::decode(text.as_bytes()).map_err(|message| Fault::Raised { class: "Error", message })
    };
    let bytes: Result<Vec<Vec<u8>>, Fault> = match column {
        Column::Str(values) => {
            values.iter().map(|v| v.as_deref().ok_or_else(no_text).and_then(decoded)).collect()
        }
        other => {
            let values = other.values();
            values.iter().map(|v| v.as_str().ok_or_else(no_text).and_then(decoded)).collect()
        }
    };
    bytes.map(Column::Bytes)
}

/// `pandas.to_datetime`: integers and floats are nanoseconds, texts have the form of the first.
fn datetimes(column: Column) -> Result<Column, Fault> {
    let times = match column {
        Column::I64(values) => values,
        Column::F64(values) => values.into_iter().map(number::to_i64).collect(),
        Column::Bool(_) => {
            return Err(Fault::type_error("dtype bool cannot be converted to datetime64[ns]"));
        }
        Column::Str(values) => texts_as_times(&values)?,
        Column::Object(values) => {
            let time = |value: &Value| match value {
                Value::Null => Ok(NOT_A_TIME),
                Value::Bool(_) | Value::List(_) | Value::Dict(_) => {
                    let name = value.type_name();
                    Err(Fault::type_error(format!(
                        "<class '{name}'> is not convertible to datetime"
                    )))
                }
                Value::Big(digits) => Err(Fault::Raised {
                    class: "OutOfBoundsDatetime",
                    message: format!("cannot convert input {digits} with the unit 'ns'"),
                }),
                _ => Err(Fault::Undecided("times of different types")),
            };
            values.iter().map(time).collect::<Result<_, _>>()?
        }
        Column::U64(values) => {
            let beyond = values.iter().find(|v| i64::try_from(**v).is_err());
            return Err(match beyond {
                Some(value) => Fault::Raised {
                    class: "OutOfBoundsDatetime",
                    message: format!("cannot convert input {value} with the unit 'ns'"),
                },
                None => Fault::Undecided("unsigned times"),
            });
        }
        _ => return Err(Fault::Undecided("a column that is no JSON")),
    };
    Ok(Column::Time(times))
}

fn texts_as_times(texts: &[Option<String>]) -> Result<Vec<i64>, Fault> {
    let mut first = None;
    texts
        .iter()
        .map(|text| {
            let Some(text) = text else { return Ok(NOT_A_TIME) };
            let (ns, form) = time::parse(text).ok_or(Fault::Undecided("a form of time"))?;
            if *first.get_or_insert(form) != form {
                return Err(Fault::Undecided("times of different forms"));
            }
            Ok(ns)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_rounded_once_on_their_way_to_32_bits() {
        let odd = 16_777_217 << 30 | 1;
        let Ok(Column::F32(once)) = cast(Column::I64(vec![odd]), DataType::Float) else { panic!() };
        #[expect(clippy::cast_precision_loss, reason = "this is what is tested")]
        let expected = odd as f32;
        assert_eq!(once, [expected]);
    }
}
