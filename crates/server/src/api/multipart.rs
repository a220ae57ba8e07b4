//! `/api/2.0/mlflow-artifacts/mpu/…`: uploads in parts through the proxy.
//!
//! As with MLflow, the URLs are those of a cloud store; where there is none, of this server. The
//! client sends the parts without its credentials, so the URL, with the id of the upload in it, is
//! the right to add to it.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use modelyard_artifacts::{ArtifactPath, FinishedPart, UploadId, checked};
use modelyard_protocol::Error;
use modelyard_protocol::digest::Digest;
use modelyard_protocol::messages::transfers::{
    AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, MultipartUpload,
    MultipartUploadCredential, MultipartUploadPart,
};

use super::artifact_proxy::{Incoming, destination, file_path};
use super::digests;
use super::v1::extract::PathOf;
use crate::extract::Mlflow;
use crate::{ApiError, AppState, answer};

/// The part of the path that names this endpoint; before it stands whatever prefix the client sees.
const CREATE: &str = "/mlflow-artifacts/mpu/create/";
const PART: &str = "/mlflow-artifacts/mpu/part/";

/// `POST mpu/create/{folder}`
pub(crate) async fn create(
    State(app): State<AppState>,
    PathOf(folder): PathOf<String>,
    uri: Uri,
    headers: HeaderMap,
    Mlflow(asked): Mlflow<CreateMultipartUpload>,
) -> Result<Response, ApiError> {
    let target = target(&folder, &asked.path)?;
    // What is beyond the limit is refused there.
    let parts = u32::try_from(asked.num_parts).unwrap_or_default();
    let base = part_url(&headers, uri.path())?;
    let repository = destination(&app)?;
    let upload = repository.create_multipart(&target, parts).await?;
    let urls = match repository.part_urls(&target, &upload, parts).await? {
        Some(urls) => urls,
        None => (1..=parts).map(|part| format!("{base}{}/{part}", upload.as_str())).collect(),
    };
    let credential = |(url, part_number)| MultipartUploadCredential {
        url,
        part_number,
        headers: BTreeMap::new(),
    };
    answer::json(&MultipartUpload {
        upload_id: upload.as_str().to_owned(),
        credentials: urls.into_iter().zip(1..).map(credential).collect(),
    })
}

/// `PUT mpu/part/{upload_id}/{part_number}`: 200 with the part's `ETag`, once it is compared with its digest fields.
pub(crate) async fn put_part(
    State(app): State<AppState>,
    PathOf((upload, number)): PathOf<(String, u32)>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let mut body = Incoming::new(body);
    let outcome = receive_part(&app, &upload, number, &head.headers, &mut body).await;
    let (etag, digest) = body.finish(outcome)?;
    let mut response = Response::default();
    response.headers_mut().insert(header::ETAG, etag);
    Ok(digests::confirmed(response, digest))
}

