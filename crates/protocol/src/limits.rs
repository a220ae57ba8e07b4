//! Everything that can grow, with its limit. Values marked MLflow are those of MLflow 3.17.2.
//!
//! Lengths of texts are counted in Unicode characters, as MLflow counts them, unless the name says
//! bytes.

/// Key of a metric, parameter or run tag. MLflow.
pub const MAX_KEY_CHARS: usize = 250;
/// Parameter value; a longer one is cut to this length. MLflow.
pub const MAX_PARAM_VALUE_CHARS: usize = 6000;
/// Run tag value; a longer one is cut to this length. MLflow.
pub const MAX_TAG_VALUE_CHARS: usize = 8000;
/// Experiment name. MLflow.
pub const MAX_EXPERIMENT_NAME_CHARS: usize = 500;
/// Experiment tag key. MLflow.
pub const MAX_EXPERIMENT_TAG_KEY_CHARS: usize = 250;
/// Experiment tag value. MLflow; longer ones are refused, not cut.
pub const MAX_EXPERIMENT_TAG_VALUE_CHARS: usize = 20_000;
/// Tags of one experiment that hold custom views of the UI (`mlflow.customView.view…`). MLflow.
pub const MAX_CUSTOM_VIEWS_PER_EXPERIMENT: usize = 50;
/// Run name, user id, ids: MLflow's columns hold 250 to 500; the tag `mlflow.runName` holds 8000,
/// and a run's name is copied there.
pub const MAX_RUN_NAME_CHARS: usize = 8000;
/// The user id of a run. MLflow's column has 256.
pub const MAX_USER_ID_CHARS: usize = 256;

/// Metrics in one log-batch request. MLflow.
pub const MAX_METRICS_PER_BATCH: usize = 1000;
/// Parameters in one log-batch request. MLflow.
pub const MAX_PARAMS_PER_BATCH: usize = 100;
/// Tags in one log-batch request. MLflow.
pub const MAX_TAGS_PER_BATCH: usize = 100;
/// Metrics, parameters and tags together in one log-batch request. MLflow.
pub const MAX_ENTITIES_PER_BATCH: usize = 1000;

/// Datasets in one log-inputs request. MLflow.
pub const MAX_DATASETS_PER_BATCH: usize = 1000;
/// Dataset name. MLflow.
pub const MAX_DATASET_NAME_CHARS: usize = 500;
/// Dataset digest. MLflow.
pub const MAX_DATASET_DIGEST_CHARS: usize = 36;
/// Dataset source. MLflow.
pub const MAX_DATASET_SOURCE_CHARS: usize = 65_535;
/// Dataset schema. MLflow.
pub const MAX_DATASET_SCHEMA_CHARS: usize = 1_048_575;
/// Dataset profile. MLflow.
pub const MAX_DATASET_PROFILE_CHARS: usize = 16_777_215;
/// Key of a tag on a dataset input. MLflow.
pub const MAX_INPUT_TAG_KEY_CHARS: usize = 255;
/// Value of a tag on a dataset input. MLflow.
pub const MAX_INPUT_TAG_VALUE_CHARS: usize = 500;

/// Tags in one request that makes an experiment, run or logged model, or sets tags of a model. MLflow
/// has no limit; its clients send what a user gives, and whoever has more can set them in several
/// requests.
pub const MAX_TAGS_PER_REQUEST: usize = 1000;
/// Parameters of a logged model in one request. MLflow has no limit; its clients send 100.
pub const MAX_MODEL_PARAMS_PER_REQUEST: usize = 1000;
/// Logged models in one log-inputs or outputs request. MLflow has no limit; its clients send one.
pub const MAX_MODELS_PER_BATCH: usize = 1000;
/// Tags of one dataset in a log-inputs request. MLflow has no limit; its clients send one.
pub const MAX_TAGS_PER_INPUT: usize = 100;

/// Logged model name and type. MLflow's columns have 500.
pub const MAX_LOGGED_MODEL_NAME_CHARS: usize = 500;

