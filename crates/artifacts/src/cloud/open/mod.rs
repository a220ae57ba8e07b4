//! Which bucket a location means, and how to reach it: from the variables that the stores' own tools
//! and MLflow read.

mod azure;
mod google;
mod s3;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use object_store::{BackoffConfig, Certificate, ClientOptions, RetryConfig};

use super::Client;
use crate::error::{Error, Result};
use crate::path::ArtifactPath;
use crate::uri::Remote;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the store may say nothing before the request is sent again.
const SILENCE: Duration = Duration::from_secs(30);
/// How often, and how long after its begin, a request that failed is sent again. With [`SILENCE`]
/// this stays below the patience of the clients, 120 s.
const RETRIES: usize = 8;
const RETRYING: Duration = Duration::from_secs(40);
/// The pause before the second attempt, which doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Seconds for which a signed URL is good: MLflow's default, and what the stores allow at most.
const URL_LIFE_S: u64 = 300;
const URL_LIFE_MAX_S: u64 = 604_800;
/// Names of variables begin so, if they are about stores.
const PREFIXES: [&str; 6] =
    ["AWS_", "AZURE_", "GOOGLE_", "MLFLOW_S3_", "MLFLOW_EXPERIMENTAL_S3_", "MLFLOW_BOTO_"];
const FURTHER_NAMES: [&str; 2] =
    ["MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS", "STORAGE_EMULATOR_HOST"];

/// Further authorities to trust, for every store.
const CERTIFICATES: &str = "AWS_CA_BUNDLE";
/// Shorter parts of values are no secrets, and taking them out would take words out.
const SECRET_MIN_CHARS: usize = 6;
/// What the location of a bucket says.
const OF_LOCATIONS: [&str; 6] = [
    "AWS_BUCKET",
    "AWS_BUCKET_NAME",
    "AZURE_CONTAINER_NAME",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "GOOGLE_BUCKET",
    "GOOGLE_BUCKET_NAME",
];

/// The environment variables about stores. They hold secrets, so they are never shown.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Takes those of `all` that are about stores. An empty value counts as none.
    pub fn among(all: impl IntoIterator<Item = (String, String)>) -> Self {
        let is_ours = |name: &str| {
            PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || FURTHER_NAMES.contains(&name)
        };
        Self(all.into_iter().filter(|(name, value)| is_ours(name) && !value.is_empty()).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The keys that a store's client knows, among the variables that begin with `prefix`. Others
    /// are of other tools.
    fn known<K: std::str::FromStr>(&self, prefix: &str) -> Vec<(K, &str)> {
        let ours = self.0.iter().filter(|(name, _)| name.starts_with(prefix));
        let known = ours.filter_map(|(name, value)| {
            Some((name.to_ascii_lowercase().parse().ok()?, value.as_str()))
        });
        known.collect()
    }

    /// Those under `prefixes` that are neither among the keys of a store's client nor read here, and those whose
    /// wish only a location can grant. They may be meant for other programs, so they are no errors.
    fn unread<K: std::str::FromStr>(&self, prefixes: &[&str], read_here: &[&str]) -> Vec<String> {
        let of_store = |name: &&String| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let is_read = |name: &&String| {
            let of_client = prefixes.first().is_some_and(|prefix| name.starts_with(prefix))
                && name.to_ascii_lowercase().parse::<K>().is_ok();
            read_here.contains(&name.as_str())
                || (of_client && !OF_LOCATIONS.contains(&name.as_str()))
        };
        let names = self.0.keys().filter(of_store);
        names.filter(|name| !is_read(name) && name.as_str() != CERTIFICATES).cloned().collect()
    }

    /// The text with all values of variables taken out, and all parts of them that a store would know.
    fn without_values(&self, text: &str) -> String {
        let parts = |value: &'_ str| -> Vec<String> {
            let words = value.split(|c: char| !c.is_ascii_graphic() || "=;\",{}:".contains(c));
            words.filter(|word| word.len() >= SECRET_MIN_CHARS).map(str::to_owned).collect()
        };
        let mut text = text.to_owned();
        for part in self.0.values().flat_map(|value| parts(value)) {
            text = text.replace(&part, "…");
        }
        text
    }

    /// A truth value as MLflow reads it.
    fn is_true(&self, name: &str) -> Result<bool> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(refused(name, "use true or false")),
        }
    }

    fn url_life(&self) -> Result<Duration> {
        let name = "MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS";
        let Some(text) = self.get(name) else { return Ok(Duration::from_secs(URL_LIFE_S)) };
        match text.trim().parse() {
            Ok(seconds) if (1..=URL_LIFE_MAX_S).contains(&seconds) => {
                Ok(Duration::from_secs(seconds))
            }
            _ => Err(refused(name, &format!("use a number of seconds from 1 to {URL_LIFE_MAX_S}"))),
        }
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A variable that cannot be obeyed.
fn refused(name: &str, what_to_do: &str) -> Error {
    Error::Configuration(format!("{name}: {what_to_do}"))
}

/// A bucket, or what Azure calls a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bucket {
    S3(String),
    Google(String),
    Azure { account: String, container: String },
}

