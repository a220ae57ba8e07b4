//! The Python literals in which numpy describes an array: `{'descr': '<f8', 'shape': (3, 4)}`.

use crate::cursor::Cursor;
use crate::error::Result;

/// Literals inside literals; a structured type inside another takes four.
const DEPTH_MAX: usize = 16;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    Int(i64),
    Bool(bool),
    None,
    /// A tuple or a list: which of them does not matter here.
    Items(Vec<Self>),
    Entries(Vec<(Self, Self)>),
}

impl Literal {
    pub(crate) fn entry(&self, name: &str) -> Option<&Self> {
        let Self::Entries(entries) = self else { return None };
        entries.iter().rev().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn items(&self) -> Option<&[Self]> {
        if let Self::Items(items) = self { Some(items) } else { None }
    }
}

/// Reads one literal; what follows it must be white space.
pub(crate) fn parse(text: &[u8], format: &'static str) -> Result<Literal> {
    let mut cursor = Cursor::new(text, format);
    let literal = value(&mut cursor, 0)?;
    space(&mut cursor)?;
    if cursor.is_empty() { Ok(literal) } else { Err(cursor.damaged("more follows the header")) }
}

fn space(cursor: &mut Cursor<'_>) -> Result<()> {
    while cursor.peek().is_some_and(|byte| byte.is_ascii_whitespace() || byte == 0) {
        cursor.u8()?;
    }
    Ok(())
}

fn value(cursor: &mut Cursor<'_>, depth: usize) -> Result<Literal> {
    if depth > DEPTH_MAX {
        return Err(cursor.damaged("the header is nested too deeply"));
    }
    space(cursor)?;
    match cursor.peek() {
        Some(b'\'' | b'"') => quoted(cursor),
        Some(b'(') => items(cursor, b')', depth),
        Some(b'[') => items(cursor, b']', depth),
        Some(b'{') => entries(cursor, depth),
        Some(b'-' | b'0'..=b'9') => number(cursor),
        _ => word(cursor),
    }
}

fn quoted(cursor: &mut Cursor<'_>) -> Result<Literal> {
    let quote = cursor.u8()?;
    let length = cursor.rest().iter().position(|byte| *byte == quote || *byte == b'\\');
    let Some(length) = length else {
        return Err(cursor.damaged("a text in the header has no end"));
    };
    let text = cursor.text(length)?.to_owned();
    if cursor.u8()? != quote {
        return Err(cursor.damaged("a text in the header has an escape"));
    }
    Ok(Literal::Text(text))
}

fn number(cursor: &mut Cursor<'_>) -> Result<Literal> {
    let digits = |byte: &u8| byte.is_ascii_digit() || *byte == b'-';
    let length = cursor.rest().iter().take_while(|byte| digits(byte)).count();
    let text = cursor.text(length)?;
    let number =
        text.parse().ok().ok_or_else(|| cursor.damaged("a number in the header is wrong"))?;
    // Python 2 wrote `3L`.
    if cursor.peek() == Some(b'L') {
        cursor.u8()?;
    }
    Ok(Literal::Int(number))
}

fn word(cursor: &mut Cursor<'_>) -> Result<Literal> {
    let length = cursor.rest().iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    match cursor.text(length)? {
        "True" => Ok(Literal::Bool(true)),
        "False" => Ok(Literal::Bool(false)),
        "None" => Ok(Literal::None),
        _ => Err(cursor.damaged("the header is no Python literal")),
    }
}

/// After a value: whether another one follows.
fn more(cursor: &mut Cursor<'_>, close: u8) -> Result<bool> {
    space(cursor)?;
    if cursor.peek() == Some(b',') {
        cursor.u8()?;
        space(cursor)?;
        return Ok(cursor.peek() != Some(close));
    }
    Ok(false)
}

fn closed(cursor: &mut Cursor<'_>, close: u8) -> Result<()> {
    space(cursor)?;
    if cursor.u8()? == close { Ok(()) } else { Err(cursor.damaged("the header is not closed")) }
}

fn items(cursor: &mut Cursor<'_>, close: u8, depth: usize) -> Result<Literal> {
    cursor.u8()?;
    space(cursor)?;
    let mut found = Vec::new();
    let mut another = cursor.peek() != Some(close);
    while another {
        found.push(value(cursor, depth + 1)?);
        another = more(cursor, close)?;
    }
    closed(cursor, close)?;
    Ok(Literal::Items(found))
}

fn entries(cursor: &mut Cursor<'_>, depth: usize) -> Result<Literal> {
    cursor.u8()?;
    space(cursor)?;
    let mut found = Vec::new();
    let mut another = cursor.peek() != Some(b'}');
    while another {
        let key = value(cursor, depth + 1)?;
        closed(cursor, b':')?;
        found.push((key, value(cursor, depth + 1)?));
        another = more(cursor, b'}')?;
    }
    closed(cursor, b'}')?;
    Ok(Literal::Entries(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Literal> {
        parse(text.as_bytes(), "npy")
    }

    #[test]
    fn headers_are_read_as_python_reads_them() {
        let header = read(
            "{'descr': [('a', '<i8'), ('b', '<f8', (2,))], \"shape\": (3L, 4,), 'x': True, }  \n",
        );
        let header = header.unwrap();
        let fields = header.entry("descr").unwrap().items().unwrap();
        assert_eq!(fields[1].items().unwrap()[2], Literal::Items(vec![Literal::Int(2)]));
        let shape = Literal::Items(vec![Literal::Int(3), Literal::Int(4)]);
        assert_eq!(header.entry("shape"), Some(&shape));
        assert_eq!(header.entry("x"), Some(&Literal::Bool(true)));
        assert_eq!(read("()").unwrap(), Literal::Items(Vec::new()));
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        let deep = "(".repeat(5000);
        for text in
            ["", "{", "{'a'}", "(1", "'a", "os", "1--1", "(1) x", "{'a': 1,,}", "'\\x00'", &deep]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
