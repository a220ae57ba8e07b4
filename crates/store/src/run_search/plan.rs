//! Choosing the queries of a search and putting their results together.

use modelyard_database::{Conn, Row, Sql};
use modelyard_protocol::search::RunOrderField;

use super::driver::Driver;
use super::fields::{RunFields, push_name};
use super::{Hit, RunQuery};
use crate::Result;
use crate::rows::{Lifecycle, lifecycles, number};
use crate::search::order::{self, Skip, SortField};
use crate::search::push_filter;

/// Up to so many (experiment, lifecycle) pairs are walked one by one, each in the order of an index. More
/// are read together and sorted.
const MAX_PARTS: usize = 16;

/// Which runs one query looks at.
#[derive(Clone, Copy)]
enum Scope<'a> {
    /// One experiment in one lifecycle: an index holds these in order.
    Part(i64, Lifecycle),
    /// All of the search's experiments and lifecycles.
    All(&'a RunQuery),
}

/// Where a query starts.
#[derive(Clone, Copy)]
enum Start<'a> {
    /// The runs, by start time if that is the order.
    Runs,
    /// The runs that have a value of the metric that comes first in the order, by that value.
    Values(i64, &'a str),
    /// The runs whose value of that metric is NaN.
    NotNumbers(i64, &'a str),
    /// The runs without that metric.
    Without,
    /// A rare value.
    Driver(&'a Driver<'a>),
}

/// Finds the runs of a page in order, and one more if there are more.
pub(super) async fn find(conn: &mut Conn, query: &RunQuery) -> Result<Vec<Hit>> {
    if query.experiments.is_empty() || query.limit == 0 {
        return Ok(Vec::new());
    }
    let mut experiments = query.experiments.clone();
    experiments.sort_unstable();
    experiments.dedup();
    if let Some(driver) = Driver::choose(conn, query.filter.as_ref(), &experiments).await? {
        return run(conn, query, Scope::All(query), Start::Driver(&driver), query.limit + 1).await;
    }
    let lifecycles = lifecycles(query.view);
    if experiments.len() * lifecycles.len() > MAX_PARTS {
        return run(conn, query, Scope::All(query), Start::Runs, query.limit + 1).await;
    }
    let mut hits = Vec::new();
    for &experiment in &experiments {
        for &lifecycle in lifecycles {
            hits.extend(find_part(conn, query, experiment, lifecycle).await?);
        }
    }
    if experiments.len() * lifecycles.len() > 1 {
        hits.sort_by(|a, b| order::compare(&a.cursor, &b.cursor, &query.order));
        hits.truncate(query.limit + 1);
    }
    Ok(hits)
}

async fn find_part(
    conn: &mut Conn,
    query: &RunQuery,
    experiment: i64,
    lifecycle: Lifecycle,
) -> Result<Vec<Hit>> {
    let scope = Scope::Part(experiment, lifecycle);
    let limit = query.limit + 1;
    let Some(RunOrderField::Metric(key)) = query.order.first().map(|key| &key.field) else {
        return run(conn, query, scope, Start::Runs, limit).await;
    };
    // Runs with a value, then those with NaN, then those without, whatever the direction.
    let starts =
        [Start::Values(experiment, key), Start::NotNumbers(experiment, key), Start::Without];
    let reached = query.after.as_ref().and_then(|cursor| cursor.first()).map_or(0, order::rank_of);
    let mut hits = Vec::new();
    for (rank, start) in (0..).zip(starts) {
        if rank >= reached && hits.len() < limit {
            hits.extend(run(conn, query, scope, start, limit - hits.len()).await?);
        }
    }
    Ok(hits)
}

async fn run(
    conn: &mut Conn,
    query: &RunQuery,
    scope: Scope<'_>,
    start: Start<'_>,
    limit: usize,
) -> Result<Vec<Hit>> {
    let skip = match start {
        Start::Runs | Start::Driver(_) => Skip::None,
        Start::Values(..) => Skip::FirstRank,
        Start::NotNumbers(..) | Start::Without => Skip::FirstKey,
    };
    let mut sql = Sql::new("SELECT r.id");
    order::push_cursor_columns(&mut sql, &query.order);
    push_from(&mut sql, query, start);
    push_scope(&mut sql, scope);
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        push_filter(&mut sql, filter, &RunFields(conn.engine()));
    }
    if let Some(after) = query.after.as_ref().filter(|after| continues(after, start)) {
        sql.push(" AND ");
        order::push_after(&mut sql, &query.order, after, skip);
    }
    order::push_order_by(&mut sql, &query.order, skip);
    sql.push(" LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let read = |row: &Row<'_>| {
        Ok(Hit { run: row.int(0)?, cursor: order::read_cursor(row, 1, &query.order)? })
    };
    Ok(conn.query(sql.text(), sql.params(), read).await?)
}

/// Whether the cursor lies within what this query finds, not before it.
fn continues(after: &[modelyard_protocol::page_token::KeyValue], start: Start<'_>) -> bool {
    let reached = after.first().map_or(0, order::rank_of);
    match start {
        Start::Runs | Start::Driver(_) => true,
        Start::Values(..) => reached == 0,
        Start::NotNumbers(..) => reached == 1,
        Start::Without => reached == 2,
    }
}

/// Appends the tables and the conditions that tie them together. `CROSS JOIN` fixes the order in which
/// SQLite reads them.
fn push_from<'a>(sql: &mut Sql<'a>, query: &'a RunQuery, start: Start<'a>) {
    match start {
        Start::Runs | Start::Without => sql.push(" FROM run r"),
        Start::Values(..) | Start::NotNumbers(..) => sql.push(" FROM metric s0 CROSS JOIN run r"),
        Start::Driver(driver) => {
            sql.push(" FROM ");
            driver.push_table(sql);
            sql.push(" CROSS JOIN run r")
        }
    };
    let joined = matches!(start, Start::Values(..) | Start::NotNumbers(..));
    for (at, key) in query.order.iter().enumerate().skip(usize::from(joined)) {
        key.field.push_join(sql, at);
    }
    match start {
        Start::Runs => sql.push(" WHERE "),
        Start::Without => sql.push(" WHERE s0.run IS NULL AND "),
        Start::Values(experiment, key) | Start::NotNumbers(experiment, key) => {
            sql.push(" WHERE r.id = s0.run AND s0.experiment = ").bind(experiment);
            sql.push(" AND s0.name = ");
            push_name(sql, key);
            let values = matches!(start, Start::Values(..));
            sql.push(if values { " AND s0.nan = 0 AND " } else { " AND s0.nan = 1 AND " })
        }
        Start::Driver(driver) => {
            sql.push(" WHERE r.id = d.run AND ");
            driver.push_condition(sql);
            sql.push(" AND ")
        }
    };
}

fn push_scope(sql: &mut Sql<'_>, scope: Scope<'_>) {
    match scope {
        Scope::Part(experiment, lifecycle) => {
            sql.push("r.experiment = ").bind(experiment);
            sql.push(" AND r.lifecycle = ").bind(number(lifecycle.number()));
        }
        Scope::All(query) => {
            sql.push("r.experiment IN (").bind_all(query.experiments.iter().copied());
            sql.push(") AND r.lifecycle IN (");
            let numbers = lifecycles(query.view).iter().map(|stage| number(stage.number()));
            sql.bind_all(numbers).push(")");
        }
    }
}
