//! The fields at the top of the schema, and those of runs that lead to other things: which handler of the REST API
//! answers each.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use apollo_compiler::resolvers::{AsyncObjectValue, AsyncResolvedValue, FieldError, ResolveInfo};
use apollo_compiler::response::{JsonMap, JsonValue};
use axum::body::to_bytes;
use axum::extract::State;
use axum::response::Response;
use futures_util::future::BoxFuture;
use modelyard_protocol::wire::{self, Params};
use serde_json::json;
use tokio::sync::Mutex;

use super::value::{self, Node};
use crate::api::{artifacts, datasets, experiments, metrics, model_versions, runs};
use crate::extract::Mlflow;
use crate::{ApiError, AppState};

/// Bytes of a handler's answer that are still taken apart: some ten thousand runs.
const ANSWER_MAX_BYTES: usize = 16 << 20;
/// Things that are looked up for the runs of one query, one by one. MLflow's UI asks for those of one run.
const MAX_LOOKUPS: usize = 1000;

/// What the fields of one query share.
pub(super) struct Asked {
    app: AppState,
    lookups: AtomicUsize,
    /// Runs of one query mostly are of one experiment.
    experiments: Mutex<HashMap<String, JsonValue>>,
}

type Resolved<'a> = Result<AsyncResolvedValue<'a>, FieldError>;

fn error(message: impl Into<String>) -> FieldError {
    FieldError { message: message.into() }
}

impl Asked {
    pub(super) fn new(app: AppState) -> Self {
        Self { app, lookups: AtomicUsize::new(0), experiments: Mutex::default() }
    }

    /// The answer of a handler to a request whose fields a query gives.
    async fn call<T, H, F>(&self, handler: H, request: &[u8]) -> Result<JsonValue, FieldError>
    where
        T: wire::Request,
        H: FnOnce(State<AppState>, Mlflow<T>) -> F,
        F: Future<Output = Result<Response, ApiError>>,
    {
        let told = |cause: ApiError| cause.tell();
        let read = Params::from_body(request).read(self.app.config.rules);
        let asked = read.map_err(|cause| error(cause.message))?;
        let answer = handler(State(self.app.clone()), Mlflow(asked)).await;
        let answer = answer.map_err(|cause| error(told(cause)))?;
        let body = to_bytes(answer.into_body(), ANSWER_MAX_BYTES).await.map_err(|_too_long| {
            error("There is too much to answer with; ask for fewer results at once.")
        })?;
        serde_json::from_slice(&body).map_err(|cause| error(told(ApiError::internal(cause))))
    }

    /// The experiment of a run.
    pub(super) async fn experiment(&self, id: &str) -> Result<JsonValue, FieldError> {
        let mut known = self.experiments.lock().await;
        if let Some(experiment) = known.get(id) {
            return Ok(experiment.clone());
        }
        let request = self.look_up(&json!({ "experiment_id": id }))?;
        let answer = self.call(experiments::get, &request).await?;
        let experiment = answer.get("experiment").cloned().unwrap_or_default();
        known.insert(id.to_owned(), experiment.clone());
        Ok(experiment)
    }

    /// The versions of registered models that a run made.
    pub(super) async fn versions(&self, run_id: &str) -> Result<JsonValue, FieldError> {
        let request = self.look_up(&json!({ "filter": format!("run_id = '{run_id}'") }))?;
        let answer = self.call(model_versions::search, &request).await?;
        Ok(answer.get("model_versions").cloned().unwrap_or_default())
    }

    fn look_up(&self, request: &serde_json::Value) -> Result<Vec<u8>, FieldError> {
        if self.lookups.fetch_add(1, Ordering::Relaxed) >= MAX_LOOKUPS {
            return Err(error(format!(
                "A query may look up {MAX_LOOKUPS} experiments and lists of versions of runs; ask \
                 for fewer runs."
            )));
        }
        Ok(request.to_string().into_bytes())
    }
}

/// The queries, or the mutations; these change nothing either.
pub(super) struct Root<'a> {
    asked: &'a Asked,
    name: &'a str,
}

impl<'a> Root<'a> {
    pub(super) fn new(asked: &'a Asked, name: &'a str) -> Self {
        Self { asked, name }
    }

    async fn answer(&self, field: &str, request: &[u8]) -> Result<Option<JsonValue>, FieldError> {
        let asked = self.asked;
        let answer = match field {
            "mlflowGetExperiment" => asked.call(experiments::get, request).await,
            "mlflowGetMetricHistoryBulkInterval" => {
                asked.call(metrics::history_bulk_interval, request).await
            }
            "mlflowGetRun" => asked.call(runs::get, request).await,
            "mlflowListArtifacts" => asked.call(artifacts::list, request).await,
            "mlflowSearchDatasets" => asked.call(datasets::search, request).await,
            "mlflowSearchModelVersions" => asked.call(model_versions::search, request).await,
            "mlflowSearchRuns" => asked.call(runs::search, request).await,
            _ => return Ok(None),
        };
        answer.map(Some)
    }
}

impl AsyncObjectValue for Root<'_> {
    fn type_name(&self) -> &str {
        self.name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> BoxFuture<'a, Resolved<'a>> {
        Box::pin(async move {
            let (field, arguments) = (info.field_name(), info.arguments());
            if matches!(field, "test" | "testMutation") {
                return echo(self.asked, info);
            }
            let Some(JsonValue::Object(input)) = arguments.get("input") else {
                return Err(error("Missing value for required argument 'input'."));
            };
            // The messages of the API are in snake case; what is null is absent.
            let given = input.iter().filter(|(_, value)| !value.is_null());
            let request =
                given.map(|(name, value)| (value::snake_case(name.as_str()).into(), value.clone()));
            let request = serde_json::to_vec(&JsonMap::from_iter(request));
            let request = request.map_err(|cause| error(ApiError::internal(cause).tell()))?;
            match self.answer(field, &request).await? {
                Some(answer) => {
                    let ty = info.field_definition().ty.inner_named_type();
                    Ok(AsyncResolvedValue::object(Node::new(self.asked, ty, Cow::Owned(answer))))
                }
                None => Err(self.unknown_field_error(info)),
            }
        })
    }
}

/// MLflow's field for trying out: gives back what it is given.
fn echo<'a>(asked: &'a Asked, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
    let Some(text) = info.arguments().get("inputString") else {
        return Err(error("Missing value for required argument 'inputString'."));
    };
    let output = JsonMap::from_iter([("output".into(), text.clone())]);
    Ok(value::object(asked, info, JsonValue::Object(output)))
}
