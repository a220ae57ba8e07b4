//! What can be written after `modelyard server`: the flags of `mlflow server`, and a few of our own.

use clap::builder::FalseyValueParser;
use clap::{ArgAction, ValueHint};

use super::data::{DataArgs, STORAGE};
use crate::logging::Format;

/// The variable that names the configuration file.
pub(crate) const CONFIG: &str = "MODELYARD_CONFIG";

const NETWORK: &str = "Network";
const SECURITY: &str = "Security";
const OPERATION: &str = "Operation";
const COMPATIBILITY: &str = "Accepted from MLflow, without effect here";

/// Arguments of `modelyard server`.
#[derive(Debug, clap::Args)]
#[command(
    disable_help_flag = true,
    after_help = "Try it:\n  modelyard server --port 5001\n  \
                  python -c 'import mlflow; mlflow.set_tracking_uri(\"http://localhost:5001\"); \
                  mlflow.log_metric(\"loss\", 0.5)'\n\n\
                  MODELYARD_LOG sets what is logged, for example `debug` or \
                  `warn,modelyard_store=trace`."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Serve artifacts and nothing else.
    #[arg(long, env = "MLFLOW_ARTIFACTS_ONLY", value_parser = FalseyValueParser::new(),
          help_heading = STORAGE)]
    pub(crate) artifacts_only: bool,

    /// Address or name to listen on; 0.0.0.0 is every interface.
    #[arg(long, short = 'h', env = "MLFLOW_HOST", default_value = "127.0.0.1",
          help_heading = NETWORK)]
    pub(crate) host: String,
    /// Port to listen on; 0 takes a free one and prints it.
    #[arg(long, short, env = "MLFLOW_PORT", default_value = "5000", value_parser = parse_port,
          help_heading = NETWORK)]
    pub(crate) port: u16,
    /// Path under which everything is served, for example /mlflow behind a proxy.
    #[arg(long, value_name = "PATH", env = "MLFLOW_STATIC_PREFIX", help_heading = NETWORK)]
    pub(crate) static_prefix: Option<String>,

    /// Names this server may be reached under, separated by commas, `*` as wildcard [default: this
    /// machine, private addresses and --host].
    #[arg(long, value_name = "HOSTS", env = "MLFLOW_SERVER_ALLOWED_HOSTS",
          help_heading = SECURITY)]
    pub(crate) allowed_hosts: Option<String>,
    /// Web pages of other origins that may call this server, separated by commas, `*` as wildcard
    /// [default: pages on this machine].
    #[arg(long, value_name = "ORIGINS", env = "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS",
          help_heading = SECURITY)]
    pub(crate) cors_allowed_origins: Option<String>,
    /// X-Frame-Options of every answer: SAMEORIGIN, DENY, or NONE to allow every frame.
    #[arg(long, value_name = "VALUE", env = "MLFLOW_SERVER_X_FRAME_OPTIONS",
          default_value = "SAMEORIGIN", help_heading = SECURITY)]
    pub(crate) x_frame_options: String,
    /// DANGEROUS: switch off the checks of Host and Origin and all security headers.
    #[arg(long, env = "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE",
          value_parser = FalseyValueParser::new(), help_heading = SECURITY)]
    pub(crate) disable_security_middleware: bool,
    /// Fields at the top of a GraphQL query, at most.
    #[arg(long, value_name = "N", env = "MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS",
          default_value = "10", value_parser = parse_limit, help_heading = SECURITY)]
    pub(crate) graphql_max_root_fields: usize,
    /// Aliases in one selection of a GraphQL query, at most.
    #[arg(long, value_name = "N", env = "MLFLOW_SERVER_GRAPHQL_MAX_ALIASES",
          default_value = "10", value_parser = parse_limit, help_heading = SECURITY)]
    pub(crate) graphql_max_aliases: usize,
    /// MLflow's `basic-auth` is refused: accounts are not built yet.
    #[arg(long, value_name = "NAME", help_heading = SECURITY)]
    pub(crate) app_name: Option<String>,

    /// Form of the log lines on stderr: text or json.
    #[arg(long, value_name = "FORMAT", env = "MODELYARD_LOG_FORMAT", value_enum,
          default_value_t = Format::Text, hide_possible_values = true, help_heading = OPERATION)]
    pub(crate) log_format: Format,
    /// File with values of these flags, in TOML, such as `port = 5001`. What is typed goes before
    /// the environment, and that before the file.
    #[arg(long, value_name = "FILE", env = CONFIG, value_hint = ValueHint::FilePath,
          help_heading = OPERATION)]
    pub(crate) config: Option<String>,
    /// Log at level debug.
    #[arg(long, help_heading = OPERATION)]
    pub(crate) dev: bool,
    /// Print this help.
    #[arg(long, action = ArgAction::Help, help_heading = OPERATION)]
    help: Option<bool>,

    #[command(flatten)]
    pub(crate) compatibility: Compatibility,
}

