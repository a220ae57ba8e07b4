//! The model registry, by MLflow's API: registered models, their versions, tags and aliases.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use ureq::http::Method;

use super::experiments::Empty;
use super::runs::Tag;
use super::{Client, Error};

const MODELS: &str = "/api/2.0/mlflow/registered-models";
const VERSIONS: &str = "/api/2.0/mlflow/model-versions";

/// A registered model, as the API gives it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Model {
    pub(crate) name: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) creation_timestamp: Option<i64>,
    /// Milliseconds since the Unix epoch.
    pub(crate) last_updated_timestamp: Option<i64>,
    #[serde(default)]
    pub(crate) description: String,
    /// The newest version of each stage.
    #[serde(default)]
    pub(crate) latest_versions: Vec<Version>,
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
    #[serde(default)]
    pub(crate) aliases: Vec<Alias>,
}

/// A name for a version.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Alias {
    pub(crate) alias: String,
    pub(crate) version: String,
}

/// A version of a registered model, as the API gives it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) creation_timestamp: Option<i64>,
    /// Milliseconds since the Unix epoch.
    pub(crate) last_updated_timestamp: Option<i64>,
    #[serde(default)]
    pub(crate) user_id: String,
    #[serde(default)]
    pub(crate) current_stage: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) run_id: String,
    #[serde(default)]
    pub(crate) run_link: String,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) status_message: String,
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
    /// Searches leave them out.
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
}

impl Version {
    /// By what the API finds it.
    pub(crate) fn as_name(&self) -> VersionName<'_> {
        VersionName { name: &self.name, version: &self.version }
    }
}

/// What to look for, in either of the two searches.
#[derive(Debug, Clone)]
pub(crate) struct RegistrySearch<'a> {
    pub(crate) filter: Option<&'a str>,
    pub(crate) order_by: &'a [String],
    pub(crate) max_results: u32,
    pub(crate) page_token: Option<&'a str>,
}

/// Which version.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct VersionName<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
}

/// A version to be made.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct NewVersion<'a> {
    pub(crate) name: &'a str,
    pub(crate) source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run_link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct OneModel {
    registered_model: Model,
}

#[derive(Deserialize)]
struct OneVersion {
    model_version: Version,
}

#[derive(Deserialize)]
struct ModelPage {
    #[serde(default)]
    registered_models: Vec<Model>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct VersionPage {
    #[serde(default)]
    model_versions: Vec<Version>,
    next_page_token: Option<String>,
}

impl RegistrySearch<'_> {
    fn ask<T: DeserializeOwned>(&self, client: &Client, path: &str) -> Result<T, Error> {
        let most = self.max_results.to_string();
        let mut query = vec![("max_results", most.as_str())];
        query.extend(self.filter.map(|filter| ("filter", filter)));
        query.extend(self.order_by.iter().map(|key| ("order_by", key.as_str())));
        query.extend(self.page_token.map(|token| ("page_token", token)));
        client.get(path, &query)
    }
}

impl Client {
    /// One page of the registered models, with the token of the next.
    pub(crate) fn search_models(
        &self,
        search: &RegistrySearch<'_>,
    ) -> Result<(Vec<Model>, Option<String>), Error> {
        let page: ModelPage = search.ask(self, &format!("{MODELS}/search"))?;
        Ok((page.registered_models, page.next_page_token.filter(|token| !token.is_empty())))
    }

    /// One page of the versions of all models, with the token of the next.
    pub(crate) fn search_versions(
        &self,
        search: &RegistrySearch<'_>,
    ) -> Result<(Vec<Version>, Option<String>), Error> {
        let page: VersionPage = search.ask(self, &format!("{VERSIONS}/search"))?;
        Ok((page.model_versions, page.next_page_token.filter(|token| !token.is_empty())))
    }

    /// The registered model with this name.
    pub(crate) fn model(&self, name: &str) -> Result<Model, Error> {
        let found: OneModel = self.get(&format!("{MODELS}/get"), &[("name", name)])?;
        Ok(found.registered_model)
    }

    /// A version with its aliases.
    pub(crate) fn version(&self, version: VersionName<'_>) -> Result<Version, Error> {
        let query = [("name", version.name), ("version", version.version)];
        let found: OneVersion = self.get(&format!("{VERSIONS}/get"), &query)?;
        Ok(found.model_version)
    }

    /// The version that an alias names.
    pub(crate) fn version_by_alias(&self, name: &str, alias: &str) -> Result<Version, Error> {
        let query = [("name", name), ("alias", alias)];
        let found: OneVersion = self.get(&format!("{MODELS}/alias"), &query)?;
        Ok(found.model_version)
    }

