//! A metric value, kept as the server wrote it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON number, or one of the strings `"NaN"`, `"Infinity"` and `"-Infinity"` that stand for
/// numbers JSON does not have. The text is not re-written, so no digit is lost on the way through.
#[derive(Debug, Clone)]
pub(crate) struct Number(Box<RawValue>);

impl Number {
    /// The text of the number, without quotes.
    pub(crate) fn text(&self) -> &str {
        self.0.get().trim_matches('"')
    }

    /// The value, if the text is a number.
    pub(crate) fn value(&self) -> Option<f64> {
        self.text().parse().ok()
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if raw.get().trim_matches('"').parse::<f64>().is_err() {
            let message = format!("a metric value cannot be {}", raw.get());
            return Err(serde::de::Error::custom(message));
        }
        Ok(Self(raw))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_survives() {
        for text in ["0.1", "1.0", "-0.0", "1.7976931348623157e+308", "9007199254740993", "\"NaN\""]
        {
            let number: Number = serde_json::from_str(text).expect("a number");
            assert_eq!(serde_json::to_string(&number).expect("JSON"), text);
        }
    }

    #[test]
    fn words_for_numbers_are_numbers_and_other_values_are_not() {
        let value = |text: &str| serde_json::from_str::<Number>(text).ok()?.value();
        assert!(value("\"NaN\"").is_some_and(f64::is_nan));
        assert_eq!(value("\"-Infinity\""), Some(f64::NEG_INFINITY));
        assert_eq!(value("\"seven\""), None);
        assert_eq!(value("true"), None);
        assert_eq!(value("[1]"), None);
    }
}
