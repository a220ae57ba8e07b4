//! What a new version may be made from. The rules and messages are MLflow 3.17's.

use modelyard_artifacts::{InvalidSource, ModelSource, Selector, is_local_within, is_within};
use modelyard_protocol::messages::model_versions::CreateModelVersion;
use modelyard_protocol::{Error, ErrorCode, uri, validate};
use modelyard_store::{LoggedModel, ModelVersion, RunInfo};

use crate::{ApiError, AppState};

/// The sources that prompts, which have no files, may name.
const PROMPT_PLACEHOLDERS: [&str; 2] = ["dummy-source", "prompt-template"];

/// A source that has been looked up.
pub(super) struct Source {
    /// As it is stored.
    pub(super) source: String,
    /// Where the files are, if the source names them indirectly.
    pub(super) storage_location: Option<String>,
    /// The run that made them.
    pub(super) run_id: Option<String>,
    /// The logged model that they are.
    pub(super) model_id: Option<String>,
}

/// Judges the source of a new version and finds where it comes from.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when the source is not the caller's to register,
/// `RESOURCE_DOES_NOT_EXIST` when it names a model that is not there.
pub(super) async fn resolve(
    app: &AppState,
    asked: &CreateModelVersion,
) -> Result<Source, ApiError> {
    let source = &asked.source;
    if app.config.model_sources.as_ref().is_some_and(|allowed| !allowed.is_match(source)) {
        return Err(Error::invalid(format!("Invalid model version source: '{source}'.")).into());
    }
    let given = Source {
        source: source.clone(),
        storage_location: Some(source.clone()),
        run_id: Some(asked.run_id.clone().unwrap_or_default()),
        model_id: asked.model_id.clone().filter(|id| !id.is_empty()),
    };
    if asked.is_prompt() {
        if PROMPT_PLACEHOLDERS.contains(&source.as_str()) {
            return Ok(given);
        }
        let message = format!(
            "Invalid prompt source: '{source}'. Prompt sources must use an MLflow placeholder."
        );
        return Err(Error::invalid(message).into());
    }
    let parsed = ModelSource::parse(source, |scheme| app.artifacts.rules().allows_scheme(scheme));
    let parsed = parsed.map_err(|invalid| refusal(asked, &invalid))?;
    match &parsed {
        ModelSource::Registered { name, selector } => {
            of_registered(app, asked, name, selector).await
        }
        ModelSource::LoggedModel { model_id } => {
            if given.model_id.as_ref() != Some(model_id) {
                return Err(unowned(source, "model_id"));
            }
            let model = logged_model(app, model_id, source).await?;
            let storage_location = Some(model.artifact_uri.clone());
            with_run_of_model(app, Source { storage_location, ..given }, Some(model)).await
        }
        _ => {
            let model = of_files(app, asked, &parsed).await?;
            with_run_of_model(app, given, model).await
        }
    }
}

/// Where the files of a version are, for this server to read: a `runs:/` source is looked up.
pub(super) async fn files(app: &AppState, location: &str) -> Result<String, ApiError> {
    let Some(rest) = location.strip_prefix("runs:/") else { return Ok(location.to_owned()) };
    let rest = rest.trim_start_matches('/');
    let (run_id, path) = rest.split_once('/').unwrap_or((rest, ""));
    let run = app.store.run_info(run_id.to_owned()).await?;
    let is_root = path.is_empty();
    Ok(if is_root { run.artifact_uri } else { uri::append(&run.artifact_uri, path) })
}

fn refusal(asked: &CreateModelVersion, invalid: &InvalidSource) -> ApiError {
    match invalid {
        InvalidSource::Malformed(source) => outside(asked, source),
        other => Error::invalid(other.to_string()).into(),
    }
}

/// A folder of this machine that is not its owner's.
fn outside(asked: &CreateModelVersion, source: &str) -> ApiError {
    let owner = if asked.model_id.as_deref().unwrap_or_default().is_empty() {
        "run_id"
    } else {
        "model_id"
    };
    Error::invalid(format!(
        "Invalid model version source: '{source}'. To use a local path as a model version source, \
         the {owner} request parameter has to be specified and the local path has to be contained \
         within the artifact directory of the run specified by the {owner}."
    ))
    .into()
}

fn unowned(source: &str, parameter: &'static str) -> ApiError {
    let text = source.to_owned();
    Error::invalid(InvalidSource::Unowned { text, parameter }.to_string()).into()
}

