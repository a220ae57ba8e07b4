//! Searching registered models and versions.

use modelyard_database::{Conn, Engine, Kind, Row, Sql};
use modelyard_protocol::ModelStage;
use modelyard_protocol::names::PROMPT_TAG;
use modelyard_protocol::search::{
    Expr, ModelVersionFilter, ModelVersionNumber, ModelVersionOrder, ModelVersionOrderField,
    ModelVersionText, NumberTest, RegisteredModelFilter, RegisteredModelNumber,
    RegisteredModelOrder, RegisteredModelOrderField, RegisteredModelText, TextTest,
};

use super::versions::{self, COLUMNS};
use super::{ModelVersion, RegisteredModel, models};
use crate::rows::{Cursor, Page, one_more};
use crate::search::order::{self, Skip, SortField};
use crate::search::{Fields, push_filter, push_integer, push_pair, push_text};
use crate::{Result, Store};

/// Which registered models to list, and in which order.
#[derive(Debug, Clone)]
pub struct RegisteredModelQuery {
    /// The filter. Prompts are left out unless it asks for them, as in MLflow.
    pub filter: Option<RegisteredModelFilter>,
    /// The ordering, which ends with the name.
    pub order: RegisteredModelOrder,
    /// How many a page has at most.
    pub limit: usize,
    /// The last row of the previous page.
    pub after: Option<Cursor>,
}

/// Which versions to list, and in which order.
#[derive(Debug, Clone)]
pub struct ModelVersionQuery {
    /// The filter. Prompts are left out unless it asks for them, as in MLflow.
    pub filter: Option<ModelVersionFilter>,
    /// The ordering, which ends with name and version.
    pub order: ModelVersionOrder,
    /// How many a page has at most.
    pub limit: usize,
    /// The last row of the previous page.
    pub after: Option<Cursor>,
}

impl Store {
    /// A page of the registered models that a query finds.
    pub async fn search_registered_models(
        &self,
        query: RegisteredModelQuery,
    ) -> Result<Page<RegisteredModel>> {
        order::check(&query.order, query.after.as_ref())?;
        self.db.read(query, |conn, query| Box::pin(search_models(conn, query))).await
    }

    /// A page of the versions that a query finds, without their aliases.
    pub async fn search_model_versions(
        &self,
        query: ModelVersionQuery,
    ) -> Result<Page<ModelVersion>> {
        order::check(&query.order, query.after.as_ref())?;
        self.db.read(query, |conn, query| Box::pin(search_versions(conn, query))).await
    }

    /// The newest version of each stage, or of the stages named.
    pub async fn latest_model_versions(
        &self,
        name: String,
        stages: Vec<ModelStage>,
    ) -> Result<Vec<ModelVersion>> {
        let data = (name, stages);
        self.db.read(data, |conn, (name, stages)| Box::pin(latest(conn, name, stages))).await
    }
}

async fn search_models(
    conn: &mut Conn,
    query: &RegisteredModelQuery,
) -> Result<Page<RegisteredModel>> {
    let mut sql = Sql::new("SELECT m.id, m.name, m.description, m.created_ms, m.updated_ms");
    order::push_cursor_columns(&mut sql, &query.order);
    sql.push(" FROM registered_model m WHERE ");
    let hide = !query.filter.as_ref().is_some_and(asks_for_prompts);
    if hide {
        sql.push("m.id NOT IN (SELECT t.model FROM registered_model_tag t WHERE t.key = ");
        sql.bind(PROMPT_TAG).push(" AND substr(t.value, 1, 64) = 'true')");
    } else {
        sql.push("1 = 1");
    }
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        push_filter(&mut sql, filter, &ModelFields { engine: conn.engine(), hide });
    }
    if let Some(after) = &query.after {
        sql.push(" AND ");
        order::push_after(&mut sql, &query.order, after, Skip::None);
    }
    order::push_order_by(&mut sql, &query.order, Skip::None);
    sql.push(" LIMIT ").bind(one_more(query.limit));
    let read = |row: &Row<'_>| Ok((models::read(row)?, order::read_cursor(row, 5, &query.order)?));
    let mut page = Page::cut(conn.query(sql.text(), sql.params(), read).await?, query.limit);
    models::load(conn, &mut page.rows).await?;
    Ok(page)
}

async fn search_versions(conn: &mut Conn, query: &ModelVersionQuery) -> Result<Page<ModelVersion>> {
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS);
    order::push_cursor_columns(&mut sql, &query.order);
    sql.push(" FROM model_version v JOIN registered_model m ON m.id = v.model WHERE ");
    let hide = !query.filter.as_ref().is_some_and(asks_for_prompts);
    if hide {
        // As in MLflow: a model of which one version is a prompt.
        sql.push("v.model NOT IN (SELECT o.model FROM model_version_tag t ");
        sql.push("JOIN model_version o ON o.id = t.id WHERE t.key = ");
        sql.bind(PROMPT_TAG).push(" AND substr(t.value, 1, 64) = 'true')");
    } else {
        sql.push("1 = 1");
    }
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        push_filter(&mut sql, filter, &VersionFields { engine: conn.engine(), hide });
    }
    if let Some(after) = &query.after {
        sql.push(" AND ");
        order::push_after(&mut sql, &query.order, after, Skip::None);
    }
    order::push_order_by(&mut sql, &query.order, Skip::None);
    sql.push(" LIMIT ").bind(one_more(query.limit));
    let read =
        |row: &Row<'_>| Ok((versions::read(row, 0)?, order::read_cursor(row, 15, &query.order)?));
    let mut page = Page::cut(conn.query(sql.text(), sql.params(), read).await?, query.limit);
    versions::load(conn, &mut page.rows).await?;
    Ok(page)
}