    /// Where the files of a version are.
    pub(crate) fn download_uri(&self, version: VersionName<'_>) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Found {
            artifact_uri: String,
        }
        let query = [("name", version.name), ("version", version.version)];
        let found: Found = self.get(&format!("{VERSIONS}/get-download-uri"), &query)?;
        Ok(found.artifact_uri)
    }

    /// Registers a model. Not repeated when the connection breaks: the second request would say
    /// that the name is taken.
    pub(crate) fn create_model(
        &self,
        name: &str,
        description: Option<&str>,
        tags: &[Tag],
    ) -> Result<Model, Error> {
        #[derive(Serialize)]
        struct Create<'a> {
            name: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            description: Option<&'a str>,
            tags: &'a [Tag],
        }
        let message = Create { name, description, tags };
        let made: OneModel = self.post(&format!("{MODELS}/create"), &message, false)?;
        Ok(made.registered_model)
    }

    /// Gives a registered model another name; the second time there is none of the old one.
    pub(crate) fn rename_model(&self, name: &str, new_name: &str) -> Result<(), Error> {
        let message = BTreeMap::from([("name", name), ("new_name", new_name)]);
        let _renamed: OneModel = self.post(&format!("{MODELS}/rename"), &message, false)?;
        Ok(())
    }

    /// Deletes a registered model with its versions.
    pub(crate) fn delete_model(&self, name: &str) -> Result<(), Error> {
        let message = BTreeMap::from([("name", name)]);
        self.done(Method::DELETE, &format!("{MODELS}/delete"), &message, false)
    }

    /// Changes the description of a registered model.
    pub(crate) fn describe_model(&self, name: &str, text: &str) -> Result<(), Error> {
        let message = BTreeMap::from([("name", name), ("description", text)]);
        self.done(Method::PATCH, &format!("{MODELS}/update"), &message, true)
    }

    /// Sets a tag of a registered model.
    pub(crate) fn set_model_tag(&self, name: &str, tag: &Tag) -> Result<(), Error> {
        let message = BTreeMap::from([("name", name), ("key", &tag.key), ("value", &tag.value)]);
        self.done(Method::POST, &format!("{MODELS}/set-tag"), &message, true)
    }

    /// Removes a tag of a registered model.
    pub(crate) fn delete_model_tag(&self, name: &str, key: &str) -> Result<(), Error> {
        let message = BTreeMap::from([("name", name), ("key", key)]);
        self.done(Method::DELETE, &format!("{MODELS}/delete-tag"), &message, true)
    }

    /// Makes an alias name a version.
    pub(crate) fn set_alias(&self, alias: &str, version: VersionName<'_>) -> Result<(), Error> {
        let message = BTreeMap::from([
            ("name", version.name),
            ("alias", alias),
            ("version", version.version),
        ]);
        self.done(Method::POST, &format!("{MODELS}/alias"), &message, true)
    }

    /// Removes an alias.
    pub(crate) fn delete_alias(&self, name: &str, alias: &str) -> Result<(), Error> {
        let message = BTreeMap::from([("name", name), ("alias", alias)]);
        self.done(Method::DELETE, &format!("{MODELS}/alias"), &message, true)
    }

    /// Makes a version. Not repeated when the connection breaks: that would make two.
    pub(crate) fn create_version(&self, new: &NewVersion<'_>) -> Result<Version, Error> {
        let made: OneVersion = self.post(&format!("{VERSIONS}/create"), new, false)?;
        Ok(made.model_version)
    }

    /// Deletes a version and the aliases that name it.
    pub(crate) fn delete_version(&self, version: VersionName<'_>) -> Result<(), Error> {
        self.done(Method::DELETE, &format!("{VERSIONS}/delete"), &version, false)
    }

    /// Changes the description of a version.
    pub(crate) fn describe_version(
        &self,
        version: VersionName<'_>,
        text: &str,
    ) -> Result<(), Error> {
        let message = BTreeMap::from([
            ("name", version.name),
            ("version", version.version),
            ("description", text),
        ]);
        self.done(Method::PATCH, &format!("{VERSIONS}/update"), &message, true)
    }

    /// Moves a version to a stage, and those that are in it to the archive if that is asked for.
    pub(crate) fn move_to_stage(
        &self,
        version: VersionName<'_>,
        stage: &str,
        archive_existing_versions: bool,
    ) -> Result<Version, Error> {
        #[derive(Serialize)]
        struct Move<'a> {
            #[serde(flatten)]
            version: VersionName<'a>,
            stage: &'a str,
            archive_existing_versions: bool,
        }
        let message = Move { version, stage, archive_existing_versions };
        let moved: OneVersion =
            self.post(&format!("{VERSIONS}/transition-stage"), &message, true)?;
        Ok(moved.model_version)
    }

    /// Sets a tag of a version.
    pub(crate) fn set_version_tag(&self, version: VersionName<'_>, tag: &Tag) -> Result<(), Error> {
        let message = BTreeMap::from([
            ("name", version.name),
            ("version", version.version),
            ("key", &tag.key),
            ("value", &tag.value),
        ]);
        self.done(Method::POST, &format!("{VERSIONS}/set-tag"), &message, true)
    }

    /// Removes a tag of a version.
    pub(crate) fn delete_version_tag(
        &self,
        version: VersionName<'_>,
        key: &str,
    ) -> Result<(), Error> {
        let message =
            BTreeMap::from([("name", version.name), ("version", version.version), ("key", key)]);
        self.done(Method::DELETE, &format!("{VERSIONS}/delete-tag"), &message, true)
    }

    /// A change whose answer says nothing that matters.
    fn done(
        &self,
        method: Method,
        path: &str,
        message: &impl Serialize,
        repeatable: bool,
    ) -> Result<(), Error> {
        let Empty {} = self.message(method, path, message, repeatable)?;
        Ok(())
    }
}
