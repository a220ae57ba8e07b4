//! Python's `repr`, for messages that clients compare.

use std::fmt::Write as _;

use super::{Value, number};

/// `repr` of a text.
pub(crate) fn string(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            c if !c.is_control() && c.escape_debug().len() == 1 => out.push(c),
            c => escape(&mut out, u32::from(c)),
        }
    }
    out.push(quote);
    out
}

fn escape(out: &mut String, code: u32) {
    // Writing to a String does not fail.
    let _ = match code {
        ..0x100 => write!(out, "\\x{code:02x}"),
        0x100..0x10000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// `repr` of bytes.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    let mut out = String::from("b");
    out.push(char::from(quote));
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b if *b == quote => {
                out.push('\\');
                out.push(char::from(quote));
            }
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => escape(&mut out, u32::from(*byte)),
        }
    }
    out.push(char::from(quote));
    out
}

/// `repr` of a value.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Int(value) => value.to_string(),
        Value::Big(digits) => digits.to_string(),
        Value::Float(value) => float(*value),
        Value::Str(text) => string(text),
        Value::List(items) => list(items.iter().map(self::value)),
        Value::Dict(dict) => {
            let members = dict.iter().map(|(k, v)| format!("{}: {}", string(k), self::value(v)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// `repr` of a float, which is also its `str`.
pub(crate) fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.into();
    }
    let mut out = Vec::new();
    number::write_finite(value, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// A list of things that have their `repr`.
pub(crate) fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// `repr` of a tuple of integers.
pub(crate) fn tuple(items: impl ExactSizeIterator<Item = i64>) -> String {
    let one = items.len() == 1;
    let items: Vec<String> = items.map(|i| i.to_string()).collect();
    format!("({}{})", items.join(", "), if one { "," } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_python_quotes_them() {
        for (text, shown) in [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("'\"", "'\\'\"'"),
            ("é\0😀\n\\\u{7f}", "'é\\x00😀\\n\\\\\\x7f'"),
        ] {
            assert_eq!(string(text), shown);
        }
    }

    #[test]
    fn floats_have_their_shortest_digits() {
        for (value, shown) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (9_007_199_254_740_992.0, "9007199254740992.0"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1.5e-7, "1.5e-07"),
            (123_456_789.123, "123456789.123"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (1e22, "1e+22"),
            (1.25e300, "1.25e+300"),
        ] {
            assert_eq!(float(value), shown);
        }
    }
}
