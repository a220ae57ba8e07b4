//! Splits a filter into tokens, each with its place.

use super::parser::Fault;

/// A token and the byte at which it starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) start: usize,
    /// The token as written.
    pub(super) raw: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind<'a> {
    /// A bare word or dotted path, parts of which may be quoted: `name`, metrics.`a b`.
    Word,
    /// Text in single quotes.
    Single(&'a str),
    /// Text in double quotes: a key on the left of an operator, a text on its right.
    Double(&'a str),
    /// A number.
    Number,
    /// A run of the characters `= ! < >`.
    Operator,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
}

impl Token<'_> {
    /// Whether this is the keyword, in any case.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.raw.eq_ignore_ascii_case(keyword)
    }
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut lexer = Lexer { text, at: 0 };
    let mut found = Vec::new();
    while let Some(token) = lexer.next_token()? {
        found.push(token);
    }
    Ok(found)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn next_token(&mut self) -> Result<Option<Token<'a>>, Fault> {
        self.skip(char::is_whitespace);
        let start = self.at;
        let Some(first) = self.peek() else { return Ok(None) };
        let kind = match first {
            '(' => self.single(Kind::Open),
            ')' => self.single(Kind::Close),
            ',' => self.single(Kind::Comma),
            '=' | '!' | '<' | '>' => {
                self.skip(|c| matches!(c, '=' | '!' | '<' | '>'));
                Kind::Operator
            }
            '\'' => Kind::Single(self.quoted('\'')?),
            '"' => Kind::Double(self.quoted('"')?),
            '`' => self.path()?,
            '-' | '.' => self.number()?,
            c if c.is_ascii_digit() => self.number()?,
            c if is_word(c) => self.path()?,
            ';' => return Err(Fault::new(start, "a filter is one expression; remove the ';'")),
            c => {
                return Err(Fault::new(
                    start,
                    format!(
                        "Invalid clause(s) in filter string: unexpected '{c}'. Put keys with \
                         other characters than letters, digits, '_' and '.' in backticks"
                    ),
                ));
            }
        };
        Ok(Some(Token { kind, start, raw: &self.text[start..self.at] }))
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = &self.text[self.at..];
        self.at += rest.find(|c| !wanted(c)).unwrap_or(rest.len());
    }

    fn single(&mut self, kind: Kind<'a>) -> Kind<'a> {
        self.at += 1;
        kind
    }

    /// A word, then any number of `.part`, where a part is a word or quoted.
    fn path(&mut self) -> Result<Kind<'a>, Fault> {
        self.part()?;
        while self.peek() == Some('.') {
            self.at += 1;
            self.part()?;
        }
        Ok(Kind::Word)
    }

    fn part(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(quote @ ('`' | '"' | '\'')) => {
                self.quoted(quote)?;
                if self.peek().is_some_and(is_word) {
                    return Err(Fault::new(self.at, "expected a space after the quoted key"));
                }
            }
            _ => self.skip(is_word),
        }
        Ok(())
    }

    /// The text between quotes. Nothing is unescaped: a doubled quote, and a quote after a
    /// backslash, stay in the text as they are (MLflow's rule), unless no other quote closes it.
    fn quoted(&mut self, quote: char) -> Result<&'a str, Fault> {
        let (bytes, quote) = (self.text.as_bytes(), quote as u8);
        let open = self.at;
        let mut last_resort = None;
        let mut i = open + 1;
        while i < bytes.len() {
            if bytes[i] == b'\\' && quote != b'`' && bytes.get(i + 1) == Some(&quote) {
                last_resort = Some(i + 1);
                i += 2;
            } else if bytes[i] == quote && bytes.get(i + 1) == Some(&quote) {
                last_resort = Some(i);
                i += 2;
            } else if bytes[i] == quote {
                last_resort = Some(i);
                break;
            } else {
                i += 1;
            }
        }
        let Some(close) = last_resort else {
            return Err(Fault::new(open, "this quote is never closed"));
        };
        self.at = close + 1;
        Ok(&self.text[open + 1..close])
    }

    fn number(&mut self) -> Result<Kind<'a>, Fault> {
        let start = self.at;
        if self.peek() == Some('-') {
            self.at += 1;
        }
        let digits_from = self.at;
        self.skip(|c| c.is_ascii_digit());
        let mut digits = self.at - digits_from;
        if self.peek() == Some('.') {
            self.at += 1;
            let from = self.at;
            self.skip(|c| c.is_ascii_digit());
            digits += self.at - from;
        }
        if digits > 0 && matches!(self.peek(), Some('e' | 'E')) {
            self.at += 1;
            if matches!(self.peek(), Some('+' | '-')) {
                self.at += 1;
            }
            let from = self.at;
            self.skip(|c| c.is_ascii_digit());
            digits = self.at - from;
        }
        if digits == 0 || self.peek().is_some_and(|c| is_word(c) || c == '.') {
            return Err(Fault::new(start, "this is not a number"));
        }
        Ok(Kind::Number)
    }
}

/// What Python's `\w` matches.
pub(super) fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(&str, usize)> {
        tokens(text).unwrap().into_iter().map(|t| (t.raw, t.start)).collect()
    }

    #[test]
    fn keys_and_operators_need_no_spaces() {
        assert_eq!(
            kinds("metrics.`a b/c`>=-.5 AND"),
            [("metrics.`a b/c`", 0), (">=", 15), ("-.5", 17), ("AND", 21)]
        );
    }

    #[test]
    fn quotes_follow_the_longest_reading_that_closes() {
        let texts = [
            ("'it''s'", "it''s"),
            (r"'a\'b'", r"a\'b"),
            (r"'a\'", r"a\"),
            ("''", ""),
            (r#"'%"path"%'"#, r#"%"path"%"#),
        ];
        for (raw, text) in texts {
            assert_eq!(tokens(raw).unwrap()[0].kind, Kind::Single(text), "{raw}");
        }
        assert!(tokens("'open").is_err());
    }

    #[test]
    fn places_are_bytes_of_the_text() {
        let fault = tokens("tags.ключ = ;").unwrap_err();
        assert_eq!(fault.at, "tags.ключ = ".len());
    }

    #[test]
    fn numbers_end_where_words_begin() {
        for bad in ["1abc", "-", ".", "1.2.3", "1e", "- 5"] {
            assert!(tokens(bad).is_err(), "{bad}");
        }
        for good in ["1", "-1", "1.", ".5", "-.5", "1e3", "1E-3", "1e+3"] {
            assert_eq!(tokens(good).unwrap()[0].kind, Kind::Number, "{good}");
        }
    }
}
