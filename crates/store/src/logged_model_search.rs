//! Searching logged models.

use modelyard_database::{Conn, Engine, Kind, Row, Sql};
use modelyard_protocol::search::{
    LoggedModelFilter, LoggedModelNumber, LoggedModelOrder, LoggedModelOrderField, LoggedModelText,
    NumberTest, TextTest,
};

use crate::logged_models::{self, LoggedModel};
use crate::rows::{Cursor, Page, one_more};
use crate::search::order::{self, Skip, SortField};
use crate::search::{
    Fields, nan_passes, push_comparison, push_filter, push_integer, push_name, push_pair, push_text,
};
use crate::{Result, Store};

/// Which logged models in use to list, and in which order.
#[derive(Debug, Clone)]
pub struct LoggedModelQuery {
    /// The experiments; none finds nothing.
    pub experiments: Vec<i64>,
    /// The filter.
    pub filter: Option<LoggedModelFilter>,
    /// Only models measured on one of these datasets are found, and metrics in the filter count only
    /// if measured on one of them; none means on any, or on no dataset.
    pub datasets: Vec<DatasetFilter>,
    /// The ordering, which ends with the model id.
    pub order: LoggedModelOrder,
    /// How many models a page has at most.
    pub limit: usize,
    /// The last row of the previous page.
    pub after: Option<Cursor>,
}

/// A dataset by name, or by name and digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetFilter {
    /// The name.
    pub name: String,
    /// The digest; any if absent.
    pub digest: Option<String>,
}

impl Store {
    /// A page of the logged models that a query finds, with all of their data.
    pub async fn search_logged_models(&self, query: LoggedModelQuery) -> Result<Page<LoggedModel>> {
        order::check(&query.order, query.after.as_ref())?;
        let experiments = crate::search::experiments(query.experiments)?;
        let query = LoggedModelQuery { experiments, ..query };
        self.db.read(query, |conn, query| Box::pin(search(conn, query))).await
    }
}

async fn search(conn: &mut Conn, query: &LoggedModelQuery) -> Result<Page<LoggedModel>> {
    if query.experiments.is_empty() {
        return Ok(Page { rows: Vec::new(), next: None });
    }
    let mut sql = Sql::new(
        "SELECT r.id, r.uuid, r.experiment, r.name, r.artifact_uri, r.created_ms, r.updated_ms, \
         r.status, r.lifecycle, r.model_type, r.source_run",
    );
    order::push_cursor_columns(&mut sql, &query.order);
    sql.push(" FROM logged_model r");
    for (at, key) in query.order.iter().enumerate() {
        key.field.push_join(&mut sql, at);
    }
    // MLflow finds the models of a deleted experiment too.
    sql.push(" WHERE r.lifecycle = 1 AND r.experiment IN (");
    sql.bind_all(query.experiments.iter().copied()).push(")");
    if !query.datasets.is_empty() {
        sql.push(" AND EXISTS (SELECT 1 FROM logged_model_metric x WHERE x.model = r.id");
        push_datasets(&mut sql, &query.datasets);
        sql.push(")");
    }
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        let fields = ModelFields { engine: conn.engine(), datasets: &query.datasets };
        push_filter(&mut sql, filter, &fields);
    }
    if let Some(after) = &query.after {
        sql.push(" AND ");
        order::push_after(&mut sql, &query.order, after, Skip::None);
    }
    order::push_order_by(&mut sql, &query.order, Skip::None);
    sql.push(" LIMIT ").bind(one_more(query.limit));
    let read =
        |row: &Row<'_>| Ok((logged_models::read(row)?, order::read_cursor(row, 11, &query.order)?));
    let mut page = Page::cut(conn.query(sql.text(), sql.params(), read).await?, query.limit);
    logged_models::load(conn, &mut page.rows).await?;
    Ok(page)
}

/// Tests of a logged model `r`.
struct ModelFields<'a> {
    engine: Engine,
    datasets: &'a [DatasetFilter],
}

const STATUS: &str = "CASE r.status WHEN 0 THEN 'UNSPECIFIED' WHEN 1 THEN 'PENDING' WHEN 2 THEN \
                      'READY' ELSE 'FAILED' END";

