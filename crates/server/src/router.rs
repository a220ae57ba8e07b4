//! Every route of the server, with its permission: the one list, one line each.

use axum::Router;
use axum::http::Method;

use crate::AppState;
use crate::admission::Lane::{
    Events, Free, Read as Reads, Send as Sends, Transfer, Write as Writes,
};
use crate::api::{artifact_proxy, artifacts, datasets, experiments, logged_models, metrics};
use crate::api::{model_versions, multipart, registered_models, runs, server, v1, webhooks};
use crate::body::{DATASETS_BODY_MAX_BYTES, LIST_BODY_MAX_BYTES};
use crate::caller::Permission::{Edit, Manage, Public, Read};
use crate::guard::Area;
use crate::routes::{RouteInfo, Routes};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

/// Builds the router. A route is: method, path, permission, lane, handler; and, where it takes more
/// than most, the longest body.
pub(crate) fn build(static_prefix: &str) -> (Router<AppState>, Vec<RouteInfo>) {
    let mut routes = Routes::new(static_prefix);
    core(&mut routes);
    experiment_routes(&mut routes);
    run_routes(&mut routes);
    logged_model_routes(&mut routes);
    registered_model_routes(&mut routes);
    model_version_routes(&mut routes);
    webhook_routes(&mut routes);
    artifact_routes(&mut routes);
    artifact_proxy_routes(&mut routes);
    modelyard(&mut routes);
    routes.finish()
}

/// About the server itself.
fn core(routes: &mut Routes) {
    routes.area = Area::Core;
    routes.add(GET, "/health", Public, Free, server::health);
    routes.add(GET, "/ready", Public, Free, server::ready);
    routes.add(GET, "/version", Public, Free, server::version);
    routes.add(GET, "/metrics", Read, Free, server::metrics);
    routes.mlflow(GET, "3.0/mlflow/server-info", Read, Free, server::server_info);
}

/// Our own API, which the web UI uses.
#[rustfmt::skip]
fn modelyard(routes: &mut Routes) {
    routes.area = Area::Core;
    routes.add(GET, "/api/modelyard/v1/openapi.json", Public, Free, v1::document);
    routes.add(GET, "/api/modelyard/v1/server", Read, Free, v1::server::server);
    routes.area = Area::Tracking;
    routes.add(GET, "/api/modelyard/v1/events", Read, Events, v1::events::events);
    routes.add(GET, "/api/modelyard/v1/experiments", Read, Reads, v1::experiments::list);
    routes.add(GET, "/api/modelyard/v1/experiments/{experiment_id}/columns", Read, Reads, v1::experiments::columns);
    routes.add(POST, "/api/modelyard/v1/runs/search", Read, Reads, v1::runs::search);
    routes.add(GET, "/api/modelyard/v1/runs/{run_id}/metrics", Read, Reads, v1::metrics::list);
    routes.add(GET, "/api/modelyard/v1/runs/{run_id}/metrics/points", Read, Reads, v1::metrics::points);
    routes.add(GET, "/api/modelyard/v1/trash", Read, Reads, v1::trash::list);
    routes.add(POST, "/api/modelyard/v1/trash/restore", Manage, Writes, v1::trash::restore);
    routes.add(DELETE, "/api/modelyard/v1/trash/{kind}/{id}", Manage, Writes, v1::trash::delete);
    routes.add(GET, "/api/modelyard/v1/registry/events", Read, Reads, v1::registry::events);
    routes.add(GET, "/api/modelyard/v1/registry/models/{name}/policies", Read, Reads, v1::registry::policies);
    routes.add(PUT, "/api/modelyard/v1/registry/models/{name}/aliases/{alias}/policy", Manage, Writes, v1::registry::set_policy);
    routes.add(POST, "/api/modelyard/v1/registry/models/{name}/aliases/{alias}/rollback", Edit, Writes, v1::registry::roll_back);
    routes.add(GET, "/api/modelyard/v1/registry/models/{name}/versions/{version}/checks", Read, Reads, v1::registry::checks);
    routes.add(PUT, "/api/modelyard/v1/registry/models/{name}/versions/{version}/checks/{check}", Edit, Writes, v1::registry::record_check);
    routes.add(GET, "/api/modelyard/v1/webhooks/{webhook_id}/deliveries", Manage, Reads, v1::webhooks::deliveries);
    routes.add(POST, "/api/modelyard/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", Manage, Writes, v1::webhooks::redeliver);
}

