//! Searching experiments.

use modelyard_database::{Conn, Engine, Kind, Row, Sql};
use modelyard_protocol::search::{
    ExperimentFilter, ExperimentNumber, ExperimentOrder, ExperimentOrderField, ExperimentText,
    NumberTest, TextTest,
};

use crate::experiments::{self, Experiment};
use crate::rows::{Cursor, Page, View, lifecycles, number, one_more};
use crate::search::order::{self, Skip, SortField};
use crate::search::{Fields, push_filter, push_integer, push_pair, push_text};
use crate::{Result, Store};

/// Which experiments to list, and in which order.
#[derive(Debug, Clone)]
pub struct ExperimentQuery {
    /// Experiments in use, deleted ones, or both.
    pub view: View,
    /// The filter.
    pub filter: Option<ExperimentFilter>,
    /// The ordering, which ends with the id.
    pub order: ExperimentOrder,
    /// How many experiments a page has at most.
    pub limit: usize,
    /// The last row of the previous page.
    pub after: Option<Cursor>,
}

impl Store {
    /// A page of the experiments that a query finds.
    pub async fn search_experiments(&self, query: ExperimentQuery) -> Result<Page<Experiment>> {
        order::check(&query.order, query.after.as_ref())?;
        self.db.read(query, |conn, query| Box::pin(search(conn, query))).await
    }
}

async fn search(conn: &mut Conn, query: &ExperimentQuery) -> Result<Page<Experiment>> {
    let mut sql = Sql::new(
        "SELECT e.id, e.name, e.artifact_location, e.lifecycle, e.created_ms, e.updated_ms",
    );
    order::push_cursor_columns(&mut sql, &query.order);
    sql.push(" FROM experiment e WHERE e.lifecycle IN (");
    sql.bind_all(lifecycles(query.view).iter().map(|stage| number(stage.number()))).push(")");
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        push_filter(&mut sql, filter, &ExperimentFields(conn.engine()));
    }
    if let Some(after) = &query.after {
        sql.push(" AND ");
        order::push_after(&mut sql, &query.order, after, Skip::None);
    }
    order::push_order_by(&mut sql, &query.order, Skip::None);
    sql.push(" LIMIT ").bind(one_more(query.limit));
    let read =
        |row: &Row<'_>| Ok((experiments::read(row)?, order::read_cursor(row, 6, &query.order)?));
    let mut page = Page::cut(conn.query(sql.text(), sql.params(), read).await?, query.limit);
    experiments::load(conn, &mut page.rows).await?;
    Ok(page)
}

struct ExperimentFields(Engine);

impl<'a> Fields<'a, ExperimentNumber, ExperimentText> for ExperimentFields {
    fn number(&self, sql: &mut Sql<'a>, field: &'a ExperimentNumber, test: &'a NumberTest) {
        let column = match field {
            ExperimentNumber::Id => "e.id",
            ExperimentNumber::CreationTime => "e.created_ms",
            ExperimentNumber::LastUpdateTime => "e.updated_ms",
        };
        push_integer(sql, column, test);
    }

    fn text(&self, sql: &mut Sql<'a>, field: &'a ExperimentText, test: &'a TextTest) {
        match field {
            ExperimentText::Name => push_text(sql, self.0, "e.name", test),
            ExperimentText::Tag(key) => {
                let of = "FROM experiment_tag t WHERE t.experiment = e.id AND t.key = ";
                push_pair(sql, self.0, of, key, test);
            }
        }
    }
}

impl SortField for ExperimentOrderField {
    fn push_value<'a>(&'a self, sql: &mut Sql<'a>, _: usize) {
        sql.push(match self {
            Self::Name => "e.name",
            Self::Id => "e.id",
            Self::CreationTime => "e.created_ms",
            Self::LastUpdateTime => "e.updated_ms",
        });
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Name => Kind::Text,
            _ => Kind::Int,
        }
    }
}
