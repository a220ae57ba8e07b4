//! `/api/2.0/mlflow-artifacts/artifacts…`: the store behind the proxy, addressed by whole paths.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use futures_util::StreamExt as _;
use modelyard_artifacts::{Announced, ArtifactPath, Entry, Repository};
use modelyard_protocol::digest::Digest;
use modelyard_protocol::messages::artifacts::{FileInfo, ListProxyArtifacts, ProxyArtifactList};
use modelyard_protocol::messages::transfers::PresignedUrl;
use modelyard_protocol::{Error, ErrorCode};

use super::v1::extract::PathOf;
use super::{artifact_file, digests};
use crate::extract::Mlflow;
use crate::{ApiError, AppState, answer};

/// How long the rest of a refused upload is read and dropped.
const DRAIN: Duration = Duration::from_secs(30);

/// The repository behind the proxy. The route table answers before, if it is switched off.
pub(super) fn destination(app: &AppState) -> Result<&Repository, ApiError> {
    app.artifacts.destination().ok_or_else(|| {
        let message = "This server runs with --no-serve-artifacts.";
        Error::new(ErrorCode::TemporarilyUnavailable, message).into()
    })
}

/// Reads a path.
pub(super) fn file_path(text: &str) -> Result<ArtifactPath, ApiError> {
    ArtifactPath::parse(text).map_err(|error| Error::invalid(error.to_string()).into())
}

/// Reads a path that may be the root.
pub(super) fn folder_path(text: Option<&str>) -> Result<Option<ArtifactPath>, ApiError> {
    let parsed = ArtifactPath::parse_folder(text.unwrap_or_default());
    parsed.map_err(|error| Error::invalid(error.to_string()).into())
}

/// An entry as MLflow shows it, below `folder`. The size of an empty file is left out, as is that
/// of a folder.
pub(super) fn file_info(entry: Entry, folder: Option<&ArtifactPath>) -> FileInfo {
    let is_dir = entry.is_folder();
    let size = entry.size_bytes.filter(|size| *size > 0);
    let path = match folder {
        Some(folder) => format!("{folder}/{}", entry.name),
        None => entry.name,
    };
    FileInfo { path, is_dir, file_size: size.map(|size| i64::try_from(size).unwrap_or(i64::MAX)) }
}

/// `GET artifacts?path=`: one folder, by base names.
pub(crate) async fn list(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<ListProxyArtifacts>,
) -> Result<Response, ApiError> {
    let folder = folder_path(asked.path.as_deref())?;
    let entries = destination(&app)?.list(folder.as_ref()).await?;
    let files = entries.into_iter().map(|entry| file_info(entry, None)).collect();
    answer::json(&ProxyArtifactList { files })
}

/// `GET artifacts/{path}`
pub(crate) async fn get(
    State(app): State<AppState>,
    PathOf(path): PathOf<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    artifact_file::send(destination(&app)?, &file_path(&path)?, &method, &headers).await
}

/// `PUT artifacts/{path}`: 200 without a body, once the file is safe and compared with its digest fields.
pub(crate) async fn put(
    State(app): State<AppState>,
    PathOf(path): PathOf<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let mut body = Incoming::new(body);
    let outcome = put_body(&app, &path, &head, &mut body).await;
    let digest = body.finish(outcome)?;
    app.artifact_changes.tell(&path);
    Ok(digests::confirmed(Response::new(Body::empty()), digest))
}

async fn put_body(
    app: &AppState,
    path: &str,
    head: &Parts,
    body: &mut Incoming,
) -> Result<Option<Digest>, ApiError> {
    if path.ends_with('/') {
        let message = "Artifact path must include a filename (cannot end with '/').";
        return Err(Error::invalid(message).into());
    }
    if head.uri.query().is_some_and(|query| !query.is_empty()) {
        // Clients do not escape `?` in names, so the file would get half a name.
        let message = "Invalid path: the name of the artifact must not contain '?'.";
        return Err(Error::invalid(message).into());
    }
    let path = file_path(path)?;
    let digest = digests::announced(&head.headers)?;
    let announced = Announced { size_bytes: body.size_bytes, digest };
    destination(app)?.upload(&path, announced, &mut body.stream).await?;
    Ok(digest)
}

/// `DELETE artifacts/{path}`: a file, or a folder with all in it.
pub(crate) async fn delete(
    State(app): State<AppState>,
    PathOf(path): PathOf<String>,
) -> Result<Response, ApiError> {
    destination(&app)?.delete(&file_path(&path)?).await?;
    app.artifact_changes.tell(&path);
    Ok(answer::empty())
}

/// `artifacts/` without a path: nothing can be done to the root as a whole.
pub(crate) async fn refuse_root(request: Request) -> Result<Response, ApiError> {
    let message = "Invalid path: name a file or folder after 'artifacts/'. To list the root, leave \
                   the '/' out.";
    Incoming::new(request.into_body()).finish(Err(Error::invalid(message).into()))
}

/// `GET presigned/{path}`
pub(crate) async fn presigned(
    State(app): State<AppState>,
    PathOf(path): PathOf<String>,
) -> Result<Response, ApiError> {
    let Some(signed) = destination(&app)?.download_url(&file_path(&path)?, None).await? else {
        let message = "Multipart download is not supported for the current artifact repository";
        return Err(Error::new(ErrorCode::NotImplemented, message).into());
    };
    answer::json(&PresignedUrl {
        url: signed.url,
        headers: signed.headers.into_iter().collect(),
        file_size: signed.size_bytes,
    })
}

/// What a client uploads.
pub(super) struct Incoming {
    /// Its frames.
    pub(super) stream: BodyDataStream,
    /// Its size, if the client said so.
    pub(super) size_bytes: Option<u64>,
}

impl Incoming {
    pub(super) fn new(body: Body) -> Self {
        Self { size_bytes: body.size_hint().exact(), stream: body.into_data_stream() }
    }

    /// Passes the outcome on. If it is an error, the rest of the body is read beside the answer:
    /// most clients read no answer before they have sent all, and would report a broken connection
    /// instead of the error, after several tries.
    pub(super) fn finish<T>(self, outcome: Result<T, ApiError>) -> Result<T, ApiError> {
        if outcome.is_err() {
            let mut stream = self.stream;
            let rest = async move { while let Some(Ok(_)) = stream.next().await {} };
            tokio::spawn(tokio::time::timeout(DRAIN, rest));
        }
        outcome
    }
}