/// Experiments, and the datasets of their runs.
#[rustfmt::skip]
fn experiment_routes(routes: &mut Routes) {
    routes.area = Area::Tracking;
    routes.taking(LIST_BODY_MAX_BYTES).mlflow(POST, "2.0/mlflow/experiments/create", Edit, Writes, experiments::create);
    routes.mlflow(GET, "2.0/mlflow/experiments/get", Read, Reads, experiments::get);
    routes.mlflow(GET, "2.0/mlflow/experiments/get-by-name", Read, Reads, experiments::get_by_name);
    routes.mlflow(POST, "2.0/mlflow/experiments/delete", Manage, Writes, experiments::delete);
    routes.mlflow(POST, "2.0/mlflow/experiments/restore", Manage, Writes, experiments::restore);
    routes.mlflow(POST, "2.0/mlflow/experiments/update", Edit, Writes, experiments::update);
    routes.mlflow(GET, "2.0/mlflow/experiments/search", Read, Reads, experiments::search);
    routes.mlflow(POST, "2.0/mlflow/experiments/search", Read, Reads, experiments::search);
    routes.mlflow(POST, "2.0/mlflow/experiments/set-experiment-tag", Edit, Writes, experiments::set_tag);
    routes.mlflow(POST, "2.0/mlflow/experiments/delete-experiment-tag", Edit, Writes, experiments::delete_tag);
    routes.add(POST, "/ajax-api/2.0/mlflow/experiments/search-datasets", Read, Reads, datasets::search);
}

/// Runs and their metrics.
#[rustfmt::skip]
fn run_routes(routes: &mut Routes) {
    routes.area = Area::Tracking;
    routes.taking(LIST_BODY_MAX_BYTES).mlflow(POST, "2.0/mlflow/runs/create", Edit, Writes, runs::create);
    routes.mlflow(GET, "2.0/mlflow/runs/get", Read, Reads, runs::get);
    routes.mlflow(POST, "2.0/mlflow/runs/update", Edit, Writes, runs::update);
    routes.mlflow(POST, "2.0/mlflow/runs/delete", Manage, Writes, runs::delete);
    routes.mlflow(POST, "2.0/mlflow/runs/restore", Manage, Writes, runs::restore);
    routes.taking(LIST_BODY_MAX_BYTES).mlflow(POST, "2.0/mlflow/runs/search", Read, Reads, runs::search);
    routes.mlflow(POST, "2.0/mlflow/runs/log-metric", Edit, Writes, metrics::log_metric);
    routes.taking(LIST_BODY_MAX_BYTES).mlflow(POST, "2.0/mlflow/runs/log-batch", Edit, Writes, metrics::log_batch);
    routes.mlflow(POST, "2.0/mlflow/runs/log-parameter", Edit, Writes, runs::log_param);
    routes.mlflow(POST, "2.0/mlflow/runs/set-tag", Edit, Writes, runs::set_tag);
    routes.mlflow(POST, "2.0/mlflow/runs/delete-tag", Edit, Writes, runs::delete_tag);
    routes.taking(DATASETS_BODY_MAX_BYTES).mlflow(POST, "2.0/mlflow/runs/log-inputs", Edit, Writes, runs::log_inputs);
    routes.mlflow(POST, "2.0/mlflow/runs/outputs", Edit, Writes, runs::log_outputs);
    routes.taking(LIST_BODY_MAX_BYTES).mlflow(POST, "2.0/mlflow/runs/log-model", Edit, Writes, runs::log_model);
    routes.mlflow(GET, "2.0/mlflow/metrics/get-history", Read, Reads, metrics::history);
    routes.add(GET, "/ajax-api/2.0/mlflow/metrics/get-history-bulk", Read, Reads, metrics::history_bulk);
    routes.mlflow(GET, "2.0/mlflow/metrics/get-history-bulk-interval", Read, Reads, metrics::history_bulk_interval);
}

