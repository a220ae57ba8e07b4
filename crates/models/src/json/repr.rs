//! Python's `repr`, for messages that clients compare.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};

use super::{Value, number};

/// `repr` of a text.
pub(crate) fn string(text: &str) -> String {
    quoted(text.chars(), |c| !c.is_control() && c.escape_debug().len() == 1)
}

/// `repr` of bytes, each of which is the letter of its number.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    format!("b{}", quoted(bytes.iter().map(|byte| char::from(*byte)), |_| false))
}

/// Letters in quotes; of those beyond ASCII `printable` ones stand as they are.
fn quoted(letters: impl Iterator<Item = char> + Clone, printable: fn(char) -> bool) -> String {
    let has = |quote: char| letters.clone().any(|c| c == quote);
    let quote = if has('\'') && !has('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in letters {
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
            c if printable(c) => out.push(c),
            c => escape(&mut out, c),
        }
    }
    out.push(quote);
    out
}

/// Appends a letter by its number.
pub(crate) fn escape(out: &mut String, letter: char) {
    // Writing to a String does not fail.
    let _ = match u32::from(letter) {
        code @ ..0x100 => write!(out, "\\x{code:02x}"),
        code @ 0x100..0x10000 => write!(out, "\\u{code:04x}"),
        code => write!(out, "\\U{code:08x}"),
    };
}

/// `str` of a value: its `repr`, but a text is itself.
pub(crate) fn str(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Str(text) => Cow::Borrowed(text),
        other => Cow::Owned(self::value(other)),
    }
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
pub(crate) fn tuple(integers: &[impl Display]) -> String {
    let items: Vec<String> = integers.iter().map(ToString::to_string).collect();
    format!("({}{})", items.join(", "), if items.len() == 1 { "," } else { "" })
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
