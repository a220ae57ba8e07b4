//! A machine of stand-ins: each program is a link to `tool.sh`, which says what it can be told.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use modelyard_environments::{
    EnvManager, Environment, Environments, Error, Mlflow, Progress, Settings, Stage, Wanted,
};

/// The machine, in a temporary folder.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    pub(crate) settings: Settings,
}

impl Machine {
    /// One with these programs in its `PATH`.
    pub(crate) fn new(programs: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["bin", "state", "home"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let variables = [
            ("MODELYARD_ENV_ROOT", folder.path().join("root")),
            ("PATH", folder.path().join("bin")),
            ("HOME", folder.path().join("home")),
            ("PIP_TEST_STATE", folder.path().join("state")),
            ("DATABASE_PASSWORD", "secret".into()),
        ];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let machine = Self { settings: Settings::read(variables).unwrap(), folder };
        for name in programs {
            machine.program(&format!("bin/{name}"));
        }
        machine
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Puts a stand-in at a path.
    pub(crate) fn program(&self, path: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stand_ins/tool.sh");
        std::os::unix::fs::symlink(tool, path).unwrap();
    }

    /// Puts a Python of that version into a folder of its own, as `pyenv` does.
    pub(crate) fn pyenv(&self, version: &str) {
        let folder = format!("home/.pyenv/versions/{version}/bin");
        self.program(&format!("{folder}/python"));
        fs::write(self.path(&folder).join("version"), version).unwrap();
    }

    /// Tells the stand-ins something.
    pub(crate) fn tell(&self, what: &str) {
        fs::write(self.path("state").join(what), "").unwrap();
    }

    /// Takes it back.
    pub(crate) fn untell(&self, what: &str) {
        fs::remove_file(self.path("state").join(what)).unwrap();
    }

    /// What they noted; the temporary folder's path is left out.
    pub(crate) fn log(&self) -> String {
        let text = fs::read_to_string(self.path("state/log")).unwrap_or_default();
        text.replace(self.folder.path().to_str().unwrap(), "")
    }

    /// A file of theirs.
    pub(crate) fn noted(&self, name: &str) -> String {
        fs::read_to_string(self.path("state").join(name)).unwrap()
    }

    /// Waits until they have noted something.
    pub(crate) async fn until_noted(&self, name: &str) {
        while !self.path("state").join(name).exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn environments(&self) -> Environments {
        Environments::new(self.settings.clone())
    }

    pub(crate) async fn prepare(
        &self,
        manager: EnvManager,
        wanted: &Wanted,
    ) -> Result<Environment, Error> {
        self.environments().prepare(manager, wanted, &|_| {}).await
    }

    /// The same, and what was told meanwhile.
    pub(crate) async fn watched(
        &self,
        manager: EnvManager,
        wanted: &Wanted,
    ) -> (Result<Environment, Error>, Vec<Stage>, Vec<String>) {
        let told = Mutex::new((Vec::new(), Vec::new()));
        let report = |progress: Progress<'_>| {
            let mut told = told.lock().unwrap();
            match progress {
                Progress::Stage(stage) => told.0.push(stage),
                Progress::Line(line) => told.1.push(line.to_owned()),
            }
        };
        let outcome = self.environments().prepare(manager, wanted, &report).await;
        let (stages, lines) = told.into_inner().unwrap();
        (outcome, stages, lines)
    }

    /// What lies in the folder of environments, without the locks.
    pub(crate) fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        for folder in ["root", "root/.building"] {
            let entries = fs::read_dir(self.path(folder)).into_iter().flatten();
            left.extend(entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()));
        }
        left.retain(|name| !name.starts_with('.'));
        left
    }
}

/// A wish for these requirements.
pub(crate) fn wanted(python: &str, requirements: &str) -> Wanted {
    Wanted {
        python: Some(python.to_owned()),
        requirements: requirements.to_owned(),
        mlflow: Mlflow::Ensured { saved_with: Some("3.1.0".to_owned()) },
        ..Wanted::default()
    }
}
