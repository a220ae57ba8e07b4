//! Numbers in MLflow's JSON: 64-bit integers exact, floats with NaN and the infinities as texts.

use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The 64-bit integer that a JSON value stands for: a number without fraction, or a text of one.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => {
            number.as_i64().or_else(|| number.as_f64().filter(|_| number.is_f64()).and_then(whole))
        }
        Value::String(text) if !text.contains(' ') => {
            text.parse().ok().or_else(|| text.parse().ok().and_then(whole))
        }
        _ => None,
    }
}

/// A float without fraction, as an integer.
fn whole(value: f64) -> Option<i64> {
    // 2^63 itself is out of range; -2^63 is in.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let fits = value.fract() == 0.0 && (-LIMIT..LIMIT).contains(&value);
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    fits.then_some(value as i64)
}

/// The float that a JSON value stands for: a number, a text of one, or a boolean (as in Python).
pub(super) fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::String(text) => float_text(text),
        _ => None,
    }
}

fn float_text(text: &str) -> Option<f64> {
    let text = text.trim();
    // Python and Rust read "nan" too, protobuf's JSON does not.
    if text == "nan" { None } else { text.parse().ok() }
}

/// A double in JSON: `"NaN"`, `"Infinity"` and `"-Infinity"` as texts, all others as numbers.
///
/// MLflow's SQL store turns infinities into ±1.797e308; we return them as they came.
#[derive(Debug, Clone, Copy)]
pub struct Double(pub f64);

impl PartialEq for Double {
    /// Equal numbers, or both NaN.
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || (self.0.is_nan() && other.0.is_nan())
    }
}

impl Serialize for Double {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            serializer.serialize_f64(self.0)
        } else if self.0.is_nan() {
            serializer.serialize_str("NaN")
        } else if self.0 > 0.0 {
            serializer.serialize_str("Infinity")
        } else {
            serializer.serialize_str("-Infinity")
        }
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyNumber;

        impl Visitor<'_> for AnyNumber {
            type Value = Double;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E>(self, value: f64) -> Result<Double, E> {
                Ok(Double(value))
            }

            #[expect(clippy::cast_precision_loss, reason = "JSON integers become doubles")]
            fn visit_i64<E>(self, value: i64) -> Result<Double, E> {
                Ok(Double(value as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "JSON integers become doubles")]
            fn visit_u64<E>(self, value: u64) -> Result<Double, E> {
                Ok(Double(value as f64))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Double, E> {
                float_text(text)
                    .map(Double)
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(AnyNumber)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn integers_are_exact_or_refused() {
        assert_eq!(integer(&json!(i64::MAX)), Some(i64::MAX));
        assert_eq!(integer(&json!(i64::MIN)), Some(i64::MIN));
        assert_eq!(integer(&json!("-9223372036854775808")), Some(i64::MIN));
        assert_eq!(integer(&json!(1e3)), Some(1000));
        assert_eq!(integer(&json!("5.0")), Some(5));
        for bad in [
            json!(1.5),
            json!(u64::MAX),
            json!(1e19),
            json!("x"),
            json!(" 5"),
            json!(true),
            json!([]),
        ] {
            assert_eq!(integer(&bad), None, "{bad}");
        }
    }

    #[test]
    fn floats_take_texts_and_booleans() {
        assert_eq!(float(&json!("Infinity")), Some(f64::INFINITY));
        assert_eq!(float(&json!("-Infinity")), Some(f64::NEG_INFINITY));
        assert!(float(&json!("NaN")).is_some_and(f64::is_nan));
        assert_eq!(float(&json!("1e3")), Some(1000.0));
        assert_eq!(float(&json!(true)), Some(1.0));
        assert_eq!(float(&json!("nan")), None);
        assert_eq!(float(&json!("abc")), None);
    }
}