async fn latest(conn: &mut Conn, name: &str, stages: &[ModelStage]) -> Result<Vec<ModelVersion>> {
    let model = models::get(conn, name).await?;
    let mut found = model.latest;
    found.retain(|version| stages.is_empty() || stages.contains(&version.stage));
    for version in &mut found {
        let named = model.aliases.iter().filter(|(_, number)| *number == version.version);
        version.aliases = named.map(|(alias, _)| alias.clone()).collect();
    }
    Ok(found)
}

/// A text field that may be a tag.
trait MaybeTag {
    fn tag(&self) -> Option<&str>;
}

impl MaybeTag for RegisteredModelText {
    fn tag(&self) -> Option<&str> {
        match self {
            Self::Tag(key) => Some(key),
            Self::Name => None,
        }
    }
}

impl MaybeTag for ModelVersionText {
    fn tag(&self) -> Option<&str> {
        match self {
            Self::Tag(key) => Some(key),
            Self::Name | Self::RunId | Self::Source => None,
        }
    }
}

/// MLflow's rule: the first comparison of the prompt tag says whether prompts are meant.
fn asks_for_prompts<N, T: MaybeTag>(filter: &Expr<N, T>) -> bool {
    first_prompt_test(filter).unwrap_or(false)
}

fn first_prompt_test<N, T: MaybeTag>(filter: &Expr<N, T>) -> Option<bool> {
    match filter {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().find_map(first_prompt_test),
        Expr::Not(inner) => first_prompt_test(inner),
        Expr::Text(field, test) if field.tag() == Some(PROMPT_TAG) => Some(match test {
            TextTest::Equal { value, negated } => {
                value.eq_ignore_ascii_case(if *negated { "false" } else { "true" })
            }
            _ => false,
        }),
        Expr::Text(..) | Expr::Number(..) => None,
    }
}

/// Tests of a registered model `m`.
struct ModelFields {
    engine: Engine,
    /// Prompts are left out by the query itself, so a test of their tag says nothing more.
    hide: bool,
}

impl<'a> Fields<'a, RegisteredModelNumber, RegisteredModelText> for ModelFields {
    fn number(&self, sql: &mut Sql<'a>, field: &'a RegisteredModelNumber, test: &'a NumberTest) {
        let column = match field {
            RegisteredModelNumber::CreationTimestamp => "m.created_ms",
            RegisteredModelNumber::LastUpdatedTimestamp => "m.updated_ms",
        };
        push_integer(sql, column, test);
    }

    fn text(&self, sql: &mut Sql<'a>, field: &'a RegisteredModelText, test: &'a TextTest) {
        match field {
            RegisteredModelText::Name => push_text(sql, self.engine, "m.name", test),
            RegisteredModelText::Tag(key) if self.hide && key == PROMPT_TAG => {
                sql.push("(1 = 1)");
            }
            RegisteredModelText::Tag(key) => {
                let of = "FROM registered_model_tag t WHERE t.model = m.id AND t.key = ";
                push_pair(sql, self.engine, of, key, test);
            }
        }
    }
}

/// Tests of a version `v` of a registered model `m`.
struct VersionFields {
    engine: Engine,
    /// See [`ModelFields`].
    hide: bool,
}

impl<'a> Fields<'a, ModelVersionNumber, ModelVersionText> for VersionFields {
    fn number(&self, sql: &mut Sql<'a>, field: &'a ModelVersionNumber, test: &'a NumberTest) {
        let column = match field {
            ModelVersionNumber::Version => "v.version",
            ModelVersionNumber::CreationTimestamp => "v.created_ms",
            ModelVersionNumber::LastUpdatedTimestamp => "v.updated_ms",
        };
        push_integer(sql, column, test);
    }

    fn text(&self, sql: &mut Sql<'a>, field: &'a ModelVersionText, test: &'a TextTest) {
        match field {
            ModelVersionText::Name => push_text(sql, self.engine, "m.name", test),
            ModelVersionText::Source => push_text(sql, self.engine, "v.source", test),
            ModelVersionText::RunId => match test {
                TextTest::IsNull { negated: false } => {
                    sql.push("(v.run IS NULL OR v.run = '')");
                }
                TextTest::IsNull { negated: true } => {
                    sql.push("coalesce(v.run <> '', FALSE)");
                }
                test => {
                    sql.push("coalesce(");
                    push_text(sql, self.engine, "v.run", test);
                    sql.push(", FALSE)");
                }
            },
            ModelVersionText::Tag(key) if self.hide && key == PROMPT_TAG => {
                sql.push("(1 = 1)");
            }
            ModelVersionText::Tag(key) => {
                let of = "FROM model_version_tag t WHERE t.id = v.id AND t.key = ";
                push_pair(sql, self.engine, of, key, test);
            }
        }
    }
}

impl SortField for RegisteredModelOrderField {
    fn push_value<'a>(&'a self, sql: &mut Sql<'a>, _: usize) {
        sql.push(match self {
            Self::Name => "m.name",
            Self::LastUpdatedTimestamp => "m.updated_ms",
        });
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Name => Kind::Text,
            Self::LastUpdatedTimestamp => Kind::Int,
        }
    }
}

impl SortField for ModelVersionOrderField {
    fn push_value<'a>(&'a self, sql: &mut Sql<'a>, _: usize) {
        sql.push(match self {
            Self::Name => "m.name",
            Self::Version => "v.version",
            Self::CreationTimestamp => "v.created_ms",
            Self::LastUpdatedTimestamp => "v.updated_ms",
        });
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Name => Kind::Text,
            _ => Kind::Int,
        }
    }
}
