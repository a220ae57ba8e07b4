//! From the search language to SQL. No text of a user becomes SQL: fields choose among fixed fragments,
//! and every literal is bound.

pub(crate) mod order;

use modelyard_database::{Engine, Param, Sql};
use modelyard_protocol::search::{Expr, Number, NumberTest, TextTest};

use crate::{Error, Result};

/// How many experiments one search may name. Each is a parameter beside those of the filter, and SQLite takes
/// 32,766 of them.
const MAX_EXPERIMENTS: usize = 20_000;

/// The experiments of a search, each once.
///
/// # Errors
/// When there are too many.
pub(crate) fn experiments(mut ids: Vec<i64>) -> Result<Vec<i64>> {
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > MAX_EXPERIMENTS {
        return Err(Error::invalid(format!(
            "The search names {} experiments; the limit is {MAX_EXPERIMENTS}. Split it into several \
             requests.",
            ids.len()
        )));
    }
    Ok(ids)
}

/// Writes the tests of one kind of object.
pub(crate) trait Fields<'a, N, T> {
    /// Appends a condition that is true or false, never NULL.
    fn number(&self, sql: &mut Sql<'a>, field: &'a N, test: &'a NumberTest);

    /// Appends a condition that is true or false, never NULL.
    fn text(&self, sql: &mut Sql<'a>, field: &'a T, test: &'a TextTest);
}

/// Appends a filter as one condition.
pub(crate) fn push_filter<'a, N, T>(
    sql: &mut Sql<'a>,
    expr: &'a Expr<N, T>,
    fields: &impl Fields<'a, N, T>,
) {
    match expr {
        Expr::And(parts) => push_joined(sql, parts, " AND ", fields),
        Expr::Or(parts) => push_joined(sql, parts, " OR ", fields),
        Expr::Not(inner) => {
            sql.push("NOT (");
            push_filter(sql, inner, fields);
            sql.push(")");
        }
        Expr::Number(field, test) => fields.number(sql, field, test),
        Expr::Text(field, test) => fields.text(sql, field, test),
    }
}

fn push_joined<'a, N, T>(
    sql: &mut Sql<'a>,
    parts: &'a [Expr<N, T>],
    word: &'static str,
    fields: &impl Fields<'a, N, T>,
) {
    sql.push("(");
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            sql.push(word);
        }
        push_filter(sql, part, fields);
    }
    sql.push(")");
}

/// Appends a text test of a column that is never NULL.
pub(crate) fn push_text<'a>(
    sql: &mut Sql<'a>,
    engine: Engine,
    column: &'static str,
    test: &'a TextTest,
) {
    match test {
        TextTest::Equal { value, negated } => {
            sql.push(column).push(if *negated { " != " } else { " = " }).bind(value);
        }
        TextTest::Like { pattern, case_insensitive, negated } => {
            let word = if *negated { " NOT LIKE " } else { " LIKE " };
            if *case_insensitive {
                sql.push("lower(").push(column).push(")").push(word);
                sql.push("lower(").bind(pattern).push(engine.plain_text()).push(")");
            } else {
                sql.push(column).push(word).bind(pattern);
            }
            sql.push(engine.like_suffix());
        }
        TextTest::In { values, negated } => {
            sql.push(column).push(if *negated { " NOT IN (" } else { " IN (" });
            sql.bind_all(values).push(")");
        }
        TextTest::IsNull { negated } => {
            sql.push(if *negated { "(1 = 1)" } else { "(1 = 0)" });
        }
    }
}

/// Appends a text test of the value that an object has for a key. `of` selects its pairs `t` and ends with
/// `t.key = `.
pub(crate) fn push_pair<'a>(
    sql: &mut Sql<'a>,
    engine: Engine,
    of: &'static str,
    key: &'a str,
    test: &'a TextTest,
) {
    if let TextTest::IsNull { negated } = test {
        sql.push("((SELECT 1 ").push(of);
        sql.bind(key).push(if *negated { ") IS NOT NULL)" } else { ") IS NULL)" });
        return;
    }
    sql.push("coalesce((SELECT ");
    push_text(sql, engine, "t.value", test);
    sql.push(" ").push(of).bind(key).push("), FALSE)");
}

/// Appends a test of a whole-number column, which may be NULL.
pub(crate) fn push_integer<'a>(sql: &mut Sql<'a>, column: &'static str, test: &'a NumberTest) {
    if let NumberTest::IsNull { negated } = test {
        sql.push("(").push(column).push(if *negated { " IS NOT NULL)" } else { " IS NULL)" });
        return;
    }
    sql.push("coalesce(");
    if literals(test).iter().all(|number| matches!(number, Number::Integer(_))) {
        sql.push(column);
    } else {
        // PostgreSQL compares like with like; a fraction makes the comparison one of doubles.
        sql.push("CAST(").push(column).push(" AS DOUBLE PRECISION)");
    }
    push_comparison(sql, test);
    sql.push(", FALSE)");
}

/// Appends operator and literals of a number test (not `IS NULL`) behind an operand.
pub(crate) fn push_comparison<'a>(sql: &mut Sql<'a>, test: &'a NumberTest) {
    let whole = literals(test).iter().all(|number| matches!(number, Number::Integer(_)));
    let param = |number: &Number| -> Param<'a> {
        match *number {
            Number::Integer(value) if whole => Param::Int(value),
            #[expect(clippy::cast_precision_loss, reason = "compared with a double beside it")]
            Number::Integer(value) => Param::Real(value as f64),
            Number::Float(value) => Param::Real(value),
        }
    };
    match test {
        NumberTest::Compare(op, number) => {
            sql.push(" ").push(op.symbol()).push(" ").bind(param(number));
        }
        NumberTest::In { values, negated } => {
            sql.push(if *negated { " NOT IN (" } else { " IN (" });
            sql.bind_all(values.iter().map(param)).push(")");
        }
        NumberTest::Between { low, high, negated } => {
            sql.push(if *negated { " NOT BETWEEN " } else { " BETWEEN " });
            sql.bind(param(low)).push(" AND ").bind(param(high));
        }
        NumberTest::IsNull { .. } => {}
    }
}

/// Appends the number of a metric's name; NULL, which equals nothing, when no run ever had it.
pub(crate) fn push_name<'a>(sql: &mut Sql<'a>, key: &'a str) {
    sql.push("(SELECT id FROM metric_name WHERE name = ").bind(key).push(")");
}

fn literals(test: &NumberTest) -> Vec<Number> {
    match test {
        NumberTest::Compare(_, number) => vec![*number],
        NumberTest::In { values, .. } => values.clone(),
        NumberTest::Between { low, high, .. } => vec![*low, *high],
        NumberTest::IsNull { .. } => Vec::new(),
    }
}

/// Whether a NaN passes a number test: it is unequal to every number.
pub(crate) const fn nan_passes(test: &NumberTest) -> bool {
    use modelyard_protocol::search::CompareOp;
    match test {
        NumberTest::Compare(op, _) => matches!(op, CompareOp::NotEqual),
        NumberTest::In { negated, .. } | NumberTest::Between { negated, .. } => *negated,
        NumberTest::IsNull { negated } => *negated,
    }
}
