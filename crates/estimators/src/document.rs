//! JSON and UBJSON documents: compact, in the order of the file.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, Result};
use crate::math::exact;

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Document {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// A list of numbers only, as most of a model is; what is null among them is NaN.
    Numbers(Vec<f64>),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Document {
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self> {
        // serde_json stops at 128 levels by itself.
        serde_json::from_slice(bytes).map_err(|error| Error::broken("JSON", error.to_string()))
    }

    /// Reads JSON in which NaN may stand for a number, as C++ libraries write it.
    pub(crate) fn from_json_with_nan(bytes: &[u8]) -> Result<Self> {
        if !bytes.windows(3).any(|three| three == b"NaN") {
            return Self::from_json(bytes);
        }
        let (mut clean, mut quoted, mut at) = (Vec::with_capacity(bytes.len()), false, 0);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => quoted = !quoted,
                b'\\' if quoted => {
                    clean.push(*byte);
                    at += 1;
                }
                _ if !quoted && bytes[at..].starts_with(b"NaN") => {
                    clean.extend(b"null");
                    at += 3;
                    continue;
                }
                _ => {}
            }
            clean.extend(bytes.get(at));
            at += 1;
        }
        Self::from_json(&clean)
    }

    /// The entry `name` of a map; of equal names the last one, as in Python.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The value at the end of a path of names.
    pub(crate) fn at(&self, path: &[&str]) -> Result<&Self> {
        let found = path.iter().try_fold(self, |value, name| value.get(name));
        found.ok_or_else(|| Error::python(format!("the model has no '{}'", path.join("."))))
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            // XGBoost writes parameters as texts.
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            Self::Numbers(numbers) if numbers.is_empty() => Some(&[]),
            _ => None,
        }
    }

    pub(crate) fn numbers(&self) -> Option<&[f64]> {
        match self {
            Self::Numbers(numbers) => Some(numbers),
            Self::List(items) if items.is_empty() => Some(&[]),
            _ => None,
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Null => Some(f64::NAN),
            Self::Int(number) => exact(*number),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// A list of the values; numbers only stand as numbers only.
    pub(crate) fn collect<E>(
        mut next: impl FnMut() -> std::result::Result<Option<Self>, E>,
    ) -> std::result::Result<Self, E> {
        let mut numbers = Vec::new();
        let first_other = loop {
            match next()? {
                None => return Ok(Self::Numbers(numbers)),
                Some(value) => match value.number() {
                    Some(number) => numbers.push(number),
                    None => break value,
                },
            }
        };
        let back = |number: f64| if number.is_nan() { Self::Null } else { Self::Float(number) };
        let mut items: Vec<Self> = numbers.into_iter().map(back).collect();
        items.push(first_other);
        while let Some(value) = next()? {
            items.push(value);
        }
        Ok(Self::List(items))
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Document, E> {
        Ok(Document::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Document, E> {
        Ok(Document::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Document, E> {
        Ok(i64::try_from(value).map_or(Document::Float(value as f64), Document::Int))
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Document, E> {
        Ok(Document::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Document, E> {
        Ok(Document::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Document, E> {
        Ok(Document::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Document, A::Error> {
        Document::collect(|| seq.next_element())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Document, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Document::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_keep_their_order_and_kinds() {
        let json = br#"{"b": [1, 2.5], "a": [1, null, "x", null], "b": {"c": "7"}, "e": []}"#;
        let document = Document::from_json(json).unwrap();
        assert_eq!(document.at(&["b", "c"]).unwrap().int(), Some(7));
        let mixed =
            [Document::Float(1.0), Document::Null, Document::Text("x".to_owned()), Document::Null];
        assert_eq!(document.get("a").unwrap().list(), Some(&mixed[..]));
        assert_eq!(document.get("e").unwrap().list(), Some(&[][..]));
        let Document::Map(entries) = &document else { panic!() };
        assert_eq!(entries[0].1.numbers(), Some(&[1.0, 2.5][..]));
        assert!(document.at(&["b", "d"]).is_err());
    }

    #[test]
    fn nan_is_a_number_outside_of_texts() {
        let json = br#"{"NaN\"NaN": [1, NaN]}"#;
        let document = Document::from_json_with_nan(json).unwrap();
        let numbers = document.get("NaN\"NaN").unwrap().numbers().unwrap();
        assert!(numbers[0] == 1.0 && numbers[1].is_nan());
        assert!(Document::from_json_with_nan(b"[NaN").is_err());
        assert!(Document::from_json_with_nan(b"\"NaN\\").is_err());
    }

    #[test]
    fn deep_documents_are_refused() {
        assert!(Document::from_json("[".repeat(100_000).as_bytes()).is_err());
    }
}
