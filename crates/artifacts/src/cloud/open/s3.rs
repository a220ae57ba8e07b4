//! S3, and what speaks its language: MinIO, Ceph, R2 and others.

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

use super::{Client, Variables, options, refused, retries, unusable};
use crate::error::Result;

/// Variables whose wish cannot be granted, and what to do.
const REFUSED: [(&str, &str); 6] = [
    ("AWS_PROFILE", PROFILES),
    ("AWS_DEFAULT_PROFILE", PROFILES),
    ("AWS_CONFIG_FILE", PROFILES),
    ("AWS_SHARED_CREDENTIALS_FILE", PROFILES),
    (
        "MLFLOW_S3_EXPECTED_BUCKET_OWNER",
        "this server cannot ask the store for that check. Unset it, and let the policy of the \
         credentials name the bucket",
    ),
    ("AWS_SIGNING_REGION", "use AWS_REGION"),
];
const PROFILES: &str = "profiles and their files are not read here. Give AWS_ACCESS_KEY_ID and \
                        AWS_SECRET_ACCESS_KEY, or leave them out where the machine has a role";
/// The style of addresses: the bucket in the path, or in the name of the host.
const STYLE: &str = "MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE";
const SIGNATURE: &str = "MLFLOW_EXPERIMENTAL_S3_SIGNATURE_VERSION";
const EXTRA: &str = "MLFLOW_S3_UPLOAD_EXTRA_ARGS";
const INSECURE: &str = "MLFLOW_S3_IGNORE_TLS";
/// Addresses of the store; the first that is given counts.
const ENDPOINTS: [&str; 4] =
    ["MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];

pub(super) fn unread(variables: &Variables) -> Vec<String> {
    let prefixes = ["AWS_", "MLFLOW_S3_", "MLFLOW_EXPERIMENTAL_S3_", "MLFLOW_BOTO_"];
    let read_here = [STYLE, SIGNATURE, EXTRA, INSECURE, ENDPOINTS[0]];
    variables.unread::<AmazonS3ConfigKey>(&prefixes, &read_here)
}

/// Headers for encryption at rest that whoever stores an object must send.
pub(super) fn put_headers(variables: &Variables) -> Result<Vec<(String, String)>> {
    let Some(text) = variables.get(EXTRA) else { return Ok(Vec::new()) };
    let wrong = || {
        refused(
            EXTRA,
            "only ServerSideEncryption and SSEKMSKeyId, as JSON with texts, are known here",
        )
    };
    let asked: std::collections::BTreeMap<String, String> =
        serde_json::from_str(text).map_err(|_error| wrong())?;
    let headers = asked.into_iter().map(|(name, value)| match name.as_str() {
        "ServerSideEncryption" => Ok(("x-amz-server-side-encryption".to_owned(), value)),
        "SSEKMSKeyId" => Ok(("x-amz-server-side-encryption-aws-kms-key-id".to_owned(), value)),
        _ => Err(wrong()),
    });
    headers.collect()
}

pub(super) fn client(
    bucket: &str,
    variables: &Variables,
    put_headers: &[(String, String)],
) -> Result<Box<dyn Client>> {
    for (name, why) in REFUSED {
        if variables.get(name).is_some() {
            return Err(refused(name, why));
        }
    }
    let mut builder = AmazonS3Builder::new();
    for (key, value) in variables.known::<AmazonS3ConfigKey>("AWS_") {
        builder = builder.with_config(key, value);
    }
    for (name, value) in put_headers {
        let key = match name.as_str() {
            "x-amz-server-side-encryption" => "aws_server_side_encryption",
            _ => "aws_sse_kms_key_id",
        };
        if let Ok(key) = key.parse() {
            builder = builder.with_config(key, value);
        }
    }
    let mut options = options(variables)?;
    if variables.is_true(INSECURE)? {
        options = options.with_allow_invalid_certificates(true);
    }
    match variables.get(SIGNATURE) {
        None | Some("s3v4") => {}
        Some(text) if text.eq_ignore_ascii_case("unsigned") => {
            builder = builder.with_skip_signature(true);
        }
        Some(_) => return Err(refused(SIGNATURE, "use s3v4 or unsigned")),
    }
    let is_virtual = match variables.get(STYLE) {
        None | Some("auto" | "path") => false,
        Some("virtual") => true,
        Some(_) => return Err(refused(STYLE, "use auto, path or virtual")),
    };
    if is_virtual {
        builder = builder.with_virtual_hosted_style_request(true);
    }
    let given = ENDPOINTS.iter().find_map(|name| Some((*name, variables.get(name)?)));
    if let Some((name, endpoint)) = given {
        let url = endpoint.trim_end_matches('/');
        let Some((scheme @ ("http" | "https"), host)) = url.split_once("://") else {
            return Err(refused(name, "give a URL that begins with http:// or https://"));
        };
        options = options.with_allow_http(scheme == "http");
        let url = if is_virtual { format!("{scheme}://{bucket}.{host}") } else { url.to_owned() };
        // Over any other that a key of the environment gave.
        builder =
            builder.with_config(AmazonS3ConfigKey::S3Endpoint, url.clone()).with_endpoint(url);
    }
    let builder = builder.with_bucket_name(bucket).with_client_options(options);
    let client = builder.with_retry(retries()).build();
    Ok(Box::new(client.map_err(unusable("S3", variables))?))
}
