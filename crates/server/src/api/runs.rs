//! `/api/2.0/mlflow/runs/…`: runs, their tags, parameters, inputs and outputs.

use axum::extract::State;
use axum::response::Response;
use modelyard_protocol::messages::runs::{
    CreateRun, DatasetInput, DeleteTag, LogInputs, LogModel, LogOutputs, LogParam, RunAnswer,
    RunById, RunInfoAnswer, SearchRuns, SetTag, UpdateRun,
};
use modelyard_protocol::names::RUN_NAME_TAG;
use modelyard_protocol::page_token::{Fingerprint, ListKind};
use modelyard_protocol::search::{parse_run_filter, parse_run_order};
use modelyard_protocol::{Error, ViewType, names, validate};
use modelyard_store as store;
use modelyard_store::{KeyValue, ModelOutput, NewRun, RunInputs, RunQuery, RunUpdate};

use super::experiments::{ids, page_size};
use super::paging::Paging;
use super::{render, run_list};
use crate::extract::Mlflow;
use crate::{ApiError, AppState, answer};

/// The tag in which clients before MLflow 3 keep the models of a run.
const MODEL_HISTORY_TAG: &str = "mlflow.log-model.history";

/// `POST runs/create`
pub(crate) async fn create(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<CreateRun>,
) -> Result<Response, ApiError> {
    let experiment_id = validate::experiment_id(&asked.experiment_id)?;
    let mut tags = render::pair_rows(asked.tags);
    let name = match name_of(asked.run_name, &tags)? {
        Some(name) => name,
        None => names::random_name(&app.context),
    };
    match tags.iter_mut().find(|tag| tag.key == RUN_NAME_TAG) {
        Some(tag) => tag.value.clone_from(&name),
        None => tags.push(KeyValue { key: RUN_NAME_TAG.to_owned(), value: name.clone() }),
    }
    let new =
        NewRun { experiment_id, name, user_id: asked.user_id, start_ms: asked.start_time, tags };
    let mut run = render::run(app.store.create_run(new).await?);
    // MLflow shows the outputs of a run only when it reads it.
    run.outputs = None;
    answer::json(&RunAnswer { run })
}

/// The name that the request gives the run, in its field or in its tag.
fn name_of(field: String, tags: &[KeyValue]) -> Result<Option<String>, Error> {
    let tag = tags.iter().find(|tag| tag.key == RUN_NAME_TAG && !tag.value.is_empty());
    match tag {
        None => Ok(Some(field).filter(|name| !name.is_empty())),
        Some(tag) if field.is_empty() || field == tag.value => Ok(Some(tag.value.clone())),
        Some(tag) => Err(Error::invalid(format!(
            "Both 'run_name' argument and '{RUN_NAME_TAG}' tag are specified, but with different \
             values (run_name='{field}', {RUN_NAME_TAG}='{}').",
            tag.value
        ))),
    }
}

/// `GET runs/get`: deleted ones too.
pub(crate) async fn get(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<RunById>,
) -> Result<Response, ApiError> {
    let run = app.store.run(asked.run_id().to_owned()).await?;
    answer::json(&RunAnswer { run: render::run(run) })
}

/// `POST runs/update`
pub(crate) async fn update(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<UpdateRun>,
) -> Result<Response, ApiError> {
    let run_id = asked.run_id().to_owned();
    let update = RunUpdate {
        status: asked.status,
        end_ms: asked.end_time,
        name: Some(asked.run_name).filter(|name| !name.is_empty()),
    };
    let run = app.store.update_run(run_id, update).await?;
    answer::json(&RunInfoAnswer { run_info: render::run_info(run) })
}

/// `POST runs/delete`
pub(crate) async fn delete(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<RunById>,
) -> Result<Response, ApiError> {
    app.store.delete_run(asked.run_id().to_owned()).await?;
    Ok(answer::empty())
}

/// `POST runs/restore`
pub(crate) async fn restore(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<RunById>,
) -> Result<Response, ApiError> {
    app.store.restore_run(asked.run_id().to_owned()).await?;
    Ok(answer::empty())
}

