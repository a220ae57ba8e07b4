//! What the flags of `modelyard server` mean: addresses parsed, defaults filled in, contradictions
//! refused.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use modelyard_artifacts::StoreConfig;
use modelyard_database::DatabaseUri;
use modelyard_egress::Policy;
use modelyard_protocol::wire::Rules;
use modelyard_server::ServerConfig;
use modelyard_server::config::{AllowedHosts, AllowedOrigins, Security, Serving};
use modelyard_webhooks::KeySource;
use regex::Regex;

use crate::client::Variables;
use crate::commands::server::{Args, DataArgs, WebhookArgs};
use crate::exit::Usage;

mod environment;
mod file;
mod notes;

pub(crate) use environment::check as check_environment;
pub(crate) use file::Defaults;

/// Connections open at once, where the limit on open files allows them: some 160 MB when all idle.
pub(crate) const CONNECTIONS_MAX: u32 = 8192;
/// The file beside the database with the key of webhooks' secrets.
pub(crate) const WEBHOOK_KEY: &str = "webhook-secrets.key";
/// The root clients use when artifacts pass through this server.
const PROXIED_ROOT: &str = "mlflow-artifacts:/";

/// What is kept, and where.
#[derive(Debug)]
pub(crate) struct Data {
    /// Where all lies that no flag has put elsewhere.
    pub(crate) folder: PathBuf,
    /// The database.
    pub(crate) database: DatabaseUri,
    /// The folder that must exist before the database is opened.
    pub(crate) database_folder: Option<PathBuf>,
    /// Where artifacts are kept.
    pub(crate) artifacts: StoreConfig,
    /// What is taken in.
    pub(crate) rules: Rules,
    /// How others are told of changes.
    pub(crate) webhooks: modelyard_webhooks::Settings,
    /// What the sources of model versions must contain.
    pub(crate) model_sources: Option<Regex>,
}

/// Everything `modelyard server` needs to start.
#[derive(Debug)]
pub(crate) struct Config {
    /// Name or address to listen on.
    pub(crate) host: String,
    /// Port to listen on; 0 for a free one.
    pub(crate) port: u16,
    /// The database and the artifacts.
    pub(crate) data: Data,
    /// The HTTP interface.
    pub(crate) server: ServerConfig,
    /// What the person who starts the server should know about the flags and variables given.
    pub(crate) notes: Vec<String>,
}

/// A flag that cannot be obeyed; one line that says what to do.
fn refuse<T>(why: impl Into<String>) -> Result<T, Usage> {
    Err(Usage(why.into()))
}

impl Data {
    /// Reads the flags. `here` is the working folder, from which relative paths start.
    ///
    /// # Errors
    /// [`Usage`] for what is not supported or contradicts itself.
    pub(crate) fn new(args: &DataArgs, here: &Path) -> Result<Self, Usage> {
        let folder = here.join(&args.data_dir);
        let database = database(args, &folder, here)?;
        let database_folder = match &database {
            DatabaseUri::Sqlite(path) => path.parent().map(Path::to_owned),
            DatabaseUri::Postgres(_) => None,
        };
        let artifacts = artifacts(args, &folder, here);
        let rules = Rules { cut_long_values: args.truncate_long_values };
        let model_sources = model_sources(given(&args.model_source_pattern))?;
        let webhooks = webhooks(&args.webhooks, &database)?;
        Ok(Self { folder, database, database_folder, artifacts, rules, webhooks, model_sources })
    }
}

impl Config {
    /// Reads the flags, and the variables of MLflow's server that no flag stands for. `here` is the
    /// working folder, from which relative paths start.
    ///
    /// # Errors
    /// [`Usage`] for what is not supported or contradicts itself.
    pub(crate) fn new(args: &Args, here: &Path, variables: Variables<'_>) -> Result<Self, Usage> {
        check_app(given(&args.app_name))?;
        if args.compatibility.enable_workspaces {
            return refuse(
                "--enable-workspaces (MLFLOW_ENABLE_WORKSPACES): workspaces are not built yet, so \
                 nothing would be kept apart",
            );
        }
        environment::check(variables)?;
        let data = Data::new(&args.data, here)?;
        let host = given_or(&args.host, "127.0.0.1");
        let server = ServerConfig {
            serving: serving(args)?,
            static_prefix: static_prefix(given(&args.static_prefix))?,
            security: security(args, &host)?,
            rules: data.rules,
            model_sources: data.model_sources.clone(),
            connections_max: CONNECTIONS_MAX,
        };
        let mut notes = notes::of_flags(args, &server, &host);
        notes.extend(environment::notes(variables));
        Ok(Self { notes, host, port: args.port, data, server })
    }
}

