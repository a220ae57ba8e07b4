//! What a model, or a project, asks for.

use std::path::PathBuf;

/// What an environment is to be made of, as the files beside a model say it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The version of Python, such as `3.11.7` or `3.11`. Without it, [`Settings::python`](crate::Settings::python).
    pub python: Option<String>,
    /// What is installed before the rest, such as `pip==24.0`.
    pub build_dependencies: Vec<String>,
    /// The lines of `requirements.txt`; `-r` and `-c` must have been resolved.
    pub requirements: String,
    /// The lines of `constraints.txt`.
    pub constraints: String,
    /// The text of `conda.yaml`, which [`EnvManager::Conda`](crate::EnvManager::Conda) takes instead of all the above.
    pub conda_yaml: Option<String>,
    /// What uv locked, which [`EnvManager::Uv`](crate::EnvManager::Uv) takes instead of the requirements.
    pub uv_project: Option<UvProject>,
    /// The folder of the model, for requirements that are paths in it, such as `wheels/own-1.0-py3-none-any.whl`.
    pub folder: Option<PathBuf>,
    /// What is done about mlflow itself.
    pub mlflow: Mlflow,
}

/// A project of uv, logged with the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UvProject {
    /// The text of `uv.lock`.
    pub lock: String,
    /// The text of `pyproject.toml`.
    pub pyproject: String,
}

/// What is done about mlflow itself, without which a model cannot be loaded.
///
/// MLflow adds itself to the requirements when it *saves* a model, and takes them as they are when it serves it, so a
/// model whose requirements were edited fails to start. Here they are completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mlflow {
    /// It is added if the requirements name neither `mlflow` nor `mlflow-skinny`.
    Ensured {
        /// The version the model was saved with. A development version, which no index has, becomes the release
        /// before it, as in MLflow.
        saved_with: Option<String>,
    },
    /// This version is installed over what the requirements say: `--install-mlflow`.
    Installed {
        /// The version.
        version: String,
    },
    /// It is not needed, as by a project.
    NotNeeded,
}

impl Default for Mlflow {
    fn default() -> Self {
        Self::Ensured { saved_with: None }
    }
}

impl Mlflow {
    /// The requirement that provides it; `None` if it is not needed.
    pub(crate) fn requirement(&self) -> Option<String> {
        match self {
            Self::Ensured { saved_with } => {
                let version = saved_with.as_deref().and_then(released);
                Some(version.map_or("mlflow".to_owned(), |version| format!("mlflow=={version}")))
            }
            Self::Installed { version } => {
                let version = released(version);
                Some(version.map_or("mlflow".to_owned(), |version| format!("mlflow=={version}")))
            }
            Self::NotNeeded => None,
        }
    }
}

/// A version that an index can have; `None` if there is none, or if the text is no version at all.
fn released(version: &str) -> Option<String> {
    let is_version = version.starts_with(|c: char| c.is_ascii_digit())
        && version.chars().all(|c| c.is_ascii_alphanumeric() || ".+!".contains(c));
    if !is_version {
        return None;
    }
    let Some((release, _)) = version.split_once(".dev") else { return Some(version.to_owned()) };
    let (minor, micro) = release.rsplit_once('.')?;
    let before = micro.parse::<u32>().ok()?.checked_sub(1)?;
    Some(format!("{minor}.{before}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mlflow_is_wanted_in_the_version_that_saved_the_model() {
        let ensured = |version: &str| {
            Mlflow::Ensured { saved_with: Some(version.to_owned()) }.requirement().unwrap()
        };
        assert_eq!(ensured("2.22.5"), "mlflow==2.22.5");
        assert_eq!(ensured("3.0.0rc1"), "mlflow==3.0.0rc1");
        assert_eq!(ensured("2.8.1.dev0"), "mlflow==2.8.0");
        assert_eq!(ensured("3.0.0.dev0"), "mlflow");
        assert_eq!(ensured("1 --index-url https://x"), "mlflow");
        assert_eq!(Mlflow::default().requirement().unwrap(), "mlflow");
        assert_eq!(Mlflow::NotNeeded.requirement(), None);
    }
}
