//! A wish, read and judged: what a build works from.

use std::path::PathBuf;

use crate::error::Error;
use crate::key::Key;
use crate::manager::EnvManager;
use crate::paths;
use crate::requirements::Requirements;
use crate::version::PythonVersion;
use crate::wanted::{Mlflow, UvProject, Wanted};

/// The projects that bring what loads a model. `mlflow-tracing` does not, so it is not enough, as it is for MLflow.
const MLFLOW: [&str; 2] = ["mlflow", "mlflow-skinny"];

/// What is built, without what the manager does not look at.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) manager: EnvManager,
    pub(crate) python: Option<PythonVersion>,
    pub(crate) build_dependencies: Requirements,
    /// With mlflow, if it is needed; for conda the file that `conda.yaml` may name.
    pub(crate) requirements: Requirements,
    pub(crate) constraints: Requirements,
    pub(crate) uv_project: Option<UvProject>,
    pub(crate) conda_yaml: Option<String>,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) mlflow: Mlflow,
}

impl Plan {
    /// Reads what is wanted. Of the environment requirements may name the variables that are `passed`.
    pub(crate) fn read(
        manager: EnvManager,
        wanted: &Wanted,
        passed: &[String],
    ) -> Result<Self, Error> {
        let conda_yaml = wanted.conda_yaml.clone().filter(|_| manager == EnvManager::Conda);
        let uv_project = wanted.uv_project.clone().filter(|_| manager == EnvManager::Uv);
        let mut plan = Self {
            manager,
            python: None,
            build_dependencies: Requirements::default(),
            requirements: Requirements::default(),
            constraints: Requirements::default(),
            uv_project,
            conda_yaml,
            folder: wanted.folder.clone(),
            mlflow: wanted.mlflow.clone(),
        };
        if plan.conda_yaml.is_none() {
            plan.python = wanted.python.as_deref().map(PythonVersion::read).transpose()?;
        }
        if plan.uv_project.is_some() {
            return Ok(plan);
        }
        plan.requirements = Requirements::read(&wanted.requirements, passed)?;
        plan.constraints = Requirements::read(&wanted.constraints, passed)?;
        if let Some(path) = plan.constraints.paths.first() {
            let path = path.display().to_string();
            return Err(Error::requirement(&path, "a constraint is a version of a project"));
        }
        if plan.conda_yaml.is_some() {
            return Ok(plan);
        }
        let first = wanted.build_dependencies.join("\n");
        plan.build_dependencies = Requirements::read(&first, passed)?;
        if let (Mlflow::Ensured { .. }, Some(line)) = (&plan.mlflow, plan.mlflow.requirement())
            && !plan.requirements.asks_for(&MLFLOW)
        {
            plan.requirements.lines.insert(0, line);
        }
        Ok(plan)
    }

