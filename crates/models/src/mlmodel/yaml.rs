//! YAML as PyYAML's `safe_load` reads it: YAML 1.1's plain scalars, and nothing that makes objects.

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use crate::json::{Dict, Value, number};

/// Largest file: a signature of a hundred thousand columns fits; what MLflow writes has a few KB.
pub const MAX_BYTES: usize = 8 << 20;
/// Deepest nesting: a model's configuration has a handful of levels.
const MAX_DEPTH: usize = 64;
/// Most values in a file, with those that aliases repeat: against files that grow when they are read.
const MAX_VALUES: usize = 200_000;

/// Why a text could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct YamlError(String);

fn refuse<T>(why: impl Into<String>) -> Result<T, YamlError> {
    Err(YamlError(why.into()))
}

/// A value that is being filled.
enum Open {
    List(Vec<Value>),
    Dict(Vec<(String, Value)>, Option<String>),
}

struct Level {
    open: Open,
    anchor: usize,
}

#[derive(Default)]
struct Builder {
    levels: Vec<Level>,
    root: Option<Value>,
    anchors: Vec<(usize, Value)>,
    values: usize,
}

/// Reads the one document of a text.
pub(crate) fn read(text: &str) -> Result<Value, YamlError> {
    if text.len() > MAX_BYTES {
        return refuse(format!("The file has more than {MAX_BYTES} bytes"));
    }
    let mut builder = Builder::default();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| YamlError(error.to_string()))?;
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
        }
        if documents > 1 {
            return refuse("The file has more than one document");
        }
        builder.take(event).map_err(|YamlError(why)| {
            YamlError(format!(
                "{why} (line {}, column {})",
                span.start.line(),
                span.start.col() + 1
            ))
        })?;
    }
    Ok(builder.root.unwrap_or(Value::Null))
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref())?;
                self.put(value, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                known(tag.as_deref(), "seq")?;
                self.open(Open::List(Vec::new()), anchor)
            }
            Event::MappingStart(anchor, tag) => {
                known(tag.as_deref(), "map")?;
                self.open(Open::Dict(Vec::new(), None), anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(level) = self.levels.pop() else {
                    return refuse("An end without a start");
                };
                let value = match level.open {
                    Open::List(items) => Value::List(items),
                    Open::Dict(members, _) => Value::Dict(Dict::from_members(members)),
                };
                self.put(value, level.anchor)
            }
            Event::Alias(anchor) => {
                let found = self.anchors.iter().rev().find(|(id, _)| *id == anchor);
                let Some((_, value)) = found else { return refuse("An alias of nothing") };
                self.values += count(value);
                let value = value.clone();
                self.put(value, 0)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(&mut self, open: Open, anchor: usize) -> Result<(), YamlError> {
        if self.levels.len() == MAX_DEPTH {
            return refuse(format!("Nesting is deeper than {MAX_DEPTH} levels"));
        }
        self.levels.push(Level { open, anchor });
        Ok(())
    }

    fn put(&mut self, value: Value, anchor: usize) -> Result<(), YamlError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return refuse(format!("The file has more than {MAX_VALUES} values"));
        }
        if anchor > 0 {
            self.values += count(&value);
            self.anchors.push((anchor, value.clone()));
        }
        match self.levels.last_mut().map(|level| &mut level.open) {
            None => self.root = Some(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Dict(members, key)) => match key.take() {
                Some(key) => members.push((key, value)),
                None => *key = Some(key_of(value)?),
            },
        }
        Ok(())
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Dict(dict) => 1 + dict.iter().map(|(_, value)| count(value)).sum::<usize>(),
        _ => 1,
    }
}

