//! Writing JSON as Python's `json.dumps` does: a space after commas and colons, ASCII only.

use super::{Value, number};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The text of a value.
pub fn dumps(value: &Value) -> String {
    let mut out = Vec::new();
    write_value(value, &mut out);
    // All that is written is ASCII.
    String::from_utf8(out).unwrap_or_default()
}

/// Appends a value.
pub fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(value) => write_integer(*value, out),
        Value::Big(digits) => out.extend_from_slice(digits.as_bytes()),
        Value::Float(value) => write_float(*value, out),
        Value::Str(text) => write_string(text, out),
        Value::List(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                write_value(item, out);
            }
            out.push(b']');
        }
        Value::Dict(dict) => {
            out.push(b'{');
            for (at, (key, item)) in dict.iter().enumerate() {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                write_string(key, out);
                out.extend_from_slice(b": ");
                write_value(item, out);
            }
            out.push(b'}');
        }
    }
}

/// Appends a float: Python's `repr`, or `NaN`, `Infinity`, `-Infinity`.
#[inline]
pub fn write_float(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        number::write_finite(value, out);
    } else if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else {
        out.extend_from_slice(if value > 0.0 { b"Infinity" } else { b"-Infinity" });
    }
}

/// Appends an integer.
pub fn write_integer(value: i64, out: &mut Vec<u8>) {
    const LONGEST: usize = 20;
    let mut digits = [0; LONGEST];
    let mut at = LONGEST;
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = HEX[usize::try_from(rest % 10).unwrap_or(0)];
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a text in quotes, with escapes for all that is not printable ASCII.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            ' '..='~' => out.push(u8::try_from(c).unwrap_or(b'?')),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(b"\\u");
                    for shift in [12, 8, 4, 0] {
                        out.push(HEX[usize::from(*unit >> shift & 0xf)]);
                    }
                }
            }
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Dict, parse_text};
    use super::*;

    #[test]
    fn the_form_is_pythons() {
        let text = r#"{"a": [1, -2.0, 1e+16, NaN, null, true], "é😀\u0000": "\"\\\b\f\n\r\t"}"#;
        let value = parse_text(text).unwrap();
        assert_eq!(
            dumps(&value),
            r#"{"a": [1, -2.0, 1e+16, NaN, null, true], "\u00e9\ud83d\ude00\u0000": "\"\\\b\f\n\r\t"}"#
        );
        assert_eq!(dumps(&Value::from(i64::MIN)), i64::MIN.to_string());
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_filter("NaN is not equal", |f| !f.is_nan()).prop_map(Value::Float),
            any::<String>().prop_map(Value::Str),
            Just(Value::Big("-99999999999999999999".into())),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::List),
                prop::collection::vec((any::<String>(), inner), 0..8)
                    .prop_map(|members| Value::Dict(Dict::from_members(members))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in values()) {
            prop_assert_eq!(parse_text(&dumps(&value)).unwrap(), value);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = super::super::parse(&bytes);
        }

        #[test]
        fn any_text_of_json_letters_is_read_or_refused(text in "[\\[\\]{}\",:0-9eE+.\\\\untrfalsi -]{0,40}") {
            let _ = parse_text(&text);
        }
    }
}