    /// The files of the model that are installed.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let both = [&self.build_dependencies, &self.requirements];
        both.into_iter().flat_map(|read| read.paths.clone()).collect()
    }

    /// The key of the environment. `base` is the version of the Python that is taken if none is wanted.
    ///
    /// Reads the files of [`Plan::paths`].
    pub(crate) fn key(&self, base: Option<&PythonVersion>) -> Result<String, Error> {
        let python = self.python.as_ref().or(base).map(PythonVersion::to_string);
        let project = self.uv_project.as_ref().map(|project| [&project.lock, &project.pyproject]);
        let mlflow = match &self.mlflow {
            Mlflow::Ensured { .. } => format!("ensured {:?}", self.mlflow.requirement()),
            Mlflow::Installed { .. } => format!("installed {:?}", self.mlflow.requirement()),
            Mlflow::NotNeeded => "not needed".to_owned(),
        };
        // Where the requirements name it, what the model was saved with makes no difference.
        let named = self.requirements.asks_for(&MLFLOW);
        let ensured = named && matches!(self.mlflow, Mlflow::Ensured { .. });
        let key = Key::new()
            .with("manager", [self.manager.name()])
            .with("python", python)
            .with("build dependencies", self.build_dependencies.normalised())
            .with("requirements", self.requirements.normalised())
            .with("constraints", self.constraints.normalised())
            .with("uv project", project.into_iter().flatten())
            .with("conda.yaml", self.conda_yaml.as_ref())
            .with("files", [paths::digest(self.folder.as_deref(), &self.paths())?])
            .with("mlflow", (!ensured).then_some(mlflow));
        Ok(key.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(manager: EnvManager, wanted: &Wanted) -> String {
        Plan::read(manager, wanted, &[]).unwrap().key(None).unwrap()
    }

    fn wanted(requirements: &str) -> Wanted {
        Wanted {
            python: Some("3.11.7".to_owned()),
            requirements: requirements.to_owned(),
            ..Wanted::default()
        }
    }

    #[test]
    fn equal_wishes_have_one_key_and_others_another() {
        let one = key(EnvManager::Uv, &wanted("numpy == 2.0\nmlflow==3.1\n# a comment"));
        assert_eq!(one, key(EnvManager::Uv, &wanted("MLflow==3.1\n\nnumpy==2.0")));
        assert_ne!(one, key(EnvManager::Virtualenv, &wanted("numpy == 2.0\nmlflow==3.1")));
        let change = |change: fn(&mut Wanted)| {
            let mut wanted = wanted("numpy==2.0\nmlflow==3.1");
            change(&mut wanted);
            key(EnvManager::Uv, &wanted)
        };
        let keys = [
            one.clone(),
            change(|w| w.python = Some("3.11".to_owned())),
            change(|w| w.requirements = "numpy==2.0\nmlflow==3.2".to_owned()),
            change(|w| w.build_dependencies = vec!["pip==24.0".to_owned()]),
            change(|w| w.constraints = "scipy<2".to_owned()),
            change(|w| {
                w.uv_project = Some(UvProject { lock: "a".to_owned(), pyproject: "b".to_owned() });
            }),
            change(|w| {
                w.uv_project = Some(UvProject { lock: "a".to_owned(), pyproject: "c".to_owned() });
            }),
            change(|w| w.mlflow = Mlflow::Installed { version: "3.3".to_owned() }),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "{at}");
        }
        // What the manager does not look at makes no difference, nor does what the model was saved with here.
        assert_eq!(one, change(|w| w.conda_yaml = Some("x".to_owned())));
        let saved_with = Some("3.0".to_owned());
        let saved =
            Wanted { mlflow: Mlflow::Ensured { saved_with }, ..wanted("numpy==2.0\nmlflow==3.1") };
        assert_eq!(one, key(EnvManager::Uv, &saved));
    }

    #[test]
    fn mlflow_is_added_where_it_is_missing() {
        let lines = |requirements: &str, mlflow: Mlflow| {
            let wanted = Wanted { mlflow, ..wanted(requirements) };
            Plan::read(EnvManager::Virtualenv, &wanted, &[]).unwrap().requirements.lines
        };
        let saved = Mlflow::Ensured { saved_with: Some("2.9.2".to_owned()) };
        assert_eq!(lines("numpy", saved.clone()), ["mlflow==2.9.2", "numpy"]);
        assert_eq!(lines("mlflow-skinny==2.1", saved.clone()), ["mlflow-skinny==2.1"]);
        assert_eq!(lines("mlflow-tracing==3.1", saved), ["mlflow==2.9.2", "mlflow-tracing==3.1"]);
        assert_eq!(lines("numpy", Mlflow::NotNeeded), ["numpy"]);
    }

    #[test]
    fn the_files_a_wish_names_belong_to_the_key() {
        let model = tempfile::tempdir().unwrap();
        let file = model.path().join("own-1.0-py3-none-any.whl");
        std::fs::write(&file, "1").unwrap();
        let mut wanted = wanted("own-1.0-py3-none-any.whl");
        wanted.folder = Some(model.path().to_owned());
        let first = key(EnvManager::Uv, &wanted);
        std::fs::write(&file, "2").unwrap();
        assert_ne!(first, key(EnvManager::Uv, &wanted));
        wanted.constraints = "./x.whl".to_owned();
        assert!(Plan::read(EnvManager::Uv, &wanted, &[]).is_err());
    }
}