impl<'a> Fields<'a, LoggedModelNumber, LoggedModelText> for ModelFields<'a> {
    fn number(&self, sql: &mut Sql<'a>, field: &'a LoggedModelNumber, test: &'a NumberTest) {
        match field {
            LoggedModelNumber::CreationTimestamp => push_integer(sql, "r.created_ms", test),
            LoggedModelNumber::LastUpdatedTimestamp => push_integer(sql, "r.updated_ms", test),
            LoggedModelNumber::ExperimentId => push_integer(sql, "r.experiment", test),
            LoggedModelNumber::Metric(key) => self.push_metric(sql, key, test),
        }
    }

    fn text(&self, sql: &mut Sql<'a>, field: &'a LoggedModelText, test: &'a TextTest) {
        match field {
            LoggedModelText::Param(key) => {
                let of = "FROM logged_model_param t WHERE t.model = r.id AND t.key = ";
                push_pair(sql, self.engine, of, key, test);
            }
            LoggedModelText::Tag(key) => {
                let of = "FROM logged_model_tag t WHERE t.model = r.id AND t.key = ";
                push_pair(sql, self.engine, of, key, test);
            }
            LoggedModelText::Name => push_text(sql, self.engine, "r.name", test),
            LoggedModelText::ModelId => push_text(sql, self.engine, "r.uuid", test),
            LoggedModelText::ModelType => push_text(sql, self.engine, "r.model_type", test),
            LoggedModelText::Status => push_text(sql, self.engine, STATUS, test),
            LoggedModelText::SourceRunId => push_text(sql, self.engine, "r.source_run", test),
        }
    }
}

impl<'a> ModelFields<'a> {
    /// Whether any logged point passes: MLflow's rule for models, unlike that for runs.
    fn push_metric(&self, sql: &mut Sql<'a>, key: &'a str, test: &'a NumberTest) {
        let absent = matches!(test, NumberTest::IsNull { negated: false });
        sql.push(if absent { "NOT EXISTS (" } else { "EXISTS (" });
        sql.push("SELECT 1 FROM logged_model_metric x WHERE x.model = r.id AND x.name = ");
        push_name(sql, key);
        push_datasets(sql, self.datasets);
        if !matches!(test, NumberTest::IsNull { .. }) {
            let passes = nan_passes(test);
            sql.push(if passes {
                " AND (x.nan = 1 OR x.value"
            } else {
                " AND (x.nan = 0 AND x.value"
            });
            push_comparison(sql, test);
            sql.push(")");
        }
        sql.push(" LIMIT 1)");
    }
}

/// Appends that `x` was measured on one of the datasets, if any are given.
fn push_datasets<'a>(sql: &mut Sql<'a>, datasets: &'a [DatasetFilter]) {
    for (index, dataset) in datasets.iter().enumerate() {
        sql.push(if index > 0 { " OR (" } else { " AND ((" });
        push_dataset(sql, Some(&dataset.name), dataset.digest.as_deref());
        sql.push("1 = 1)");
    }
    if !datasets.is_empty() {
        sql.push(")");
    }
}

/// Appends the conditions of a dataset on `x`, each followed by `AND`.
fn push_dataset<'a>(sql: &mut Sql<'a>, name: Option<&'a str>, digest: Option<&'a str>) {
    if let Some(name) = name {
        sql.push("x.dataset_name = ").bind(name).push(" AND ");
    }
    if let Some(digest) = digest {
        sql.push("x.dataset_digest = ").bind(digest).push(" AND ");
    }
}

impl SortField for LoggedModelOrderField {
    /// Joins the newest point of a metric: by time, then step, then smallest run id, then value.
    fn push_join<'a>(&'a self, sql: &mut Sql<'a>, at: usize) {
        let Self::Metric { key, dataset_name, dataset_digest } = self else { return };
        sql.push(
            " LEFT JOIN (SELECT x.model, x.value, x.nan, row_number() OVER (PARTITION BY x.model ",
        );
        sql.push(
            "ORDER BY x.ms DESC, x.step DESC, x.run, x.value DESC, x.nan DESC) AS place \
             FROM logged_model_metric x WHERE ",
        );
        push_dataset(sql, dataset_name.as_deref(), dataset_digest.as_deref());
        sql.push("x.name = ");
        push_name(sql, key);
        sql.push(") s").push_number(at).push(" ON s").push_number(at).push(".model = r.id AND s");
        sql.push_number(at).push(".place = 1");
    }

    fn has_rank(&self) -> bool {
        matches!(self, Self::Metric { .. })
    }

    fn push_rank<'a>(&'a self, sql: &mut Sql<'a>, at: usize) {
        sql.push("CASE WHEN s").push_number(at).push(".model IS NULL THEN 2 ELSE s");
        sql.push_number(at).push(".nan END");
    }

    fn push_value<'a>(&'a self, sql: &mut Sql<'a>, at: usize) {
        match self {
            Self::Metric { .. } => sql.push("s").push_number(at).push(".value"),
            Self::CreationTimestamp => sql.push("r.created_ms"),
            Self::LastUpdatedTimestamp => sql.push("r.updated_ms"),
            Self::Name => sql.push("r.name"),
            Self::ModelId => sql.push("r.uuid"),
            Self::ModelType => sql.push("r.model_type"),
            Self::Status => sql.push("r.status"),
            Self::SourceRunId => sql.push("r.source_run"),
            Self::ExperimentId => sql.push("r.experiment"),
        };
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Metric { .. } => Kind::Real,
            Self::CreationTimestamp
            | Self::LastUpdatedTimestamp
            | Self::Status
            | Self::ExperimentId => Kind::Int,
            Self::Name | Self::ModelId | Self::ModelType | Self::SourceRunId => Kind::Text,
        }
    }
}