/// `POST runs/search`
pub(crate) async fn search(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<SearchRuns>,
) -> Result<Response, ApiError> {
    let view = asked.run_view_type.unwrap_or(ViewType::ActiveOnly);
    let filter = parse_run_filter(&asked.filter)?;
    let order = parse_run_order(&asked.order_by)?;
    let query = Fingerprint::new()
        .text(&asked.filter)
        .texts(asked.order_by.iter().map(String::as_str))
        .texts(asked.experiment_ids.iter().map(String::as_str))
        .number(view.number().into());
    let paging = Paging::new(ListKind::Runs, &query, order.len());
    let query = RunQuery {
        experiments: ids(&asked.experiment_ids)?,
        view,
        filter,
        order,
        limit: page_size(asked.max_results)?,
        after: paging.after(&asked.page_token)?,
    };
    run_list::answer(&app, query, &paging).await
}

/// `POST runs/log-parameter`
pub(crate) async fn log_param(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<LogParam>,
) -> Result<Response, ApiError> {
    let run_id = asked.run_id().to_owned();
    let param = KeyValue { key: asked.key, value: asked.value };
    app.store.log_param(run_id, param).await?;
    Ok(answer::empty())
}

/// `POST runs/set-tag`
pub(crate) async fn set_tag(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<SetTag>,
) -> Result<Response, ApiError> {
    let run_id = asked.run_id().to_owned();
    let tag = KeyValue { key: asked.key, value: asked.value };
    app.store.set_tag(run_id, tag).await?;
    Ok(answer::empty())
}

/// `POST runs/delete-tag`
pub(crate) async fn delete_tag(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<DeleteTag>,
) -> Result<Response, ApiError> {
    let run_id = asked.run_id().to_owned();
    app.store.delete_tag(run_id, asked.key).await?;
    Ok(answer::empty())
}

/// `POST runs/log-inputs`
pub(crate) async fn log_inputs(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<LogInputs>,
) -> Result<Response, ApiError> {
    let inputs = RunInputs {
        datasets: asked.datasets.into_iter().map(dataset_row).collect(),
        models: asked.models.into_iter().map(|model| model.model_id).collect(),
    };
    app.store.log_inputs(asked.run_id, inputs).await?;
    Ok(answer::empty())
}

fn dataset_row(input: DatasetInput) -> store::DatasetInput {
    let dataset = input.dataset;
    store::DatasetInput {
        tags: render::pair_rows(input.tags),
        dataset: store::Dataset {
            name: dataset.name,
            digest: dataset.digest,
            source_type: dataset.source_type,
            source: dataset.source,
            schema: dataset.schema,
            profile: dataset.profile,
        },
    }
}

/// `POST runs/outputs`
pub(crate) async fn log_outputs(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<LogOutputs>,
) -> Result<Response, ApiError> {
    let output = |model: modelyard_protocol::messages::runs::ModelOutput| ModelOutput {
        model_id: model.model_id,
        step: model.step,
    };
    let models = asked.models.into_iter().map(output).collect();
    app.store.log_outputs(asked.run_id, models).await?;
    Ok(answer::empty())
}

/// `POST runs/log-model`: how clients before MLflow 3 record a model.
pub(crate) async fn log_model(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<LogModel>,
) -> Result<Response, ApiError> {
    let entry = asked.history_entry()?.into();
    app.store.append_to_tag(asked.run_id, MODEL_HISTORY_TAG.to_owned(), entry).await?;
    Ok(answer::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(field: &str, tag: Option<&str>) -> Result<Option<String>, Error> {
        let tag = tag.map(|value| KeyValue { key: RUN_NAME_TAG.into(), value: value.into() });
        name_of(field.to_owned(), tag.as_slice())
    }

    #[test]
    fn a_name_comes_from_the_field_or_the_tag() {
        assert_eq!(name("a", None), Ok(Some("a".into())));
        assert_eq!(name("", Some("b")), Ok(Some("b".into())));
        assert_eq!(name("a", Some("a")), Ok(Some("a".into())));
        assert_eq!(name("a", Some("")), Ok(Some("a".into())));
        assert_eq!(name("", None), Ok(None));
        assert_eq!(
            name("a", Some("b")).unwrap_err().message,
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different \
             values (run_name='a', mlflow.runName='b')."
        );
    }
}