impl Bucket {
    /// The bucket that a location names, and the folder in it; `None` for other kinds of stores.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the location is not one of its scheme, [`Error::Path`] if its
    /// folder cannot be one of artifacts.
    pub(crate) fn of(remote: &Remote) -> Result<Option<(Self, Option<ArtifactPath>)>> {
        let authority = remote.authority.as_str();
        let bucket = match remote.scheme.as_str() {
            "s3" => Self::S3(name(remote, authority)?),
            "gs" => Self::Google(name(remote, authority)?),
            "wasbs" | "abfss" => azure::container(remote)?,
            _ => return Ok(None),
        };
        let path = remote.path.strip_prefix('/').unwrap_or(&remote.path);
        // Text and key must be the same, for clients make keys from the text.
        let path = path.strip_suffix('/').unwrap_or(path);
        let folder = ArtifactPath::parse_folder(path)?;
        match folder.as_ref().map_or("", ArtifactPath::as_str) == path {
            true => Ok(Some((bucket, folder))),
            false => Err(unreadable(remote, "its path has an empty name or a '.' in it")),
        }
    }

    /// The names of variables about this kind of store that have no effect.
    pub(crate) fn unread(&self, variables: &Variables) -> Vec<String> {
        match self {
            Self::S3(_) => s3::unread(variables),
            Self::Google(_) => google::unread(variables),
            Self::Azure { .. } => azure::unread(variables),
        }
    }

    /// Whether a URL can be made for each part of an upload.
    pub(super) fn signs_parts(&self) -> bool {
        matches!(self, Self::S3(_))
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3(name) => write!(f, "s3://{name}"),
            Self::Google(name) => write!(f, "gs://{name}"),
            Self::Azure { account, container } => {
                write!(f, "wasbs://{container}@{account}.blob.core.windows.net")
            }
        }
    }
}

impl Remote {
    /// Whether it is, or is meant to be, a bucket of a kind that a server can serve.
    pub fn is_bucket(&self) -> bool {
        !matches!(Bucket::of(self), Ok(None))
    }
}

fn unreadable(remote: &Remote, why: &str) -> Error {
    Error::Configuration(format!("a '{}' location cannot be read: {why}", remote.scheme))
}

/// A name that goes into a URL, and so must be nothing but a name.
fn name(remote: &Remote, text: &str) -> Result<String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let has_ends = |text: &str| text.starts_with('.') || text.ends_with('.');
    if text.is_empty() || !text.bytes().all(legal) || has_ends(text) || text.contains("..") {
        return Err(unreadable(
            remote,
            "the name of the bucket holds other than letters, digits, - . _",
        ));
    }
    Ok(text.to_owned())
}

/// A client and what goes with it.
pub(crate) struct Settings {
    pub(super) client: Box<dyn Client>,
    pub(super) put_headers: Vec<(String, String)>,
    pub(super) url_life: Duration,
}

