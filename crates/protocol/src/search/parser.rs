//! The recursive-descent parser, common to all entities.

use super::ast::{CompareOp, Expr, Number};
use super::lexer::{self, Kind, Token};
use crate::error::Error;
use crate::limits;

/// What is wrong and at which byte of the text.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// The error for the client, with the place counted in characters from 1.
    pub(super) fn into_error(self, text: &str) -> Error {
        let character = text[..self.at].chars().count() + 1;
        Error::invalid(format!("{} (at character {character} of the filter).", self.message))
    }
}

/// A field of an entity, by the kind of its values.
pub(super) enum Field<N, T> {
    Number(N),
    Text(T),
}

/// An operator, before it is known whether the field can take it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Operator {
    Compare(CompareOp),
    Like { case_insensitive: bool, negated: bool },
    In { negated: bool },
    Between { negated: bool },
    IsNull { negated: bool },
}

/// What differs between runs, experiments and logged models.
pub(super) trait Grammar {
    type Number;
    type Text;

    /// The field that `entity.key` names; no entity for a bare key. The error is MLflow's message.
    fn field(entity: Option<&str>, key: &str) -> Result<Field<Self::Number, Self::Text>, String>;

    /// The number that a literal stands for.
    fn number(field: &Self::Number, literal: &Token<'_>) -> Result<Number, String>;

    /// The text that a literal stands for.
    fn text(_field: &Self::Text, literal: &Token<'_>) -> Result<String, String> {
        quoted_text(literal).ok_or_else(|| not_quoted(literal))
    }

    /// Refuses operators which make no sense for a number field.
    fn allows(_field: &Self::Number, _operator: Operator) -> bool {
        true
    }
}

pub(super) type Tree<G> = Expr<<G as Grammar>::Number, <G as Grammar>::Text>;
pub(super) type Parsed<G> = Result<Tree<G>, Fault>;

/// Parses a filter; `None` when there is nothing to filter by.
pub(super) fn parse<G: Grammar>(text: &str) -> Result<Option<Tree<G>>, Error> {
    if text.len() > limits::MAX_FILTER_BYTES {
        return Err(Error::invalid(format!(
            "The filter is {} bytes long; the limit is {}. Split the search into several requests.",
            text.len(),
            limits::MAX_FILTER_BYTES
        )));
    }
    parse_tokens::<G>(text).map_err(|fault| fault.into_error(text))
}

fn parse_tokens<G: Grammar>(text: &str) -> Result<Option<Tree<G>>, Fault> {
    let tokens = lexer::tokens(text)?;
    if tokens.iter().all(|token| token.is("AND")) {
        return Ok(None);
    }
    let mut parser = Parser { text, tokens: &tokens, at: 0, depth: 0, comparisons: 0, literals: 0 };
    let expr = parser.or::<G>()?;
    match parser.peek() {
        None => Ok(Some(expr)),
        Some(token) => Err(parser.unexpected(token.start, "the end of the filter")),
    }
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token<'a>],
    pub(super) at: usize,
    depth: usize,
    pub(super) comparisons: usize,
    pub(super) literals: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn peek(&self) -> Option<&'a Token<'a>> {
        self.tokens.get(self.at)
    }

    pub(super) fn next(&mut self, expected: &str) -> Result<&'a Token<'a>, Fault> {
        let token = self.peek().ok_or_else(|| self.unexpected(self.text.len(), expected))?;
        self.at += 1;
        Ok(token)
    }

    pub(super) fn take(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(keyword));
        self.at += usize::from(found);
        found
    }

    pub(super) fn unexpected(&self, at: usize, expected: &str) -> Fault {
        let found = self.tokens.iter().find(|token| token.start == at);
        let found = found.map_or("the end".to_owned(), |token| format!("'{}'", clip(token.raw)));
        Fault::new(
            at,
            format!("Invalid clause(s) in filter string: {found}, where {expected} is expected"),
        )
    }

    fn or<G: Grammar>(&mut self) -> Parsed<G> {
        let mut operands = vec![self.and::<G>()?];
        while self.take("OR") {
            operands.push(self.and::<G>()?);
        }
        Ok(collapse::<G>(operands, Expr::Or))
    }

