//! Statements put together at run time.

use std::fmt::Write as _;

use crate::Param;

/// A statement under construction: fixed text and bound values, never user text.
///
/// Placeholders are numbered in the order in which values are bound, which is what lets the same text
/// run on both engines.
#[derive(Debug, Default, Clone)]
pub struct Sql<'a> {
    text: String,
    params: Vec<Param<'a>>,
}

impl<'a> Sql<'a> {
    /// Starts with a fixed text.
    pub fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), params: Vec::new() }
    }

    /// Appends a fixed text.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Binds a value and appends its placeholder.
    pub fn bind(&mut self, value: impl Into<Param<'a>>) -> &mut Self {
        self.params.push(value.into());
        // Writing to a String cannot fail.
        let _ = write!(self.text, "${}", self.params.len());
        self
    }

    /// Binds a list of values, separated by commas.
    pub fn bind_all<T: Into<Param<'a>>>(
        &mut self,
        values: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            self.bind(value);
        }
        self
    }

    /// Appends a number chosen by the program, such as the index of a join's alias.
    pub fn push_number(&mut self, number: usize) -> &mut Self {
        let _ = write!(self.text, "{number}");
        self
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bound values so far.
    pub fn params(&self) -> &[Param<'a>] {
        &self.params
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_in_order() {
        let mut sql = Sql::new("SELECT a FROM t WHERE b = ");
        sql.bind("x").push(" AND c IN (").bind_all([1_i64, 2]).push(")");
        assert_eq!(sql.text(), "SELECT a FROM t WHERE b = $1 AND c IN ($2, $3)");
        assert_eq!(sql.params(), [Param::Text("x"), Param::Int(1), Param::Int(2)]);
    }
}
