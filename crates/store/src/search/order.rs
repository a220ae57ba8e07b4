//! Sorting and keyset paging.

use std::cmp::Ordering;

use modelyard_database::{Kind, Param, Result, Row, Sql};
use modelyard_protocol::page_token::KeyValue;
use modelyard_protocol::search::OrderKey;

use crate::rows::Cursor;

/// How a field is sorted. `at` is the key's place in the ordering, which numbers the aliases of joins.
pub(crate) trait SortField {
    /// Appends the joins that the field needs, if any.
    fn push_join<'a>(&'a self, _sql: &mut Sql<'a>, _at: usize) {}

    /// Whether rows may lack a value, or have NaN: they come last in both directions.
    fn has_rank(&self) -> bool {
        false
    }

    /// Appends the rank: 0 a value, 1 NaN, 2 no value.
    fn push_rank<'a>(&'a self, sql: &mut Sql<'a>, _at: usize) {
        sql.push("0");
    }

    /// Appends the value.
    fn push_value<'a>(&'a self, sql: &mut Sql<'a>, at: usize);

    /// The type of the value.
    fn kind(&self) -> Kind;
}

/// One sort term: the rank of a key, or its value.
struct Term<'o, F> {
    at: usize,
    key: &'o OrderKey<F>,
    rank: bool,
}

impl<'o, F: SortField> Term<'o, F> {
    fn push<'a>(&self, sql: &mut Sql<'a>)
    where
        'o: 'a,
    {
        if self.rank {
            self.key.field.push_rank(sql, self.at);
        } else {
            self.key.field.push_value(sql, self.at);
        }
    }

    const fn ascending(&self) -> bool {
        self.rank || self.key.ascending
    }
}

/// Appends ` ORDER BY …` without the terms that the query has made constant.
pub(crate) fn push_order_by<'a, F: SortField>(
    sql: &mut Sql<'a>,
    order: &'a [OrderKey<F>],
    skip: Skip,
) {
    let mut first = true;
    for (at, key) in order.iter().enumerate() {
        for rank in [true, false] {
            if (rank && !key.field.has_rank()) || skip.skips(at, rank) {
                continue;
            }
            sql.push(if first { " ORDER BY " } else { ", " });
            first = false;
            let term = Term { at, key, rank };
            term.push(sql);
            if !term.ascending() {
                sql.push(" DESC");
            }
        }
    }
}

/// What a query has made constant in the first key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skip {
    /// Nothing.
    None,
    /// Its rank: all rows have a value.
    FirstRank,
    /// All of it: no row has a value.
    FirstKey,
}

impl Skip {
    const fn skips(self, at: usize, rank: bool) -> bool {
        match self {
            Self::None => false,
            Self::FirstRank => at == 0 && rank,
            Self::FirstKey => at == 0,
        }
    }
}

/// Refuses a cursor that cannot be a place in a list of this ordering: a token is not signed, and what was made
/// up must not reach the database.
pub(crate) fn check<F: SortField>(
    order: &[OrderKey<F>],
    cursor: Option<&Cursor>,
) -> crate::Result<()> {
    let Some(cursor) = cursor else { return Ok(()) };
    let fits = |(key, value): (&OrderKey<F>, &KeyValue)| match (value, key.field.kind()) {
        (KeyValue::Null, _) => key.field.has_rank(),
        (KeyValue::Integer(_), Kind::Int)
        | (KeyValue::Float(_), Kind::Real)
        | (KeyValue::Text(_), Kind::Text) => true,
        _ => false,
    };
    if cursor.len() == order.len() && order.iter().zip(cursor).all(fits) {
        return Ok(());
    }
    Err(crate::Error::invalid(
        "Invalid page token. Use the next_page_token of the previous answer as it is, or leave it out to \
         start from the first page.",
    ))
}

