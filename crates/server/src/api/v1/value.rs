//! Values as our own API writes them.

use modelyard_store::KeyValue;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A number, or what JSON has no number for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum MetricValue {
    /// A finite number.
    Number(f64),
    /// Not a number, or beyond all numbers.
    NotFinite(NotFinite),
}

/// The doubles that JSON has no numbers for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) enum NotFinite {
    /// Not a number.
    NaN,
    /// Above all numbers.
    Infinity,
    /// Below all numbers.
    #[serde(rename = "-Infinity")]
    MinusInfinity,
}

impl From<f64> for MetricValue {
    fn from(value: f64) -> Self {
        match value {
            _ if value.is_finite() => Self::Number(value),
            _ if value.is_nan() => Self::NotFinite(NotFinite::NaN),
            _ if value > 0.0 => Self::NotFinite(NotFinite::Infinity),
            _ => Self::NotFinite(NotFinite::MinusInfinity),
        }
    }
}

/// A map in JSON, kept as the list the store returns: keys are distinct already.
#[derive(Debug, Clone)]
pub(crate) struct Map<V>(Vec<(String, V)>);

impl<V> FromIterator<(String, V)> for Map<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl From<Vec<KeyValue>> for Map<String> {
    fn from(pairs: Vec<KeyValue>) -> Self {
        pairs.into_iter().map(|pair| (pair.key, pair.value)).collect()
    }
}

impl<V: Serialize> Serialize for Map<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_that_json_lacks_are_texts() {
        let values = [1.0, 0.1, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let values: Vec<MetricValue> = values.into_iter().map(MetricValue::from).collect();
        let text = serde_json::to_string(&values).expect("JSON");
        assert_eq!(text, r#"[1.0,0.1,-0.0,"NaN","Infinity","-Infinity"]"#);
    }
}
