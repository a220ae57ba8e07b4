//! Whatever is done to the registry, the store and a simple registry in memory agree on what is accepted and on what
//! is there afterwards; and the audit trail, read from its beginning, tells the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use modelyard_store::{
    Action, AliasPolicy, Event, EventQuery, ModelStage, NewCheckOutcome, NewRegisteredModel,
    StageMove, Store,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::check;
use crate::harness::{on_postgres, on_sqlite, pair};
use crate::registry::{ann, events_of, new_version};

/// A change of the registry. Names are indices: those of a case are its own.
#[derive(Debug, Clone)]
enum Change {
    Create,
    Describe(&'static str),
    Rename(usize),
    Delete,
    Tag(&'static str, Option<&'static str>),
    NewVersion,
    DescribeVersion(i64, Option<&'static str>),
    DeleteVersion(i64),
    Stage(i64, ModelStage, bool),
    TagVersion(i64, &'static str, Option<&'static str>),
    Alias(&'static str, Option<i64>),
    RollBack(&'static str, Option<i64>),
    Protect(&'static str, Vec<&'static str>),
    Check(i64, &'static str, bool),
}

const NAMES: usize = 3;
const ALIASES: [&str; 2] = ["champion", "shadow"];
const CHECKS: [&str; 2] = ["auc", "bias"];

fn change() -> impl Strategy<Value = Change> {
    let version = 1..5_i64;
    let (alias, key) = (select(&ALIASES[..]), select(vec!["k", "l"]));
    let value = || option::weighted(0.7, select(vec!["", "1", "é"]));
    let stages = vec![ModelStage::None, ModelStage::Production, ModelStage::Archived];
    prop_oneof![
        4 => Just(Change::Create),
        1 => select(vec!["", "about"]).prop_map(Change::Describe),
        2 => (0..NAMES).prop_map(Change::Rename),
        1 => Just(Change::Delete),
        2 => (key.clone(), value()).prop_map(|(key, value)| Change::Tag(key, value)),
        8 => Just(Change::NewVersion),
        1 => (version.clone(), value()).prop_map(|(version, text)| {
            Change::DescribeVersion(version, text)
        }),
        2 => version.clone().prop_map(Change::DeleteVersion),
        3 => (version.clone(), select(stages), any::<bool>())
            .prop_map(|(version, to, archive)| Change::Stage(version, to, archive)),
        2 => (version.clone(), key, value())
            .prop_map(|(version, key, value)| Change::TagVersion(version, key, value)),
        8 => (alias.clone(), option::weighted(0.9, version.clone()))
            .prop_map(|(alias, version)| Change::Alias(alias, version)),
        4 => (alias.clone(), option::weighted(0.3, version.clone()))
            .prop_map(|(alias, version)| Change::RollBack(alias, version)),
        2 => (alias, subsequence(CHECKS.to_vec(), 0..=2))
            .prop_map(|(alias, checks)| Change::Protect(alias, checks)),
        4 => (version, select(&CHECKS[..]), any::<bool>())
            .prop_map(|(version, check, passed)| Change::Check(version, check, passed)),
    ]
}

/// A registered model as the memory knows it, without what only the store needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    description: String,
    tags: BTreeMap<String, String>,
    versions: BTreeMap<i64, Version>,
    aliases: BTreeMap<String, i64>,
    policies: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    description: Option<String>,
    stage: ModelStage,
    tags: BTreeMap<String, String>,
    checks: BTreeMap<String, bool>,
}

impl Default for Version {
    fn default() -> Self {
        Self {
            description: Some(String::new()),
            stage: ModelStage::None,
            tags: BTreeMap::new(),
            checks: BTreeMap::new(),
        }
    }
}

/// A registered model with its memory: the last number, and the ways of its aliases.
#[derive(Debug, Clone, Default)]
struct Kept {
    model: Model,
    last: i64,
    ways: BTreeMap<String, Vec<i64>>,
}

type Registry = BTreeMap<usize, Kept>;

impl Kept {
    /// Moves an alias, if its checks allow it.
    fn point(&mut self, alias: &str, version: i64) -> bool {
        let Some(to) = self.model.versions.get(&version) else { return false };
        let demanded = self.model.policies.get(alias).into_iter().flatten();
        if demanded.into_iter().any(|check| to.checks.get(check) != Some(&true)) {
            return false;
        }
        self.model.aliases.insert(alias.to_owned(), version);
        let way = self.ways.entry(alias.to_owned()).or_default();
        match way.iter().position(|been| *been == version) {
            Some(at) => way.truncate(at + 1),
            None => way.push(version),
        }
        true
    }

    fn roll_back(&mut self, alias: &str, to: Option<i64>) -> bool {
        if !self.model.aliases.contains_key(alias) {
            return false;
        }
        let way = &self.ways[alias];
        let earlier = &way[..way.len() - 1];
        let there = |version: &&i64| self.model.versions.contains_key(version);
        let to = match to {
            Some(to) => earlier.contains(&to).then_some(to),
            None => earlier.iter().rev().find(there).copied(),
        };
        to.is_some_and(|to| self.point(alias, to))
    }

    /// A change of a version; whether it was there.
    fn change(&mut self, version: i64, change: impl FnOnce(&mut Version)) -> bool {
        self.model.versions.get_mut(&version).map(change).is_some()
    }

    /// Does what concerns this model alone; whether it is accepted.
    fn apply(&mut self, change: &Change) -> bool {
        match change {
            Change::Describe(text) => self.model.description = (*text).to_owned(),
            Change::Tag(key, value) => put(&mut self.model.tags, key, *value),
            Change::NewVersion => {
                self.last += 1;
                self.model.versions.insert(self.last, Version::default());
            }
            Change::DescribeVersion(version, text) => {
                return self.change(*version, |it| it.description = text.map(str::to_owned));
            }
            Change::DeleteVersion(version) => {
                self.model.aliases.retain(|_, named| named != version);
                return self.model.versions.remove(version).is_some();
            }
            Change::Stage(version, to, archive) => {
                if *archive && self.model.versions.contains_key(version) {
                    let others = self.model.versions.iter_mut().filter(|(it, _)| *it != version);
                    for (_, other) in others.filter(|(_, other)| other.stage == *to) {
                        other.stage = ModelStage::Archived;
                    }
                }
                return self.change(*version, |it| it.stage = *to);
            }
            Change::TagVersion(version, key, value) => {
                return self.change(*version, |it| put(&mut it.tags, key, *value));
            }
            Change::Alias(alias, Some(version)) => return self.point(alias, *version),
            Change::Alias(alias, None) => drop(self.model.aliases.remove(*alias)),
            Change::RollBack(alias, to) => return self.roll_back(alias, *to),
            Change::Protect(alias, checks) => {
                let checks: BTreeSet<_> = checks.iter().map(|check| (*check).to_owned()).collect();
                self.model.policies.insert((*alias).to_owned(), checks);
                self.model.policies.retain(|_, checks| !checks.is_empty());
            }
            Change::Check(version, check, passed) => {
                return self.change(*version, |it| {
                    it.checks.insert((*check).to_owned(), *passed);
                });
            }
            Change::Create | Change::Rename(_) | Change::Delete => {}
        }
        true
    }
}

fn put(tags: &mut BTreeMap<String, String>, key: &str, value: Option<&str>) {
    match value {
        Some(value) => drop(tags.insert(key.to_owned(), value.to_owned())),
        None => drop(tags.remove(key)),
    }
}

/// Does it in memory; whether it is accepted.
fn apply(registry: &mut Registry, name: usize, change: &Change) -> bool {
    match change {
        Change::Create if registry.contains_key(&name) => false,
        Change::Create => registry.insert(name, Kept::default()).is_none(),
        Change::Delete => registry.remove(&name).is_some(),
        Change::Rename(to) => {
            if *to != name && registry.contains_key(to) {
                return false;
            }
            match registry.remove(&name) {
                Some(model) => registry.insert(*to, model).is_none(),
                None => false,
            }
        }
        other => registry.get_mut(&name).is_some_and(|model| model.apply(other)),
    }
}

/// Does it in the store; whether it is accepted.
async fn ask(store: &Store, names: &[String; NAMES], name: usize, change: &Change) -> bool {
    let (m, by) = (names[name].clone(), ann());
    let text = |text: &str| text.to_owned();
    let outcome = match change.clone() {
        Change::Create => {
            let new = NewRegisteredModel { name: m, description: text(""), tags: Vec::new() };
            store.create_registered_model(new, by).await.map(drop)
        }
        Change::Describe(it) => store.update_registered_model(m, text(it), by).await.map(drop),
        Change::Rename(to) => {
            store.rename_registered_model(m, names[to].clone(), by).await.map(drop)
        }
        Change::Delete => store.delete_registered_model(m, by).await,
        Change::Tag(key, Some(it)) => store.set_registered_model_tag(m, pair(key, it), by).await,
        Change::Tag(key, None) => store.delete_registered_model_tag(m, text(key), by).await,
        Change::NewVersion => store.create_model_version(new_version(&m), by).await.map(drop),
        Change::DescribeVersion(v, it) => {
            store.update_model_version(m, v, it.map(text), by).await.map(drop)
        }
        Change::DeleteVersion(v) => store.delete_model_version(m, v, by).await,
        Change::Stage(v, to, archive_existing) => {
            let to = StageMove { to, archive_existing };
            store.transition_model_version(m, v, to, by).await.map(drop)
        }
        Change::TagVersion(v, key, Some(it)) => {
            store.set_model_version_tag(m, v, pair(key, it), by).await
        }
        Change::TagVersion(v, key, None) => {
            store.delete_model_version_tag(m, v, text(key), by).await
        }
        Change::Alias(alias, Some(v)) => store.set_model_alias(m, text(alias), v, by).await,
        Change::Alias(alias, None) => store.delete_model_alias(m, text(alias), by).await,
        Change::RollBack(alias, to) => {
            store.roll_back_alias(m, text(alias), to, by).await.map(drop)
        }
        Change::Protect(alias, checks) => {
            let checks = checks.into_iter().map(text).collect();
            let policy = AliasPolicy { alias: text(alias), checks };
            store.set_alias_policy(m, policy, by).await.map(drop)
        }
        Change::Check(v, check, passed) => {
            let (check, details, run_id) = (text(check), text(""), text(""));
            let outcome = NewCheckOutcome { check, passed, details, run_id };
            store.record_check(m, v, outcome, by).await
        }
    };
    outcome.inspect_err(|error| assert!(error.to_client().code.http_status() < 500)).is_ok()
}

/// What the store has of a model; `None` if it has none of that name.
async fn stored(store: &Store, name: &str) -> Option<Model> {
    let found = store.registered_model(name.to_owned()).await.ok()?;
    let map = |tags: Vec<modelyard_store::KeyValue>| {
        tags.into_iter().map(|tag| (tag.key, tag.value)).collect::<BTreeMap<_, _>>()
    };
    let mut model = Model {
        description: found.description,
        tags: map(found.tags),
        aliases: found.aliases.into_iter().collect(),
        ..Model::default()
    };
    for policy in store.alias_policies(name.to_owned()).await.unwrap() {
        model.policies.insert(policy.alias, policy.checks.into_iter().collect());
    }
    // Every number that was ever given in a case.
    for number in 1..=i64::try_from(LONGEST).unwrap() {
        let Ok(found) = store.model_version(name.to_owned(), number).await else { continue };
        let named = model.aliases.iter().filter(|(_, version)| **version == number);
        assert_eq!(found.aliases, named.map(|(alias, _)| alias.clone()).collect::<Vec<_>>());
        let checks = store.checks(name.to_owned(), number).await.unwrap();
        let checks = checks.into_iter().map(|it| (it.found.check, it.found.passed)).collect();
        let (description, stage) = (found.description, found.stage);
        model
            .versions
            .insert(number, Version { description, stage, tags: map(found.tags), checks });
    }
    Some(model)
}

/// What the trail tells of what is there, each event beginning with what the ones before it have left.
fn told(events: &[Event]) -> BTreeMap<String, Model> {
    let mut all: BTreeMap<String, Model> = BTreeMap::new();
    for event in events {
        let (old, new, key) = (event.old.clone(), event.new.clone(), event.key.clone());
        match event.action {
            Action::ModelCreated => {
                assert!(all.insert(event.name.clone(), Model::default()).is_none());
            }
            Action::ModelRenamed => {
                let model = all.remove(old.as_ref().unwrap()).unwrap();
                assert!(all.insert(new.unwrap(), model).is_none());
            }
            Action::ModelDeleted => drop(all.remove(&event.name).unwrap()),
            _ => {
                let model = all.get_mut(&event.name).unwrap();
                let before = follow(model, event, key.unwrap_or_default(), new);
                assert_eq!(before, old, "{event:?}");
            }
        }
    }
    all
}

/// Does what an event tells to the model it is about; what was there before.
fn follow(model: &mut Model, event: &Event, key: String, new: Option<String>) -> Option<String> {
    let number = event.version.unwrap_or_default();
    let word = |passed: bool| if passed { "passed" } else { "failed" }.to_owned();
    match event.action {
        Action::ModelUpdated => {
            return Some(std::mem::replace(&mut model.description, new.unwrap()));
        }
        Action::ModelTagSet => return model.tags.insert(key, new.unwrap()),
        Action::ModelTagDeleted => return model.tags.remove(&key),
        Action::VersionCreated => {
            assert!(model.versions.insert(number, Version::default()).is_none());
            return None;
        }
        Action::VersionDeleted => {
            assert!(model.aliases.values().all(|named| *named != number), "aliases go first");
            model.versions.remove(&number).unwrap();
            return None;
        }
        Action::AliasSet => {
            let before = model.aliases.insert(key, number);
            return before.map(|before| before.to_string());
        }
        Action::AliasDeleted => return model.aliases.remove(&key).map(|it| it.to_string()),
        Action::PolicySet => {
            let checks: BTreeSet<_> =
                new.iter().flat_map(|names| names.split(", ")).map(str::to_owned).collect();
            let before = model.policies.insert(key, checks);
            model.policies.retain(|_, checks| !checks.is_empty());
            return before.map(|names| names.into_iter().collect::<Vec<_>>().join(", "));
        }
        _ => {}
    }
    let version = model.versions.get_mut(&number).unwrap();
    match event.action {
        Action::VersionUpdated => std::mem::replace(&mut version.description, new),
        Action::VersionTagSet => version.tags.insert(key, new.unwrap()),
        Action::VersionTagDeleted => version.tags.remove(&key),
        Action::CheckRecorded => version.checks.insert(key, new.unwrap() == "passed").map(word),
        Action::StageChanged => {
            let stages = [
                ModelStage::None,
                ModelStage::Staging,
                ModelStage::Production,
                ModelStage::Archived,
            ];
            let to = stages.into_iter().find(|stage| Some(stage.name()) == new.as_deref());
            Some(std::mem::replace(&mut version.stage, to.unwrap()).name().to_owned())
        }
        other => panic!("an event that the test does not know: {other:?}"),
    }
}

/// Changes of a case at most.
const LONGEST: usize = 40;

#[test]
fn agrees_with_one_in_memory_and_its_trail_on_sqlite() {
    on_sqlite(async |store| agrees(&store, 200).await);
}

#[test]
fn agrees_with_one_in_memory_and_its_trail_on_postgres() {
    on_postgres(async |store| agrees(&store, 40).await);
}

async fn agrees(store: &Store, cases: u32) {
    let case = AtomicUsize::new(0);
    // Most changes concern one model, or there would be few with a long history.
    let name = prop_oneof![4 => Just(0), 1 => 0..NAMES];
    check(cases, &vec((name, change()), 1..LONGEST), async |changes| {
        let case = case.fetch_add(1, Ordering::Relaxed);
        let names = std::array::from_fn(|name| format!("case {case} model {name}"));
        let first = std::iter::once((0, Change::Create));
        holds(store, &names, &first.chain(changes).collect::<Vec<_>>()).await;
    });
}

async fn holds(store: &Store, names: &[String; NAMES], changes: &[(usize, Change)]) {
    let last = EventQuery { limit: 1, ..EventQuery::default() };
    let last = store.events(last).await.unwrap().rows.first().map_or(0, |event| event.id);
    let mut registry = Registry::new();
    for (step, (name, change)) in changes.iter().enumerate() {
        let accepted = ask(store, names, *name, change).await;
        assert_eq!(accepted, apply(&mut registry, *name, change), "step {step}: {change:?}");
    }
    let mut expected = BTreeMap::new();
    for (name, text) in names.iter().enumerate() {
        let kept = registry.get(&name).map(|kept| kept.model.clone());
        assert_eq!(stored(store, text).await, kept, "{text}");
        expected.extend(kept.map(|model| (text.clone(), model)));
    }
    let mut events = Vec::new();
    let mut query = EventQuery { limit: 50, ..EventQuery::default() };
    loop {
        let page = store.events(query.clone()).await.unwrap();
        let is_ours = |event: &Event| event.id > last;
        let whole = page.rows.iter().all(is_ours);
        events.extend(page.rows.into_iter().filter(is_ours));
        match page.next {
            Some(next) if whole => query.after = Some(next),
            _ => break,
        }
    }
    events.reverse();
    assert_eq!(told(&events), expected);
    for name in names {
        let of_name = EventQuery { name: Some(name.clone()), ..EventQuery::default() };
        let of_name = events_of(store, of_name).await;
        assert!(of_name.iter().all(|event| events.contains(event)), "its events are of this case");
    }
}
