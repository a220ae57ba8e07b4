//! What the registry has beyond MLflow's: audit trail, checks, protected aliases, rollback.

use axum::extract::State;
use axum::response::Response;
use modelyard_protocol::page_token::{Fingerprint, ListKind};
use modelyard_protocol::{Error, limits, validate};
use modelyard_store::{Action, AliasPolicy, EventQuery, NewCheckOutcome};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{JsonOf, PathOf, QueryOf};
use super::page::{limit, pages};
use crate::author::Author;
use crate::{ApiError, AppState, answer};

/// Events on a page if the request does not say.
const DEFAULT_RESULTS: usize = 100;
/// Events on a page at most.
const MAX_RESULTS: usize = 1000;

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListEvents {
    /// Only those of the registered model or prompt that has this name, or else had it last, under whatever
    /// name it had then.
    name: Option<String>,
    /// Only those of this version.
    version: Option<String>,
    /// Only those of this alias, tag or check.
    key: Option<String>,
    /// Only those of these kinds, separated by commas, such as `ALIAS_SET,ALIAS_DELETED`.
    actions: Option<String>,
    /// Where to go on: the `next_page_token` of the previous answer.
    page_token: Option<String>,
    /// 1 to 1000; 100 unless said otherwise.
    max_results: Option<i64>,
}

/// A change of the registry. It is never altered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegistryEvent {
    event_id: String,
    /// Milliseconds since the Unix epoch.
    timestamp: i64,
    /// Who made the change, as the caller said: there are no accounts.
    actor: String,
    /// `MODEL_CREATED`, `MODEL_UPDATED`, `MODEL_RENAMED`, `MODEL_DELETED`, `MODEL_TAG_SET`,
    /// `MODEL_TAG_DELETED`, `VERSION_CREATED`, `VERSION_UPDATED`, `VERSION_DELETED`, `STAGE_CHANGED`,
    /// `VERSION_TAG_SET`, `VERSION_TAG_DELETED`, `ALIAS_SET`, `ALIAS_DELETED`, `CHECK_RECORDED` or
    /// `POLICY_SET`.
    action: &'static str,
    /// The registered model's name at that time.
    name: String,
    /// Whether it was a prompt.
    prompt: bool,
    /// The version, if it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The alias, tag or check.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// What was before: a version, stage, value, name, description, outcome or list of checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// What is since.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// The run that made the version, or the check.
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    /// Why, as the caller said.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A page of events, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegistryEvents {
    events: Vec<RegistryEvent>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// A protected alias.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Policy {
    alias: String,
    /// A version must have passed each of these for the alias to be moved to it.
    checks: Vec<String>,
}

/// The protected aliases of a registered model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Policies {
    policies: Vec<Policy>,
}

/// What an alias is to demand.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SetPolicy {
    /// Names of checks; an empty list lifts the protection.
    checks: Vec<String>,
    /// Why; kept in the audit trail.
    reason: Option<String>,
}

/// The outcome of a check.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RecordCheck {
    passed: bool,
    /// What was found, for people to read.
    details: Option<String>,
    /// The run that did the checking.
    run_id: Option<String>,
    /// Why; kept in the audit trail.
    reason: Option<String>,
}

/// The newest outcome of a check of a version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Check {
    name: String,
    passed: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    details: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    run_id: String,
    /// Milliseconds since the Unix epoch.
    timestamp: i64,
}

/// The newest outcomes of a version's checks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Checks {
    checks: Vec<Check>,
}

/// Where an alias is to go back to.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RollBack {
    /// One of the versions that the alias named before; the last of them unless said otherwise.
    to_version: Option<String>,
    /// Why; kept in the audit trail.
    reason: Option<String>,
}

/// An alias that went back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RolledBack {
    from_version: String,
    to_version: String,
}

/// Lists the changes of the registry, the latest first.
#[utoipa::path(
    get,
    path = "/api/modelyard/v1/registry/events",
    operation_id = "registry_events",
    params(ListEvents),
    responses(
        (status = 200, body = RegistryEvents),
        (status = "default", body = super::openapi::Error)
    )
)]
pub(crate) async fn events(
    State(app): State<AppState>,
    QueryOf(asked): QueryOf<ListEvents>,
) -> Result<Response, ApiError> {
    let version = asked.version.as_deref().map(validate::model_version).transpose()?;
    let names = asked.actions.as_deref().unwrap_or_default();
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    let actions = names.map(|name| {
        let unknown = || Error::invalid(format!("There is no event of the kind '{name}'."));
        Action::from_name(name).ok_or_else(unknown)
    });
    let query = Fingerprint::new()
        .text(asked.name.as_deref().unwrap_or_default())
        .text(asked.key.as_deref().unwrap_or_default())
        .text(asked.actions.as_deref().unwrap_or_default())
        .number(version.unwrap_or_default());
    let pages = pages(ListKind::Events, query, 1);
    let query = EventQuery {
        actions: actions.collect::<Result<_, _>>()?,
        name: asked.name,
        version,
        key: asked.key,
        limit: limit(asked.max_results, DEFAULT_RESULTS, MAX_RESULTS)?,
        after: pages.after(asked.page_token.as_deref().unwrap_or_default())?,
    };
    let page = app.store.events(query).await?;
    answer::json(&RegistryEvents {
        events: page.rows.into_iter().map(show).collect(),
        next_page_token: page.next.map(|keys| pages.token(keys)),
    })
}

