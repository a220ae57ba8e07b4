//! The texts of protocol 0, which are written as Python would write them in a source.

use crate::graph::Node;

/// A Python 2 string with its quotes: `'it\'s'`. Only ASCII: what other bytes mean is not recorded.
pub(super) fn string(line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?.trim();
    let quote = line.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let inner = line.get(1..)?.strip_suffix(quote)?;
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        text.push(if char == '\\' { escape(&mut chars)? } else { char });
    }
    text.is_ascii().then_some(text)
}

fn escape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    match chars.next()? {
        same @ ('\\' | '\'' | '"') => Some(same),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'x' => hex(chars, 2),
        _ => None,
    }
}

fn hex(chars: &mut std::str::Chars<'_>, digits: u32) -> Option<char> {
    let mut code = 0;
    for _ in 0..digits {
        code = code * 16 + chars.next()?.to_digit(16)?;
    }
    char::from_u32(code)
}

/// Python's `raw-unicode-escape`: Latin-1, and `\u` with 4 or `\U` with 8 digits.
pub(super) fn unicode(line: &[u8]) -> Option<String> {
    let latin: String = line.iter().map(|byte| char::from(*byte)).collect();
    let mut text = String::with_capacity(latin.len());
    let mut chars = latin.chars();
    while let Some(char) = chars.next() {
        let mut after = chars.clone();
        let digits = match (char, after.next()) {
            ('\\', Some('u')) => 4,
            ('\\', Some('U')) => 8,
            _ => {
                text.push(char);
                continue;
            }
        };
        text.push(hex(&mut after, digits)?);
        chars = after;
    }
    Some(text)
}

/// Digits of the longest decimal integer: states of random generators have 39.
const DIGITS_MAX: usize = 80;

/// A positive integer of more than 64 bits, as two's complement.
pub(super) fn big_integer(text: &str) -> Option<Node> {
    let mut bytes = vec![0_u8; DIGITS_MAX / 2];
    if text.len() > DIGITS_MAX || text.is_empty() {
        return None;
    }
    for digit in text.chars() {
        let mut carry = digit.to_digit(10)?;
        for byte in &mut bytes {
            carry += u32::from(*byte) * 10;
            *byte = carry as u8;
            carry >>= 8;
        }
    }
    Some(Node::BigInt(bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(string(br"'it\'s \x41\n'").unwrap(), "it's A\n");
        assert_eq!(string(b"\"a\"").unwrap(), "a");
        for wrong in [&b"'"[..], b"", b"a", b"'a\"", br"'\q'", br"'\x4'", br"'\xff'"] {
            assert_eq!(string(wrong), None, "{wrong:?}");
        }
        assert_eq!(unicode(b"a\\u20acb\xe9\\U0001F600\\n").unwrap(), "a€bé😀\\n");
        assert_eq!(unicode(br"\ud800"), None);
        assert_eq!(unicode(br"\u12"), None);
    }

    #[test]
    fn long_integers_keep_their_value() {
        let Some(Node::BigInt(bytes)) = big_integer("36893488147419103233") else { panic!() };
        assert_eq!(
            (bytes[0], bytes[8], bytes.iter().map(|b| u32::from(*b)).sum::<u32>()),
            (1, 2, 3)
        );
        assert_eq!(big_integer(""), None);
        assert_eq!(big_integer("12x"), None);
        assert_eq!(big_integer(&"1".repeat(81)), None);
    }
}