/// Appends the condition that a row comes after the cursor.
pub(crate) fn push_after<'a, F: SortField>(
    sql: &mut Sql<'a>,
    order: &'a [OrderKey<F>],
    cursor: &'a [KeyValue],
    skip: Skip,
) {
    let mut terms: Vec<(Term<'a, F>, Param<'a>)> = Vec::with_capacity(order.len() * 2);
    for (at, (key, value)) in order.iter().zip(cursor).enumerate() {
        let rank = rank_of(value);
        if key.field.has_rank() && !skip.skips(at, true) {
            terms.push((Term { at, key, rank: true }, Param::Int(rank)));
        }
        // Among rows without a value (or with NaN) the value decides nothing.
        if rank == 0 && !skip.skips(at, false) {
            terms.push((Term { at, key, rank: false }, param(value)));
        }
    }
    sql.push("(");
    if let [(first, value), _, ..] = terms.as_slice() {
        // Said once more in the form in which an index can be entered at the place, not read up to it.
        first.push(sql);
        sql.push(if first.ascending() { " >= " } else { " <= " }).bind(*value).push(" AND (");
    }
    for last in 0..terms.len() {
        if last > 0 {
            sql.push(" OR ");
        }
        for (index, (term, value)) in terms[..=last].iter().enumerate() {
            if index > 0 {
                sql.push(" AND ");
            }
            term.push(sql);
            let word = match (index == last, term.ascending()) {
                (false, _) => " = ",
                (true, true) => " > ",
                (true, false) => " < ",
            };
            sql.push(word).bind(*value);
        }
    }
    sql.push(match terms.len() {
        0 => "1 = 0)",
        1 => ")",
        _ => "))",
    });
}

fn param(value: &KeyValue) -> Param<'_> {
    match value {
        KeyValue::Null => Param::Null,
        KeyValue::Integer(value) => Param::Int(*value),
        KeyValue::Float(value) => Param::Real(*value),
        KeyValue::Text(value) => Param::Text(value),
    }
}

/// The rank of a cursor's value.
pub(crate) fn rank_of(value: &KeyValue) -> i64 {
    match value {
        KeyValue::Null => 2,
        KeyValue::Float(value) if value.is_nan() => 1,
        _ => 0,
    }
}

/// Appends `, rank, value` of every key, which [`read_cursor`] reads.
pub(crate) fn push_cursor_columns<'a, F: SortField>(sql: &mut Sql<'a>, order: &'a [OrderKey<F>]) {
    for (at, key) in order.iter().enumerate() {
        sql.push(", ");
        if key.field.has_rank() {
            key.field.push_rank(sql, at);
        } else {
            sql.push("0");
        }
        sql.push(", ");
        key.field.push_value(sql, at);
    }
}

/// Reads what [`push_cursor_columns`] selected, from column `first` on.
pub(crate) fn read_cursor<F: SortField>(
    row: &Row<'_>,
    first: usize,
    order: &[OrderKey<F>],
) -> Result<Cursor> {
    let value = |(at, key): (usize, &OrderKey<F>)| {
        let column = first + 2 * at;
        Ok(match (row.int(column)?, key.field.kind()) {
            (2, _) => KeyValue::Null,
            (1, _) => KeyValue::Float(f64::NAN),
            (_, Kind::Int) => KeyValue::Integer(row.int(column + 1)?),
            (_, Kind::Real) => KeyValue::Float(row.real(column + 1)?),
            (_, Kind::Text) => KeyValue::Text(row.string(column + 1)?),
        })
    };
    order.iter().enumerate().map(value).collect()
}

/// Compares two places as the database does.
pub(crate) fn compare<F>(a: &Cursor, b: &Cursor, order: &[OrderKey<F>]) -> Ordering {
    for ((a, b), key) in a.iter().zip(b).zip(order) {
        let by_rank = rank_of(a).cmp(&rank_of(b));
        let by_value = match (a, b) {
            (KeyValue::Integer(a), KeyValue::Integer(b)) => a.cmp(b),
            (KeyValue::Float(a), KeyValue::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (KeyValue::Text(a), KeyValue::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        };
        let by_value = if key.ascending { by_value } else { by_value.reverse() };
        match by_rank.then(by_value) {
            Ordering::Equal => {}
            decided => return decided,
        }
    }
    Ordering::Equal
}
