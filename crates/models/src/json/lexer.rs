//! Tokens of Python's JSON dialect, read from UTF-8: used by the parser and by the fast decoder.

use super::{MAX_INTEGER_DIGITS, Value};

/// What is wrong, in the words of Python's `json`, and the byte where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) what: &'static str,
    pub(crate) at: usize,
}

pub(crate) const EXPECTING_VALUE: &str = "Expecting value";
/// Not Python's: there a lone surrogate is a character, in UTF-8 it has no form.
pub(crate) const LONE_SURROGATE: &str = "Lone surrogates cannot be decoded";
/// Python's error of `int()`, without the count it names.
pub(crate) const TOO_MANY_DIGITS: &str =
    "Exceeds the limit (4300 digits) for integer string conversion";

/// A position in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lexer<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn fault<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err(Fault { what, at: self.at })
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    pub(crate) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes a byte if it comes next.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        if found {
            self.at += word.len();
        }
        found
    }

    /// A number, or one of the words `NaN`, `Infinity` and `-Infinity`.
    pub(crate) fn number(&mut self) -> Result<Value, Fault> {
        if self.take_word("NaN") {
            return Ok(Value::Float(f64::NAN));
        }
        if self.take_word("Infinity") {
            return Ok(Value::Float(f64::INFINITY));
        }
        if self.take_word("-Infinity") {
            return Ok(Value::Float(f64::NEG_INFINITY));
        }
        let start = self.at;
        let Some(float) = self.number_extent() else {
            return Err(Fault { what: EXPECTING_VALUE, at: start });
        };
        let text = &self.text[start..self.at];
        if float {
            return text.parse().map(Value::Float).or_else(|_| self.fault(EXPECTING_VALUE));
        }
        if let Ok(value) = text.parse() {
            return Ok(Value::Int(value));
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.len() > MAX_INTEGER_DIGITS {
            return Err(Fault { what: TOO_MANY_DIGITS, at: start });
        }
        Ok(Value::Big(text.into()))
    }

    /// Moves behind a number: whether it is a float, or `None` if none comes next.
    #[inline]
    fn number_extent(&mut self) -> Option<bool> {
        let bytes = self.text.as_bytes();
        let digits_from = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let mut at = self.at + usize::from(bytes.get(self.at) == Some(&b'-'));
        match bytes.get(at) {
            Some(b'0') => at += 1,
            Some(b'1'..=b'9') => at = digits_from(at),
            _ => return None,
        }
        let mut float = false;
        if bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
            at = digits_from(at + 1);
            float = true;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let end = digits_from(at + 1 + sign);
            if end > at + 1 + sign {
                at = end;
                float = true;
            }
        }
        self.at = at;
        Some(float)
    }

    /// A text without escapes, borrowed; `None` leaves the position where it was. For keys.
    #[inline]
    pub(crate) fn plain_string(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let mut at = start;
        loop {
            match bytes.get(at)? {
                b'"' => break,
                b'\\' | 0..=0x1f => return None,
                _ => at += 1,
            }
        }
        self.at = at + 1;
        Some(&self.text[start..at])
    }

    /// A text; the next byte is its opening quote.
    pub(crate) fn string(&mut self) -> Result<String, Fault> {
        let open = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let Some(plain) = rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f)) else {
                return Err(Fault { what: "Unterminated string starting at", at: open });
            };
            text.push_str(&self.text[self.at..self.at + plain]);
            self.at += plain;
            match rest[plain] {
                b'"' => {
                    self.at += 1;
                    return Ok(text);
                }
                b'\\' => text.push(self.escape(open)?),
                _ => return self.fault("Invalid control character at"),
            }
        }
    }

    /// An escape; the next byte is its backslash.
    fn escape(&mut self, open: usize) -> Result<char, Fault> {
        let start = self.at;
        let Some(letter) = self.text.as_bytes().get(start + 1) else {
            return Err(Fault { what: "Unterminated string starting at", at: open });
        };
        let plain = match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return Err(Fault { what: "Invalid \\escape", at: start }),
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode_escape(&mut self) -> Result<char, Fault> {
        let start = self.at;
        let first = self.four_digits(start)?;
        self.at = start + 6;
        if let Some(plain) = char::from_u32(first) {
            return Ok(plain);
        }
        if first < 0xdc00 && self.text[self.at..].starts_with("\\u") {
            let second = self.four_digits(self.at)?;
            if (0xdc00..0xe000).contains(&second) {
                self.at += 6;
                let both = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(both).ok_or(Fault { what: LONE_SURROGATE, at: start });
            }
        }
        Err(Fault { what: LONE_SURROGATE, at: start })
    }

    /// The four hexadecimal digits of the `\u` that begins at a byte.
    fn four_digits(&self, start: usize) -> Result<u32, Fault> {
        let fault = Fault { what: "Invalid \\uXXXX escape", at: start + 1 };
        // Python wants more behind them: a text does not end here.
        let digits = self.text.as_bytes().get(start + 2..start + 7).ok_or(fault)?;
        let digits = &digits[..4];
        digits.iter().try_fold(0, |sum, digit| {
            let value = char::from(*digit).to_digit(16).ok_or(fault)?;
            Ok(sum * 16 + value)
        })
    }
}
