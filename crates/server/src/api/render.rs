//! Rows of the store as messages of the wire, and the other way round.

use modelyard_protocol::messages::experiments::Experiment;
use modelyard_protocol::messages::logged_models::{LoggedModel, LoggedModelData, LoggedModelInfo};
use modelyard_protocol::messages::metrics::{MetricPoint, ModelMetric};
use modelyard_protocol::messages::runs::{
    DatasetInputView, DatasetView, Metric, ModelInputView, ModelOutputView, Run, RunData, RunInfo,
    RunInputs, RunOutputs,
};
use modelyard_protocol::messages::{KeyValue, datasets};
use modelyard_protocol::wire::Double;
use modelyard_store as store;

/// The name of the only workspace.
const WORKSPACE: &str = "default";

pub(super) fn pairs(rows: Vec<store::KeyValue>) -> Vec<KeyValue> {
    rows.into_iter().map(|row| KeyValue { key: row.key, value: row.value }).collect()
}

pub(super) fn pair_rows(pairs: Vec<KeyValue>) -> Vec<store::KeyValue> {
    pairs.into_iter().map(pair_row).collect()
}

pub(super) fn pair_row(pair: KeyValue) -> store::KeyValue {
    store::KeyValue { key: pair.key, value: pair.value }
}

pub(super) fn experiment(row: store::Experiment) -> Experiment {
    Experiment {
        experiment_id: row.id.to_string(),
        name: row.name,
        artifact_location: row.artifact_location,
        lifecycle_stage: row.lifecycle,
        last_update_time: row.updated_ms,
        creation_time: row.created_ms,
        tags: pairs(row.tags),
        workspace: WORKSPACE.to_owned(),
    }
}

pub(super) fn run_info(row: store::RunInfo) -> RunInfo {
    RunInfo {
        run_uuid: row.run_id.clone(),
        experiment_id: row.experiment_id.to_string(),
        run_name: row.name,
        user_id: row.user_id,
        status: row.status,
        start_time: row.start_ms,
        // In MLflow's protobuf 0 means that the run has not ended.
        end_time: row.end_ms.filter(|end| *end != 0),
        artifact_uri: row.artifact_uri,
        lifecycle_stage: row.lifecycle,
        run_id: row.run_id,
    }
}

/// A run with everything, as runs/get and runs/search show it.
pub(super) fn run(row: store::Run) -> Run {
    let outputs = row.model_outputs.into_iter();
    let outputs = outputs.map(|it| ModelOutputView { model_id: it.model_id, step: it.step });
    let model_inputs = row.model_inputs.into_iter().map(|model_id| ModelInputView { model_id });
    let metrics = row.metrics.into_iter().map(|point| Metric {
        key: point.key,
        value: Double(point.value),
        timestamp: point.ms,
        step: point.step,
    });
    Run {
        info: run_info(row.info),
        data: RunData {
            metrics: metrics.collect(),
            params: pairs(row.params),
            tags: pairs(row.tags),
        },
        inputs: RunInputs {
            dataset_inputs: row.datasets.into_iter().map(dataset_input).collect(),
            model_inputs: model_inputs.collect(),
        },
        outputs: Some(RunOutputs { model_outputs: outputs.collect() }),
    }
}

fn dataset_input(row: store::DatasetInput) -> DatasetInputView {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    DatasetInputView {
        tags: pairs(row.tags),
        dataset: DatasetView {
            name: row.dataset.name,
            digest: row.dataset.digest,
            source_type: row.dataset.source_type,
            source: row.dataset.source,
            schema: given(row.dataset.schema),
            profile: given(row.dataset.profile),
        },
    }
}

pub(super) fn dataset_summary(row: store::DatasetSummary) -> datasets::DatasetSummary {
    datasets::DatasetSummary {
        experiment_id: row.experiment_id.to_string(),
        name: row.name,
        digest: row.digest,
        context: row.context,
    }
}

pub(super) fn point_row(point: MetricPoint) -> store::MetricPoint {
    let model = point.model_id.map(|model_id| store::ModelLink {
        model_id,
        dataset_name: point.dataset_name.unwrap_or_default(),
        dataset_digest: point.dataset_digest.unwrap_or_default(),
    });
    store::MetricPoint {
        key: point.key,
        value: point.value.0,
        step: point.step,
        ms: point.timestamp,
        model,
    }
}

pub(super) fn logged_model(row: store::LoggedModel) -> LoggedModel {
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let model_id = row.model_id.clone();
    let metrics = row.metrics.into_iter().map(|point| ModelMetric {
        key: point.key,
        value: Double(point.value),
        timestamp: point.ms,
        step: point.step,
        dataset_name: given(point.dataset_name),
        dataset_digest: given(point.dataset_digest),
        model_id: model_id.clone(),
        run_id: point.run_id,
    });
    LoggedModel {
        data: LoggedModelData { metrics: metrics.collect(), params: pairs(row.params) },
        info: LoggedModelInfo {
            model_id: row.model_id,
            experiment_id: row.experiment_id.to_string(),
            name: row.name,
            creation_timestamp_ms: row.created_ms,
            last_updated_timestamp_ms: row.updated_ms,
            artifact_uri: row.artifact_uri,
            status: row.status,
            model_type: row.model_type,
            source_run_id: row.source_run_id,
            tags: pairs(row.tags),
        },
    }
}
