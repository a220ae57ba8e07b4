//! Rare values: conditions that few runs fulfil, found by their own index.

use modelyard_database::{Conn, Sql};
use modelyard_protocol::search::{
    CompareOp, Expr, NumberTest, RunFilter, RunNumber, RunText, TextTest,
};

use crate::Result;
use crate::search::{push_comparison, push_name};

/// Up to so many rows, starting from the value is surely cheaper than walking the runs in order.
const RARE: i64 = 500;

/// How many characters of a value its index holds; see the schema.
const INDEXED_CHARS: usize = 64;

/// A condition of the filter that an index can find.
pub(super) enum Driver<'a> {
    /// A param's or tag's value.
    Pair { table: &'static str, key: &'a str, value: &'a str },
    /// A metric's value in one experiment.
    Metric { experiment: i64, key: &'a str, test: &'a NumberTest },
}

impl<'a> Driver<'a> {
    /// The condition that the fewest rows fulfil, if those are few. All of a conjunction must hold, so
    /// any of its parts will do.
    pub(super) async fn choose(
        conn: &mut Conn,
        filter: Option<&'a RunFilter>,
        experiments: &[i64],
    ) -> Result<Option<Self>> {
        let mut best: Option<(i64, Self)> = None;
        for candidate in candidates(filter, experiments) {
            let most = best.as_ref().map_or(RARE, |(rows, _)| *rows);
            let rows = candidate.count(conn, most).await?;
            if rows <= RARE && best.as_ref().is_none_or(|(least, _)| rows < *least) {
                best = Some((rows, candidate));
            }
        }
        Ok(best.map(|(_, driver)| driver))
    }

    /// How many rows fulfil the condition; counts no further than one beyond `most`.
    async fn count(&self, conn: &mut Conn, most: i64) -> Result<i64> {
        let mut sql = Sql::new("SELECT count(*) FROM (SELECT 1 FROM ");
        self.push_table(&mut sql);
        sql.push(" WHERE ");
        self.push_condition(&mut sql);
        sql.push(" LIMIT ").bind(most + 1).push(") found");
        Ok(conn.query_one(sql.text(), sql.params(), |row| row.int(0)).await?)
    }

    /// Appends the table with its alias `d`, which has a column `run`.
    pub(super) fn push_table(&self, sql: &mut Sql<'_>) {
        sql.push(match self {
            Self::Pair { table, .. } => table,
            Self::Metric { .. } => "metric d",
        });
    }

    /// Appends the condition on `d`.
    pub(super) fn push_condition(&self, sql: &mut Sql<'a>) {
        match *self {
            Self::Pair { key, value, .. } => {
                let end = value.char_indices().nth(INDEXED_CHARS).map_or(value.len(), |(at, _)| at);
                sql.push("d.key = ").bind(key);
                sql.push(" AND substr(d.value, 1, 64) = ").bind(&value[..end]);
                sql.push(" AND d.value = ").bind(value);
            }
            Self::Metric { experiment, key, test } => {
                sql.push("d.experiment = ").bind(experiment).push(" AND d.name = ");
                push_name(sql, key);
                sql.push(" AND d.nan = 0 AND d.value");
                push_comparison(sql, test);
            }
        }
    }
}

fn candidates<'a>(filter: Option<&'a RunFilter>, experiments: &[i64]) -> Vec<Driver<'a>> {
    let parts = match filter {
        None => return Vec::new(),
        Some(Expr::And(parts)) => parts.as_slice(),
        Some(single) => std::slice::from_ref(single),
    };
    parts.iter().filter_map(|part| candidate(part, experiments)).collect()
}

fn candidate<'a>(part: &'a RunFilter, experiments: &[i64]) -> Option<Driver<'a>> {
    match part {
        Expr::Text(RunText::Param(key), TextTest::Equal { value, negated: false }) => {
            Some(Driver::Pair { table: "param d", key, value })
        }
        Expr::Text(RunText::Tag(key), TextTest::Equal { value, negated: false }) => {
            Some(Driver::Pair { table: "run_tag d", key, value })
        }
        Expr::Number(RunNumber::Metric(key), test) if is_range(test) => match experiments {
            [experiment] => Some(Driver::Metric { experiment: *experiment, key, test }),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a test is one range of an index.
fn is_range(test: &NumberTest) -> bool {
    match test {
        NumberTest::Compare(op, _) => *op != CompareOp::NotEqual,
        NumberTest::Between { negated, .. } => !negated,
        _ => false,
    }
}
