//! From bytes to text as Python's `json.loads` does it: the encoding is told by its first bytes.

use std::borrow::Cow;

use super::repr;

/// Most bytes of a request that an error repeats.
const MAX_REPEATED_BYTES: usize = 256;

/// The `repr` of Python's `UnicodeDecodeError`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TextError(pub(crate) String);

/// Decodes the bytes of a document.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, TextError> {
    match bytes {
        [0xff, 0xfe, 0, 0, rest @ ..] => utf32(rest, u32::from_le_bytes, "utf-32"),
        [0, 0, 0xfe, 0xff, rest @ ..] => utf32(rest, u32::from_be_bytes, "utf-32"),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes, "utf-16"),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes, "utf-16"),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        [0, 0, _, _, ..] => utf32(bytes, u32::from_be_bytes, "utf-32-be"),
        [0, _, _, _, ..] => utf16(bytes, u16::from_be_bytes, "utf-16-be"),
        [_, 0, 0, 0, ..] => utf32(bytes, u32::from_le_bytes, "utf-32-le"),
        [_, 0, _, _, ..] => utf16(bytes, u16::from_le_bytes, "utf-16-le"),
        [0, _] => utf16(bytes, u16::from_be_bytes, "utf-16-be"),
        [_, 0] => utf16(bytes, u16::from_le_bytes, "utf-16-le"),
        _ => utf8(bytes),
    }
}

/// UTF-8 alone, for bodies that are not JSON.
pub(crate) fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, TextError> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|fault| {
        let start = fault.valid_up_to();
        let (end, reason) = match fault.error_len() {
            None => (bytes.len(), "unexpected end of data"),
            Some(len) if matches!(bytes[start], 0xc2..=0xf4) => {
                (start + len, "invalid continuation byte")
            }
            Some(len) => (start + len, "invalid start byte"),
        };
        error("utf-8", bytes, start, end, reason)
    })
}

fn error(codec: &str, bytes: &[u8], start: usize, end: usize, reason: &str) -> TextError {
    let shown = repr::bytes(&bytes[..bytes.len().min(MAX_REPEATED_BYTES)]);
    TextError(format!("UnicodeDecodeError('{codec}', {shown}, {start}, {end}, '{reason}')"))
}

fn utf16<'a>(
    bytes: &'a [u8],
    unit: fn([u8; 2]) -> u16,
    codec: &str,
) -> Result<Cow<'a, str>, TextError> {
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(error(codec, bytes, bytes.len() - 1, bytes.len(), "truncated data"));
    }
    let text: Result<String, _> = char::decode_utf16(units.iter().map(|u| unit(*u))).collect();
    text.ok().map(Cow::Owned).ok_or_else(|| error(codec, bytes, 0, 2, "illegal encoding"))
}

fn utf32<'a>(
    bytes: &'a [u8],
    unit: fn([u8; 4]) -> u32,
    codec: &str,
) -> Result<Cow<'a, str>, TextError> {
    let (units, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        let start = bytes.len() - rest.len();
        return Err(error(codec, bytes, start, bytes.len(), "truncated data"));
    }
    let text: Option<String> = units.iter().map(|u| char::from_u32(unit(*u))).collect();
    text.map(Cow::Owned)
        .ok_or_else(|| error(codec, bytes, 0, 4, "code point not in range(0x110000)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_by_their_first_bytes() {
        let wide = |bytes: [u8; 2], width: usize, big: bool| -> Vec<u8> {
            let mut all = Vec::new();
            for byte in bytes {
                let mut unit = vec![0; width];
                unit[if big { width - 1 } else { 0 }] = byte;
                all.extend(unit);
            }
            all
        };
        for (width, big) in [(2, true), (2, false), (4, true), (4, false)] {
            assert_eq!(decode(&wide(*b"{}", width, big)).unwrap(), "{}", "{width} {big}");
        }
        assert_eq!(decode(b"\xef\xbb\xbf{}").unwrap(), "{}");
        assert_eq!(decode(b"").unwrap(), "");
    }

    #[test]
    fn what_is_no_text_is_told_as_python_tells_it() {
        for (bytes, message) in [
            (&b"\xff"[..], "UnicodeDecodeError('utf-8', b'\\xff', 0, 1, 'invalid start byte')"),
            (
                b"a\xe2\x82",
                "UnicodeDecodeError('utf-8', b'a\\xe2\\x82', 1, 3, 'unexpected end of data')",
            ),
            (b"\xc3(", "UnicodeDecodeError('utf-8', b'\\xc3(', 0, 1, 'invalid continuation byte')"),
        ] {
            assert_eq!(utf8(bytes), Err(TextError(message.into())));
        }
    }
}
