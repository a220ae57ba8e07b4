//! Runs: requests.

use serde::Deserialize;

use super::common::{KEY_VALUE, KeyValue, check_pairs, count_at_most, either, refuse_repeated};
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::states::{RunStatus, ViewType};
use crate::validate;
use crate::wire::{Check, Field, Kind, Message, Request, Rules};

mod answers;
mod inputs;

pub use answers::{
    DatasetInputView, DatasetView, Metric, ModelInputView, ModelOutputView, Run, RunAnswer,
    RunData, RunInfo, RunInfoAnswer, RunInputs, RunOutputs, Runs,
};
pub use inputs::{Dataset, DatasetInput, LogInputs, LogModel, LogOutputs, ModelInput, ModelOutput};

const REQUIRED_TEXT: &[Check] = &[Check::Required, Check::Text];
const RUN_UUID: Field = Field::new("run_uuid", Kind::Text, &[]);

/// `runs/create`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRun {
    /// The experiment. MLflow does not mark it as required, but no run goes without.
    #[serde(default)]
    pub experiment_id: String,
    /// Who runs it.
    #[serde(default)]
    pub user_id: String,
    /// Its name; empty to take the tag `mlflow.runName` or a random one.
    #[serde(default)]
    pub run_name: String,
    /// Milliseconds since the epoch; 0 when the client does not say.
    #[serde(default)]
    pub start_time: i64,
    /// Its tags, each key once. Their values are not cut (MLflow does not either).
    #[serde(default)]
    pub tags: Vec<KeyValue>,
}

impl Request for CreateRun {
    const MESSAGE: Message = Message(&[
        Field::new("experiment_id", Kind::Text, &[Check::Text]),
        Field::new("start_time", Kind::Int64, &[Check::IntLike]),
        Field::new("run_name", Kind::Text, &[Check::Text]),
        Field::new("user_id", Kind::Text, &[]),
        Field::new("tags", Kind::Messages(&KEY_VALUE), &[]),
    ]);

    fn is_complete(&self) -> bool {
        true
    }

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        if self.experiment_id.is_empty() {
            // MLflow notices it in the database, hence its other code.
            let message = crate::wire::missing("experiment_id").message;
            return Err(Error::new(ErrorCode::BadRequest, message));
        }
        validate::text(&self.user_id, limits::MAX_USER_ID_CHARS, "user_id")?;
        validate::text(&self.run_name, limits::MAX_RUN_NAME_CHARS, "run_name")?;
        count_at_most(self.tags.len(), limits::MAX_TAGS_PER_REQUEST, "tags")?;
        check_pairs(&self.tags, "tags")?;
        refuse_repeated(&self.tags, "tag")
    }
}

/// `runs/update`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateRun {
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    run_uuid: String,
    /// The new status.
    #[serde(default)]
    pub status: Option<RunStatus>,
    /// The new end, milliseconds since the epoch.
    #[serde(default)]
    pub end_time: Option<i64>,
    /// The new name; empty for no change.
    #[serde(default)]
    pub run_name: String,
}

impl UpdateRun {
    /// The run.
    pub fn run_id(&self) -> &str {
        either(&self.run_id, &self.run_uuid)
    }
}

impl Request for UpdateRun {
    const MESSAGE: Message = Message(&[
        Field::new("run_id", Kind::Text, REQUIRED_TEXT),
        Field::new("end_time", Kind::Int64, &[Check::IntLike]),
        Field::new("status", Kind::Enum(RunStatus::NAMES), &[Check::Text]),
        Field::new("run_name", Kind::Text, &[Check::Text]),
        RUN_UUID,
    ]);

    fn is_complete(&self) -> bool {
        !self.run_id.is_empty()
    }

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::text(&self.run_name, limits::MAX_RUN_NAME_CHARS, "run_name")
    }
}

/// `runs/get`, `/delete` and `/restore`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunById {
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    run_uuid: String,
}

impl RunById {
    /// The run.
    pub fn run_id(&self) -> &str {
        either(&self.run_id, &self.run_uuid)
    }
}

impl Request for RunById {
    const MESSAGE: Message = Message(&[Field::new("run_id", Kind::Text, REQUIRED_TEXT), RUN_UUID]);
}

/// `runs/log-parameter`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogParam {
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    run_uuid: String,
    /// The parameter's key.
    pub key: String,
    /// The parameter's value, cut to [`limits::MAX_PARAM_VALUE_CHARS`].
    #[serde(default)]
    pub value: String,
}

impl LogParam {
    /// The run.
    pub fn run_id(&self) -> &str {
        either(&self.run_id, &self.run_uuid)
    }
}