/// Logged models.
#[rustfmt::skip]
fn logged_model_routes(routes: &mut Routes) {
    routes.area = Area::Tracking;
    routes.taking(LIST_BODY_MAX_BYTES).mlflow(POST, "2.0/mlflow/logged-models", Edit, Writes, logged_models::create);
    routes.taking(LIST_BODY_MAX_BYTES).mlflow(POST, "2.0/mlflow/logged-models/search", Read, Reads, logged_models::search);
    routes.mlflow(GET, "2.0/mlflow/logged-models/{model_id}", Read, Reads, logged_models::get);
    routes.mlflow(PATCH, "2.0/mlflow/logged-models/{model_id}", Edit, Writes, logged_models::finalize);
    routes.mlflow(DELETE, "2.0/mlflow/logged-models/{model_id}", Manage, Writes, logged_models::delete);
    routes.taking(LIST_BODY_MAX_BYTES).mlflow(POST, "2.0/mlflow/logged-models/{model_id}/params", Edit, Writes, logged_models::log_params);
    routes.taking(LIST_BODY_MAX_BYTES).mlflow(PATCH, "2.0/mlflow/logged-models/{model_id}/tags", Edit, Writes, logged_models::set_tags);
    routes.mlflow(DELETE, "2.0/mlflow/logged-models/{model_id}/tags/{tag_key}", Edit, Writes, logged_models::delete_tag);
}

/// Registered models, their tags and aliases.
#[rustfmt::skip]
fn registered_model_routes(routes: &mut Routes) {
    routes.area = Area::Tracking;
    routes.taking(LIST_BODY_MAX_BYTES).mlflow(POST, "2.0/mlflow/registered-models/create", Edit, Writes, registered_models::create);
    routes.mlflow(GET, "2.0/mlflow/registered-models/get", Read, Reads, registered_models::get);
    routes.mlflow(PATCH, "2.0/mlflow/registered-models/update", Edit, Writes, registered_models::update);
    routes.mlflow(POST, "2.0/mlflow/registered-models/rename", Manage, Writes, registered_models::rename);
    routes.mlflow(DELETE, "2.0/mlflow/registered-models/delete", Manage, Writes, registered_models::delete);
    routes.mlflow(GET, "2.0/mlflow/registered-models/search", Read, Reads, registered_models::search);
    routes.mlflow(GET, "2.0/mlflow/registered-models/get-latest-versions", Read, Reads, registered_models::latest_versions);
    routes.mlflow(POST, "2.0/mlflow/registered-models/get-latest-versions", Read, Reads, registered_models::latest_versions);
    routes.mlflow(POST, "2.0/mlflow/registered-models/set-tag", Edit, Writes, registered_models::set_tag);
    routes.mlflow(DELETE, "2.0/mlflow/registered-models/delete-tag", Edit, Writes, registered_models::delete_tag);
    routes.mlflow(POST, "2.0/mlflow/registered-models/alias", Edit, Writes, registered_models::set_alias);
    routes.mlflow(DELETE, "2.0/mlflow/registered-models/alias", Edit, Writes, registered_models::delete_alias);
    routes.mlflow(GET, "2.0/mlflow/registered-models/alias", Read, Reads, registered_models::version_by_alias);
}

/// The versions of registered models.
#[rustfmt::skip]
fn model_version_routes(routes: &mut Routes) {
    routes.area = Area::Tracking;
    routes.taking(LIST_BODY_MAX_BYTES).mlflow(POST, "2.0/mlflow/model-versions/create", Edit, Writes, model_versions::create);
    routes.mlflow(GET, "2.0/mlflow/model-versions/get", Read, Reads, model_versions::get);
    routes.mlflow(PATCH, "2.0/mlflow/model-versions/update", Edit, Writes, model_versions::update);
    routes.mlflow(POST, "2.0/mlflow/model-versions/transition-stage", Edit, Writes, model_versions::transition_stage);
    routes.mlflow(DELETE, "2.0/mlflow/model-versions/delete", Manage, Writes, model_versions::delete);
    routes.mlflow(GET, "2.0/mlflow/model-versions/get-download-uri", Read, Reads, model_versions::download_uri);
    routes.mlflow(GET, "2.0/mlflow/model-versions/search", Read, Reads, model_versions::search);
    routes.mlflow(POST, "2.0/mlflow/model-versions/set-tag", Edit, Writes, model_versions::set_tag);
    routes.mlflow(DELETE, "2.0/mlflow/model-versions/delete-tag", Edit, Writes, model_versions::delete_tag);
    routes.add(GET, "/model-versions/get-artifact", Read, Transfer, model_versions::get_artifact);
}

