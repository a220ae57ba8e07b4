//! Choosing the queries of a search and putting their results together.

use modelyard_database::{Conn, Engine, Row, Sql};
use modelyard_protocol::search::RunOrderField;

use super::driver::Driver;
use super::fields::RunFields;
use super::{Hit, RunQuery, SearchPlan};
use crate::Result;
use crate::rows::{Lifecycle, lifecycles, number};
use crate::search::order::{self, Skip, SortField};
use crate::search::{push_filter, push_name};

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

impl Start<'_> {
    /// The rank of the first key in all of the runs that are found from here, if it is the same.
    const fn rank(self) -> Option<i64> {
        match self {
            Self::Runs | Self::Driver(_) => None,
            Self::Values(..) => Some(0),
            Self::NotNumbers(..) => Some(1),
            Self::Without => Some(2),
        }
    }
}

/// How the runs of a search are found.
enum Path<'a> {
    /// From a rare value, sorted.
    Rare(Driver<'a>),
    /// All together, sorted.
    Together,
    /// Experiment by experiment and lifecycle by lifecycle, each in the order of an index.
    Parts,
}

impl<'a> Path<'a> {
    async fn choose(conn: &mut Conn, query: &'a RunQuery) -> Result<Self> {
        let experiments = query.experiments.as_slice();
        if let Some(driver) = Driver::choose(conn, query.filter.as_ref(), experiments).await? {
            return Ok(Self::Rare(driver));
        }
        Ok(if experiments.len() * lifecycles(query.view).len() > MAX_PARTS {
            Self::Together
        } else {
            Self::Parts
        })
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Rare(_) => "rare",
            Self::Together => "together",
            Self::Parts => "parts",
        }
    }

    /// The lists that this path reads, and where each starts: segments of the same list are in order and
    /// do not overlap.
    fn lists(&'a self, query: &'a RunQuery) -> Vec<(Scope<'a>, Vec<Start<'a>>)> {
        match self {
            Self::Rare(driver) => vec![(Scope::All(query), vec![Start::Driver(driver)])],
            Self::Together => vec![(Scope::All(query), vec![Start::Runs])],
            Self::Parts => query
                .experiments
                .iter()
                .flat_map(|&experiment| {
                    let starts = segments(query, experiment);
                    lifecycles(query.view)
                        .iter()
                        .map(move |&stage| (Scope::Part(experiment, stage), starts.clone()))
                })
                .collect(),
        }
    }
}

/// Where the walk of one experiment starts, and where it goes on: in the order of a metric the runs with a
/// value come first, then those with NaN, then those without, whatever the direction.
fn segments(query: &RunQuery, experiment: i64) -> Vec<Start<'_>> {
    match query.order.first().map(|key| &key.field) {
        Some(RunOrderField::Metric(key)) => {
            vec![Start::Values(experiment, key), Start::NotNumbers(experiment, key), Start::Without]
        }
        _ => vec![Start::Runs],
    }
}

/// Finds the runs of a page in order, and one more if there are more.
pub(super) async fn find(conn: &mut Conn, query: &RunQuery) -> Result<Vec<Hit>> {
    if query.experiments.is_empty() || query.limit == 0 {
        return Ok(Vec::new());
    }
    let limit = query.limit.saturating_add(1);
    let path = Path::choose(conn, query).await?;
    let lists = path.lists(query);
    let mut hits = Vec::new();
    for (scope, starts) in &lists {
        hits.extend(find_in_list(conn, query, *scope, starts, limit).await?);
    }
    if lists.len() > 1 {
        hits.sort_by(|(_, a): &Hit, (_, b)| order::compare(a, b, &query.order));
        hits.truncate(limit);
    }
    Ok(hits)
}

async fn find_in_list(
    conn: &mut Conn,
    query: &RunQuery,
    scope: Scope<'_>,
    starts: &[Start<'_>],
    limit: usize,
) -> Result<Vec<Hit>> {
    let reached = query.after.as_ref().and_then(|cursor| cursor.first()).map_or(0, order::rank_of);
    let mut hits = Vec::new();
    for &start in starts {
        if start.rank().is_none_or(|rank| rank >= reached) && hits.len() < limit {
            let sql = statement(conn.engine(), query, scope, start, limit - hits.len());
            let read = |row: &Row<'_>| Ok((row.int(0)?, order::read_cursor(row, 1, &query.order)?));
            hits.extend(conn.query(sql.text(), sql.params(), read).await?);
        }
    }
    Ok(hits)
}

/// The name of the path that a search takes, and the engine's plan of each of its statements.
pub(super) async fn explain(conn: &mut Conn, query: &RunQuery) -> Result<SearchPlan> {
    let path = Path::choose(conn, query).await?;
    let mut statements = Vec::new();
    for (scope, starts) in path.lists(query) {
        for start in starts {
            let sql = statement(conn.engine(), query, scope, start, query.limit);
            statements.push(conn.explain(sql.text(), sql.params()).await?);
        }
    }
    Ok(SearchPlan { path: path.name(), statements })
}

fn statement<'a>(
    engine: Engine,
    query: &'a RunQuery,
    scope: Scope<'a>,
    start: Start<'a>,
    limit: usize,
) -> Sql<'a> {
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
        push_filter(&mut sql, filter, &RunFields(engine));
    }
    if let Some(after) = query.after.as_ref().filter(|after| continues(after, start)) {
        sql.push(" AND ");
        order::push_after(&mut sql, &query.order, after, skip);
    }
    order::push_order_by(&mut sql, &query.order, skip);
    sql.push(" LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql
}

/// Whether the cursor lies within what this query finds, not before it.
fn continues(after: &[modelyard_protocol::page_token::KeyValue], start: Start<'_>) -> bool {
    start.rank().is_none_or(|rank| after.first().map_or(0, order::rank_of) == rank)
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

fn push_scope<'a>(sql: &mut Sql<'a>, scope: Scope<'a>) {
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
