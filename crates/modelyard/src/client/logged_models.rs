//! Logged models, as far as their artifacts are concerned.

use serde::{Deserialize, Serialize};

use super::request::escape;
use super::{Client, Error};

/// A logged model's whereabouts.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LoggedModelInfo {
    #[serde(default)]
    model_id: String,
    #[serde(default)]
    pub(crate) artifact_uri: String,
    #[serde(default)]
    pub(crate) source_run_id: String,
}

#[derive(Deserialize)]
struct LoggedModel {
    info: LoggedModelInfo,
}

#[derive(Deserialize)]
struct Found {
    model: LoggedModel,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    models: Vec<LoggedModel>,
    next_page_token: Option<String>,
}

#[derive(Serialize)]
struct Search<'a> {
    experiment_ids: [&'a str; 1],
    filter: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
}

impl Client {
    /// The logged model with this id (`m-…`).
    pub(crate) fn logged_model(&self, id: &str) -> Result<LoggedModelInfo, Error> {
        let path = format!("/api/2.0/mlflow/logged-models/{}", escape(id));
        let found: Found = self.get(&path, &[])?;
        Ok(found.model.info)
    }

    /// The id of [`logged_model_of_run`](Self::logged_model_of_run).
    pub(crate) fn logged_model_id_of_run(
        &self,
        experiment_id: &str,
        run_id: &str,
        name: &str,
    ) -> Result<Option<String>, Error> {
        let found = self.logged_model_of_run(experiment_id, run_id, name)?;
        Ok(found.map(|model| model.model_id))
    }

    /// The newest model that a run logged under `name`. From MLflow 3 on, models lie beside the
    /// run's artifacts, and clients look here for paths that the run itself does not have. `None`
    /// too on servers that know no logged models.
    pub(crate) fn logged_model_of_run(
        &self,
        experiment_id: &str,
        run_id: &str,
        name: &str,
    ) -> Result<Option<LoggedModelInfo>, Error> {
        // Such a name cannot be written in a filter, nor can a logged model have it.
        if name.contains(['\'', '"', '/', ':', '.', '%']) {
            return Ok(None);
        }
        let mut search = Search {
            experiment_ids: [experiment_id],
            filter: format!("name = '{name}'"),
            page_token: None,
        };
        loop {
            let found = self.post("/api/2.0/mlflow/logged-models/search", &search, true);
            let page: Page = match found {
                Ok(page) => page,
                Err(Error::Status { status: 404, .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            let of_run = |model: &LoggedModel| model.info.source_run_id == run_id;
            if let Some(model) = page.models.into_iter().find(of_run) {
                return Ok(Some(model.info));
            }
            match page.next_page_token.filter(|token| !token.is_empty()) {
                Some(token) => search.page_token = Some(token),
                None => return Ok(None),
            }
        }
    }
}
