//! What was deleted: an API of Modelyard's own, which MLflow's server does not have.

use serde::{Deserialize, Serialize};

use super::experiments::Empty;
use super::request::escape;
use super::{Client, Error};

const TRASH: &str = "/api/modelyard/v1/trash";

/// What kinds of things can be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum TrashKind {
    /// An experiment, with all that is in it.
    Experiment,
    /// A run.
    Run,
    /// A logged model.
    LoggedModel,
}

impl TrashKind {
    /// The name in the API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Experiment => "experiment",
            Self::Run => "run",
            Self::LoggedModel => "logged_model",
        }
    }
}

/// Something that was deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deleted {
    pub(crate) kind: TrashKind,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) experiment_id: String,
    pub(crate) experiment_name: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) deletion_time: i64,
    pub(crate) artifact_uri: String,
    pub(crate) run_count: i64,
    pub(crate) logged_model_count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retention: Option<String>,
    pub(crate) purging: bool,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Deleted>,
    next_page_token: Option<String>,
}

impl Client {
    /// One page of what was deleted, with the token of the next.
    pub(crate) fn trash(
        &self,
        kind: TrashKind,
        experiment_id: Option<&str>,
        max_results: u32,
        page_token: Option<&str>,
    ) -> Result<(Vec<Deleted>, Option<String>), Error> {
        let most = max_results.to_string();
        let mut query = vec![("kind", kind.name()), ("max_results", most.as_str())];
        query.extend(experiment_id.map(|id| ("experiment_id", id)));
        query.extend(page_token.map(|token| ("page_token", token)));
        let page: Page = self.get(TRASH, &query)?;
        Ok((page.items, page.next_page_token))
    }

    /// Takes something back into use.
    pub(crate) fn restore_from_trash(&self, kind: TrashKind, id: &str) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Named<'a> {
            kind: TrashKind,
            id: &'a str,
        }
        let Empty {} = self.post(&format!("{TRASH}/restore"), &Named { kind, id }, true)?;
        Ok(())
    }

    /// Removes something in the trash for good.
    pub(crate) fn delete_from_trash(
        &self,
        kind: TrashKind,
        id: &str,
        leave_unreachable_artifacts: bool,
        even_if_registered: bool,
    ) -> Result<(), Error> {
        let how = format!(
            "leave_unreachable_artifacts={leave_unreachable_artifacts}\
             &even_if_registered={even_if_registered}"
        );
        let Empty {} = self.delete(&format!("{TRASH}/{}/{}?{how}", kind.name(), escape(id)))?;
        Ok(())
    }
}
