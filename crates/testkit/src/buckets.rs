//! Servers of S3 (moto's) and of Azure Blob Storage (Azurite), shared by all test processes, with a fresh bucket
//! for each test. `scripts/setup.sh stores` installs them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::http::Client;
use crate::left_out::{Lack, left_out};
use crate::shared;

/// The account that Azurite has without being told, with its published key.
const AZURE_ACCOUNT: &str = "devstoreaccount1";
const AZURE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// A right to everything in that account, signed with that key.
const AZURE_TOKEN: &str = "sv=2020-08-04&ss=b&srt=sco&sp=rwdlac&se=2099-01-01T00%3A00%3A00Z&\
                           sig=x%2FQXZVVilc6CBdKa9TN6OcrIf0rB%2Fv0F0GVQBOwF7so%3D";

/// A bucket of a server that is really there.
#[derive(Debug, Clone)]
pub struct TestBucket {
    /// As flags name it: `s3://t-1-1`.
    pub location: String,
    /// The bucket's URL on its server, for looking at it directly.
    pub url: String,
    /// The address of its server.
    pub server: String,
    /// What a program needs in its environment to get there.
    pub variables: Vec<(String, String)>,
}

impl TestBucket {
    /// The same bucket, reached through another address, such as that of a proxy.
    #[must_use]
    pub fn through(&self, address: &str) -> Self {
        let mut bucket = self.clone();
        for (_, value) in &mut bucket.variables {
            *value = value.replace(&self.server, address);
        }
        bucket
    }
}

/// The secret among the variables of an [`s3_bucket`], to look for where it must not be.
pub const S3_SECRET: &str = "a-secret-that-no-log-shows";

/// A fresh, empty bucket of S3; `None`, noted by [`left_out`], where moto is not installed.
///
/// # Panics
/// If it is installed but does not work; and where it is not, if `CI` is `true`.
pub fn s3_bucket() -> Option<TestBucket> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let program = installed(".venvs/stores/bin/moto_server", "moto")?;
        Some(join("s3-1", &program, |command, port, _| {
            command.args(["-H", "127.0.0.1", "-p", port]);
        }))
    });
    let (server, name) = (server.clone()?, fresh_name());
    let url = format!("{server}/{name}");
    let made = Client::default().send("PUT", &url, &[], b"");
    assert_eq!(made.status, 200, "{}", made.text());
    let variables = [
        ("MLFLOW_S3_ENDPOINT_URL", server.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", S3_SECRET),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ];
    Some(TestBucket { location: format!("s3://{name}"), url, variables: owned(&variables), server })
}

/// A fresh, empty container of Azure; `None`, noted by [`left_out`], where Azurite is not installed.
///
/// # Panics
/// As [`s3_bucket`].
pub fn azure_bucket() -> Option<TestBucket> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let program = installed("tests/stores/node_modules/.bin/azurite-blob", "Azurite")?;
        Some(join("azure-1", &program, |command, port, data| {
            command.args(["--blobHost", "127.0.0.1", "--blobPort", port, "--location"]).arg(data);
            command.args(["--silent", "--skipApiVersionCheck", "--disableProductStyleUrl"]);
            command.arg("--disableTelemetry");
        }))
    });
    let (server, name) = (server.clone()?, fresh_name());
    let url = format!("{server}/{AZURE_ACCOUNT}/{name}");
    let create = format!("{url}?restype=container&{AZURE_TOKEN}");
    // Any body makes the client send its length, on which Azurite insists.
    let made = Client::default().send("PUT", &create, &[("content-length", "0")], b"");
    assert_eq!(made.status, 201, "{}", made.text());
    let connection = format!(
        "DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};\
         BlobEndpoint={server}/{AZURE_ACCOUNT};"
    );
    let variables = owned(&[("AZURE_STORAGE_CONNECTION_STRING", connection.as_str())]);
    let location = format!("wasbs://{name}@{AZURE_ACCOUNT}.blob.core.windows.net");
    Some(TestBucket { location, url, variables, server })
}

/// Joins the server that all processes share.
fn join(name: &str, program: &Path, arguments: impl Fn(&mut Command, &str, &Path)) -> String {
    let root = shared::root(name);
    shared::join(&root, answers, |data| {
        let port = shared::free_port().to_string();
        let mut command = Command::new(program);
        arguments(&mut command, &port, data);
        shared::keep(&root, data, "TERM", &command);
        format!("http://127.0.0.1:{port}")
    })
}

/// Whether a server is there, whatever it says.
fn answers(url: &str) -> bool {
    Client::with_patience(Duration::from_secs(5)).try_send("GET", url, &[], b"").is_ok()
}

/// A program below the top folder of the sources.
fn installed(path: &str, name: &str) -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if program.exists() {
        return Some(program);
    }
    let why =
        format!("{name} is not installed (scripts/setup.sh stores): a bucket's test is left out");
    left_out(Lack::Component, &why);
    None
}

fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let began = std::fs::metadata("/proc/self").and_then(|it| it.modified());
    let began = began.expect("stat /proc/self").duration_since(std::time::UNIX_EPOCH);
    // The number of a process may come again while the server still runs.
    let began = began.expect("a time after 1970").as_nanos();
    format!("t-{}-{began}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