const PAIR: Message = Message(&[
    Field::new("run_id", Kind::Text, REQUIRED_TEXT),
    Field::new("key", Kind::Text, REQUIRED_TEXT),
    Field::new("value", Kind::Text, &[Check::Text]),
    RUN_UUID,
]);

impl Request for LogParam {
    const MESSAGE: Message = PAIR;

    fn is_complete(&self) -> bool {
        !self.run_id.is_empty() && !self.key.is_empty()
    }

    fn validate(&mut self, rules: Rules) -> Result<(), Error> {
        check_param(rules, &self.key, &mut self.value, "key")
    }
}

/// `runs/set-tag`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetTag {
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    run_uuid: String,
    /// The tag's key.
    pub key: String,
    /// The tag's value, cut to [`limits::MAX_TAG_VALUE_CHARS`].
    #[serde(default)]
    pub value: String,
}

impl SetTag {
    /// The run.
    pub fn run_id(&self) -> &str {
        either(&self.run_id, &self.run_uuid)
    }
}

impl Request for SetTag {
    const MESSAGE: Message = PAIR;

    fn is_complete(&self) -> bool {
        !self.run_id.is_empty() && !self.key.is_empty()
    }

    fn validate(&mut self, rules: Rules) -> Result<(), Error> {
        check_tag(rules, &self.key, &mut self.value, "key", "value")
    }
}

/// `runs/delete-tag`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteTag {
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    run_uuid: String,
    /// The tag's key.
    pub key: String,
}

impl DeleteTag {
    /// The run.
    pub fn run_id(&self) -> &str {
        either(&self.run_id, &self.run_uuid)
    }
}

impl Request for DeleteTag {
    const MESSAGE: Message = Message(&[
        Field::new("run_id", Kind::Text, REQUIRED_TEXT),
        Field::new("key", Kind::Text, REQUIRED_TEXT),
        RUN_UUID,
    ]);
}

/// `runs/search`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRuns {
    /// The experiments to search; none finds nothing.
    #[serde(default)]
    pub experiment_ids: Vec<String>,
    /// The filter.
    #[serde(default)]
    pub filter: String,
    /// Which life-cycle stages to show; active ones unless said.
    #[serde(default)]
    pub run_view_type: Option<ViewType>,
    /// Runs on a page.
    #[serde(default = "default_search_runs_results")]
    pub max_results: i64,
    /// The ordering.
    #[serde(default)]
    pub order_by: Vec<String>,
    /// Where the list goes on.
    #[serde(default)]
    pub page_token: String,
}

fn default_search_runs_results() -> i64 {
    limits::DEFAULT_SEARCH_RUNS_RESULTS
}

impl Request for SearchRuns {
    const MESSAGE: Message = Message(&[
        Field::new("experiment_ids", Kind::Texts, &[Check::Array]),
        Field::new("filter", Kind::Text, &[Check::Text]),
        Field::new(
            "max_results",
            Kind::Int32,
            &[Check::IntLike, Check::AtMost(limits::MAX_SEARCH_RUNS_RESULTS)],
        ),
        Field::new("order_by", Kind::Texts, &[Check::Array, Check::TextItems]),
        Field::new("run_view_type", Kind::Enum(ViewType::NAMES), &[]),
        Field::new("page_token", Kind::Text, &[]),
    ]);

    fn is_complete(&self) -> bool {
        self.max_results <= limits::MAX_SEARCH_RUNS_RESULTS
    }

    fn validate(&mut self, _: Rules) -> Result<(), Error> {
        validate::max_results(self.max_results, limits::MAX_SEARCH_RUNS_RESULTS)
    }
}

/// Checks a parameter; a value that is too long is cut or refused.
pub(super) fn check_param(
    rules: Rules,
    key: &str,
    value: &mut String,
    path: &str,
) -> Result<(), Error> {
    validate::key(key, path)?;
    validate::length(key, limits::MAX_KEY_CHARS, "Param key")?;
    validate::storable(value, "value")?;
    validate::fit(rules, value, limits::MAX_PARAM_VALUE_CHARS, "Param value")
}

/// Checks a run tag; a value that is too long is cut or refused.
pub(super) fn check_tag(
    rules: Rules,
    key: &str,
    value: &mut String,
    key_path: &str,
    value_path: &str,
) -> Result<(), Error> {
    validate::key(key, key_path)?;
    validate::length(key, limits::MAX_KEY_CHARS, key_path)?;
    validate::storable(value, value_path)?;
    validate::fit(rules, value, limits::MAX_TAG_VALUE_CHARS, value_path)
}
