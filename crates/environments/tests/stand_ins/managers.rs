//! What each manager runs, in which order and with what, on a machine of stand-ins.

use std::fs;

use crate::machine::{Machine, wanted};
use modelyard_environments::{EnvManager, Error, Mlflow, Stage, UvProject, Wanted};

#[tokio::test]
async fn uv_installs_what_it_has_kept_and_asks_the_network_for_the_rest() {
    let machine = Machine::new(&["uv"]);
    machine.pyenv("3.11.7");
    let mut wish = wanted("3.11.7", "numpy==2.0\n--pre\n");
    wish.build_dependencies = vec!["pip==24.0".to_owned()];
    wish.constraints = "scipy<2".to_owned();
    let (built, stages, lines) = machine.watched(EnvManager::Uv, &wish).await;
    let built = built.unwrap();
    assert!(built.built && built.warnings.is_empty());
    assert_eq!(built.python_version, "3.11.7");
    assert_eq!(lines, ["Installed", "Installed"]);
    assert_eq!(
        stages,
        [
            Stage::FindingPython,
            Stage::Creating,
            Stage::InstallingBuildDependencies,
            Stage::InstallingOffline,
            Stage::Installing,
            Stage::InstallingOffline,
            Stage::Checking
        ]
    );
    let key = built.folder.as_ref().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let scratch = format!("/root/.building/{key}");
    let (env, files) = (format!("{scratch}/environment"), format!("{scratch}/files"));
    let expected = format!(
        "uv venv --relocatable --no-project --python /home/.pyenv/versions/3.11.7/bin/python {env}\n\
         uv pip install --compile-bytecode --python {env}/bin/python -r {files}/modelyard-build.txt --offline\n  \
         -r pip==24.0\n\
         uv pip install --compile-bytecode --python {env}/bin/python --prerelease=allow \
         -r {files}/modelyard-requirements.txt -c {files}/modelyard-constraints.txt --offline\n  \
         -r mlflow==3.1.0\n  -r numpy==2.0\n  -c scipy<2\n"
    );
    assert_eq!(machine.log(), expected);
    assert_eq!(machine.left(), [key]);
    assert!(built.python.exists() && built.python.starts_with(machine.path("root")));

    // The second time nothing runs.
    let again = machine.prepare(EnvManager::Uv, &wish).await.unwrap();
    assert!(!again.built);
    assert_eq!((again.python, machine.log()), (built.python, expected));
}

#[tokio::test]
async fn uv_goes_online_at_once_when_news_could_matter_and_never_when_offline() {
    let mut machine = Machine::new(&["uv"]);
    machine.pyenv("3.11.7");
    machine.tell("not-kept");
    machine.prepare(EnvManager::Uv, &wanted("3.11", "numpy")).await.unwrap();
    assert!(!machine.log().contains("--offline"), "{}", machine.log());
    machine.prepare(EnvManager::Uv, &wanted("3.11", "numpy==1")).await.unwrap();
    assert_eq!(machine.log().matches("--offline").count(), 1, "{}", machine.log());
    machine.settings.offline = true;
    machine.prepare(EnvManager::Uv, &wanted("3.11", "numpy==2")).await.unwrap();
    assert_eq!(machine.log().matches("--offline").count(), 1, "{}", machine.log());
    assert!(machine.noted("variables").contains("UV_OFFLINE=1"));
}

#[tokio::test]
async fn uv_fetches_a_python_or_takes_another_patch() {
    let machine = Machine::new(&["uv"]);
    machine.pyenv("3.9.18");
    machine.pyenv("3.9.2");
    let fetched = machine.prepare(EnvManager::Uv, &wanted("3.10.1", "")).await.unwrap();
    assert!(fetched.warnings.is_empty() && machine.log().contains("--python 3.10.1 "));
    machine.tell("refuse-3.9.7");
    let similar = machine.prepare(EnvManager::Uv, &wanted("3.9.7", "")).await.unwrap();
    assert_eq!(similar.python_version, "3.9.18");
    let warning = "Python 3.9.7 is not on this machine: Python 3.9.18 is taken instead";
    assert_eq!(similar.warnings, [warning]);
    // It is said again whenever that environment is used.
    let again = machine.prepare(EnvManager::Uv, &wanted("3.9.7", "")).await.unwrap();
    assert!(!again.built && again.warnings == [warning]);
    machine.tell("refuse-3.12.1");
    let minor = machine.prepare(EnvManager::Uv, &wanted("3.12.1", "")).await.unwrap();
    assert!(minor.warnings[0].contains("Python 3.12 is taken"));
    machine.tell("refuse-3.13");
    machine.tell("refuse-3.13.1");
    let none = machine.prepare(EnvManager::Uv, &wanted("3.13.1", "")).await.unwrap_err();
    let none = none.to_string();
    assert!(none.contains("uv venv failed (") && none.contains("\n  No interpreter"), "{none}");
}

