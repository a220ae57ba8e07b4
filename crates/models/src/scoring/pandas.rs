//! What pandas makes of a column of JSON values.

use crate::frame::Column;
use crate::json::Value;

#[derive(Default)]
struct Seen {
    nulls: usize,
    bools: usize,
    ints: usize,
    /// Integers beyond 64 bits with a sign, but not beyond 64 bits without.
    unsigned: usize,
    negative: bool,
    /// Floats, NaN included.
    floats: usize,
    nans: usize,
    texts: usize,
    others: usize,
}

impl Seen {
    fn of(values: &[Value]) -> Self {
        let mut seen = Self::default();
        for value in values {
            match value {
                Value::Null => seen.nulls += 1,
                Value::Bool(_) => seen.bools += 1,
                Value::Int(value) => {
                    seen.ints += 1;
                    seen.negative |= *value < 0;
                }
                Value::Big(digits) if digits.parse::<u64>().is_ok() => seen.unsigned += 1,
                Value::Float(value) => {
                    seen.floats += 1;
                    seen.nans += usize::from(value.is_nan());
                }
                Value::Str(_) => seen.texts += 1,
                Value::Big(_) | Value::List(_) | Value::Dict(_) => seen.others += 1,
            }
        }
        seen
    }
}

/// The column that pandas infers.
pub(crate) fn infer(values: Vec<Value>) -> Column {
    let seen = Seen::of(&values);
    let count = values.len();
    if count == 0 || seen.others > 0 {
        return Column::Object(values);
    }
    if seen.texts > 0 && seen.texts + seen.nulls + seen.nans == count {
        let text = |value| if let Value::Str(text) = value { Some(text) } else { None };
        return Column::Str(values.into_iter().map(text).collect());
    }
    if seen.bools == count {
        return Column::Bool(values.iter().map(Value::is_true).collect());
    }
    if seen.ints == count {
        return Column::I64(values.iter().filter_map(Value::as_int).collect());
    }
    if seen.ints + seen.unsigned == count && !seen.negative {
        return Column::U64(values.iter().filter_map(unsigned).collect());
    }
    let numbers = seen.ints + seen.unsigned + seen.floats;
    let mixed_signs = seen.unsigned > 0 && seen.negative;
    if numbers > 0 && numbers + seen.nulls == count && !mixed_signs {
        return Column::F64(values.iter().map(float).collect());
    }
    Column::Object(values)
}

fn unsigned(value: &Value) -> Option<u64> {
    match value {
        Value::Int(value) => u64::try_from(*value).ok(),
        Value::Big(digits) => digits.parse().ok(),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "pandas rounds the same way")]
fn float(value: &Value) -> f64 {
    match value {
        Value::Int(value) => *value as f64,
        Value::Big(digits) => digits.parse().unwrap_or(f64::NAN),
        Value::Float(value) => *value,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    #[test]
    fn types_are_those_of_pandas_3() {
        for (cells, dtype) in [
            ("[]", "object"),
            ("[1, -2]", "int64"),
            ("[1, 2.5]", "float64"),
            ("[1, null]", "float64"),
            ("[null]", "object"),
            ("[NaN]", "float64"),
            ("[NaN, null]", "float64"),
            ("[true, false]", "bool"),
            ("[true, null]", "object"),
            ("[true, 1]", "object"),
            ("[\"a\", null, NaN]", "str"),
            ("[\"a\", 1]", "object"),
            ("[9223372036854775808, 1]", "uint64"),
            ("[9223372036854775808, -1]", "object"),
            ("[18446744073709551616]", "object"),
            ("[[1]]", "object"),
        ] {
            let Value::List(values) = parse_text(cells).unwrap() else { panic!("a list") };
            assert_eq!(infer(values).dtype(), dtype, "{cells}");
        }
    }
}
