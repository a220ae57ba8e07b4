//! Values as MLflow's messages print them: Python's `json.dumps` and type names.

use serde_json::Value;

/// Longest excerpt of a value in an error message, in bytes.
const MAX_EXCERPT_BYTES: usize = 1000;

/// Compact JSON with sorted keys and ASCII only.
pub(crate) fn json(value: &Value) -> String {
    // `serde_json` without `preserve_order` keeps maps sorted.
    let text = value.to_string();
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        if ascii.len() > MAX_EXCERPT_BYTES {
            ascii.push('…');
            break;
        }
        if c.is_ascii() && c != '\u{7f}' {
            ascii.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
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
    use serde_json::json;

    #[test]
    fn values_look_as_python_prints_them() {
        assert_eq!(
            super::json(&json!({"b": [1, 2.5], "a": "é😀\n"})),
            r#"{"a":"\u00e9\ud83d\ude00\n","b":[1,2.5]}"#
        );
        assert!(super::json(&json!("x".repeat(5000))).ends_with('…'));
    }
}