#[tokio::test]
async fn what_uv_locked_is_installed_as_locked_and_mlflow_added() {
    let machine = Machine::new(&["uv"]);
    machine.pyenv("3.11.7");
    let project = UvProject { lock: "locked\n".to_owned(), pyproject: "[project]".to_owned() };
    let wish = Wanted { uv_project: Some(project), ..wanted("3.11.7", "not looked at") };
    let (built, stages, _) = machine.watched(EnvManager::Uv, &wish).await;
    built.unwrap();
    let log = machine.log();
    assert!(
        log.contains("uv sync --frozen --no-dev --no-install-project --compile-bytecode"),
        "{log}"
    );
    assert!(log.contains("  lock locked\n") && log.contains("-r mlflow==3.1.0"), "{log}");
    assert!(!log.contains("not looked at"), "{log}");
    assert!(stages.contains(&Stage::InstallingMlflow));
}

#[tokio::test]
async fn virtualenv_takes_a_python_of_this_machine() {
    let machine = Machine::new(&["python3.12", "python3"]);
    fs::write(machine.path("bin/version"), "3.12.4").unwrap();
    machine.pyenv("3.11.7");
    machine.pyenv("3.11.9");
    machine.pyenv("3.8.18");
    machine.program("home/.pyenv/shims/python3.10");
    let taken = |wish: &str, manager| {
        let (machine, wish) = (&machine, wanted(wish, "numpy"));
        async move { machine.prepare(manager, &wish).await }
    };
    for (wish, version) in
        [("3.11.7", "3.11.7"), ("3.11", "3.11.9"), ("3.12", "3.12.4"), ("3.8.1", "3.8.18")]
    {
        let built = taken(wish, EnvManager::Virtualenv).await.unwrap();
        assert_eq!(built.python_version, version, "{wish}");
        assert_eq!(built.warnings.is_empty(), wish != "3.8.1");
    }
    let none = taken("3.10.2", EnvManager::Virtualenv).await.unwrap_err();
    assert!(matches!(none, Error::NoPython { .. }));
    let text = none.to_string();
    assert!(
        text.contains("Python 3.10.2") && text.contains("found: 3.8.18, 3.11.7, 3.11.9, 3.12.4"),
        "{text}"
    );
    assert!(text.contains("pyenv install 3.10.2") && text.contains("uv"), "{text}");
}

#[tokio::test]
async fn virtualenv_installs_with_pip_and_serves_a_python_without_venv() {
    let machine = Machine::new(&["python3.9", "virtualenv"]);
    fs::write(machine.path("bin/version"), "3.9.1").unwrap();
    let wish = wanted("3.9", "numpy==1.0\n--pre");
    let built = machine.prepare(EnvManager::Virtualenv, &wish).await.unwrap();
    let folder = built.folder.as_ref().unwrap();
    let key = folder.file_name().unwrap().to_str().unwrap();
    let log = machine.log();
    assert!(log.contains(&format!("python3.9 -I -m venv /root/{key}\n")), "{log}");
    assert!(
        log.contains("python -I -m pip install -r ")
            && log.contains("  -r --pre\n  -r mlflow==3.1.0\n"),
        "{log}"
    );
    let seen = machine.noted("variables");
    assert!(seen.contains("PIP_NO_INPUT=1") && !seen.contains("secret"), "{seen}");

    machine.tell("no-venv");
    machine.prepare(EnvManager::Virtualenv, &wanted("3.9", "b")).await.unwrap();
    assert!(
        machine.log().contains("\nvirtualenv --python /bin/python3.9 /root/"),
        "{}",
        machine.log()
    );
    fs::remove_file(machine.path("bin/virtualenv")).unwrap();
    let none = machine.prepare(EnvManager::Virtualenv, &wanted("3.9", "c")).await.unwrap_err();
    assert!(none.to_string().contains("python3-venv"), "{none}");
}

