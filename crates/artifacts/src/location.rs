//! What clients may name as the artifact location of an experiment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::host;
use crate::path::ArtifactPath;
use crate::uri::{ArtifactUri, InvalidUri, Place, Reason, Remote};

/// The longest location, in characters, unless configured otherwise: MLflow's limit.
pub const LOCATION_MAX_CHARS: usize = 2048;

/// The rules, from how the server was started.
#[derive(Debug, Clone)]
pub struct LocationRules {
    /// Where relative paths start.
    pub working_dir: PathBuf,
    /// The longest location, in characters.
    pub max_chars: usize,
    /// The server's own artifact root and destination: what they name is trusted.
    pub own: Vec<ArtifactUri>,
    /// Schemes that the operator allows beyond the built-in ones, in lower case.
    pub allowed_schemes: BTreeSet<String>,
}

impl LocationRules {
    /// Reads and judges the location a client gives for a new experiment.
    ///
    /// As in MLflow, a local folder may be any: it is a place for clients, and this server itself
    /// reads and writes only below the folders it was given (see
    /// [`Repositories::find`](crate::Repositories::find)). Stricter than MLflow in this: nothing
    /// that [`ArtifactUri`] refuses.
    ///
    /// # Errors
    /// [`InvalidUri`] with a message that says what would be accepted.
    pub fn accept(&self, text: &str) -> Result<ArtifactUri, InvalidUri> {
        let refuse = |message| InvalidUri::new(text, Reason::Rule(message));
        if text.chars().count() > self.max_chars {
            return Err(refuse(too_long(self.max_chars)));
        }
        let uri = ArtifactUri::parse(text, &self.working_dir)?;
        match uri.place() {
            Place::Proxied(_) | Place::Local(_) => {}
            Place::Remote(remote) => self.check_remote(remote).map_err(refuse)?,
        }
        Ok(uri)
    }

    /// Whether a scheme that makes its readers connect to a host may be named by clients.
    pub fn allows_scheme(&self, scheme: &str) -> bool {
        !host::is_host_addressed(scheme) || self.allowed_schemes.contains(scheme)
    }

    fn check_remote(&self, remote: &Remote) -> Result<(), String> {
        let scheme = remote.scheme.as_str();
        if self.allows_scheme(scheme) {
            return Ok(());
        }
        let is_own = |uri: &ArtifactUri| match (uri.place(), &remote.targets) {
            (Place::Remote(own), Some(targets)) => {
                own.targets.as_ref().is_some_and(|own| !own.is_disjoint(targets))
            }
            _ => false,
        };
        if self.own.iter().any(is_own) {
            return Ok(());
        }
        Err(format!(
            "'artifact_location' cannot use the '{scheme}' scheme: it would make the server connect \
             to the host that the URI names. Set the environment variable \
             MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES on the server to allow it."
        ))
    }
}

/// Where `path` lies below `root`: `None` if it does not, `Some(None)` if it is the root.
pub(crate) fn below(root: &Path, path: &Path) -> Option<Option<ArtifactPath>> {
    let rest = path.strip_prefix(root).ok()?;
    ArtifactPath::parse_folder(rest.to_str()?).ok()
}

fn too_long(max_chars: usize) -> String {
    format!(
        "Invalid artifact path length. The length of the artifact path cannot be greater than \
         {max_chars} characters. To configure this limit, set the \
         MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(own: &str) -> LocationRules {
        let working_dir = PathBuf::from("/srv");
        let own = vec![ArtifactUri::parse(own, &working_dir).expect(own)];
        LocationRules {
            working_dir,
            max_chars: LOCATION_MAX_CHARS,
            own,
            allowed_schemes: BTreeSet::from(["sftp".to_owned()]),
        }
    }

    fn message(rules: &LocationRules, text: &str) -> String {
        rules.accept(text).expect_err(text).to_string()
    }

    #[test]
    fn the_usual_places_are_accepted() {
        let rules = rules("mlflow-artifacts:/");
        for text in [
            "mlflow-artifacts:/team/x",
            "artifacts/x",
            "/srv/artifacts",
            "file:///srv/artifacts/x",
            "s3://bucket/x",
            "gs://bucket/x",
            "wasbs://c@account.blob.core.windows.net/x",
            "sftp://host/x",
            "/etc",
            "file:///home/me/mlruns",
            "dbfs:/x/y",
            "plugin://x/y",
        ] {
            rules.accept(text).expect(text);
        }
        assert_eq!(rules.accept("artifacts/x").expect("local").as_str(), "/srv/artifacts/x");
    }

    #[test]
    fn hosts_are_refused_unless_they_are_the_servers_own() {
        let rules = rules("http://mine:5000/api/2.0/mlflow-artifacts/artifacts/x");
        for text in [
            "http://127.0.0.1:9/x",
            "http://mine/x",
            "ftp://evil/x",
            "hdfs://n/x",
            "r2://b@x.r2.cloudflarestorage.com/p",
            "b2://x/y",
            "abfss://c@a.dfs.core.windows.net/x",
            "mlflow-artifacts://evil:1/",
        ] {
            let text = message(&rules, text);
            assert!(text.starts_with("'artifact_location' cannot use the '"), "{text}");
        }
        rules.accept("http://mine:5000/other").expect("the own host");
        rules.accept("mlflow-artifacts://mine:5000/other").expect("the own host");
    }

    #[test]
    fn long_texts_and_what_is_no_place_are_refused() {
        let rules = rules("mlflow-artifacts:/");
        assert!(message(&rules, "javascript:alert(1)").contains("must name"));
        assert!(message(&rules, "dbfs:/../x").contains(".."));
        assert!(message(&rules, &"x".repeat(10_000_000)).len() < 1000);
    }
}
