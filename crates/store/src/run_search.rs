//! Searching runs.
//!
//! A page is found by walking an index in the wanted order and stopping when it is full, so its cost does
//! not grow with the number of runs: by start time for the default order, by value for an order by metric
//! (runs with a value, then NaN, then the others, each its own query). A filter on a rare param, tag or
//! metric value starts from that value's own index instead.

mod driver;
mod fields;
mod plan;

use modelyard_database::Conn;
use modelyard_protocol::search::{RunFilter, RunOrder};

use crate::chunks::Chunk;
use crate::rows::{Cursor, Page, View};
use crate::run_data::{self, Run};
use crate::search::order;
use crate::{Result, Store, runs};

/// Which runs to list, and in which order.
#[derive(Debug, Clone)]
pub struct RunQuery {
    /// The experiments; none finds nothing.
    pub experiments: Vec<i64>,
    /// Runs in use, deleted ones, or both.
    pub view: View,
    /// The filter.
    pub filter: Option<RunFilter>,
    /// The ordering, which ends with the run id.
    pub order: RunOrder,
    /// How many runs a page has at most.
    pub limit: usize,
    /// The last row of the previous page.
    pub after: Option<Cursor>,
}

impl RunQuery {
    /// The query with each experiment once.
    fn checked(self) -> Result<Self> {
        order::check(&self.order, self.after.as_ref())?;
        Ok(Self { experiments: crate::search::experiments(self.experiments)?, ..self })
    }
}

impl Store {
    /// A page of the runs that a query finds, with all of their data.
    pub async fn search_runs(&self, query: RunQuery) -> Result<Page<Run>> {
        let query = query.checked()?;
        self.db.read(query, |conn, query| Box::pin(search(conn, query))).await
    }

    /// How the runs of a query are found, as the tests check it.
    #[doc(hidden)]
    pub async fn explain_search(&self, query: RunQuery) -> Result<SearchPlan> {
        let query = query.checked()?;
        self.db.read(query, |conn, query| Box::pin(plan::explain(conn, query))).await
    }
}

/// How the runs of a query are found.
#[doc(hidden)]
#[derive(Debug)]
pub struct SearchPlan {
    /// `rare`, `together` or `parts`.
    pub path: &'static str,
    /// The engine's plan of each statement, line by line.
    pub statements: Vec<Vec<String>>,
}

/// A run that was found, by its internal id, and its place in the list.
pub(crate) type Hit = (i64, Cursor);

async fn search(conn: &mut Conn, query: &RunQuery) -> Result<Page<Run>> {
    let Page { rows, next } = Page::cut(plan::find(conn, query).await?, query.limit);
    let mut found: Vec<(i64, Option<Run>)> = rows.into_iter().map(|id| (id, None)).collect();
    let select = "SELECT id, uuid, experiment, name, user_id, status, start_ms, end_ms, lifecycle, \
                  artifact_uri FROM run WHERE id IN ({ids})";
    let mut rest = found.as_mut_slice();
    while let Some(mut chunk) = Chunk::next(&mut rest, |(id, _)| *id) {
        chunk
            .each(conn, select, |(_, run), row| {
                *run = Some(Run::bare(runs::read(row)?));
                Ok(())
            })
            .await?;
    }
    let mut rows: Vec<_> = found.into_iter().filter_map(|(_, run)| run).collect();
    run_data::load(conn, &mut rows).await?;
    Ok(Page { rows, next })
}
