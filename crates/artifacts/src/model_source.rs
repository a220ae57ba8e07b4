//! What a client may name as the source of a registered model's version.

use std::path::{Path, PathBuf};

use crate::decode;
use crate::host;
use crate::repositories::PROXY_ROUTE;
use crate::uri::{ArtifactUri, Parts, Place};

/// A source, as far as it can be judged by itself. What it names must still be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// A folder of this machine: absolute, without `.` and `..`.
    Local(PathBuf),
    /// `runs:/RUN/…`
    Run {
        /// The run.
        run_id: String,
    },
    /// `models:/MODEL_ID`
    LoggedModel {
        /// The logged model.
        model_id: String,
    },
    /// `models:/NAME/…` or `models:/NAME@ALIAS`
    Registered {
        /// The registered model.
        name: String,
        /// Which version of it.
        selector: Selector,
    },
    /// Behind this server's artifact proxy.
    Proxied,
    /// A store that clients reach by themselves.
    Remote,
}

/// How a `models:/` URI names a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By number.
    Version(i64),
    /// The newest, of a stage if one is named.
    Latest(Option<String>),
    /// By alias.
    Alias(String),
}

/// Why a source was refused. The texts are MLflow's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSource {
    /// It is not a location in its plainest form.
    #[error(
        "Invalid model version source: '{0}'. If supplying a source as an http, https, local file path, ftp, \
         objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path \
         references present. Please provide an absolute path."
    )]
    Relative(String),
    /// It would make whoever opens it connect to a host of the client's choice.
    #[error(
        "'source' cannot use the '{0}' scheme: the '{0}' scheme addresses a host other than the tracking \
         server's configured artifact storage, so the server would connect to the host named in the URI. Set \
         the MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES environment variable on the server to allow it."
    )]
    Host(String),
    /// A `runs:/` or `models:/` URI that names nothing.
    #[error(
        "Invalid model version source: '{text}'. The {parameter} request parameter must identify the resource \
         that contains the source."
    )]
    Unowned {
        /// The source.
        text: String,
        /// The parameter of the request.
        parameter: &'static str,
    },
    /// A `models:/` URI of another registry.
    #[error(
        "Invalid model version source: '{0}'. Registered model sources must use the active model registry."
    )]
    OtherRegistry(String),
    /// Not a place at all.
    #[error("Invalid model version source: '{0}'.")]
    Malformed(String),
}

impl ModelSource {
    /// Reads a source. `allows` says whether a scheme that names a host may be used.
    ///
    /// # Errors
    /// [`InvalidSource`], with MLflow's messages.
    pub fn parse(text: &str, allows: impl Fn(&str) -> bool) -> Result<Self, InvalidSource> {
        let Parts { scheme: Some(scheme), authority, path, .. } = cut(text) else {
            return local(text, text);
        };
        let authority = authority.unwrap_or_default();
        if host::is_host_addressed(&scheme) && !is_proxied(&scheme, authority) && !allows(&scheme) {
            return Err(InvalidSource::Host(scheme));
        }
        match scheme.as_str() {
            "file" => local(text, path),
            "models" if !authority.is_empty() => Err(InvalidSource::OtherRegistry(text.to_owned())),
            "models" => {
                let source = models(text, path)?;
                check_plain(text, path)?;
                Ok(source)
            }
            "runs" => {
                check_plain(text, path)?;
                let run = path.trim_start_matches('/').split('/').next().unwrap_or_default();
                if !authority.is_empty() || run.is_empty() {
                    let text = text.to_owned();
                    return Err(InvalidSource::Unowned { text, parameter: "run_id" });
                }
                Ok(Self::Run { run_id: run.to_owned() })
            }
            _ => {
                check_plain(text, path)?;
                let proxied = scheme == "mlflow-artifacts" || is_proxy_route(&scheme, path);
                Ok(if proxied { Self::Proxied } else { Self::Remote })
            }
        }
    }
}

/// Whether `source` lies in `root` or is it: the same store, and a path below in every stage of decoding.
pub fn is_within(source: &str, root: &str) -> bool {
    match (parts(source), parts(root)) {
        (Some(source), Some(root)) => {
            source.0 == root.0
                && source.1 == root.1
                && !root.2.is_empty()
                && source.2.starts_with(&root.2)
        }
        _ => false,
    }
}

/// Whether the local folder `source` lies in that of the location `root`, or is it.
pub fn is_local_within(source: &Path, root: &str, working_dir: &Path) -> bool {
    let root = ArtifactUri::parse(root, working_dir);
    matches!(root.as_ref().map(ArtifactUri::place), Ok(Place::Local(root)) if source.starts_with(root))
}

/// Cuts a URI at its seams; a fragment falls away.
fn cut(text: &str) -> Parts<'_> {
    Parts::split(text.split_once('#').map_or(text, |(before, _fragment)| before))
}

/// `mlflow-artifacts:/…` without a host is this server itself.
fn is_proxied(scheme: &str, authority: &str) -> bool {
    scheme == "mlflow-artifacts" && authority.is_empty()
}

fn is_proxy_route(scheme: &str, path: &str) -> bool {
    matches!(scheme, "http" | "https") && path.contains(PROXY_ROUTE)
}

fn local(text: &str, path: &str) -> Result<ModelSource, InvalidSource> {
    let outside = || InvalidSource::Malformed(text.to_owned());
    check_plain(text, path).map_err(|_relative| outside())?;
    let uri = ArtifactUri::parse(path, Path::new("/")).map_err(|_invalid| outside())?;
    match uri.place() {
        Place::Local(folder) if path.starts_with('/') => Ok(ModelSource::Local(folder.clone())),
        _ => Err(outside()),
    }
}

