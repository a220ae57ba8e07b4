//! What Modelyard's registry has beyond MLflow's: the audit trail, checks, protected aliases.

use serde::{Deserialize, Serialize};
use ureq::http::Method;

use super::experiments::Empty;
use super::registry::VersionName;
use super::request::escape;
use super::{Client, Error};

const REGISTRY: &str = "/api/modelyard/v1/registry";

/// A change of the registry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) event_id: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) timestamp: i64,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) name: String,
    pub(crate) prompt: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// Which changes to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventSearch<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) actions: Option<&'a str>,
    pub(crate) actor: Option<&'a str>,
    /// Milliseconds since the Unix epoch.
    pub(crate) since_ms: Option<i64>,
}

/// A protected alias and the checks it demands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) alias: String,
    pub(crate) checks: Vec<String>,
}

/// The newest outcome of a check.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) passed: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) details: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) run_id: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) timestamp: i64,
}

/// The outcome of a check, to be noted.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome<'a> {
    pub(crate) passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) details: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run_id: Option<&'a str>,
}

/// An alias that went back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RolledBack {
    pub(crate) from_version: String,
    pub(crate) to_version: String,
}

#[derive(Deserialize)]
struct EventPage {
    events: Vec<Event>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Policies {
    policies: Vec<Policy>,
}

#[derive(Deserialize)]
struct Checks {
    checks: Vec<Check>,
}

impl Client {
    /// One page of the audit trail, the latest change first, with the token of the next.
    pub(crate) fn events(
        &self,
        search: &EventSearch<'_>,
        max_results: u32,
        page_token: Option<&str>,
    ) -> Result<(Vec<Event>, Option<String>), Error> {
        let most = max_results.to_string();
        let mut query = vec![("max_results", most.as_str())];
        let since = search.since_ms.map(|since_ms| since_ms.to_string());
        let given = [
            ("name", search.name),
            ("version", search.version),
            ("key", search.key),
            ("actions", search.actions),
            ("actor", search.actor),
            ("since", since.as_deref()),
            ("page_token", page_token),
        ];
        query.extend(given.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let page: EventPage = self.get(&format!("{REGISTRY}/events"), &query)?;
        Ok((page.events, page.next_page_token))
    }

    /// The protected aliases of a registered model.
    pub(crate) fn alias_policies(&self, name: &str) -> Result<Vec<Policy>, Error> {
        let found: Policies = self.get(&format!("{}/policies", model(name)), &[])?;
        Ok(found.policies)
    }

    /// Demands checks of the versions that an alias is moved to; none lifts the protection.
    pub(crate) fn set_alias_policy(
        &self,
        name: &str,
        alias: &str,
        checks: &[String],
    ) -> Result<Policy, Error> {
        #[derive(Serialize)]
        struct Demand<'a> {
            checks: &'a [String],
        }
        let path = format!("{}/aliases/{}/policy", model(name), escape(alias));
        self.message(Method::PUT, &path, &Demand { checks }, true)
    }

    /// The newest outcome of every check of a version.
    pub(crate) fn checks(&self, version: VersionName<'_>) -> Result<Vec<Check>, Error> {
        let found: Checks = self.get(&checks_of(version), &[])?;
        Ok(found.checks)
    }

    /// Notes the outcome of a check.
    pub(crate) fn record_check(
        &self,
        version: VersionName<'_>,
        check: &str,
        outcome: &Outcome<'_>,
    ) -> Result<(), Error> {
        let path = format!("{}/{}", checks_of(version), escape(check));
        let Empty {} = self.message(Method::PUT, &path, outcome, true)?;
        Ok(())
    }

    /// Moves an alias back. Not repeated when the connection breaks: that would go back twice.
    pub(crate) fn roll_back(
        &self,
        name: &str,
        alias: &str,
        to_version: Option<&str>,
    ) -> Result<RolledBack, Error> {
        #[derive(Serialize)]
        struct Back<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            to_version: Option<&'a str>,
        }
        let path = format!("{}/aliases/{}/rollback", model(name), escape(alias));
        self.post(&path, &Back { to_version }, false)
    }
}

fn model(name: &str) -> String {
    format!("{REGISTRY}/models/{}", escape(name))
}

fn checks_of(version: VersionName<'_>) -> String {
    format!("{}/versions/{}/checks", model(version.name), escape(version.version))
}
