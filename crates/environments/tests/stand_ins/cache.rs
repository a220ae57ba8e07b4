//! The folder of environments: races, interruptions, failures, and cleaning up.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::machine::{Machine, wanted};
use modelyard_environments::{EnvManager, Error, Removal, Stage};

fn machine() -> Machine {
    let machine = Machine::new(&["uv"]);
    machine.pyenv("3.11.7");
    machine
}

#[tokio::test]
async fn those_who_want_the_same_at_once_wait_for_one_build() {
    let machine = Arc::new(machine());
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let machine = machine.clone();
            tokio::spawn(async move {
                machine.prepare(EnvManager::Uv, &wanted("3.11", "numpy==2")).await
            })
        })
        .collect();
    let mut built = 0;
    let mut pythons = Vec::new();
    for task in tasks {
        let environment = task.await.unwrap().unwrap();
        built += u32::from(environment.built);
        pythons.push(environment.python);
    }
    pythons.dedup();
    assert_eq!((built, pythons.len()), (1, 1));
    assert_eq!(machine.log().matches("uv venv").count(), 1, "{}", machine.log());
}

#[tokio::test]
async fn who_waits_is_told_so_and_takes_what_the_other_built() {
    let machine = Arc::new(machine());
    machine.tell("hang");
    let other = machine.clone();
    let first = tokio::spawn(async move {
        other.prepare(EnvManager::Uv, &wanted("3.11", "numpy==2")).await.map(|_| ())
    });
    machine.until_noted("hanging").await;
    let other = machine.clone();
    let second = tokio::spawn(async move {
        let (built, stages, _) = other.watched(EnvManager::Uv, &wanted("3.11", "numpy==2")).await;
        (built.map(|built| built.built), stages)
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    machine.untell("hang");
    // The first is interrupted: its installer ends, and the second builds.
    first.abort();
    let (built, stages) = second.await.unwrap();
    assert!(built.unwrap());
    assert_eq!(stages[0], Stage::Waiting);
    assert_eq!(machine.log().matches("uv venv").count(), 2);
}

#[tokio::test]
async fn an_interrupted_build_ends_its_installer_and_is_done_again() {
    for manager in [EnvManager::Uv, EnvManager::Virtualenv] {
        let machine = Arc::new(machine());
        machine.tell("hang");
        let other = machine.clone();
        let task = tokio::spawn(async move {
            other.prepare(manager, &wanted("3.11", "numpy==2")).await.map(|_| ())
        });
        machine.until_noted("hanging").await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        machine.untell("hang");
        assert!(!machine.left().is_empty(), "{manager}: a half-made environment is there");
        let environment = machine.prepare(manager, &wanted("3.11", "numpy==2")).await.unwrap();
        assert!(environment.built);
        assert_eq!(machine.left().len(), 1);
        let pid = machine.noted("hangs");
        let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z"), "{state}");
    }
}

#[tokio::test]
async fn nobody_builds_where_an_installer_that_outlived_its_server_still_writes() {
    let machine = Arc::new(machine());
    machine.tell("leave");
    let other = machine.clone();
    let task = tokio::spawn(async move {
        other.prepare(EnvManager::Uv, &wanted("3.11", "numpy==2")).await.map(|_| ())
    });
    machine.until_noted("leaving").await;
    task.abort();
    machine.untell("leave");
    machine.prepare(EnvManager::Uv, &wanted("3.11", "numpy==2")).await.unwrap();
    assert!(machine.path("state/left").exists(), "the lock was the installer's, too");
}

#[tokio::test]
async fn a_failed_build_leaves_its_last_lines_and_nothing_else() {
    for manager in [EnvManager::Uv, EnvManager::Virtualenv] {
        let machine = machine();
        machine.tell("fail");
        let error = machine.prepare(manager, &wanted("3.11", "numpy==2")).await.unwrap_err();
        let Error::Failed { step, last_lines, .. } = &error else { panic!("{error}") };
        assert!(step.ends_with("pip install"), "{step}");
        assert_eq!(last_lines, &["No matching distribution found"]);
        assert!(machine.left().is_empty(), "{:?}", machine.left());
        machine.untell("fail");
        machine.prepare(manager, &wanted("3.11", "numpy==2")).await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_before_anything_runs() {
    let machine = machine();
    for (python, requirements) in
        [("3.11", "--trusted-host x"), ("3.11 --x", "a"), ("3.11", "/etc/x")]
    {
        machine.prepare(EnvManager::Uv, &wanted(python, requirements)).await.unwrap_err();
    }
    assert_eq!(machine.log(), "");
}

#[tokio::test]
async fn an_environment_without_its_python_is_built_anew_unless_somebody_uses_it() {
    let machine = machine();
    let wish = wanted("3.11", "numpy==2");
    let environment = machine.prepare(EnvManager::Uv, &wish).await.unwrap();
    fs::remove_file(&environment.python).unwrap();
    let error = machine.prepare(EnvManager::Uv, &wish).await.unwrap_err();
    assert!(matches!(error, Error::BrokenInUse(_)), "{error}");
    drop(environment);
    let environment = machine.prepare(EnvManager::Uv, &wish).await.unwrap();
    assert!(environment.built && environment.python.exists());
}

#[tokio::test]
async fn environments_are_listed_with_their_size_and_removed_by_age_but_not_in_use() {
    let machine = machine();
    let environments = machine.environments();
    assert!(environments.list().await.unwrap().is_empty());
    let one = machine.prepare(EnvManager::Uv, &wanted("3.11", "numpy==1")).await.unwrap();
    let two = machine.prepare(EnvManager::Virtualenv, &wanted("3.11", "numpy==2")).await.unwrap();
    let folder = two.folder.clone().unwrap();
    // As uv does it: the same file in its cache.
    fs::write(folder.join("shared"), vec![1; 100_000]).unwrap();
    fs::hard_link(folder.join("shared"), machine.path("home/cache")).unwrap();
    let list = environments.list().await.unwrap();
    assert_eq!(list.len(), 2);
    let found = list.iter().find(|cached| cached.folder == folder).unwrap();
    assert_eq!(found.manager, Some(EnvManager::Virtualenv));
    assert_eq!(found.python.as_deref(), Some("3.11.7"));
    assert_eq!(found.requirements, ["mlflow==3.1.0", "numpy==2"]);
    assert!(found.in_use && found.used.is_some());
    assert!(found.bytes - found.own_bytes >= 100_000, "{found:?}");

    drop(two);
    let kept = environments.remove(Removal::UnusedSince(SystemTime::UNIX_EPOCH)).await.unwrap();
    assert!(kept.keys.is_empty() && kept.in_use.is_empty());
    let removed = environments.remove(Removal::All).await.unwrap();
    assert_eq!(removed.keys, std::slice::from_ref(&found.key));
    assert_eq!(removed.in_use.len(), 1);
    assert!(removed.bytes > 0 && !folder.exists() && one.python.exists());
    drop(one);
    // What was interrupted is removed whatever its age.
    fs::create_dir_all(machine.path("root/.building").join(&found.key)).unwrap();
    let removed = environments.remove(Removal::UnusedSince(SystemTime::UNIX_EPOCH)).await.unwrap();
    assert_eq!(removed.keys, std::slice::from_ref(&found.key));
    assert_eq!(environments.remove(Removal::All).await.unwrap().keys.len(), 1);
    assert!(machine.left().is_empty());
}
