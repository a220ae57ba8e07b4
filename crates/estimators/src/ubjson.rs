//! UBJSON, the binary form of JSON in which XGBoost saves models.

use crate::cursor::Cursor;
use crate::document::Document;
use crate::error::Result;
use crate::limits::{DEPTH_MAX, FILE_MAX_BYTES, within};

/// Reads one value; nothing may follow it.
pub(crate) fn read(bytes: &[u8]) -> Result<Document> {
    within("the bytes of a UBJSON file", bytes.len(), FILE_MAX_BYTES)?;
    let mut cursor = Cursor::new(bytes, "UBJSON");
    let marker = cursor.u8()?;
    let value = value(&mut cursor, marker, 0)?;
    if cursor.is_empty() { Ok(value) } else { Err(cursor.damaged("more follows the model")) }
}

fn value(cursor: &mut Cursor<'_>, marker: u8, depth: usize) -> Result<Document> {
    within("the depth of a UBJSON file", depth, DEPTH_MAX)?;
    Ok(match marker {
        b'Z' => Document::Null,
        b'T' => Document::Bool(true),
        b'F' => Document::Bool(false),
        b'i' | b'U' | b'I' | b'u' | b'l' | b'm' | b'L' => Document::Int(int(cursor, marker)?),
        b'd' | b'D' => Document::Float(float(cursor, marker)?),
        b'C' => Document::Text(cursor.text(1)?.to_owned()),
        b'S' => Document::Text(text(cursor)?),
        b'[' => array(cursor, depth)?,
        b'{' => map(cursor, depth)?,
        _ => return Err(cursor.damaged(format!("the type {marker:#04x} is unknown"))),
    })
}

fn int(cursor: &mut Cursor<'_>, marker: u8) -> Result<i64> {
    Ok(match marker {
        b'i' => i8::from_be_bytes(cursor.array()?).into(),
        b'U' => cursor.u8()?.into(),
        b'I' => i16::from_be_bytes(cursor.array()?).into(),
        b'u' => u16::from_be_bytes(cursor.array()?).into(),
        b'l' => i32::from_be_bytes(cursor.array()?).into(),
        b'm' => u32::from_be_bytes(cursor.array()?).into(),
        b'L' => i64::from_be_bytes(cursor.array()?),
        _ => return Err(cursor.damaged(format!("{marker:#04x} is no type of an integer"))),
    })
}

fn float(cursor: &mut Cursor<'_>, marker: u8) -> Result<f64> {
    Ok(match marker {
        b'd' => f32::from_be_bytes(cursor.array()?).into(),
        _ => f64::from_be_bytes(cursor.array()?),
    })
}

/// A length, which has its own type in front.
fn length(cursor: &mut Cursor<'_>) -> Result<usize> {
    let marker = cursor.u8()?;
    let length = int(cursor, marker)?;
    usize::try_from(length).ok().ok_or_else(|| cursor.damaged("a length is negative"))
}

fn text(cursor: &mut Cursor<'_>) -> Result<String> {
    let length = length(cursor)?;
    Ok(cursor.text(length)?.to_owned())
}

/// What may stand in front of a container's items: their type, and their number.
fn header(cursor: &mut Cursor<'_>) -> Result<(Option<u8>, Option<usize>)> {
    let mut kind = None;
    if cursor.peek() == Some(b'$') {
        cursor.u8()?;
        kind = Some(cursor.u8()?);
        if cursor.peek() != Some(b'#') {
            return Err(cursor.damaged("a container has a type but no length"));
        }
    }
    if cursor.peek() == Some(b'#') {
        cursor.u8()?;
        let count = length(cursor)?;
        // The types without contents would make a large container out of nothing.
        if count > cursor.rest().len() {
            return Err(cursor.damaged(format!("{count} items are announced, fewer are there")));
        }
        return Ok((kind, Some(count)));
    }
    Ok((kind, None))
}

fn array(cursor: &mut Cursor<'_>, depth: usize) -> Result<Document> {
    let (kind, count) = header(cursor)?;
    let mut left = count;
    Document::collect(|| {
        match &mut left {
            Some(0) => return Ok(None),
            Some(left) => *left -= 1,
            None if cursor.peek() == Some(b']') => {
                cursor.u8()?;
                return Ok(None);
            }
            None => {}
        }
        let marker = kind.map_or_else(|| cursor.u8(), Ok)?;
        value(cursor, marker, depth + 1).map(Some)
    })
}

fn map(cursor: &mut Cursor<'_>, depth: usize) -> Result<Document> {
    let (kind, count) = header(cursor)?;
    let mut entries = Vec::new();
    loop {
        match count {
            Some(count) if entries.len() == count => break,
            None if cursor.peek() == Some(b'}') => {
                cursor.u8()?;
                break;
            }
            _ => {}
        }
        let name = text(cursor)?;
        let marker = kind.map_or_else(|| cursor.u8(), Ok)?;
        entries.push((name, value(cursor, marker, depth + 1)?));
    }
    Ok(Document::Map(entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let mut bytes = b"{U\x01a[$d#U\x02".to_vec();
        bytes.extend(1.5_f32.to_be_bytes());
        bytes.extend((-2.0_f32).to_be_bytes());
        bytes.extend(b"i\x01b[SU\x02xyTI\x01\x00]L\0\0\0\0\0\0\0\x01c{#U\x01U\x01dZ}");
        let document = read(&bytes).unwrap();
        assert_eq!(document.get("a").unwrap().numbers(), Some(&[1.5, -2.0][..]));
        let list = document.get("b").unwrap().list().unwrap();
        assert_eq!(
            list,
            [Document::Text("xy".to_owned()), Document::Bool(true), Document::Int(256)]
        );
        assert_eq!(document.at(&["c", "d"]).unwrap(), &Document::Null);
    }

    #[test]
    fn lies_are_refused() {
        let deep = [b'['; 5000];
        let cases: [&[u8]; 9] = [
            b"",
            b"[",
            b"{U\x05a",
            b"[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff",
            b"[$Z#L\x7f\xff\xff\xff\xff\xff\xff\xff",
            b"[#i\xff",
            b"[$d",
            b"{}x",
            &deep,
        ];
        for bytes in cases {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }
}
