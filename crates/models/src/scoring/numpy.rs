//! What `numpy.array(value, dtype)` makes of a JSON value.

use super::fault::Fault;
use super::time;
use crate::frame::{Column, NOT_A_TIME, Tensor};
use crate::json::{Value, number, repr};
use crate::signature::NumpyType;

const RAGGED: &str = "setting an array element with a sequence.";

/// The array of a value, of the given type or of the one that NumPy infers.
pub(crate) fn array(value: &Value, kind: Option<NumpyType>) -> Result<Tensor, Fault> {
    let mut shape = Vec::new();
    let mut leaves = vec![value];
    while let Some(level) = next_level(&leaves, &shape)? {
        shape.push(level.0);
        leaves = level.1;
        // Of nothing, the depth of the first empty list is the depth of all.
        if leaves.is_empty() {
            break;
        }
    }
    let elements = match kind {
        Some(kind) => cast(&leaves, kind)?,
        None => infer(&leaves)?,
    };
    Ok(Tensor { shape, elements })
}

type Level<'a> = Option<(usize, Vec<&'a Value>)>;

fn next_level<'a>(values: &[&'a Value], shape: &[usize]) -> Result<Level<'a>, Fault> {
    let lists = values.iter().filter(|v| matches!(v, Value::List(_))).count();
    if lists == 0 {
        return Ok(None);
    }
    let first = values.first().and_then(|v| v.as_list()).map(<[Value]>::len);
    let even = values.iter().all(|v| v.as_list().map(<[Value]>::len) == first);
    let (Some(size), true) = (first, even) else {
        let dimensions = shape.len();
        let shape = repr::tuple(shape);
        return Err(Fault::value_error(format!(
            "{RAGGED} The requested array has an inhomogeneous shape after {dimensions} dimensions. The detected shape was {shape} + inhomogeneous part."
        )));
    };
    let inner = values.iter().filter_map(|v| v.as_list()).flatten().collect();
    Ok(Some((size, inner)))
}

/// Values as elements of a type.
pub(crate) fn cast(values: &[&Value], kind: NumpyType) -> Result<Column, Fault> {
    fn all<T>(values: &[&Value], of: impl Fn(&Value) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        values.iter().map(|value| of(value)).collect()
    }
    macro_rules! integers {
        ($variant:ident, $type:ty) => {
            Column::$variant(all(values, |value| {
                let whole = integer(value)?;
                <$type>::try_from(whole).map_err(|_| out_of_bounds(whole, kind))
            })?)
        };
    }
    #[expect(clippy::cast_possible_truncation, reason = "NumPy rounds the same way")]
    let column = match kind {
        NumpyType::F64 => Column::F64(all(values, float)?),
        NumpyType::F32 => Column::F32(all(values, |value| float(value).map(|v| v as f32))?),
        NumpyType::I8 => integers!(I8, i8),
        NumpyType::I16 => integers!(I16, i16),
        NumpyType::I32 => integers!(I32, i32),
        NumpyType::I64 => integers!(I64, i64),
        NumpyType::U8 => integers!(U8, u8),
        NumpyType::U16 => integers!(U16, u16),
        NumpyType::U32 => integers!(U32, u32),
        NumpyType::U64 => integers!(U64, u64),
        NumpyType::Bool => Column::Bool(values.iter().map(|value| value.is_true()).collect()),
        NumpyType::Str => Column::Str(values.iter().map(|value| Some(text(value))).collect()),
        NumpyType::Bytes => Column::Bytes(all(values, bytes)?),
        NumpyType::Datetime => Column::Time(all(values, datetime)?),
        NumpyType::F16 => return Err(Fault::Undecided("a tensor of float16")),
        NumpyType::Object => return Err(Fault::Undecided("a tensor of objects")),
    };
    Ok(column)
}

fn infer(values: &[&Value]) -> Result<Column, Fault> {
    let any = |of: fn(&Value) -> bool| values.iter().any(|value| of(value));
    let object = any(|v| matches!(v, Value::Null | Value::Dict(_)))
        || any(|v| matches!(v, Value::Big(digits) if digits.parse::<u64>().is_err()));
    if object {
        return Ok(Column::Object(values.iter().map(|value| (*value).clone()).collect()));
    }
    let big = any(|v| matches!(v, Value::Big(_)));
    let kind = if values.is_empty() {
        NumpyType::F64
    } else if any(|v| matches!(v, Value::Str(_))) {
        NumpyType::Str
    } else if any(|v| matches!(v, Value::Float(_))) {
        NumpyType::F64
    } else if big && any(|v| matches!(v, Value::Int(..0))) {
        return Err(Fault::Undecided("integers of both kinds of 64 bits"));
    } else if big {
        NumpyType::U64
    } else if any(|v| matches!(v, Value::Int(_))) {
        NumpyType::I64
    } else {
        NumpyType::Bool
    };
    cast(values, kind)
}