    /// MLflow reads past superfluous `AND`s and past missing ones; so do we.
    fn and<G: Grammar>(&mut self) -> Parsed<G> {
        let mut operands = Vec::new();
        loop {
            while self.take("AND") {}
            let ends = self.peek().is_none_or(|token| token.is("OR") || token.kind == Kind::Close);
            if ends && !operands.is_empty() {
                return Ok(collapse::<G>(operands, Expr::And));
            }
            operands.push(self.unary::<G>()?);
        }
    }

    fn unary<G: Grammar>(&mut self) -> Parsed<G> {
        let token = self.next("a comparison")?;
        let opens = token.kind == Kind::Open;
        if !opens && !token.is("NOT") {
            return self.comparison::<G>(token);
        }
        self.depth += 1;
        if self.depth > limits::MAX_FILTER_DEPTH {
            let limit = limits::MAX_FILTER_DEPTH;
            return Err(Fault::new(
                token.start,
                format!("The filter is nested more than {limit} levels deep"),
            ));
        }
        let expr = if opens {
            let inner = self.or::<G>()?;
            let close = self.next("')'")?;
            if close.kind != Kind::Close {
                return Err(self.unexpected(close.start, "')'"));
            }
            inner
        } else {
            Expr::Not(Box::new(self.unary::<G>()?))
        };
        self.depth -= 1;
        Ok(expr)
    }
}

fn collapse<G: Grammar>(mut operands: Vec<Tree<G>>, wrap: fn(Vec<Tree<G>>) -> Tree<G>) -> Tree<G> {
    if operands.len() > 1 {
        return wrap(operands);
    }
    operands.pop().unwrap_or_else(|| wrap(Vec::new()))
}

/// Splits `entity.key` as MLflow does: at the first dot, then quotes around the key fall away.
pub(super) fn identifier<'a>(token: &Token<'a>) -> Option<(Option<&'a str>, &'a str)> {
    match token.kind {
        Kind::Double(key) => Some((None, key)),
        Kind::Word => Some(match token.raw.split_once('.') {
            // A dot inside backticks does not divide.
            Some((entity, key)) if !is_open_quote(entity) => {
                (Some(unquote(entity, &['`'])), unquote(key, &['"', '\'', '`']))
            }
            _ => (None, unquote(token.raw, &['`'])),
        }),
        _ => None,
    }
}

/// Whether the entity is a tag, where only tags and plain attributes can be searched.
pub(super) fn is_tag(entity: Option<&str>) -> Result<bool, String> {
    match entity {
        None | Some("attribute") => Ok(false),
        Some("tag" | "tags") => Ok(true),
        Some(other) => Err(format!(
            "Invalid entity type '{}'. Valid entity types are ('attribute', 'tag', 'tags')",
            clip(other)
        )),
    }
}

fn is_open_quote(text: &str) -> bool {
    text.starts_with('`') && !(text.len() > 1 && text.ends_with('`'))
}

fn unquote<'a>(text: &'a str, quotes: &[char]) -> &'a str {
    for quote in quotes {
        if let Some(inner) = text.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote)) {
            return inner;
        }
    }
    text
}

/// The text of a quoted literal.
pub(super) fn quoted_text(literal: &Token<'_>) -> Option<String> {
    match literal.kind {
        Kind::Single(text) | Kind::Double(text) => Some(text.to_owned()),
        _ => None,
    }
}

/// The value of a number literal: exact as an integer where it is one that fits 64 bits.
pub(super) fn plain_number(literal: &Token<'_>) -> Option<Number> {
    if literal.kind != Kind::Number {
        return None;
    }
    if let Ok(integer) = literal.raw.parse() {
        return Some(Number::Integer(integer));
    }
    literal.raw.parse().ok().map(Number::Float)
}

/// MLflow's words for a literal that is no text.
pub(super) fn not_quoted(literal: &Token<'_>) -> String {
    let raw = clip(literal.raw);
    if literal.kind == Kind::Word {
        return format!(
            "Parameter value is either not quoted or unidentified quote types used for string \
             value {raw}. Use either single or double quotes"
        );
    }
    format!("Expected a quoted string value (e.g. 'my-value'). Got value {raw}")
}

/// MLflow's words for a literal that is no number.
pub(super) fn not_numeric(attribute: &str, literal: &Token<'_>) -> String {
    let raw = clip(literal.raw);
    format!("Expected numeric value type for numeric attribute: {attribute}. Found {raw}")
}

/// At most the first 40 characters, for messages.
pub(super) fn clip(text: &str) -> &str {
    text.char_indices().nth(40).map_or(text, |(end, _)| &text[..end])
}
