//! `/graphql`: the queries of MLflow's web UI, answered by the handlers of the REST API.
//!
//! The schema is MLflow's. Reading, checking and executing queries is the library's; what stands here is
//! MLflow's limits ([`limits`]), which handler answers which field ([`root`]), and how its JSON becomes what the
//! schema says ([`value`]).

mod limits;
mod root;
mod value;

use std::sync::LazyLock;

use apollo_compiler::parser::Parser;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Schema, introspection};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::Response;
use modelyard_protocol::Error;
use modelyard_protocol::wire::Params;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

pub use limits::GraphqlLimits;

use self::root::{Asked, Root};
use crate::{ApiError, AppState, answer, body};

/// Tokens of a query at most: hundreds of times what MLflow's UI sends, and little to check.
const MAX_TOKENS: usize = 20_000;
/// How deep a query may be nested for the parser; MLflow's limit on selections is far below.
const MAX_NESTING: usize = 100;
/// What the library puts before the message of a field's error.
const PREFIX: &str = "resolver error: ";

/// MLflow's schema, as its server prints it. A test reads it.
static SCHEMA: LazyLock<Option<Valid<Schema>>> = LazyLock::new(|| {
    let text = include_str!("schema.graphql");
    Schema::parse_and_validate(text, "schema.graphql").ok()
});

/// A request in GraphQL.
#[derive(Debug, Deserialize)]
struct Query {
    query: String,
    variables: Option<JsonMap>,
    #[serde(rename = "operationName")]
    operation: Option<String>,
}

/// An answer in MLflow's form: of errors only the texts.
#[derive(Debug, Default, Serialize)]
struct Answer {
    data: Option<JsonMap>,
    errors: Option<Vec<String>>,
}

impl Answer {
    fn refused(errors: Vec<String>) -> Self {
        Self { data: None, errors: Some(errors) }
    }

    fn because(error: impl std::fmt::Display) -> Self {
        Self::refused(vec![error.to_string()])
    }
}

/// `GET` and `POST /graphql`
pub(crate) async fn graphql(
    State(app): State<AppState>,
    request: Request,
) -> Result<Response, ApiError> {
    let query = read(request).await?;
    // Values are copied about while a query is executed, which holds up no other request there. When nobody
    // waits any more, it ends.
    let (runtime, over) = (Handle::current(), CancellationToken::new());
    let _guard = over.clone().drop_guard();
    let work = move || runtime.block_on(over.run_until_cancelled(answer(&app, &query)));
    let answer = tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?;
    let answer = answer.unwrap_or_else(|| Err(ApiError::internal("nobody waits any more")))?;
    answer::json(&answer)
}

async fn read(request: Request) -> Result<Query, ApiError> {
    let (head, body) = request.into_parts();
    let body = body::take(body).await?;
    let content_type = head.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| value.to_str().unwrap_or_default());
    // The same rule as everywhere, with MLflow's messages.
    Params::new(head.method.as_str(), None, content_type, &body)?;
    let query = serde_json::from_slice(&body).map_err(|error| {
        let form = "{\"query\": \"…\", \"variables\": {…}, \"operationName\": \"…\"}";
        Error::invalid(format!("The body must be a GraphQL request, {form}: {error}."))
    })?;
    Ok(query)
}

async fn answer(app: &AppState, query: &Query) -> Result<Answer, ApiError> {
    let schema = SCHEMA.as_ref().ok_or_else(|| ApiError::internal("the schema is broken"))?;
    let mut parser = Parser::new().recursion_limit(MAX_NESTING).token_limit(MAX_TOKENS);
    let parsed = parser.parse_ast(query.query.as_str(), "query").map_err(|broken| {
        let errors = texts(&broken.errors).join("; ");
        let errors = errors.trim_end_matches('.');
        Error::invalid(format!("The query cannot be read: {errors}."))
    })?;
    if let Err(excess) = app.config.graphql.check(&parsed) {
        return Ok(Answer::because(excess));
    }
    let document = match parsed.to_executable_validate(schema) {
        Ok(document) => document,
        Err(wrong) => return Ok(Answer::refused(texts(&wrong.errors))),
    };
    Ok(execute(app, schema, &document, query).await)
}

fn texts(errors: &DiagnosticList) -> Vec<String> {
    errors.iter().map(|error| error.error.to_string()).collect()
}

async fn execute(
    app: &AppState,
    schema: &Valid<Schema>,
    document: &Valid<ExecutableDocument>,
    query: &Query,
) -> Answer {
    let operation = match document.operations.get(query.operation.as_deref()) {
        Ok(operation) => operation,
        Err(error) => return Answer::because(error.message()),
    };
    if let Err(error) = introspection::check_max_depth(document, operation) {
        return Answer::because(error.message());
    }
    let none = JsonMap::new();
    let variables = query.variables.as_ref().unwrap_or(&none);
    let variables = match coerce_variable_values(schema, operation, variables) {
        Ok(variables) => variables,
        Err(error) => return Answer::because(error.message()),
    };
    let asked = Asked::new(app.clone());
    let root = Root::new(&asked, operation.object_type());
    let execution = Execution::new(schema, document)
        .operation(operation)
        .coerced_variable_values(&variables)
        .enable_schema_introspection(true);
    let done = match execution.execute_async(&root).await {
        Ok(done) => done,
        Err(error) => return Answer::because(error.message()),
    };
    let plain = |text: &str| text.strip_prefix(PREFIX).unwrap_or(text).to_owned();
    let errors: Vec<String> = done.errors.iter().map(|error| plain(&error.message)).collect();
    Answer { data: done.data, errors: Some(errors).filter(|errors| !errors.is_empty()) }
}

#[cfg(test)]
mod tests;
