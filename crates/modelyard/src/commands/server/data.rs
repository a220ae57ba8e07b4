//! The flags about what is kept and where, which commands without a tracking server obey, too.

use std::path::PathBuf;

use clap::{ArgAction, ValueHint};
use modelyard_artifacts::LOCATION_MAX_CHARS;

use super::webhooks::WebhookArgs;

/// The heading of these flags in the help.
pub(super) const STORAGE: &str = "Storage";

/// Where the database and the artifacts are, and what is taken into them.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DataArgs {
    /// Folder for the database and the artifacts, where no URI says otherwise.
    #[arg(long, value_name = "DIR", env = "MODELYARD_DATA_DIR", default_value = "modelyard-data",
          value_hint = ValueHint::DirPath, help_heading = STORAGE)]
    pub(crate) data_dir: PathBuf,
    /// Database: sqlite:///relative.db, sqlite:////absolute.db or postgresql://user:pass@host/name
    /// [default: modelyard.db in the data folder].
    #[arg(long, value_name = "URI", env = "MLFLOW_BACKEND_STORE_URI", hide_env_values = true,
          help_heading = STORAGE)]
    pub(crate) backend_store_uri: Option<String>,
    /// Database of the model registry; must be the same as the backend store.
    #[arg(long, value_name = "URI", env = "MLFLOW_REGISTRY_STORE_URI", hide_env_values = true,
          help_heading = STORAGE)]
    pub(crate) registry_store_uri: Option<String>,
    /// Where artifacts of new experiments go, as clients see it [default: mlflow-artifacts:/, that
    /// is through this server; with --no-serve-artifacts, the artifacts folder in the data folder].
    #[arg(long, value_name = "URI", env = "MLFLOW_DEFAULT_ARTIFACT_ROOT", help_heading = STORAGE)]
    pub(crate) default_artifact_root: Option<String>,
    /// Where artifacts that come through this server are kept [default: artifacts in the data
    /// folder].
    #[arg(long, value_name = "URI", env = "MLFLOW_ARTIFACTS_DESTINATION", help_heading = STORAGE)]
    pub(crate) artifacts_destination: Option<String>,
    /// Folder, of this machine or of a bucket (s3://bucket/folder), that the server may read and
    /// write besides its own; may be repeated.
    #[arg(long, value_name = "LOCATION", env = "MODELYARD_ALLOW_ARTIFACT_LOCATION",
          value_delimiter = ',', value_hint = ValueHint::DirPath, help_heading = STORAGE)]
    pub(crate) allow_artifact_location: Vec<String>,
    /// Scheme of artifact locations, such as sftp, that clients may use though the URI names a host;
    /// may be repeated.
    #[arg(long, value_name = "SCHEME", env = "MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES",
          value_delimiter = ',', help_heading = STORAGE)]
    pub(crate) allow_artifact_scheme: Vec<String>,
    /// The longest artifact location clients may give, in characters.
    #[arg(long, value_name = "CHARS", env = "MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH",
          default_value_t = LOCATION_MAX_CHARS, help_heading = STORAGE)]
    pub(crate) artifact_location_max_length: usize,
    /// Pass artifacts through this server (the default).
    #[arg(long, env = "MLFLOW_SERVE_ARTIFACTS", action = ArgAction::Set, num_args = 0,
          default_missing_value = "true", value_parser = parse_bool,
          overrides_with = "no_serve_artifacts", help_heading = STORAGE)]
    pub(crate) serve_artifacts: Option<bool>,
    /// Leave artifacts to the clients, which then must reach the artifact root themselves.
    #[arg(long, overrides_with = "serve_artifacts", help_heading = STORAGE)]
    pub(crate) no_serve_artifacts: bool,
    /// Cut values of params (6000 characters) and tags (8000) that are too long; with false, refuse
    /// them.
    #[arg(long, value_name = "BOOL", env = "MLFLOW_TRUNCATE_LONG_VALUES", default_value = "true",
          value_parser = parse_bool, action = ArgAction::Set, help_heading = STORAGE)]
    pub(crate) truncate_long_values: bool,
    /// Register only model versions whose source matches this regular expression.
    #[arg(long, value_name = "REGEX", env = "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX",
          help_heading = STORAGE)]
    pub(crate) model_source_pattern: Option<String>,
    #[command(flatten)]
    pub(crate) webhooks: WebhookArgs,
}

/// The words MLflow's command line takes for a truth value.
fn parse_bool(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "" | "1" | "true" | "t" | "yes" | "y" | "on" => Ok(true),
        "0" | "false" | "f" | "no" | "n" | "off" => Ok(false),
        _ => Err("use true or false".to_owned()),
    }
}