/// Runs on one page of runs/search. MLflow.
pub const MAX_SEARCH_RUNS_RESULTS: i64 = 50_000;
/// Runs on a page when the request names no number. MLflow.
pub const DEFAULT_SEARCH_RUNS_RESULTS: i64 = 1000;
/// Experiments on one page of experiments/search. MLflow; there is no default.
pub const MAX_SEARCH_EXPERIMENTS_RESULTS: i64 = 50_000;
/// Logged models on one page. MLflow has no limit; a request for more gets this many and a token.
pub const MAX_SEARCH_LOGGED_MODELS_RESULTS: i64 = 50_000;
/// Logged models on a page when the request names no number. MLflow.
pub const DEFAULT_SEARCH_LOGGED_MODELS_RESULTS: i64 = 50;
/// Datasets in one search for logged models: each is a term of every metric's condition. MLflow has
/// no limit (and fails in the database beyond some hundreds).
pub const MAX_SEARCH_LOGGED_MODELS_DATASETS: usize = 20;
/// Experiments in one such search that names datasets. Every dataset of every comparison, every
/// value and every experiment is a parameter of one SQL statement, and SQLite takes 32,766.
pub const MAX_SEARCH_LOGGED_MODELS_DATASETS_EXPERIMENTS: usize = 1000;
/// Runs in one get-history-bulk or get-history-bulk-interval request. MLflow.
pub const MAX_HISTORY_BULK_RUNS: usize = 100;
/// Metric points in one answer of get-history-bulk. MLflow.
pub const MAX_HISTORY_BULK_RESULTS: i64 = 25_000;
/// Metric points per run in one answer of get-history-bulk-interval. MLflow.
pub const MAX_HISTORY_INTERVAL_RESULTS: i64 = 2500;
/// Experiments in one search-datasets request. MLflow.
pub const MAX_SEARCH_DATASETS_EXPERIMENTS: usize = 20;
/// Datasets in one answer of search-datasets. MLflow.
pub const MAX_SEARCH_DATASETS_RESULTS: i64 = 1000;

/// Registered model name. MLflow's column has 256.
pub const MAX_REGISTERED_MODEL_NAME_CHARS: usize = 256;
/// Key of a tag of a registered model or of a version. MLflow.
pub const MAX_REGISTRY_TAG_KEY_CHARS: usize = 250;
/// Value of such a tag. MLflow; longer ones are refused, not cut.
pub const MAX_REGISTRY_TAG_VALUE_CHARS: usize = 100_000;
/// Alias of a registered model. MLflow.
pub const MAX_ALIAS_CHARS: usize = 255;
/// Description of a registered model or a version. MLflow's column has 5000; its SQLite takes any.
pub const MAX_REGISTRY_DESCRIPTION_CHARS: usize = 100_000;
/// Source of a version. MLflow's column has 500, its SQLite takes any; a location may have 2048.
pub const MAX_MODEL_SOURCE_CHARS: usize = 4096;
/// Link to the run of a version. MLflow's column has 500, its SQLite takes any.
pub const MAX_RUN_LINK_CHARS: usize = 4096;
/// Registered models on one page. MLflow.
pub const MAX_SEARCH_REGISTERED_MODELS_RESULTS: i64 = 1000;
/// Registered models on a page when the request names no number. MLflow.
pub const DEFAULT_SEARCH_REGISTERED_MODELS_RESULTS: i64 = 100;
/// Versions on one page. MLflow.
pub const MAX_SEARCH_MODEL_VERSIONS_RESULTS: i64 = 200_000;
/// Versions on a page when the request names no number. MLflow.
pub const DEFAULT_SEARCH_MODEL_VERSIONS_RESULTS: i64 = 10_000;
/// Name of a check of a version, and checks that one alias may demand: a person reads them.
pub const MAX_CHECK_NAME_CHARS: usize = 255;
/// See [`MAX_CHECK_NAME_CHARS`].
pub const MAX_CHECKS_PER_ALIAS: usize = 50;
/// What is said about the outcome of a check: a summary, not a log.
pub const MAX_CHECK_DETAILS_CHARS: usize = 10_000;
/// The name of whoever makes a change.
pub const MAX_ACTOR_CHARS: usize = 256;
/// The reason for a change.
pub const MAX_REASON_CHARS: usize = 2000;

/// A search filter. MLflow has no limit; an IN list of 5000 run ids fits.
pub const MAX_FILTER_BYTES: usize = 256 * 1024;
/// Parentheses and NOTs around one comparison of a filter.
pub const MAX_FILTER_DEPTH: usize = 64;
/// Comparisons in one filter: each becomes a term of one SQL statement.
pub const MAX_FILTER_COMPARISONS: usize = 500;
/// Values in one filter: each becomes a parameter of one SQL statement (SQLite takes 32,766).
pub const MAX_FILTER_LITERALS: usize = 10_000;
/// Keys in one order_by list: each may become a join.
pub const MAX_ORDER_BY_KEYS: usize = 16;

/// Webhooks of a server. MLflow has no limit; every change of the registry writes a row for each webhook that
/// wants to hear of it, in the transaction of the change.
pub const MAX_WEBHOOKS: usize = 1000;
/// Webhook description. MLflow's column has 1000, which only some of its databases keep to.
pub const MAX_WEBHOOK_DESCRIPTION_CHARS: usize = 1000;
/// Webhook URL. MLflow's column has 500, which only some of its databases keep to; 2000 is what all servers take.
pub const MAX_WEBHOOK_URL_CHARS: usize = 2000;
/// Webhook secret. MLflow has no limit; a key longer than a block of the hash is no stronger.
pub const MAX_WEBHOOK_SECRET_CHARS: usize = 1000;
/// Webhooks on a page. MLflow.
pub const MAX_WEBHOOK_RESULTS: i64 = 1000;
/// Webhooks on a page when the request names no number. MLflow.
pub const DEFAULT_WEBHOOK_RESULTS: i64 = 100;