/// Flags that configure parts of MLflow's server that do not exist here.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = COMPATIBILITY)]
pub(crate) struct Compatibility {
    /// Metrics are always at /metrics, and kept in memory.
    #[arg(long, value_name = "DIR", env = "MLFLOW_EXPOSE_PROMETHEUS")]
    pub(crate) expose_prometheus: Option<String>,
    /// One process uses all cores.
    #[arg(long, short, value_name = "N", env = "MLFLOW_WORKERS")]
    pub(crate) workers: Option<String>,
    /// There is no gunicorn.
    #[arg(long, value_name = "OPTS", env = "MLFLOW_GUNICORN_OPTS", allow_hyphen_values = true)]
    pub(crate) gunicorn_opts: Option<String>,
    /// There is no uvicorn.
    #[arg(long, value_name = "OPTS", env = "MLFLOW_UVICORN_OPTS", allow_hyphen_values = true)]
    pub(crate) uvicorn_opts: Option<String>,
    /// There is no waitress.
    #[arg(long, value_name = "OPTS", allow_hyphen_values = true)]
    pub(crate) waitress_opts: Option<String>,
    /// Reads go to the backend store.
    #[arg(
        long,
        value_name = "URI",
        env = "MLFLOW_READ_REPLICA_BACKEND_STORE_URI",
        hide_env_values = true
    )]
    pub(crate) read_replica_backend_store_uri: Option<String>,
    /// There are no traces to archive.
    #[arg(long, value_name = "PATH", env = "MLFLOW_TRACE_ARCHIVAL_CONFIG")]
    pub(crate) trace_archival_config: Option<String>,
    /// There are no secrets to cache.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) secrets_cache_ttl: Option<u32>,
    /// There are no secrets to cache.
    #[arg(long, value_name = "ENTRIES")]
    pub(crate) secrets_cache_max_size: Option<u32>,
    /// There are no workspaces.
    #[arg(long, value_name = "URI", env = "MLFLOW_WORKSPACE_STORE_URI", hide_env_values = true)]
    pub(crate) workspace_store_uri: Option<String>,
    /// Refused: there are no workspaces, so nothing would be kept apart.
    #[arg(long, env = "MLFLOW_ENABLE_WORKSPACES", value_parser = FalseyValueParser::new(),
          overrides_with = "disable_workspaces")]
    pub(crate) enable_workspaces: bool,
    /// The default.
    #[arg(long, overrides_with = "enable_workspaces")]
    pub(crate) disable_workspaces: bool,
}

/// An empty environment variable counts as unset, as with MLflow.
fn parse_limit(text: &str) -> Result<usize, String> {
    match text {
        "" => Ok(10),
        text => text.parse().map_err(|_not_a_count| "a limit is a whole number".to_owned()),
    }
}

/// An empty environment variable counts as unset, as with MLflow.
fn parse_port(text: &str) -> Result<u16, String> {
    match text {
        "" => Ok(5000),
        text => text.parse().map_err(|_not_a_port| "a port is a number from 0 to 65535".to_owned()),
    }
}