/// Webhooks. Whoever may make one can send what the registry holds elsewhere.
#[rustfmt::skip]
fn webhook_routes(routes: &mut Routes) {
    routes.area = Area::Tracking;
    routes.mlflow(POST, "2.0/mlflow/webhooks", Manage, Sends, webhooks::create);
    routes.mlflow(GET, "2.0/mlflow/webhooks", Manage, Reads, webhooks::list);
    routes.mlflow(GET, "2.0/mlflow/webhooks/{webhook_id}", Manage, Reads, webhooks::get);
    routes.mlflow(PATCH, "2.0/mlflow/webhooks/{webhook_id}", Manage, Sends, webhooks::update);
    routes.mlflow(DELETE, "2.0/mlflow/webhooks/{webhook_id}", Manage, Writes, webhooks::delete);
    routes.mlflow(POST, "2.0/mlflow/webhooks/{webhook_id}/test", Manage, Sends, webhooks::test);
}

/// The artifacts of runs and logged models.
#[rustfmt::skip]
fn artifact_routes(routes: &mut Routes) {
    routes.area = Area::Tracking;
    routes.mlflow(GET, "2.0/mlflow/artifacts/list", Read, Reads, artifacts::list);
    routes.mlflow(POST, "2.0/mlflow/artifacts/presigned-upload-url", Edit, Reads, artifacts::presigned_upload);
    routes.mlflow(POST, "2.0/mlflow/artifacts/presigned-download-url", Read, Reads, artifacts::presigned_download);
    routes.add(GET, "/get-artifact", Read, Transfer, artifacts::get);
    routes.add(GET, "/ajax-api/2.0/mlflow/get-artifact", Read, Transfer, artifacts::get);
    routes.add(POST, "/ajax-api/2.0/mlflow/upload-artifact", Edit, Transfer, artifacts::upload);
    routes.mlflow(GET, "2.0/mlflow/logged-models/{model_id}/artifacts/directories", Read, Reads, artifacts::list_model);
    routes.add(GET, "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files", Read, Transfer, artifacts::get_model);
}

/// The artifact store behind the proxy.
#[rustfmt::skip]
fn artifact_proxy_routes(routes: &mut Routes) {
    routes.area = Area::ArtifactProxy;
    routes.mlflow(GET, "2.0/mlflow-artifacts/artifacts", Read, Reads, artifact_proxy::list);
    routes.mlflow(GET, "2.0/mlflow-artifacts/artifacts/", Read, Free, artifact_proxy::refuse_root);
    routes.mlflow(PUT, "2.0/mlflow-artifacts/artifacts/", Edit, Transfer, artifact_proxy::refuse_root);
    routes.mlflow(DELETE, "2.0/mlflow-artifacts/artifacts/", Manage, Free, artifact_proxy::refuse_root);
    routes.mlflow(GET, "2.0/mlflow-artifacts/artifacts/{*artifact_path}", Read, Transfer, artifact_proxy::get);
    routes.mlflow(PUT, "2.0/mlflow-artifacts/artifacts/{*artifact_path}", Edit, Transfer, artifact_proxy::put);
    routes.mlflow(DELETE, "2.0/mlflow-artifacts/artifacts/{*artifact_path}", Manage, Writes, artifact_proxy::delete);
    routes.mlflow(GET, "2.0/mlflow-artifacts/presigned/{*artifact_path}", Read, Free, artifact_proxy::presigned);
    routes.mlflow(POST, "2.0/mlflow-artifacts/mpu/create/{*artifact_path}", Edit, Writes, multipart::create);
    routes.mlflow(PUT, "2.0/mlflow-artifacts/mpu/part/{upload_id}/{part_number}", Edit, Transfer, multipart::put_part);
    routes.taking(LIST_BODY_MAX_BYTES).mlflow(POST, "2.0/mlflow-artifacts/mpu/complete/{*artifact_path}", Edit, Writes, multipart::complete);
    routes.mlflow(POST, "2.0/mlflow-artifacts/mpu/abort/{*artifact_path}", Edit, Writes, multipart::abort);
}
