//! The parser: Python's grammar and Python's messages.

use super::lexer::{EXPECTING_VALUE, Fault, LONE_SURROGATE, Lexer, TOO_MANY_DIGITS};
use super::text::{TextError, decode};
use super::{Dict, MAX_DEPTH, Value, repr};

const TOO_DEEP: &str = "Nesting is deeper than 128 levels";

/// Why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The bytes are no text. In the form of Python's `UnicodeDecodeError`.
    #[error("{0}")]
    Encoding(String),
    /// The text is no JSON: Python's message with line, column and character.
    #[error("{0}")]
    Syntax(String),
    /// The document is beyond a limit, or has a text that UTF-8 cannot hold.
    #[error("{0}")]
    Limit(String),
}

impl JsonError {
    /// The error as Python's `repr` shows it.
    pub fn repr(&self) -> String {
        match self {
            Self::Encoding(text) => text.clone(),
            Self::Syntax(text) => format!("JSONDecodeError({})", repr::string(text)),
            Self::Limit(text) => format!("ValueError({})", repr::string(text)),
        }
    }
}

/// Reads a document from bytes: UTF-8, or UTF-16 or UTF-32 as Python recognises them.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = decode(bytes).map_err(|TextError(text)| JsonError::Encoding(text))?;
    parse_text(&text)
}

/// Reads a document from text.
pub fn parse_text(text: &str) -> Result<Value, JsonError> {
    document(text).map_err(|fault| {
        let place = place(text, fault.at);
        if [TOO_DEEP, LONE_SURROGATE, TOO_MANY_DIGITS].contains(&fault.what) {
            JsonError::Limit(format!("{}: {place}", fault.what))
        } else {
            JsonError::Syntax(format!("{}: {place}", fault.what))
        }
    })
}

fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line} column {column} (char {})", before.chars().count())
}

fn document(text: &str) -> Result<Value, Fault> {
    let mut lexer = Lexer::new(text);
    lexer.skip_space();
    let value = value(&mut lexer, 0)?;
    lexer.skip_space();
    if lexer.peek().is_some() { lexer.fault("Extra data") } else { Ok(value) }
}

/// Reads the value that begins at the lexer's position.
fn value(lexer: &mut Lexer<'_>, depth: usize) -> Result<Value, Fault> {
    let start = lexer.at;
    match lexer.peek() {
        Some(b'"') => lexer.string().map(Value::Str),
        Some(b'{') => object(lexer, depth + 1),
        Some(b'[') => array(lexer, depth + 1),
        Some(b'n') if lexer.take_word("null") => Ok(Value::Null),
        Some(b't') if lexer.take_word("true") => Ok(Value::Bool(true)),
        Some(b'f') if lexer.take_word("false") => Ok(Value::Bool(false)),
        Some(b'N' | b'I' | b'-' | b'0'..=b'9') => lexer.number(),
        _ => Err(Fault { what: EXPECTING_VALUE, at: start }),
    }
}

fn object(lexer: &mut Lexer<'_>, depth: usize) -> Result<Value, Fault> {
    if depth > MAX_DEPTH {
        return lexer.fault(TOO_DEEP);
    }
    lexer.at += 1;
    lexer.skip_space();
    if lexer.take(b'}') {
        return Ok(Value::Dict(Dict::new()));
    }
    let mut members = Vec::new();
    loop {
        if lexer.peek() != Some(b'"') {
            return lexer.fault("Expecting property name enclosed in double quotes");
        }
        let key = lexer.string()?;
        lexer.skip_space();
        if !lexer.take(b':') {
            return lexer.fault("Expecting ':' delimiter");
        }
        lexer.skip_space();
        members.push((key, value(lexer, depth)?));
        lexer.skip_space();
        if lexer.take(b'}') {
            return Ok(Value::Dict(Dict::from_members(members)));
        }
        if !lexer.take(b',') {
            return lexer.fault("Expecting ',' delimiter");
        }
        lexer.skip_space();
    }
}

fn array(lexer: &mut Lexer<'_>, depth: usize) -> Result<Value, Fault> {
    if depth > MAX_DEPTH {
        return lexer.fault(TOO_DEEP);
    }
    lexer.at += 1;
    lexer.skip_space();
    let mut items = Vec::new();
    if lexer.take(b']') {
        return Ok(Value::List(items));
    }
    loop {
        items.push(value(lexer, depth)?);
        lexer.skip_space();
        if lexer.take(b']') {
            return Ok(Value::List(items));
        }
        if !lexer.take(b',') {
            return lexer.fault("Expecting ',' delimiter");
        }
        lexer.skip_space();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        parse_text(text).unwrap_err().to_string()
    }

    #[test]
    fn faults_have_pythons_words_and_places() {
        for (text, message) in [
            ("", "Expecting value: line 1 column 1 (char 0)"),
            (
                "{'a': 1}",
                "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            ),
            ("{\"é\": }", "Expecting value: line 1 column 7 (char 6)"),
            ("{\n \"a\" 1}", "Expecting ':' delimiter: line 2 column 6 (char 7)"),
            ("[1 2]", "Expecting ',' delimiter: line 1 column 4 (char 3)"),
            ("[1,]", "Expecting value: line 1 column 4 (char 3)"),
            ("\"x", "Unterminated string starting at: line 1 column 1 (char 0)"),
            ("\"\\x\"", "Invalid \\escape: line 1 column 2 (char 1)"),
            ("\"\\u12g4\"", "Invalid \\uXXXX escape: line 1 column 3 (char 2)"),
            ("\"\\u1234", "Invalid \\uXXXX escape: line 1 column 3 (char 2)"),
            ("\"a\nb\"", "Invalid control character at: line 1 column 3 (char 2)"),
            ("1 2", "Extra data: line 1 column 3 (char 2)"),
            ("01", "Extra data: line 1 column 2 (char 1)"),
            ("1.", "Extra data: line 1 column 2 (char 1)"),
        ] {
            assert_eq!(fault(text), message, "{text}");
        }
    }

    #[test]
    fn what_has_no_end_or_no_bounds_is_refused() {
        assert!(fault(&"[".repeat(100_000)).contains("deeper than 128"));
        assert!(fault(&"{\"a\":".repeat(100_000)).contains("deeper than 128"));
        assert!(parse_text(&"9".repeat(4300)).is_ok());
        assert!(fault(&"9".repeat(4301)).starts_with("Exceeds the limit"));
        assert!(fault("\"\\ud800\"").starts_with("Lone surrogates"));
    }

    #[test]
    fn numbers_are_exact() {
        let read = |text| parse_text(text).unwrap();
        assert_eq!(read("-0"), Value::Int(0));
        assert_eq!(read("9223372036854775807"), Value::Int(i64::MAX));
        assert_eq!(read("9223372036854775808"), Value::Big("9223372036854775808".into()));
        assert_eq!(read("1e400"), Value::Float(f64::INFINITY));
        assert_eq!(read("1.7976931348623157e308"), Value::Float(f64::MAX));
        assert_eq!(read("\"\\ud83d\\ude00\""), Value::from("😀"));
        assert!(matches!(read("NaN"), Value::Float(nan) if nan.is_nan()));
    }
}
