//! Real environments, by this machine's Python and by uv, of one small wheel that is made here. No network is used.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use modelyard_environments::{EnvManager, Environments, Mlflow, Settings, UvProject, Wanted};
use modelyard_testkit::{Lack, left_out};

/// Makes the wheel `tiny` in the folder it is given, with a module and a program.
const WHEEL: &str = r#"
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/tiny-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("tiny.py", "def main():\n    print('a tiny program')\n")
    info = "tiny-1.0.dist-info/"
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "entry_points.txt", "[console_scripts]\ntiny = tiny:main\n")
    names = ["tiny.py"] + [info + name for name in ("METADATA", "WHEEL", "entry_points.txt")]
    wheel.writestr(info + "RECORD", "".join(name + ",,\n" for name in names) + info + "RECORD,,\n")
"#;

#[expect(clippy::disallowed_methods, reason = "a test looks at what was installed")]
fn run(program: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    Command::new(program).args(arguments).output()
}

fn said(program: &Path, arguments: &[&str]) -> String {
    let output = run(program, arguments).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

struct Here {
    folder: tempfile::TempDir,
    settings: Settings,
    wanted: Wanted,
}

/// The real machine with an empty home, and the wheel; `None` if it has no Python with venv.
fn here() -> Option<Here> {
    let venv = run(Path::new("python3"), &["-c", "import ensurepip, venv"]);
    if !venv.is_ok_and(|output| output.status.success()) {
        left_out(Lack::Component, "there is no python3 with venv: no real environment is built");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let wheels = folder.path().join("wheels");
    fs::create_dir(&wheels).unwrap();
    said(Path::new("python3"), &["-c", WHEEL, wheels.to_str().unwrap()]);
    let uv = uv().and_then(|uv| Some(uv.parent()?.to_owned()));
    let path = std::env::var_os("PATH").unwrap();
    let paths = uv.into_iter().chain(std::env::split_paths(&path));
    let variables = [
        ("MODELYARD_ENV_ROOT", folder.path().join("root").into()),
        ("PATH", std::env::join_paths(paths).unwrap()),
        ("HOME", folder.path().into()),
        ("PIP_FIND_LINKS", wheels.clone().into()),
        ("UV_FIND_LINKS", wheels.into()),
    ];
    let mut settings = Settings::read(variables.map(|(n, value)| (n.into(), value))).unwrap();
    settings.offline = true;
    let wanted = Wanted {
        requirements: "tiny==1.0\n".to_owned(),
        mlflow: Mlflow::NotNeeded,
        ..Wanted::default()
    };
    Some(Here { folder, settings, wanted })
}

/// Where `scripts/test.sh` says that uv is.
fn uv() -> Option<PathBuf> {
    std::env::var_os("MODELYARD_UV").map(PathBuf::from).filter(|uv| uv.exists())
}

/// A project that uv has locked.
#[expect(clippy::disallowed_methods, reason = "a test makes what it gives")]
fn locked(here: &Here) -> UvProject {
    let folder = here.folder.path().join("project");
    fs::create_dir(&folder).unwrap();
    // It is built with what is nowhere, and its sources are not logged: it must not be installed itself.
    let pyproject = "[project]\nname = \"training\"\nversion = \"1.0\"\nrequires-python = \">=3.8\"\n\
                     dependencies = [\"tiny==1.0\"]\n[build-system]\nrequires = [\"nothing\"]\n";
    fs::write(folder.join("pyproject.toml"), pyproject).unwrap();
    let mut lock = Command::new(uv().unwrap());
    lock.args(["lock", "--offline", "--no-index"]).current_dir(&folder);
    lock.env("UV_FIND_LINKS", here.folder.path().join("wheels"));
    let output = lock.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lock = fs::read_to_string(folder.join("uv.lock")).unwrap();
    UvProject { lock, pyproject: pyproject.to_owned() }
}

fn version() -> String {
    said(Path::new("python3"), &["-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"])
}

async fn builds(here: &Here, manager: EnvManager, wanted: &Wanted) -> PathBuf {
    let environments = Environments::new(here.settings.clone());
    let built = environments.prepare(manager, wanted, &|_| {}).await.unwrap();
    assert!(built.built);
    assert_eq!(built.python_version, version());
    assert_eq!(said(&built.python, &["-c", "import tiny; tiny.main()"]), "a tiny program");
    let folder = built.folder.unwrap();
    // It was moved, perhaps, and its programs still start.
    assert_eq!(said(&folder.join("bin/tiny"), &[]), "a tiny program");
    let again = environments.prepare(manager, wanted, &|_| {}).await.unwrap();
    assert!(!again.built);
    let list = environments.list().await.unwrap();
    let cached = list.iter().find(|cached| cached.folder == folder).unwrap();
    assert!(cached.bytes > 0 && cached.own_bytes > 0 && cached.in_use);
    folder
}

#[tokio::test]
async fn venv_and_pip_build_an_environment_here() {
    let Some(here) = here() else { return };
    let mut wanted = here.wanted.clone();
    // A home without interpreters: it must be the one that `PATH` has.
    wanted.python = Some(version());
    builds(&here, EnvManager::Virtualenv, &wanted).await;
}

#[tokio::test]
async fn uv_builds_an_environment_here() {
    let Some(here) = here() else { return };
    if uv().is_none() {
        left_out(Lack::Component, "uv is not installed (scripts/setup.sh uv): it builds nothing");
        return;
    }
    let folder = builds(&here, EnvManager::Uv, &here.wanted).await;
    let compiled = fs::read_dir(folder.join("lib")).unwrap().next().unwrap().unwrap().path();
    assert!(compiled.join("site-packages/__pycache__").is_dir(), "bytecode is compiled");
    let mut from_folder = here.wanted.clone();
    from_folder.requirements = "./tiny-1.0-py3-none-any.whl\n".to_owned();
    from_folder.folder = Some(here.folder.path().join("wheels"));
    builds(&here, EnvManager::Uv, &from_folder).await;

    let project = locked(&here);
    let wanted = Wanted { uv_project: Some(project), ..here.wanted.clone() };
    builds(&here, EnvManager::Uv, &wanted).await;

    // What is nowhere is an error that says so.
    let mut nowhere = here.wanted.clone();
    nowhere.requirements = "no-such-project==1.0\n".to_owned();
    let environments = Environments::new(here.settings.clone());
    let error = environments.prepare(EnvManager::Uv, &nowhere, &|_| {}).await.unwrap_err();
    assert!(error.to_string().contains("no-such-project"), "{error}");
}