fn key_of(value: Value) -> Result<String, YamlError> {
    match value {
        Value::Str(text) => Ok(text),
        Value::Int(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        _ => refuse("A key must be a text"),
    }
}

/// A version is a text, or the number that YAML makes of `3.8`.
pub(super) fn version(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.clone()),
        Value::Float(number) => Some(number.to_string()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a tag is the plain one of its kind: others would make objects of Python.
fn known(tag: Option<&Tag>, kind: &str) -> Result<(), YamlError> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == kind) => {
            refuse(format!("The tag {}{} is not allowed", tag.handle, tag.suffix))
        }
        _ => Ok(()),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, YamlError> {
    let Some(tag) = tag else {
        return Ok(if style == ScalarStyle::Plain { plain(text) } else { text.into() });
    };
    let refused = || YamlError(format!("The tag {}{} is not allowed here", tag.handle, tag.suffix));
    if !tag.is_yaml_core_schema() {
        return Err(refused());
    }
    let value = plain(text);
    match (tag.suffix.as_str(), &value) {
        ("str", _) => Ok(text.into()),
        ("int", Value::Int(_) | Value::Big(_))
        | ("float", Value::Float(_))
        | ("bool", Value::Bool(_))
        | ("null", Value::Null) => Ok(value),
        _ => Err(refused()),
    }
}

/// What YAML 1.1 sees in a text without quotes.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let ".inf" | ".Inf" | ".INF" = unsigned {
        return Value::Float(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return text.into();
    }
    integer(text, unsigned).or_else(|| float(text, unsigned)).unwrap_or_else(|| text.into())
}

fn integer(text: &str, unsigned: &str) -> Option<Value> {
    let negative = text.starts_with('-');
    let radix = |digits: &str, radix| {
        let value = i64::from_str_radix(&digits.replace('_', ""), radix).ok()?;
        Some(Value::Int(if negative { -value } else { value }))
    };
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = unsigned.strip_prefix("0b") {
        return radix(digits, 2);
    }
    if unsigned.len() > 1 && unsigned.starts_with('0') {
        return if unsigned.contains('.') { None } else { radix(unsigned, 8) };
    }
    if !unsigned.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return None;
    }
    let digits = number::integer_of(&text.replace('_', ""))?;
    Some(digits.parse().map_or_else(|_| Value::Big(digits.into()), Value::Int))
}

/// A float has a point, and a sign in its exponent; all else is a text, such as `1e5`.
fn float(text: &str, unsigned: &str) -> Option<Value> {
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "+0"));
    let (whole, fraction) = mantissa.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let exponent = exponent.strip_prefix(['-', '+'])?;
    let well = digits(whole) && digits(fraction) && !exponent.is_empty() && digits(exponent);
    if !well || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    text.replace('_', "").parse().ok().map(Value::Float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::dumps;

    #[test]
    fn plain_scalars_are_those_of_yaml_1_1() {
        for (text, value) in [
            ("3.11.2", r#""3.11.2""#),
            ("3.8", "3.8"),
            ("1e5", r#""1e5""#),
            ("1.5e+3", "1500.0"),
            ("yes", "true"),
            ("Off", "false"),
            ("n", r#""n""#),
            ("0x1F", "31"),
            ("010", "8"),
            ("1_000", "1000"),
            ("-5", "-5"),
            ("~", "null"),
            ("-.inf", "-Infinity"),
            ("'5'", r#""5""#),
            ("2018-05-25T17:28:53.35", r#""2018-05-25T17:28:53.35""#),
            ("!!str 5", r#""5""#),
            ("99999999999999999999", "99999999999999999999"),
        ] {
            assert_eq!(dumps(&read(text).unwrap()), value, "{text}");
        }
    }

    #[test]
    fn aliases_repeat_but_do_not_explode() {
        let text = "a: &x [1, 2]\nb: *x\n";
        assert_eq!(dumps(&read(text).unwrap()), r#"{"a": [1, 2], "b": [1, 2]}"#);
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..12 {
            let items = vec![format!("*a{}", n - 1); 10].join(", ");
            bomb.push_str(&format!("a{n}: &a{n} [{items}]\n"));
        }
        assert!(read(&bomb).unwrap_err().to_string().contains("more than 200000 values"));
    }

    #[test]
    fn hostile_texts_are_refused() {
        for (text, why) in [
            ("!!python/object/apply:os.system [x]", "not allowed"),
            ("a: !!python/name:os.system x", "not allowed"),
            ("!!binary aGk=", "not allowed"),
            ("a: [", "line"),
            ("--- a\n--- b\n", "more than one document"),
            ("? [a]\n: b\n", "A key must be a text"),
            ("a: *x", "unknown anchor"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        let deep = ["[".repeat(65), "]".repeat(65)].concat();
        assert!(read(&deep).unwrap_err().to_string().contains("deeper than 64"));
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read(&"- ".repeat(100_000)).is_err());
        assert!(read(&" ".repeat(MAX_BYTES + 1)).is_err());
    }
}
