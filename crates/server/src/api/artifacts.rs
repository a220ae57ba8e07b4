//! The artifacts of runs and logged models, addressed by their owner.

use std::fmt;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use futures_util::{Stream, StreamExt as _, stream};
use modelyard_artifacts as store;
use modelyard_artifacts::{ArtifactPath, Located, Place, SignedUrl};
use modelyard_protocol::messages::artifacts::{ArtifactList, ListArtifacts, ListModelArtifacts};
use modelyard_protocol::messages::transfers::{
    ArtifactOwner, PresignedDownload, PresignedUpload, RunPresignedUrl,
};
use modelyard_protocol::wire::{Query, parse_query};
use modelyard_protocol::{Error, ErrorCode};

use super::artifact_file;
use super::artifact_proxy::{Incoming, file_info, file_path, folder_path};
use super::v1::extract::PathOf;
use crate::extract::Mlflow;
use crate::{ApiError, AppState, answer};

/// The largest file that the UI's upload takes, in bytes: MLflow's limit.
const UI_UPLOAD_MAX_BYTES: u64 = 10 << 20;

/// `GET artifacts/list`: a folder of a run, by paths relative to the run's root.
pub(crate) async fn list(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<ListArtifacts>,
) -> Result<Response, ApiError> {
    let folder = folder_path(asked.path.as_deref())?;
    let run = app.store.run_info(asked.run_id().to_owned()).await?;
    list_at(&app, run.artifact_uri, folder.as_ref()).await
}

/// `GET logged-models/{model_id}/artifacts/directories`
pub(crate) async fn list_model(
    State(app): State<AppState>,
    PathOf(model_id): PathOf<String>,
    Mlflow(asked): Mlflow<ListModelArtifacts>,
) -> Result<Response, ApiError> {
    let folder = folder_path(asked.artifact_directory_path.as_deref())?;
    let model = app.store.bare_logged_model(model_id).await?;
    list_at(&app, model.artifact_uri, folder.as_ref()).await
}

async fn list_at(
    app: &AppState,
    root_uri: String,
    folder: Option<&ArtifactPath>,
) -> Result<Response, ApiError> {
    let located = app.artifacts.find(&root_uri)?;
    let entries = located.repository.list(located.folder(folder)?.as_ref()).await?;
    let files = entries.into_iter().map(|entry| file_info(entry, folder)).collect();
    answer::json(&ArtifactList { root_uri, files, next_page_token: None })
}

/// `GET /get-artifact?run_id=&path=`
pub(crate) async fn get(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query = parse_query(&query.unwrap_or_default());
    let run_id = query.get("run_id").filter(|id| !id.is_empty()).or_else(|| query.get("run_uuid"));
    let Some(path) = query.get("path") else {
        return Err(Error::invalid("Request must specify path.").into());
    };
    let path = folder_path(Some(path))?;
    let run = app.store.run_info(run_id.unwrap_or_default().to_owned()).await?;
    send_from(&app, &run.artifact_uri, path, &method, &headers).await
}

/// `GET logged-models/{model_id}/artifacts/files?artifact_file_path=`
pub(crate) async fn get_model(
    State(app): State<AppState>,
    PathOf(model_id): PathOf<String>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query = parse_query(&query.unwrap_or_default());
    let path = query.get("artifact_file_path").filter(|path| !path.is_empty());
    let Some(path) = path else {
        let message = "Request must include the \"artifact_file_path\" query parameter.";
        return Err(Error::new(ErrorCode::BadRequest, message).into());
    };
    let path = folder_path(Some(path))?;
    let model = app.store.bare_logged_model(model_id).await?;
    send_from(&app, &model.artifact_uri, path, &method, &headers).await
}

pub(super) async fn send_from(
    app: &AppState,
    root_uri: &str,
    path: Option<ArtifactPath>,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let located = app.artifacts.find(root_uri)?;
    let Some(path) = located.folder(path.as_ref())? else {
        let message = "Artifact path refers to a directory, not a file: ''";
        return Err(Error::invalid(message).into());
    };
    artifact_file::send(&located.repository, &path, method, headers).await
}

/// `POST /ajax-api/2.0/mlflow/upload-artifact?run_uuid=&path=`: a file of a run, from the UI.
pub(crate) async fn upload(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, ApiError> {
    let mut body = Incoming::new(request.into_body());
    let outcome = upload_body(&app, &query.unwrap_or_default(), &mut body).await;
    body.finish(outcome)?;
    let mut response = Response::default();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

async fn upload_body(app: &AppState, query: &str, body: &mut Incoming) -> Result<(), ApiError> {
    let query = parse_query(query);
    let run_id = required(&query, "run_uuid")?.to_owned();
    let path = file_path(required(&query, "path")?)?;
    if body.size_bytes.is_some_and(|size| size > UI_UPLOAD_MAX_BYTES) {
        return Err(too_large());
    }
    let first = first_frame(body).await?;
    let run = app.store.run_info(run_id).await?;
    let located = app.artifacts.find(&run.artifact_uri)?;
    let frames = stream::once(async { Ok(first) }).chain(&mut body.stream);
    store_bounded(&located, &path, body.size_bytes, Box::pin(frames)).await?;
    app.artifact_changes.tell_run(run.experiment_id, run.run_id);
    Ok(())
}

/// A parameter of the query that must be there and say something.
pub(super) fn required<'q>(query: &'q Query, name: &str) -> Result<&'q str, Error> {
    let value = query.get(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| Error::invalid(format!("Request must specify {name}.")))
}