fn models(text: &str, path: &str) -> Result<ModelSource, InvalidSource> {
    let unowned = || InvalidSource::Unowned { text: text.to_owned(), parameter: "model_id" };
    let path = path.strip_prefix('/').ok_or_else(unowned)?.trim_start_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [name, selector] if !name.trim().is_empty() && !selector.trim().is_empty() => {
            let name = (*name).to_owned();
            let selector = if selector.bytes().all(|byte| byte.is_ascii_digit()) {
                Selector::Version(selector.parse().unwrap_or(-1))
            } else if selector.eq_ignore_ascii_case("latest") {
                Selector::Latest(None)
            } else {
                Selector::Latest(Some((*selector).to_owned()))
            };
            Ok(ModelSource::Registered { name, selector })
        }
        [one] if one.contains('@') => match one.rsplit_once('@') {
            Some((name, alias)) if !alias.trim().is_empty() => Ok(ModelSource::Registered {
                name: name.to_owned(),
                selector: Selector::Alias(alias.to_owned()),
            }),
            _ => Err(unowned()),
        },
        [one] if !one.trim().is_empty() => {
            Ok(ModelSource::LoggedModel { model_id: (*one).to_owned() })
        }
        _ => Err(unowned()),
    }
}

/// Refuses whatever is not an absolute path in its plainest form, however it is encoded.
fn check_plain(text: &str, path: &str) -> Result<(), InvalidSource> {
    let relative = || InvalidSource::Relative(text.to_owned());
    let climbs = |name: &[u8]| matches!(name, b"." | b"..");
    let look = |stage: &[u8]| {
        if stage.contains(&0) || stage.split(|byte| *byte == b'/').any(climbs) {
            return Err(relative());
        }
        Ok(())
    };
    if !path.starts_with('/') {
        return Err(relative());
    }
    decode::each_stage(text, relative, look)
}

/// Scheme, authority and the names of the path, decoded until they change no more.
fn parts(uri: &str) -> Option<(String, String, Vec<Vec<u8>>)> {
    let Parts { scheme, authority, path, .. } = cut(uri);
    let mut names = Vec::new();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let mut last = Vec::new();
        decode::each_stage(
            name,
            || (),
            |stage| {
                stage.clone_into(&mut last);
                Ok(())
            },
        )
        .ok()?;
        names.push(last);
    }
    Some((scheme?, authority.unwrap_or_default().to_ascii_lowercase(), names))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ModelSource, InvalidSource> {
        ModelSource::parse(text, |scheme| scheme == "sftp")
    }

    #[test]
    fn sources_are_told_apart() {
        let registered =
            |name: &str, selector| ModelSource::Registered { name: name.into(), selector };
        for (text, expected) in [
            ("runs:/r1/model", ModelSource::Run { run_id: "r1".into() }),
            ("models:/m-1", ModelSource::LoggedModel { model_id: "m-1".into() }),
            ("models:/a/3", registered("a", Selector::Version(3))),
            ("models:/a/latest", registered("a", Selector::Latest(None))),
            ("models:/a/Staging", registered("a", Selector::Latest(Some("Staging".into())))),
            ("models:/a@best", registered("a", Selector::Alias("best".into()))),
            ("mlflow-artifacts:/1/r/artifacts/m", ModelSource::Proxied),
            ("s3://bucket/x", ModelSource::Remote),
            ("sftp://host/x", ModelSource::Remote),
            ("/data/x", ModelSource::Local("/data/x".into())),
            ("file:///data/x", ModelSource::Local("/data/x".into())),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_climbs_or_names_a_host_is_refused() {
        for text in [
            "s3://bucket/a/../b",
            "s3://bucket/a/%2e%2e/b",
            "s3://bucket/a/%252e%252e/b",
            "s3://bucket",
            "s3://bucket/./x",
            "mlflow-artifacts:/a/..%2f..%2fb",
            "mlflow-artifacts://host:1/a",
            "http://host/x",
            "http://host/api/2.0/mlflow-artifacts/artifacts/x",
            "https://host/x",
            "ftp://host/x",
            "hdfs://host/x",
            "/data/../etc",
            "../etc",
            "data",
            "file:///data/..",
            "file:relative",
            "runs:/",
            "runs://host/r/x",
            "runs:/r/../x",
            "models:/",
            "models:/a/",
            "models:/a/1/2",
            "models:/a@",
            "models://host/a/1",
            "models:a/1",
            "s3://bucket/a\0",
            "",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_source_lies_in_the_place_of_its_owner() {
        let root = "mlflow-artifacts:/1/r/artifacts";
        for inside in
            [root, "mlflow-artifacts:/1/r/artifacts/m", "mlflow-artifacts:/1/%72/artifacts/m"]
        {
            assert!(is_within(inside, root), "{inside}");
        }
        for outside in [
            "mlflow-artifacts:/1/r",
            "mlflow-artifacts:/1/r/artifacts2",
            "mlflow-artifacts:/1/s/artifacts/m",
            "s3:/1/r/artifacts/m",
            "mlflow-artifacts://h/1/r/artifacts/m",
            "1/r/artifacts",
        ] {
            assert!(!is_within(outside, root), "{outside}");
        }
        assert!(!is_within("s3://bucket/x", "s3://bucket"), "a root without a path is no bound");
        let dir = Path::new("/w");
        assert!(is_local_within(Path::new("/w/r/m"), "/w/r", dir));
        assert!(!is_local_within(Path::new("/w/rm"), "/w/r", dir));
        assert!(!is_local_within(Path::new("/w/r"), "s3://b/r", dir));
    }
}
