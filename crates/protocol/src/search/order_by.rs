//! The `order_by` clauses of runs and experiments.

use super::lexer;
use super::parser::{clip, identifier};
use crate::error::Error;
use crate::limits;

/// One key of an ordering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderKey<F> {
    /// What to order by.
    pub field: F,
    /// Smallest first.
    pub ascending: bool,
}

/// Parses `entity.key [ASC|DESC]`, one per list item.
pub(super) fn parse<F>(
    clauses: &[String],
    field: impl Fn(Option<&str>, &str) -> Result<F, String>,
) -> Result<Vec<OrderKey<F>>, Error> {
    check_count(clauses.len())?;
    clauses.iter().map(|clause| parse_clause(clause, &field)).collect()
}

fn parse_clause<F>(
    clause: &str,
    field: impl Fn(Option<&str>, &str) -> Result<F, String>,
) -> Result<OrderKey<F>, Error> {
    let unreadable = || {
        Error::invalid(format!(
            "Invalid order_by clause '{}'. Could not be parsed. Write one key and ASC or DESC per \
             list item, with special characters in backticks.",
            clip(clause)
        ))
    };
    if clause.len() > limits::MAX_FILTER_BYTES {
        return Err(unreadable());
    }
    let tokens = lexer::tokens(clause).map_err(|_fault| unreadable())?;
    let (name, direction) = match tokens.as_slice() {
        [name] => (name, None),
        [name, direction] if direction.kind == lexer::Kind::Word => (name, Some(direction)),
        _ => return Err(unreadable()),
    };
    let (entity, key) = identifier(name).ok_or_else(unreadable)?;
    let ascending = match direction {
        None => true,
        Some(word) if word.is("ASC") => true,
        Some(word) if word.is("DESC") => false,
        Some(_) => {
            return Err(Error::invalid(format!(
                "Invalid ordering key in order_by clause '{}'. It must be ASC or DESC.",
                clip(clause)
            )));
        }
    };
    Ok(OrderKey { field: field(entity, key).map_err(Error::invalid)?, ascending })
}

pub(super) fn check_count(count: usize) -> Result<(), Error> {
    if count <= limits::MAX_ORDER_BY_KEYS {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "`order_by` has {count} keys; the limit is {}.",
        limits::MAX_ORDER_BY_KEYS
    )))
}

pub(super) fn refuse_duplicates<F: PartialEq>(
    keys: &[OrderKey<F>],
    clauses: &[String],
) -> Result<(), Error> {
    for (i, key) in keys.iter().enumerate() {
        if keys[..i].iter().any(|earlier| earlier.field == key.field) {
            return Err(Error::invalid(format!(
                "`order_by` contains duplicate fields: '{}' names a field that an earlier item \
                 orders by already.",
                clip(&clauses[i])
            )));
        }
    }
    Ok(())
}

/// Makes the ordering total: nothing after a unique key can matter.
pub(super) fn close_with<F: PartialEq>(keys: &mut Vec<OrderKey<F>>, unique: F, ascending: bool) {
    match keys.iter().position(|key| key.field == unique) {
        Some(at) => keys.truncate(at + 1),
        None => keys.push(OrderKey { field: unique, ascending }),
    }
}
