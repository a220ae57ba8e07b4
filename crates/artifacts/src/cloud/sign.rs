//! URLs that let whoever holds them read or store one file without this server.

use std::time::Duration;

use object_store::signer::{HeaderName, HeaderValue, Method, SignedUrlOptions};

use super::CloudRepository;
use super::open::Bucket;
use crate::error::{Error, Result};
use crate::mime::content_type;
use crate::path::ArtifactPath;

const SIGNING: &str = "signing a URL";

/// A URL that carries a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedUrl {
    /// The URL.
    pub url: String,
    /// Headers that must be sent with the request.
    pub headers: Vec<(String, String)>,
    /// The size of the file that is there, in bytes.
    pub size_bytes: Option<u64>,
}

impl CloudRepository {
    /// A URL for reading a file, good for `life` or as long as the server was told.
    ///
    /// # Errors
    /// [`Error::NotFound`] and its like if there is no such file.
    pub(crate) async fn download_url(
        &self,
        path: &ArtifactPath,
        life: Option<Duration>,
    ) -> Result<SignedUrl> {
        let file = self.open_file(path).await?;
        let life = life.unwrap_or(self.0.url_life);
        let mut options = SignedUrlOptions::new();
        if matches!(self.0.bucket, Bucket::S3(_)) {
            // A page that some user stored must not be shown as one of the store's.
            options = options.with_query([("response-content-disposition", "attachment")]);
        }
        let url = self.signed(Method::GET, path, life, &options).await?;
        Ok(SignedUrl { url, headers: Vec::new(), size_bytes: Some(file.size_bytes) })
    }

    /// A URL for storing a file.
    pub(crate) async fn upload_url(
        &self,
        path: &ArtifactPath,
        life: Duration,
    ) -> Result<SignedUrl> {
        let mut headers = self.0.put_headers.clone();
        let mut options = SignedUrlOptions::new();
        match self.0.bucket {
            Bucket::S3(_) => {
                headers.push(("Content-Type".into(), content_type(path.file_name()).into()));
                for (name, value) in &headers {
                    let name = HeaderName::try_from(name.as_str());
                    let value = HeaderValue::try_from(value.as_str());
                    if let (Ok(name), Ok(value)) = (name, value) {
                        options = options.with_signed_header(name, value);
                    }
                }
            }
            Bucket::Azure { .. } => headers.push(("x-ms-blob-type".into(), "BlockBlob".into())),
            Bucket::Google(_) => {}
        }
        let url = self.signed(Method::PUT, path, life, &options).await?;
        Ok(SignedUrl { url, headers, size_bytes: None })
    }

    async fn signed(
        &self,
        method: Method,
        path: &ArtifactPath,
        life: Duration,
        options: &SignedUrlOptions,
    ) -> Result<String> {
        let key = self.key(path)?;
        let signing = self.0.client.signed_url_opts(method, &key, life, options);
        match tokio::time::timeout(super::REQUEST, signing).await {
            Ok(Ok(url)) => Ok(url.into()),
            Ok(Err(object_store::Error::NotSupported { .. })) => Err(Error::NotSupported(
                "This server's credentials for the artifact store cannot sign URLs.".to_owned(),
            )),
            Ok(Err(error)) => Err(self.failed(SIGNING)(error)),
            Err(_elapsed) => Err(self.silent(SIGNING)),
        }
    }
}