/// Makes the client of a bucket.
pub(super) fn client(bucket: &Bucket, variables: &Variables) -> Result<Settings> {
    // The second time there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url_life = variables.url_life()?;
    let mut put_headers = Vec::new();
    let client = match bucket {
        Bucket::S3(name) => {
            put_headers = s3::put_headers(variables)?;
            s3::client(name, variables, &put_headers)?
        }
        Bucket::Google(name) => google::client(name, variables)?,
        Bucket::Azure { account, container } => azure::client(account, container, variables)?,
    };
    Ok(Settings { client, put_headers, url_life })
}

fn options(variables: &Variables) -> Result<ClientOptions> {
    let mut options = ClientOptions::new()
        // A whole file may take hours; silence is what counts.
        .with_timeout_disabled()
        .with_connect_timeout(CONNECT)
        .with_read_timeout(SILENCE);
    if let Some(file) = variables.get(CERTIFICATES) {
        let name = CERTIFICATES;
        let pem = std::fs::read(file).map_err(|error| refused(name, &error.to_string()))?;
        let certificates = Certificate::from_pem_bundle(&pem);
        for certificate in certificates.map_err(|error| refused(name, &error.to_string()))? {
            options = options.with_root_certificate(certificate);
        }
    }
    Ok(options)
}

fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { init_backoff: PAUSE, max_backoff: PAUSE_MAX, base: 2.0 },
        max_retries: RETRIES,
        retry_timeout: RETRYING,
    }
}

/// What a builder says to contradictory or incomplete settings, without the values, which may be secret.
fn unusable(bucket: &str, variables: &Variables) -> impl FnOnce(object_store::Error) -> Error {
    move |error| {
        let text = variables.without_values(&error.to_string());
        Error::Configuration(format!("the settings for {bucket} do not do: {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Variables {
        Variables::among(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn settings_that_do_not_do_are_not_repeated() {
        let google = Bucket::Google("b".into());
        let azure = Bucket::Azure { account: "a".into(), container: "c".into() };
        for (bucket, name, value) in [
            (&google, "GOOGLE_SERVICE_ACCOUNT_KEY", "\"hush-hush\""),
            (&google, "GOOGLE_SERVICE_ACCOUNT_KEY", "{\"private_key\": 5, \"hush-hush\": 1}"),
            (&azure, "AZURE_STORAGE_ACCESS_KEY", "hush-hush!"),
            (&azure, "AZURE_STORAGE_CONNECTION_STRING", "AccountKey=hush-hush!"),
            (&azure, "AZURE_STORAGE_SAS_TOKEN", "hush-hush"),
        ] {
            let Err(error) = client(bucket, &of(&[(name, value)])) else {
                panic!("{name}={value} is taken")
            };
            assert!(matches!(error, Error::Configuration(_)), "{error:?}");
            assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        }
    }

    #[test]
    fn variables_without_effect_are_named() {
        let all = of(&[
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_CA_BUNDLE", "x"),
            ("AWS_RETRY_MODE", "x"),
            ("AZURE_CLIENT_ID", "x"),
            ("AZURE_CONTAINER_NAME", "x"),
            ("AZURE_STORAGE_CONNECTION_STRING", "x"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "x"),
            ("GOOGLE_CLOUD_PROJECT", "x"),
            ("MLFLOW_S3_ENDPOINT_URL", "x"),
            ("MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE", "x"),
            ("MLFLOW_S3_UNHEARD_OF", "x"),
        ]);
        let azure = Bucket::Azure { account: "a".into(), container: "c".into() };
        assert_eq!(Bucket::S3("b".into()).unread(&all), ["AWS_RETRY_MODE", "MLFLOW_S3_UNHEARD_OF"]);
        assert_eq!(Bucket::Google("b".into()).unread(&all), ["GOOGLE_CLOUD_PROJECT"]);
        assert_eq!(azure.unread(&all), ["AZURE_CONTAINER_NAME"]);
    }
}