/// Servers that share a database must share the key, so only one that has its own makes a key.
fn webhooks(
    args: &WebhookArgs,
    database: &DatabaseUri,
) -> Result<modelyard_webhooks::Settings, Usage> {
    let given = given(&args.webhook_secret_key).map(|text| {
        // The text itself is nobody's to see.
        KeySource::given(text).map_err(|error| Usage(format!("--webhook-secret-key: {error}")))
    });
    let key = given
        .transpose()?
        .unwrap_or_else(|| webhook_key_file(database).map_or(KeySource::Missing, KeySource::File));
    let policy = Policy {
        schemes: args.webhook_allowed_schemes.0.clone(),
        allow_private: args.webhook_allow_private_ips,
    };
    Ok(modelyard_webhooks::Settings {
        policy,
        key,
        timeout: args.webhook_timeout,
        retries: args.webhook_max_retries,
        workers: args.webhook_workers,
        sends: true,
    })
}

/// Where the key of webhooks' secrets lies when none is given: beside the database, if that is a file.
pub(crate) fn webhook_key_file(database: &DatabaseUri) -> Option<PathBuf> {
    match database {
        DatabaseUri::Sqlite(path) => Some(path.with_file_name(WEBHOOK_KEY)),
        DatabaseUri::Postgres(_) => None,
    }
}

fn model_sources(pattern: Option<&str>) -> Result<Option<Regex>, Usage> {
    let Some(pattern) = pattern else { return Ok(None) };
    match Regex::new(pattern) {
        Ok(pattern) => Ok(Some(pattern)),
        Err(error) => refuse(format!("--model-source-pattern is no regular expression: {error}")),
    }
}

