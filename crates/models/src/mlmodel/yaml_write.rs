//! YAML as PyYAML's `safe_dump(default_flow_style=False)` writes it, lines unbroken.

use super::yaml::plain;
use crate::json::{Value, repr};

/// The text of a value: blocks, keys sorted.
pub(crate) fn write(value: &Value) -> String {
    let mut out = String::new();
    if is_block(value) {
        block(value, 0, &mut out);
    } else {
        out.push_str(&inline(value));
        out.push('\n');
    }
    out
}

/// Whether a value takes lines of its own: a container that is not empty.
fn is_block(value: &Value) -> bool {
    match value {
        Value::Dict(dict) => !dict.is_empty(),
        Value::List(items) => !items.is_empty(),
        _ => false,
    }
}

fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Dict(dict) => {
            let mut members: Vec<_> = dict.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            for (at, (key, member)) in members.into_iter().enumerate() {
                if at > 0 || !out.ends_with("- ") {
                    out.push_str(&" ".repeat(indent));
                }
                out.push_str(&text(key));
                out.push(':');
                // A list begins at its key's column.
                let inner = if matches!(member, Value::List(_)) { indent } else { indent + 2 };
                nested(member, inner, out, "\n");
            }
        }
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                if at > 0 || !out.ends_with("- ") {
                    out.push_str(&" ".repeat(indent));
                }
                out.push('-');
                nested(item, indent + 2, out, " ");
            }
        }
        _ => {}
    }
}

fn nested(value: &Value, indent: usize, out: &mut String, before_block: &str) {
    if is_block(value) {
        out.push_str(before_block);
        block(value, indent, out);
    } else {
        out.push(' ');
        out.push_str(&inline(value));
        out.push('\n');
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Big(digits) => digits.to_string(),
        Value::Float(value) => float(*value),
        Value::Str(content) => text(content),
        Value::List(_) => "[]".into(),
        Value::Dict(_) => "{}".into(),
    }
}

/// YAML 1.1 sees a float only where there is a point.
fn float(value: f64) -> String {
    if value.is_nan() {
        return ".nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.into();
    }
    let shown = repr::float(value);
    match shown.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
        _ => shown,
    }
}

fn text(content: &str) -> String {
    if content.contains(|c: char| !matches!(c, ' '..='~')) {
        return double_quoted(content);
    }
    let is_text = plain(content) == Value::Str(content.to_owned());
    let looks_special = content
        .starts_with(|c: char| "!&*-?|>@`\"'%#,[]{}:.=<~0123456789+ ".contains(c))
        && !content.chars().all(|c| c.is_ascii_alphanumeric() || "._/".contains(c));
    let has_marks = content.contains(": ")
        || content.contains(" #")
        || content.ends_with([' ', ':'])
        || content.contains(['[', ']', '{', '}', ',']);
    // A date or a sexagesimal number would be read as such by PyYAML.
    let like_number = content.starts_with(|c: char| c.is_ascii_digit())
        && content.chars().all(|c| c.is_ascii_digit() || "-:_".contains(c));
    if content.is_empty() || !is_text || looks_special || has_marks || like_number {
        format!("'{}'", content.replace('\'', "''"))
    } else {
        content.to_owned()
    }
}

fn double_quoted(content: &str) -> String {
    let mut out = String::from("\"");
    for c in content.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{ff}' => out.push_str(&format!("\\x{:02X}", u32::from(c))),
            '\u{100}'..='\u{ffff}' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08X}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::yaml::read;
    use super::*;
    use crate::json::{Dict, parse_text};

    #[test]
    fn blocks_look_as_pyyaml_writes_them() {
        let value = parse_text(
            r#"{"b": [1, {"y": "5", "x": null}, [], ["p"]], "a": {"on": "yes", "v": "3.11.2", "e": {}}, "t": "a\nb", "f": 1e16, "n": "2026-11-24 10:00:00.1", "i": "[{\"a\": 1}]"}"#,
        )
        .unwrap();
        let text = "a:\n  e: {}\n  'on': 'yes'\n  v: 3.11.2\nb:\n- 1\n- x: null\n  y: '5'\n- []\n- - p\nf: 1.0e+16\ni: '[{\"a\": 1}]'\nn: '2026-11-24 10:00:00.1'\nt: \"a\\nb\"\n";
        assert_eq!(write(&value), text);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_filter("NaN is not equal", |f| !f.is_nan()).prop_map(Value::Float),
            "[ -~é\n]{0,12}".prop_map(Value::Str),
            "[0-9.:_eE+-]{1,8}".prop_map(Value::Str),
            any::<String>().prop_map(Value::Str),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
                prop::collection::vec(("[a-z: #'-]{1,6}", inner), 0..5).prop_map(|mut members| {
                    members.sort_by(|a, b| a.0.cmp(&b.0));
                    members.dedup_by(|a, b| a.0 == b.0);
                    Value::Dict(Dict::from_members(members))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in values()) {
            prop_assert_eq!(read(&write(&value)).unwrap(), value);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[ -~\n\t]{0,60}") {
            let _ = read(&text);
        }
    }
}