async fn receive_part(
    app: &AppState,
    upload: &str,
    number: u32,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<(HeaderValue, Option<Digest>), ApiError> {
    let upload = UploadId::parse(upload)?;
    let Some(size) = body.size_bytes else {
        return Err(Error::invalid("Send the part with its Content-Length.").into());
    };
    let digest = digests::announced(headers)?;
    let bytes = checked(&mut body.stream, digest);
    let part = destination(app)?.upload_part(&upload, number, size, bytes).await?;
    Ok((HeaderValue::try_from(part).map_err(ApiError::internal)?, digest))
}

/// `POST mpu/complete/{folder}`
pub(crate) async fn complete(
    State(app): State<AppState>,
    PathOf(folder): PathOf<String>,
    Mlflow(asked): Mlflow<CompleteMultipartUpload>,
) -> Result<Response, ApiError> {
    let target = target(&folder, &asked.path)?;
    let upload = UploadId::parse(&asked.upload_id)?;
    let parts: Vec<_> = asked.parts.into_iter().map(finished).collect();
    destination(&app)?.complete_multipart(&upload, &target, &parts).await?;
    app.artifact_changes.tell(&target.to_string());
    Ok(answer::empty())
}

/// `POST mpu/abort/{folder}`
pub(crate) async fn abort(
    State(app): State<AppState>,
    PathOf(folder): PathOf<String>,
    Mlflow(asked): Mlflow<AbortMultipartUpload>,
) -> Result<Response, ApiError> {
    let target = target(&folder, &asked.path)?;
    let upload = UploadId::parse(&asked.upload_id)?;
    destination(&app)?.abort_multipart(&upload, &target).await?;
    Ok(answer::empty())
}

/// A number that cannot be is no part of any upload: it is refused there.
fn finished(part: MultipartUploadPart) -> FinishedPart {
    let number = u32::try_from(part.part_number).unwrap_or_default();
    FinishedPart { number, etag: part.etag }
}

/// Where the file goes. The folder stands in the URL. The body names the file as it lies on the
/// client's disk, `../data/big.bin` or `C:\data\big.bin`, and of that only the last name counts.
fn target(folder: &str, client_file: &str) -> Result<ArtifactPath, ApiError> {
    let name = client_file.rsplit(['/', '\\']).next().unwrap_or_default();
    let target = file_path(name)?.below(Some(&file_path(folder)?));
    target.map_err(|error| Error::invalid(error.to_string()).into())
}

/// The URL of the parts but for upload and number, as the client reaches this server: the host it
/// asked for, unless a proxy in front says that it was another.
fn part_url(headers: &HeaderMap, path: &str) -> Result<String, ApiError> {
    let first = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?.split(',').next()?.trim();
        Some(value).filter(|value| !value.is_empty())
    };
    let host = first("x-forwarded-host").or_else(|| first("host"));
    let host = host.filter(|host| host.parse::<Authority>().is_ok());
    let host = host.ok_or_else(|| Error::invalid("The request needs a Host header."))?;
    let scheme = match first("x-forwarded-proto") {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    };
    let outside = first("x-forwarded-prefix").map(|it| it.trim_end_matches('/'));
    let outside = outside.filter(|it| it.starts_with('/') && !it.starts_with("//"));
    let inside = path.split(CREATE).next().unwrap_or_default();
    Ok(format!("{scheme}://{host}{}{inside}{PART}", outside.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(headers: &[(&'static str, &str)], path: &str) -> Option<String> {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (header::HeaderName::from_static(name), value.parse().expect("a header"))
            })
            .collect();
        part_url(&headers, path).ok()
    }

    #[test]
    fn parts_go_where_the_client_reaches_the_server() {
        let path = "/api/2.0/mlflow-artifacts/mpu/create/1/r/artifacts";
        let url = |headers: &[(&'static str, &str)]| url(headers, path);
        let host = ("host", "127.0.0.1:5000");
        assert_eq!(
            url(&[host]).as_deref(),
            Some("http://127.0.0.1:5000/api/2.0/mlflow-artifacts/mpu/part/")
        );
        let proxy = [
            host,
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "ml.example, inner"),
            ("x-forwarded-prefix", "/tracking/"),
        ];
        assert_eq!(
            url(&proxy).as_deref(),
            Some("https://ml.example/tracking/api/2.0/mlflow-artifacts/mpu/part/")
        );
        assert_eq!(url(&[]), None);
        assert_eq!(url(&[("host", "a/b")]), None);
    }

    #[test]
    fn a_static_prefix_stays() {
        let path = "/x/ajax-api/2.0/mlflow-artifacts/mpu/create/1/mlflow-artifacts/mpu/create/2";
        assert_eq!(
            url(&[("host", "h")], path).as_deref(),
            Some("http://h/x/ajax-api/2.0/mlflow-artifacts/mpu/part/")
        );
    }

    #[test]
    fn only_the_last_name_of_the_clients_file_counts() {
        for client_file in ["big.bin", "/data/big.bin", "../../big.bin", "C:\\data\\big.bin"] {
            let path = target("1/r/artifacts", client_file).expect(client_file);
            assert_eq!(path.as_str(), "1/r/artifacts/big.bin");
        }
        for (folder, client_file) in [("..", "x"), ("a", ".."), ("a", "x/"), ("/etc", "x")] {
            assert!(target(folder, client_file).is_err(), "{folder} {client_file}");
        }
    }
}
