//! The fields of a run, in filters and orderings.

use modelyard_database::{Engine, Kind, Sql};
use modelyard_protocol::search::{
    DatasetField, NumberTest, RunNumber, RunOrderField, RunText, TextTest,
};

use crate::search::order::SortField;
use crate::search::{Fields, nan_passes, push_comparison, push_integer, push_name, push_text};

/// Tests of a run `r`.
///
/// Tests of params, tags and metrics are scalar subqueries, not `EXISTS`: SQLite would turn the latter into
/// joins and leave the order in which the page is to be found.
pub(super) struct RunFields(pub(super) Engine);

const STATUS: &str = "CASE r.status WHEN 1 THEN 'RUNNING' WHEN 2 THEN 'SCHEDULED' WHEN 3 THEN \
                      'FINISHED' WHEN 4 THEN 'FAILED' ELSE 'KILLED' END";

impl<'a> Fields<'a, RunNumber, RunText> for RunFields {
    fn number(&self, sql: &mut Sql<'a>, field: &'a RunNumber, test: &'a NumberTest) {
        match field {
            RunNumber::StartTime => push_integer(sql, "r.start_ms", test),
            RunNumber::EndTime => push_integer(sql, "r.end_ms", test),
            RunNumber::Metric(key) => push_metric(sql, key, test),
        }
    }

    fn text(&self, sql: &mut Sql<'a>, field: &'a RunText, test: &'a TextTest) {
        match field {
            RunText::Param(key) => {
                self.push_pair(sql, "FROM param x WHERE x.run = r.id", key, test)
            }
            RunText::Tag(key) => {
                self.push_pair(sql, "FROM run_tag x WHERE x.run = r.id", key, test)
            }
            RunText::RunId => push_text(sql, self.0, "r.uuid", test),
            RunText::RunName => push_text(sql, self.0, "r.name", test),
            RunText::UserId => push_text(sql, self.0, "r.user_id", test),
            RunText::Status => push_text(sql, self.0, STATUS, test),
            RunText::ArtifactUri => push_text(sql, self.0, "r.artifact_uri", test),
            RunText::Dataset(field) => self.push_dataset(sql, *field, test),
        }
    }
}

impl RunFields {
    /// A test of the value of one key; false when the run does not have the key.
    fn push_pair<'a>(
        &self,
        sql: &mut Sql<'a>,
        from: &'static str,
        key: &'a str,
        test: &'a TextTest,
    ) {
        if let TextTest::IsNull { negated } = test {
            sql.push("((SELECT 1 ").push(from).push(" AND x.key = ").bind(key);
            sql.push(if *negated { ") IS NOT NULL)" } else { ") IS NULL)" });
            return;
        }
        sql.push("coalesce((SELECT ");
        push_text(sql, self.0, "x.value", test);
        sql.push(" ").push(from).push(" AND x.key = ").bind(key).push("), FALSE)");
    }

    /// Whether one of the run's datasets passes.
    fn push_dataset<'a>(&self, sql: &mut Sql<'a>, field: DatasetField, test: &'a TextTest) {
        let (from, column) = match field {
            DatasetField::Name => (DATASETS, "d.name"),
            DatasetField::Digest => (DATASETS, "d.digest"),
            DatasetField::Context => (CONTEXTS, "t.value"),
        };
        if let TextTest::IsNull { negated } = test {
            sql.push(if *negated { "EXISTS (SELECT 1 " } else { "NOT EXISTS (SELECT 1 " });
            sql.push(from).push(" LIMIT 1)");
            return;
        }
        sql.push("EXISTS (SELECT 1 ").push(from).push(" AND ");
        push_text(sql, self.0, column, test);
        sql.push(" LIMIT 1)");
    }
}

const DATASETS: &str = "FROM run_dataset i JOIN dataset d ON d.id = i.dataset WHERE i.run = r.id";
const CONTEXTS: &str = "FROM run_dataset i JOIN run_dataset_tag t ON t.input = i.id \
                        WHERE i.run = r.id AND t.key = 'mlflow.data.context'";

fn push_metric<'a>(sql: &mut Sql<'a>, key: &'a str, test: &'a NumberTest) {
    if let NumberTest::IsNull { negated } = test {
        sql.push("((SELECT 1 ");
        push_latest(sql, key);
        sql.push(if *negated { ") IS NOT NULL)" } else { ") IS NULL)" });
        return;
    }
    sql.push("coalesce((SELECT ");
    if nan_passes(test) {
        sql.push("x.nan = 1 OR x.value");
    } else {
        sql.push("x.nan = 0 AND x.value");
    }
    push_comparison(sql, test);
    sql.push(" ");
    push_latest(sql, key);
    sql.push("), FALSE)");
}

fn push_latest<'a>(sql: &mut Sql<'a>, key: &'a str) {
    sql.push("FROM metric x WHERE x.run = r.id AND x.name = ");
    push_name(sql, key);
}

impl SortField for RunOrderField {
    fn push_join<'a>(&'a self, sql: &mut Sql<'a>, at: usize) {
        let (table, key) = match self {
            Self::Metric(key) => ("metric", key),
            Self::Param(key) => ("param", key),
            Self::Tag(key) => ("run_tag", key),
            _ => return,
        };
        sql.push(" LEFT JOIN ").push(table).push(" s").push_number(at);
        sql.push(" ON s").push_number(at).push(".run = r.id AND s").push_number(at);
        if matches!(self, Self::Metric(_)) {
            sql.push(".name = ");
            push_name(sql, key);
        } else {
            sql.push(".key = ").bind(key);
        }
    }

    fn has_rank(&self) -> bool {
        matches!(self, Self::Metric(_) | Self::Param(_) | Self::Tag(_) | Self::EndTime)
    }

    fn push_rank<'a>(&'a self, sql: &mut Sql<'a>, at: usize) {
        match self {
            Self::EndTime => {
                sql.push("CASE WHEN r.end_ms IS NULL THEN 2 ELSE 0 END");
            }
            Self::Metric(_) => {
                sql.push("CASE WHEN s").push_number(at).push(".run IS NULL THEN 2 ELSE s");
                sql.push_number(at).push(".nan END");
            }
            _ => {
                sql.push("CASE WHEN s").push_number(at).push(".run IS NULL THEN 2 ELSE 0 END");
            }
        }
    }

    fn push_value<'a>(&'a self, sql: &mut Sql<'a>, at: usize) {
        match self {
            Self::Metric(_) | Self::Param(_) | Self::Tag(_) => {
                sql.push("s").push_number(at).push(".value")
            }
            Self::StartTime => sql.push("r.start_ms"),
            Self::EndTime => sql.push("r.end_ms"),
            Self::RunId => sql.push("r.uuid"),
            Self::RunName => sql.push("r.name"),
            Self::UserId => sql.push("r.user_id"),
            Self::Status => sql.push(STATUS),
            Self::ArtifactUri => sql.push("r.artifact_uri"),
        };
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Metric(_) => Kind::Real,
            Self::StartTime | Self::EndTime => Kind::Int,
            _ => Kind::Text,
        }
    }
}
