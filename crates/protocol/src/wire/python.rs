//! JSON and types as Python prints them, for messages and for texts that clients search in.

use std::io;

use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// Longest excerpt of a value in an error message, in bytes.
const MAX_EXCERPT_BYTES: usize = 1000;

/// `json.dumps(value, sort_keys=True, separators=(",", ":"))`, cut if it is long.
pub(crate) fn json(value: &Value) -> String {
    let mut text = dump(value, Dumps { comma: b",", colon: b":" });
    if text.len() > MAX_EXCERPT_BYTES {
        text.truncate(MAX_EXCERPT_BYTES);
        text.push('…');
    }
    text
}

/// `json.dumps(value, sort_keys=True)`: a space after each comma and colon, ASCII only. Texts that
/// MLflow keeps in this form are found with patterns such as `%"artifact_path": "model"%`.
pub fn json_dumps(value: &Value) -> String {
    json_in_order(value)
}

/// `json.dumps(value)`: as [`json_dumps`], but the fields stay in their order.
pub(crate) fn json_in_order(value: &impl serde::Serialize) -> String {
    dump(value, Dumps { comma: b", ", colon: b": " })
}

fn dump(value: &impl serde::Serialize, form: Dumps) -> String {
    let mut text = Vec::new();
    // `serde_json` keeps the keys of its maps sorted.
    let written = value.serialize(&mut Serializer::with_formatter(&mut text, form));
    debug_assert!(written.is_ok(), "a value can always be written to memory");
    String::from_utf8(text).unwrap_or_default()
}

struct Dumps {
    comma: &'static [u8],
    colon: &'static [u8],
}

impl Formatter for Dumps {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { to.write_all(self.comma) }
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { to.write_all(self.comma) }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(self.colon)
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for c in fragment.chars() {
            if c.is_ascii() {
                to.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(to, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

/// The name of the Python type that the JSON value becomes.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_look_as_python_prints_them() {
        let value = json!({"b": [1, 2.5, {}, []], "a": "é😀\n\""});
        assert_eq!(super::json(&value), r#"{"a":"\u00e9\ud83d\ude00\n\"","b":[1,2.5,{},[]]}"#);
        assert_eq!(json_dumps(&value), r#"{"a": "\u00e9\ud83d\ude00\n\"", "b": [1, 2.5, {}, []]}"#);
        assert!(super::json(&json!("x".repeat(5000))).ends_with('…'));
    }
}