fn show(event: modelyard_store::Event) -> RegistryEvent {
    RegistryEvent {
        event_id: event.id.to_string(),
        timestamp: event.at_ms,
        actor: event.actor,
        action: event.action.name(),
        name: event.name,
        prompt: event.prompt,
        version: event.version.map(|version| version.to_string()),
        key: event.key,
        from: event.old,
        to: event.new,
        run_id: event.run_id,
        reason: event.reason,
    }
}

/// Lists the protected aliases of a registered model.
#[utoipa::path(
    get,
    path = "/api/modelyard/v1/registry/models/{name}/policies",
    operation_id = "alias_policies",
    params(("name" = String, Path)),
    responses((status = 200, body = Policies), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn policies(
    State(app): State<AppState>,
    PathOf(name): PathOf<String>,
) -> Result<Response, ApiError> {
    let found = app.store.alias_policies(name).await?.into_iter();
    let policies = found.map(|it| Policy { alias: it.alias, checks: it.checks });
    answer::json(&Policies { policies: policies.collect() })
}

/// Protects an alias: it then moves only to versions that have passed the checks.
#[utoipa::path(
    put,
    path = "/api/modelyard/v1/registry/models/{name}/aliases/{alias}/policy",
    operation_id = "set_alias_policy",
    params(("name" = String, Path), ("alias" = String, Path)),
    request_body = SetPolicy,
    responses((status = 200, body = Policy), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn set_policy(
    State(app): State<AppState>,
    PathOf((name, alias)): PathOf<(String, String)>,
    author: Author,
    JsonOf(asked): JsonOf<SetPolicy>,
) -> Result<Response, ApiError> {
    validate::new_alias(&alias)?;
    asked.checks.iter().try_for_each(|check| validate::check_name(check))?;
    let policy = AliasPolicy { alias, checks: asked.checks };
    let author = author.because(asked.reason)?;
    let policy = app.store.set_alias_policy(name, policy, author).await?;
    answer::json(&Policy { alias: policy.alias, checks: policy.checks })
}

/// Lists the newest outcome of every check of a version.
#[utoipa::path(
    get,
    path = "/api/modelyard/v1/registry/models/{name}/versions/{version}/checks",
    operation_id = "version_checks",
    params(("name" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = Checks), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn checks(
    State(app): State<AppState>,
    PathOf((name, version)): PathOf<(String, String)>,
) -> Result<Response, ApiError> {
    let found = app.store.checks(name, validate::model_version(&version)?).await?;
    let checks = found.into_iter().map(|it| Check {
        name: it.found.check,
        passed: it.found.passed,
        details: it.found.details,
        run_id: it.found.run_id,
        timestamp: it.checked_ms,
    });
    answer::json(&Checks { checks: checks.collect() })
}

/// Notes the outcome of a check of a version, in place of an earlier one.
#[utoipa::path(
    put,
    path = "/api/modelyard/v1/registry/models/{name}/versions/{version}/checks/{check}",
    operation_id = "record_check",
    params(("name" = String, Path), ("version" = String, Path), ("check" = String, Path)),
    request_body = RecordCheck,
    responses((status = 200), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn record_check(
    State(app): State<AppState>,
    PathOf((name, version, check)): PathOf<(String, String, String)>,
    author: Author,
    JsonOf(asked): JsonOf<RecordCheck>,
) -> Result<Response, ApiError> {
    validate::check_name(&check)?;
    let details = asked.details.unwrap_or_default();
    validate::text(&details, limits::MAX_CHECK_DETAILS_CHARS, "details")?;
    let run_id = asked.run_id.unwrap_or_default();
    validate::text(&run_id, limits::MAX_KEY_CHARS, "run_id")?;
    let outcome = NewCheckOutcome { check, passed: asked.passed, details, run_id };
    let version = validate::model_version(&version)?;
    app.store.record_check(name, version, outcome, author.because(asked.reason)?).await?;
    Ok(answer::empty())
}

/// Moves an alias back to the version that it named before.
#[utoipa::path(
    post,
    path = "/api/modelyard/v1/registry/models/{name}/aliases/{alias}/rollback",
    operation_id = "roll_back_alias",
    params(("name" = String, Path), ("alias" = String, Path)),
    request_body = RollBack,
    responses((status = 200, body = RolledBack), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn roll_back(
    State(app): State<AppState>,
    PathOf((name, alias)): PathOf<(String, String)>,
    author: Author,
    JsonOf(asked): JsonOf<RollBack>,
) -> Result<Response, ApiError> {
    let to = asked.to_version.as_deref().map(validate::model_version).transpose()?;
    let author = author.because(asked.reason)?;
    let moved = app.store.roll_back_alias(name, alias, to, author).await?;
    answer::json(&RolledBack {
        from_version: moved.from.to_string(),
        to_version: moved.to.to_string(),
    })
}