#[tokio::test]
async fn conda_makes_what_its_file_says() {
    let mut machine = Machine::new(&["conda"]);
    let wish =
        Wanted { conda_yaml: Some("dependencies: [python=3.9]\n".to_owned()), ..wanted("3.9", "") };
    let built = machine.prepare(EnvManager::Conda, &wish).await.unwrap();
    assert_eq!(built.python_version, "3.9.1");
    let log = machine.log();
    assert!(
        log.contains("conda env create --prefix /root/")
            && log.contains("dependencies: [python=3.9]"),
        "{log}"
    );
    assert!(log.contains("  -r mlflow==3.1.0"), "{log}");
    assert!(machine.noted("files").contains("constraints.txt"), "its pip part may name it");
    assert!(machine.noted("variables").contains("CONDA_ALWAYS_YES=true"));
    let variables = built.variables(Some("/usr/bin".as_ref()));
    let folder = built.folder.as_ref().unwrap();
    assert_eq!(variables[0].1.to_str().unwrap(), format!("{}/bin:/usr/bin", folder.display()));
    assert_eq!(variables[1], ("CONDA_PREFIX", folder.clone().into()));

    // Another program, elsewhere.
    machine.program("other/bin/micromamba");
    let other = machine.path("other");
    machine.settings.variables.insert("MLFLOW_CONDA_HOME".into(), other.into());
    machine.settings.variables.insert("MLFLOW_CONDA_CREATE_ENV_CMD".into(), "micromamba".into());
    let wish = Wanted { conda_yaml: Some("other".to_owned()), ..wish };
    machine.prepare(EnvManager::Conda, &wish).await.unwrap();
    assert!(machine.log().contains("\nmicromamba create --prefix"), "{}", machine.log());
    machine.settings.variables.insert("MLFLOW_CONDA_CREATE_ENV_CMD".into(), "mamba".into());
    let wish = Wanted { conda_yaml: Some("third".to_owned()), ..wish };
    let none = machine.prepare(EnvManager::Conda, &wish).await.unwrap_err();
    assert!(
        none.to_string().starts_with("mamba is not on this machine: MLFLOW_CONDA_CREATE"),
        "{none}"
    );
}

#[tokio::test]
async fn a_missing_tool_is_named_with_what_to_do() {
    let machine = Machine::new(&[]);
    let wish = Wanted { conda_yaml: Some(String::new()), ..wanted("3.9", "") };
    for (manager, words) in [
        (EnvManager::Uv, "uv is not on this machine: install it"),
        (EnvManager::Conda, "conda is not on this machine: install conda"),
        (EnvManager::Virtualenv, "Python 3.9 is not on this machine (found: none)"),
        (EnvManager::Local, "python3 is not on this machine"),
    ] {
        let error = machine.prepare(manager, &wish).await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(machine.left().is_empty());
}

#[tokio::test]
async fn mlflow_is_installed_over_the_rest_when_that_is_asked_for_and_missed_when_it_stays_away() {
    let machine = Machine::new(&["uv"]);
    machine.pyenv("3.11.7");
    let mut wish = wanted("3.11", "mlflow==2.0");
    wish.mlflow = Mlflow::Installed { version: "3.17.2".to_owned() };
    machine.prepare(EnvManager::Uv, &wish).await.unwrap();
    assert!(machine.log().ends_with("-r mlflow==3.17.2\n"), "{}", machine.log());

    machine.tell("no-mlflow");
    let none = machine.prepare(EnvManager::Uv, &wanted("3.11", "a")).await.unwrap_err();
    assert!(matches!(none, Error::NoMlflow { .. }), "{none}");
    wish.mlflow = Mlflow::NotNeeded;
    machine.prepare(EnvManager::Uv, &wish).await.unwrap();
}

#[tokio::test]
async fn only_the_files_that_requirements_name_reach_the_installer() {
    let machine = Machine::new(&["uv"]);
    machine.pyenv("3.11.7");
    fs::create_dir_all(machine.path("model/wheels")).unwrap();
    for file in ["model/wheels/own-1.0-py3-none-any.whl", "model/pyproject.toml", "model/uv.toml"] {
        fs::write(machine.path(file), "").unwrap();
    }
    let mut wish = wanted("3.11", "./wheels/own-1.0-py3-none-any.whl");
    wish.folder = Some(machine.path("model"));
    machine.prepare(EnvManager::Uv, &wish).await.unwrap();
    assert_eq!(machine.noted("files"), ".\n..\nmodelyard-requirements.txt\nwheels\n");
}

#[tokio::test]
async fn the_local_python_is_taken_as_it_is() {
    let machine = Machine::new(&["python3"]);
    fs::write(machine.path("bin/version"), "3.11.7").unwrap();
    fs::write(machine.path("bin/mlflow"), "").unwrap();
    let found = machine.prepare(EnvManager::Local, &wanted("3.10.1", "numpy")).await.unwrap();
    assert_eq!((found.folder, found.built), (None, false));
    assert_eq!(found.python, machine.path("bin/python3"));
    assert_eq!(found.warnings, ["python (current: 3.11.7, required: python==3.10.1)"]);
    // As in MLflow, also for conda and a model that has no file for it.
    let found = machine.prepare(EnvManager::Conda, &wanted("3.11.7", "numpy")).await.unwrap();
    assert_eq!(found.manager, EnvManager::Local);
    assert!(found.warnings[0].contains("no conda.yaml"));
}