/// What was given; an empty environment variable counts as nothing, as with MLflow.
fn given(option: &Option<String>) -> Option<&str> {
    option.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

fn given_or(text: &str, default: &str) -> String {
    let text = text.trim();
    if text.is_empty() { default.to_owned() } else { text.to_owned() }
}

/// A server that was asked for accounts must not run without.
fn check_app(name: Option<&str>) -> Result<(), Usage> {
    match name {
        None => Ok(()),
        Some("basic-auth") => refuse(
            "--app-name basic-auth: accounts are not built yet, and this server does not start \
             open to everybody when it was asked to be closed. Start it without --app-name behind \
             a proxy that checks who comes in",
        ),
        Some(other) => {
            refuse(format!("--app-name {other}: MLflow's server plug-ins do not run here"))
        }
    }
}

fn database(args: &DataArgs, data: &Path, here: &Path) -> Result<DatabaseUri, Usage> {
    let parse = |flag: &str, text: &str| match DatabaseUri::parse(text) {
        Ok(DatabaseUri::Sqlite(path)) => Ok(DatabaseUri::Sqlite(here.join(path))),
        Ok(uri) => Ok(uri),
        Err(error) => refuse(format!("{flag}: {error}")),
    };
    let backend = match given(&args.backend_store_uri) {
        Some(text) => parse("--backend-store-uri", text)?,
        None => DatabaseUri::Sqlite(data.join("modelyard.db")),
    };
    if let Some(text) = given(&args.registry_store_uri) {
        parse("--registry-store-uri", text)?;
        if given(&args.backend_store_uri) != Some(text) {
            return refuse(
                "--registry-store-uri: one database holds runs and models here; give the same URI \
                 as --backend-store-uri, or leave it out",
            );
        }
    }
    Ok(backend)
}

/// Whether artifacts pass through the server.
fn proxies(args: &DataArgs) -> bool {
    args.serve_artifacts.unwrap_or(true) && !args.no_serve_artifacts
}

fn serving(args: &Args) -> Result<Serving, Usage> {
    match (proxies(&args.data), args.artifacts_only) {
        (true, true) => Ok(Serving::ArtifactsOnly),
        (true, false) => Ok(Serving::Everything),
        (false, false) => Ok(Serving::TrackingOnly),
        (false, true) => {
            refuse("--artifacts-only and --no-serve-artifacts together leave nothing to serve")
        }
    }
}

/// MLflow's rules: the prefix starts with `/`, does not end with it, and holds no braces.
fn static_prefix(text: Option<&str>) -> Result<String, Usage> {
    let Some(text) = text else { return Ok(String::new()) };
    if !text.starts_with('/') {
        return refuse("--static-prefix must begin with a '/'");
    }
    if text.ends_with('/') {
        return refuse("--static-prefix must not end with a '/'");
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    if !text.chars().all(legal) || text.contains("//") || text.split('/').any(|part| part == "..") {
        return refuse("--static-prefix may hold letters, digits and -._~/ only");
    }
    Ok(text.to_owned())
}

fn artifacts(args: &DataArgs, data: &Path, here: &Path) -> StoreConfig {
    let proxies = proxies(args);
    let folder = data.join("artifacts").display().to_string();
    let artifact_root = match given(&args.default_artifact_root) {
        Some(uri) => uri.to_owned(),
        None if proxies => PROXIED_ROOT.to_owned(),
        None => folder.clone(),
    };
    let destination = given(&args.artifacts_destination).map_or(folder, str::to_owned);
    let schemes = args.allow_artifact_scheme.iter().map(|scheme| scheme.trim());
    StoreConfig {
        working_dir: here.to_owned(),
        artifact_root,
        destination: proxies.then_some(destination),
        allowed: args.allow_artifact_location.clone(),
        variables: store_variables(),
        allowed_schemes: schemes.filter(|it| !it.is_empty()).map(str::to_owned).collect(),
        location_max_chars: args.artifact_location_max_length,
    }
}

/// The environment's variables about stores of artifacts.
pub(crate) fn store_variables() -> modelyard_artifacts::Variables {
    modelyard_artifacts::Variables::among(std::env::vars_os().filter_map(utf8))
}

/// Names and values that are not UTF-8 mean nothing to any store.
fn utf8((name, value): (OsString, OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}

fn security(args: &Args, host: &str) -> Result<Security, Usage> {
    let security = Security {
        enabled: !args.disable_security_middleware,
        hosts: match given(&args.allowed_hosts) {
            Some(list) => AllowedHosts::listed(list),
            None => AllowedHosts::default_for(host),
        },
        origins: AllowedOrigins::listed(given(&args.cors_allowed_origins).unwrap_or_default()),
        ..Security::for_host(host)
    };
    let value = given_or(&args.x_frame_options, "SAMEORIGIN");
    security
        .with_frame_options(&value)
        .ok_or_else(|| Usage(format!("--x-frame-options {value}: use SAMEORIGIN, DENY or NONE")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(clap::Parser)]
    struct Flags {
        #[command(flatten)]
        server: Args,
    }

    fn read(flags: &[&str]) -> Result<Config, Usage> {
        let words = ["server"].iter().chain(flags);
        let flags = Flags::try_parse_from(words).expect("flags that clap accepts");
        Config::new(&flags.server, Path::new("/home/ml"), &|_| None)
    }

    #[test]
    fn without_flags_everything_lies_in_one_folder() {
        let config = read(&[]).expect("the defaults");
        assert_eq!(
            config.data.database.to_string(),
            "sqlite:////home/ml/modelyard-data/modelyard.db"
        );
        assert_eq!(config.data.database_folder, Some("/home/ml/modelyard-data".into()));
        assert_eq!(config.data.artifacts.artifact_root, "mlflow-artifacts:/");
        let artifacts = "/home/ml/modelyard-data/artifacts";
        assert_eq!(config.data.artifacts.destination.as_deref(), Some(artifacts));
        assert_eq!((config.host.as_str(), config.port), ("127.0.0.1", 5000));
        assert_eq!(config.server.serving, Serving::Everything);
        assert!(config.notes.is_empty());
    }

    #[test]
    fn a_relative_database_lies_in_the_working_folder() {
        let config = read(&["--backend-store-uri", "sqlite:///runs/m.db"]).expect("a database");
        assert_eq!(config.data.database.to_string(), "sqlite:////home/ml/runs/m.db");
        let config = read(&["--backend-store-uri", "sqlite:////data/m.db"]).expect("a database");
        assert_eq!(config.data.database.to_string(), "sqlite:////data/m.db");
        let config = read(&["--backend-store-uri", "postgresql://h/d"]).expect("a database");
        assert_eq!(config.data.database_folder, None);
    }

    #[test]
    fn without_a_proxy_clients_get_a_folder() {
        let config = read(&["--no-serve-artifacts"]).expect("a folder");
        assert_eq!(config.data.artifacts.artifact_root, "/home/ml/modelyard-data/artifacts");
        assert_eq!(config.data.artifacts.destination, None);
        assert_eq!(config.server.serving, Serving::TrackingOnly);
        let config = read(&["--no-serve-artifacts", "--serve-artifacts"]).expect("the last wins");
        assert_eq!(config.server.serving, Serving::Everything);
    }

    #[test]
    fn prefixes_follow_mlflows_rules() {
        assert_eq!(static_prefix(None).expect("none"), "");
        for prefix in ["/a", "/a/b-c_d.e~1"] {
            assert_eq!(static_prefix(Some(prefix)).expect(prefix), prefix);
        }
        for prefix in ["a", "/", "/a/", "//a", "/a//b", "/a/../b", "/{a}", "/a b", "/\"a", "/ä"] {
            assert!(static_prefix(Some(prefix)).is_err(), "{prefix}");
        }
    }

    #[test]
    fn wildcards_that_open_the_doors_are_pointed_out() {
        let config = read(&["--allowed-hosts", "*", "--cors-allowed-origins", "*"]).expect("open");
        assert_eq!(config.notes.len(), 2);
    }
}