const FOREIGN_DIGITS: &str = "digits of another script";

/// Python also reads numbers in the digits of other scripts.
fn has_foreign_digits(text: &str) -> bool {
    text.chars().any(|c| !c.is_ascii() && c.is_numeric())
}

/// What Python's `float()` makes of a value, with `None` as NaN.
#[expect(clippy::cast_precision_loss, reason = "Python rounds the same way")]
pub(crate) fn float(value: &Value) -> Result<f64, Fault> {
    match value {
        Value::Null => Ok(f64::NAN),
        Value::Bool(value) => Ok(u8::from(*value).into()),
        Value::Int(value) => Ok(*value as f64),
        Value::Big(digits) => {
            let finite = digits.parse().ok().filter(|value: &f64| value.is_finite());
            finite.ok_or_else(|| Fault::overflow("int too large to convert to float"))
        }
        Value::Float(value) => Ok(*value),
        Value::Str(text) if has_foreign_digits(text) => Err(Fault::Undecided(FOREIGN_DIGITS)),
        Value::Str(text) => number::float_of(text).ok_or_else(|| {
            Fault::value_error(format!("could not convert string to float: {}", repr::string(text)))
        }),
        Value::List(_) => Err(Fault::value_error(RAGGED)),
        Value::Dict(_) => {
            Err(Fault::type_error("float() argument must be a string or a real number, not 'dict'"))
        }
    }
}

/// What Python's `int()` makes of a value, if it fits into 64 bits with or without sign.
pub(crate) fn integer(value: &Value) -> Result<i128, Fault> {
    match value {
        Value::Bool(value) => Ok(i128::from(*value)),
        Value::Int(value) => Ok(i128::from(*value)),
        Value::Big(digits) => digits.parse().ok().ok_or_else(too_large),
        Value::Float(value) if value.is_nan() => {
            Err(Fault::value_error("cannot convert float NaN to integer"))
        }
        Value::Float(value) if value.is_infinite() => {
            Err(Fault::overflow("cannot convert float infinity to integer"))
        }
        // Beyond this no integer fits anyway.
        Value::Float(value) if value.abs() > 1e30 => Err(too_large()),
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
        Value::Float(value) => Ok(*value as i128),
        Value::Str(text) if has_foreign_digits(text) => Err(Fault::Undecided(FOREIGN_DIGITS)),
        Value::Str(text) => {
            let digits = number::integer_of(text).ok_or_else(|| {
                let shown = repr::string(text);
                Fault::value_error(format!("invalid literal for int() with base 10: {shown}"))
            })?;
            digits.parse().ok().ok_or_else(too_large)
        }
        Value::Null | Value::List(_) | Value::Dict(_) => Err(Fault::type_error(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            value.type_name()
        ))),
    }
}

fn too_large() -> Fault {
    Fault::overflow("Python int too large to convert to C long")
}

fn out_of_bounds(value: i128, kind: NumpyType) -> Fault {
    if i64::try_from(value).is_err() && kind != NumpyType::U64 {
        return too_large();
    }
    Fault::overflow(format!("Python integer {value} out of bounds for {}", kind.name()))
}

/// What Python's `str()` makes of a value. NumPy does not keep zeros at the end.
fn text(value: &Value) -> String {
    repr::str(value).trim_end_matches('\0').to_owned()
}

fn bytes(value: &Value) -> Result<Vec<u8>, Fault> {
    let text = text(value);
    if let Some((at, c)) = text.chars().enumerate().find(|(_, c)| !c.is_ascii()) {
        // Python shows a letter by its number here, printable or not.
        let mut shown = String::new();
        repr::escape(&mut shown, c);
        return Err(Fault::Raised {
            class: "UnicodeEncodeError",
            message: format!(
                "'ascii' codec can't encode character '{shown}' in position {at}: ordinal not in range(128)"
            ),
        });
    }
    Ok(text.into_bytes())
}

fn datetime(value: &Value) -> Result<i64, Fault> {
    match value {
        Value::Null => Ok(NOT_A_TIME),
        Value::Bool(value) => Ok(i64::from(*value)),
        Value::Int(value) => Ok(*value),
        Value::Big(_) => Err(Fault::overflow("int too big to convert")),
        Value::Float(_) | Value::List(_) | Value::Dict(_) => {
            Err(Fault::value_error("Could not convert object to NumPy datetime"))
        }
        Value::Str(text) => match text.as_str() {
            "" | "NaT" => Ok(NOT_A_TIME),
            text => time::parse_zoned(text).ok_or(Fault::Undecided("a form of time")),
        },
    }
}