/// The first bytes of the body; an upload of nothing is taken for a mistake.
async fn first_frame(body: &mut Incoming) -> Result<Bytes, ApiError> {
    while let Some(frame) = body.stream.next().await {
        let frame = frame.map_err(|cause| store::Error::Interrupted(cause.into()))?;
        if !frame.is_empty() {
            return Ok(frame);
        }
    }
    Err(Error::invalid("Request must specify data.").into())
}

async fn store_bounded<S>(
    located: &Located,
    path: &ArtifactPath,
    size_bytes: Option<u64>,
    frames: S,
) -> Result<(), ApiError>
where
    S: Stream<Item = Result<Bytes, axum::Error>> + Send + Unpin,
{
    let mut left = UI_UPLOAD_MAX_BYTES;
    let bounded = frames.map(move |frame| {
        let frame = frame.map_err(store::Cause::from)?;
        left = left.checked_sub(frame.len() as u64).ok_or(TooLarge)?;
        Ok::<_, store::Cause>(frame)
    });
    match located.repository.upload(&located.path(path)?, size_bytes, bounded).await {
        Err(store::Error::Interrupted(cause)) if cause.is::<TooLarge>() => Err(too_large()),
        outcome => Ok(outcome.map(|_size| ())?),
    }
}

/// Ends an upload whose size was not known at its begin.
#[derive(Debug)]
struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too large")
    }
}

impl std::error::Error for TooLarge {}

fn too_large() -> ApiError {
    Error::invalid("Artifact size is too large. Max size is 10MB.").into()
}

/// `POST artifacts/presigned-upload-url`
pub(crate) async fn presigned_upload(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<PresignedUpload>,
) -> Result<Response, ApiError> {
    let path = file_path(&asked.path)?;
    let root_uri = match asked.owner() {
        ArtifactOwner::Run(id) => app.store.run_info(id.to_owned()).await?.artifact_uri,
        ArtifactOwner::LoggedModel(id) => {
            app.store.bare_logged_model(id.to_owned()).await?.artifact_uri
        }
    };
    let Some(located) = direct(&app, &root_uri)? else {
        return Err(no_presigning(&app, "upload", "", &root_uri));
    };
    let signed =
        located.repository.upload_url(&located.path(&path)?, life(asked.expiration)).await?;
    answer_signed(signed.ok_or_else(|| no_presigning(&app, "upload", "", &root_uri))?)
}

/// `POST artifacts/presigned-download-url`
pub(crate) async fn presigned_download(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<PresignedDownload>,
) -> Result<Response, ApiError> {
    let path = file_path(&asked.path)?;
    let root_uri = app.store.run_info(asked.run_id).await?.artifact_uri;
    let refused = || no_presigning(&app, "download", "runs with ", &root_uri);
    let Some(located) = direct(&app, &root_uri)? else { return Err(refused()) };
    let life = life(asked.expiration);
    let signed = located.repository.download_url(&located.path(&path)?, Some(life)).await?;
    answer_signed(signed.ok_or_else(refused)?)
}

/// The artifacts, if they lie in a bucket that clients name as such.
fn direct(app: &AppState, root_uri: &str) -> Result<Option<Located>, ApiError> {
    match app.artifacts.place_of(root_uri)? {
        Place::Remote(remote) if remote.is_bucket() => match app.artifacts.find(root_uri) {
            // Without credentials there is no signature.
            Err(store::Error::BucketNotServed(_)) => Ok(None),
            located => Ok(Some(located?)),
        },
        _ => Ok(None),
    }
}

/// The message has checked that it is positive.
fn life(seconds: i64) -> Duration {
    Duration::from_secs(seconds.unsigned_abs())
}

fn answer_signed(signed: SignedUrl) -> Result<Response, ApiError> {
    answer::json(&RunPresignedUrl {
        presigned_url: signed.url,
        headers: signed.headers.into_iter().collect(),
        file_size: signed.size_bytes,
    })
}

/// There are URLs to sign only for stores that clients reach without this server.
fn no_presigning(app: &AppState, what: &str, whose: &str, root_uri: &str) -> ApiError {
    let scheme = match app.artifacts.place_of(root_uri) {
        Ok(Place::Proxied(_)) => "mlflow-artifacts".to_owned(),
        Ok(Place::Remote(remote)) if remote.scheme.starts_with("http") => remote.scheme,
        Ok(Place::Local(_) | Place::Remote(_)) => {
            let message =
                format!("Presigned {what} is not supported for the current artifact repository");
            return Error::new(ErrorCode::NotImplemented, message).into();
        }
        Err(error) => return error.into(),
    };
    Error::invalid(format!(
        "Presigned {what} is not supported for {whose}proxied artifact storage (artifact URI \
         scheme: {scheme}). This endpoint requires direct cloud storage; use the artifact proxy."
    ))
    .into()
}