/// Files must be those of the run or logged model that the request names, where that can be told. Returns the
/// logged model, if it was looked up.
async fn of_files(
    app: &AppState,
    asked: &CreateModelVersion,
    parsed: &ModelSource,
) -> Result<Option<LoggedModel>, ApiError> {
    let source = asked.source.as_str();
    let run_id = asked.run_id.as_deref().unwrap_or_default();
    let model_id = asked.model_id.as_deref().unwrap_or_default();
    let parameter = if model_id.is_empty() { "run_id" } else { "model_id" };
    match parsed {
        ModelSource::Remote => return Ok(None),
        ModelSource::Run { run_id: named } => {
            let same = model_id.is_empty() && named == run_id;
            return if same { Ok(None) } else { Err(unowned(source, parameter)) };
        }
        _ if model_id.is_empty() && run_id.is_empty() => {}
        _ => {
            let (root, model) = if model_id.is_empty() {
                (run(app, run_id, source).await?.artifact_uri, None)
            } else {
                let model = logged_model(app, model_id, source).await?;
                (model.artifact_uri.clone(), Some(model))
            };
            let inside = match parsed {
                ModelSource::Local(folder) => {
                    is_local_within(folder, &root, &app.artifacts.rules().working_dir)
                }
                _ => is_within(source, &root),
            };
            if inside {
                return Ok(model);
            }
        }
    }
    Err(match parsed {
        ModelSource::Local(_) => outside(asked, source),
        _ => unowned(source, parameter),
    })
}

/// A version made from another one takes over its files and, unless the request says the same, its run.
async fn of_registered(
    app: &AppState,
    asked: &CreateModelVersion,
    name: &str,
    selector: &Selector,
) -> Result<Source, ApiError> {
    let source = &asked.source;
    let model = app.store.registered_model(name.to_owned()).await?;
    if model.is_prompt() {
        return Err(Error::invalid(format!(
            "Invalid model version source: '{source}'. Prompt versions cannot be used as model \
             version sources."
        ))
        .into());
    }
    let from = selected(app, name, selector).await?;
    let from_run = from.run_id.clone().unwrap_or_default();
    let other_run = asked.run_id.as_ref().is_some_and(|run| *run != from_run);
    let other_model = asked.model_id.as_ref().is_some_and(|model| !model.is_empty());
    if other_run || other_model {
        return Err(Error::invalid(format!(
            "Invalid model version source: '{source}'. The run_id and model_id request parameters \
             must match the referenced model version."
        ))
        .into());
    }
    Ok(Source {
        source: format!("models:/{name}/{}", from.version),
        storage_location: Some(from.location().to_owned()),
        run_id: from.run_id,
        model_id: None,
    })
}

async fn selected(
    app: &AppState,
    name: &str,
    selector: &Selector,
) -> Result<ModelVersion, ApiError> {
    let name = name.to_owned();
    match selector {
        Selector::Version(version) => Ok(app.store.model_version(name, *version).await?),
        Selector::Alias(alias) => {
            validate::alias(alias)?;
            Ok(app.store.model_version_by_alias(name, alias.clone()).await?)
        }
        Selector::Latest(stage) => {
            let stages = match stage {
                Some(stage) => vec![validate::stage(stage)?],
                None => Vec::new(),
            };
            let found = app.store.latest_model_versions(name.clone(), stages).await?;
            let newest = found.into_iter().max_by_key(|version| version.version);
            newest.ok_or_else(|| {
                let stage = stage.as_ref().map(|stage| format!(" and stage '{stage}'"));
                let stage = stage.unwrap_or_default();
                // MLflow answers 500 here, which its clients retry.
                Error::not_found(format!("No versions of model with name '{name}'{stage} found"))
                    .into()
            })
        }
    }
}

/// A version without a run has that of its logged model.
async fn with_run_of_model(
    app: &AppState,
    source: Source,
    known: Option<LoggedModel>,
) -> Result<Source, ApiError> {
    let has_run = source.run_id.as_ref().is_some_and(|run| !run.is_empty());
    let (false, Some(model_id)) = (has_run, &source.model_id) else { return Ok(source) };
    let model = match known {
        Some(model) => model,
        None => app.store.logged_model(model_id.clone(), false).await?,
    };
    Ok(Source { run_id: Some(model.source_run_id), ..source })
}

async fn run(app: &AppState, run_id: &str, source: &str) -> Result<RunInfo, ApiError> {
    let found = app.store.run_info(run_id.to_owned()).await;
    found.map_err(|error| owned_or(error, source, "run_id"))
}

async fn logged_model(
    app: &AppState,
    model_id: &str,
    source: &str,
) -> Result<LoggedModel, ApiError> {
    let found = app.store.logged_model(model_id.to_owned(), false).await;
    found.map_err(|error| owned_or(error, source, "model_id"))
}

/// An owner that does not exist owns nothing.
fn owned_or(error: modelyard_store::Error, source: &str, parameter: &'static str) -> ApiError {
    match error {
        modelyard_store::Error::Rule(rule) if rule.code == ErrorCode::ResourceDoesNotExist => {
            unowned(source, parameter)
        }
        error => error.into(),
    }
}
