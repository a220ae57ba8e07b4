//! The model registry: numbers, aliases, checks, and the audit trail that every change leaves.

use std::collections::BTreeSet;
use std::sync::Arc;

use modelyard_protocol::ErrorCode;
use modelyard_protocol::search::{parse_model_version_order, parse_registered_model_order};
use modelyard_store::{
    Action, AliasPolicy, Author, Event, EventQuery, ModelStage, ModelVersionQuery, NewCheckOutcome,
    NewModelVersion, NewRegisteredModel, RegisteredModelQuery, Rollback, StageMove, Store,
};
use tokio::task::JoinSet;

use crate::harness::*;

on_both_engines!(
    many_at_once_get_numbers_without_gaps,
    many_at_once_move_an_alias_from_one_to_the_next,
    numbers_are_never_used_again,
    every_change_leaves_one_event_that_says_all,
    what_is_refused_leaves_no_trace,
    a_protected_alias_moves_only_to_what_has_passed,
    a_rollback_goes_back_over_what_is_still_there,
    a_new_name_keeps_everything,
    deletion_keeps_the_trail_and_nothing_else,
    pages_are_stable_while_others_write,
    the_trail_is_only_added_to,
    the_trail_is_asked_by_who_and_when,
);

pub(crate) fn ann() -> Author {
    Author { name: "ann".to_owned(), reason: None }
}

pub(crate) async fn model(store: &Store, name: &str) {
    let new =
        NewRegisteredModel { name: name.to_owned(), description: String::new(), tags: Vec::new() };
    store.create_registered_model(new, ann()).await.unwrap();
}

pub(crate) fn new_version(name: &str) -> NewModelVersion {
    NewModelVersion {
        name: name.to_owned(),
        source: "s3://bucket/model".to_owned(),
        storage_location: None,
        run_id: Some("run".to_owned()),
        run_link: String::new(),
        description: String::new(),
        tags: Vec::new(),
        model_id: None,
    }
}

async fn version(store: &Store, name: &str) -> i64 {
    store.create_model_version(new_version(name), ann()).await.unwrap().version
}

/// A model `m` with so many versions.
async fn with_versions(store: &Store, versions: i64) {
    model(store, "m").await;
    for number in 1..=versions {
        assert_eq!(version(store, "m").await, number);
    }
}

async fn set(store: &Store, alias: &str, version: i64) -> modelyard_store::Result<()> {
    store.set_model_alias("m".to_owned(), alias.to_owned(), version, ann()).await
}

/// The version that an alias of `m` names.
async fn named(store: &Store, alias: &str) -> i64 {
    let found = store.model_version_by_alias("m".to_owned(), alias.to_owned()).await;
    found.unwrap().version
}

async fn check(store: &Store, version: i64, check: &str, passed: bool) {
    let (check, run_id) = (check.to_owned(), String::new());
    let outcome = NewCheckOutcome { check, passed, details: "seen".to_owned(), run_id };
    store.record_check("m".to_owned(), version, outcome, ann()).await.unwrap();
}

async fn protect(store: &Store, alias: &str, checks: &[&str]) {
    let checks = checks.iter().map(|check| (*check).to_owned()).collect();
    let policy = AliasPolicy { alias: alias.to_owned(), checks };
    store.set_alias_policy("m".to_owned(), policy, ann()).await.unwrap();
}

/// All events of a query, the oldest first, read page by page.
pub(crate) async fn events_of(store: &Store, query: EventQuery) -> Vec<Event> {
    let mut query = EventQuery { limit: 7, ..query };
    let mut found = Vec::new();
    loop {
        let page = store.events(query.clone()).await.unwrap();
        found.extend(page.rows);
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    found.reverse();
    found
}

async fn trail(store: &Store, name: &str) -> Vec<Event> {
    events_of(store, EventQuery { name: Some(name.to_owned()), ..EventQuery::default() }).await
}

type Shown<'a> =
    (Action, Option<i64>, Option<&'a str>, Option<&'a str>, Option<&'a str>, Option<&'a str>);

/// Action, version, key, before, after and run.
fn shown_event(event: &Event) -> Shown<'_> {
    (
        event.action,
        event.version,
        event.key.as_deref(),
        event.old.as_deref(),
        event.new.as_deref(),
        event.run_id.as_deref(),
    )
}

const TASKS: i64 = 16;

async fn at_once<F>(store: &Arc<Store>, work: impl Fn(Arc<Store>, i64) -> F) -> Vec<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(work(Arc::clone(store), task));
    }
    tasks.join_all().await
}

async fn many_at_once_get_numbers_without_gaps(store: Store) {
    let store = Arc::new(store);
    model(&store, "m").await;
    let made = at_once(&store, |store, _| async move {
        let mut made = Vec::new();
        for _ in 0..8 {
            made.push(version(&store, "m").await);
        }
        made
    })
    .await;
    for one in &made {
        assert!(one.is_sorted(), "who makes two versions gets the greater number for the later");
    }
    let numbers: BTreeSet<i64> = made.into_iter().flatten().collect();
    assert_eq!(numbers, (1..=TASKS * 8).collect());
    // The trail has them in the order of their numbers.
    let told = trail(&store, "m").await.into_iter().filter_map(|event| event.version);
    assert_eq!(told.collect::<Vec<_>>(), (1..=TASKS * 8).collect::<Vec<_>>());
}

async fn many_at_once_move_an_alias_from_one_to_the_next(store: Store) {
    let store = Arc::new(store);
    with_versions(&store, TASKS).await;
    at_once(&store, |store, task| async move {
        for round in 0..4 {
            set(&store, "a", (task + round) % TASKS + 1).await.unwrap();
        }
    })
    .await;
    let moves = trail(&store, "m").await;
    let moves: Vec<_> = moves.iter().filter(|event| event.action == Action::AliasSet).collect();
    assert_eq!(moves.len(), usize::try_from(TASKS * 4).unwrap());
    let mut before = None;
    for event in moves {
        assert_eq!(event.old, before, "each move begins where the one before ended");
        before = event.new.clone();
    }
    assert_eq!(before, Some(named(&store, "a").await.to_string()));
}

async fn numbers_are_never_used_again(store: Store) {
    with_versions(&store, 3).await;
    for number in [3, 2] {
        store.delete_model_version("m".to_owned(), number, ann()).await.unwrap();
    }
    assert_eq!(version(&store, "m").await, 4);
    for number in [1, 4] {
        store.delete_model_version("m".to_owned(), number, ann()).await.unwrap();
    }
    assert_eq!(version(&store, "m").await, 5);
    let gone = store.model_version("m".to_owned(), 4).await;
    assert_eq!(code(gone), ErrorCode::ResourceDoesNotExist);
}

async fn every_change_leaves_one_event_that_says_all(store: Store) {
    let name = || "m".to_owned();
    with_versions(&store, 2).await;
    store.update_registered_model(name(), "about".to_owned(), ann()).await.unwrap();
    store.set_registered_model_tag(name(), pair("k", "1"), ann()).await.unwrap();
    store.set_registered_model_tag(name(), pair("k", "2"), ann()).await.unwrap();
    for _ in 0..2 {
        store.delete_registered_model_tag(name(), "k".to_owned(), ann()).await.unwrap();
    }
    store.update_model_version(name(), 1, Some("one".to_owned()), ann()).await.unwrap();
    store.set_model_version_tag(name(), 1, pair("t", "1"), ann()).await.unwrap();
    store.delete_model_version_tag(name(), 1, "t".to_owned(), ann()).await.unwrap();
    for version in [1, 2] {
        let to = StageMove { to: ModelStage::Production, archive_existing: true };
        store.transition_model_version(name(), version, to, ann()).await.unwrap();
    }
    set(&store, "a", 1).await.unwrap();
    set(&store, "a", 2).await.unwrap();
    check(&store, 2, "bias", false).await;
    check(&store, 2, "bias", true).await;
    protect(&store, "a", &["bias", "auc"]).await;
    protect(&store, "a", &[]).await;
    for _ in 0..2 {
        store.delete_model_alias(name(), "a".to_owned(), ann()).await.unwrap();
    }
    set(&store, "b", 2).await.unwrap();
    store.delete_model_version(name(), 2, ann()).await.unwrap();

    let (source, run) = (Some("s3://bucket/model"), Some("run"));
    let found = trail(&store, "m").await;
    let expected: [Shown<'_>; 23] = [
        (Action::ModelCreated, None, None, None, None, None),
        (Action::VersionCreated, Some(1), None, None, source, run),
        (Action::VersionCreated, Some(2), None, None, source, run),
        (Action::ModelUpdated, None, None, Some(""), Some("about"), None),
        (Action::ModelTagSet, None, Some("k"), None, Some("1"), None),
        (Action::ModelTagSet, None, Some("k"), Some("1"), Some("2"), None),
        (Action::ModelTagDeleted, None, Some("k"), Some("2"), None, None),
        (Action::VersionUpdated, Some(1), None, Some(""), Some("one"), run),
        (Action::VersionTagSet, Some(1), Some("t"), None, Some("1"), run),
        (Action::VersionTagDeleted, Some(1), Some("t"), Some("1"), None, run),
        (Action::StageChanged, Some(1), None, Some("None"), Some("Production"), run),
        (Action::StageChanged, Some(1), None, Some("Production"), Some("Archived"), run),
        (Action::StageChanged, Some(2), None, Some("None"), Some("Production"), run),
        (Action::AliasSet, Some(1), Some("a"), None, Some("1"), run),
        (Action::AliasSet, Some(2), Some("a"), Some("1"), Some("2"), run),
        (Action::CheckRecorded, Some(2), Some("bias"), None, Some("failed"), None),
        (Action::CheckRecorded, Some(2), Some("bias"), Some("failed"), Some("passed"), None),
        (Action::PolicySet, None, Some("a"), None, Some("auc, bias"), None),
        (Action::PolicySet, None, Some("a"), Some("auc, bias"), None, None),
        (Action::AliasDeleted, Some(2), Some("a"), Some("2"), None, None),
        (Action::AliasSet, Some(2), Some("b"), None, Some("2"), run),
        (Action::AliasDeleted, Some(2), Some("b"), Some("2"), None, None),
        (Action::VersionDeleted, Some(2), None, None, None, run),
    ];
    assert_eq!(found.iter().map(shown_event).collect::<Vec<_>>(), expected);
    assert!(found.is_sorted_by_key(|event| event.id));
    assert!(found.iter().all(|event| event.actor == "ann" && event.name == "m"));
}

async fn what_is_refused_leaves_no_trace(store: Store) {
    with_versions(&store, 1).await;
    model(&store, "other").await;
    let before = trail(&store, "m").await;
    let name = || "m".to_owned();
    assert_eq!(code(set(&store, "a", 7).await), ErrorCode::ResourceDoesNotExist);
    let taken = store.rename_registered_model(name(), "other".to_owned(), ann()).await;
    assert_eq!(code(taken), ErrorCode::ResourceAlreadyExists);
    let new = NewRegisteredModel { name: name(), description: String::new(), tags: Vec::new() };
    let again = store.create_registered_model(new, ann()).await;
    assert_eq!(code(again), ErrorCode::ResourceAlreadyExists);
    let gone = store.delete_model_version(name(), 7, ann()).await;
    assert_eq!(code(gone), ErrorCode::ResourceDoesNotExist);
    let back = store.roll_back_alias(name(), "a".to_owned(), None, ann()).await;
    assert_eq!(code(back), ErrorCode::InvalidParameterValue);
    protect(&store, "a", &["bias"]).await;
    assert_eq!(code(set(&store, "a", 1).await), ErrorCode::PermissionDenied);
    let after = trail(&store, "m").await;
    assert_eq!(after.len(), before.len() + 1, "only the policy: {after:?}");
    assert_eq!(version(&store, "m").await, 2, "no number was lost");
}

async fn a_protected_alias_moves_only_to_what_has_passed(store: Store) {
    with_versions(&store, 2).await;
    set(&store, "a", 1).await.unwrap();
    protect(&store, "a", &["bias", "auc"]).await;
    assert_eq!(named(&store, "a").await, 1, "what is there stays");
    let (code, message) = refused(set(&store, "a", 2).await);
    assert_eq!(code, ErrorCode::PermissionDenied);
    assert!(message.contains("version 2 has not passed 'auc', 'bias'."), "{message}");
    check(&store, 2, "auc", true).await;
    check(&store, 2, "bias", false).await;
    let (_, message) = refused(set(&store, "a", 2).await);
    assert!(message.contains("version 2 has not passed 'bias'."), "{message}");
    check(&store, 2, "bias", true).await;
    set(&store, "b", 1).await.unwrap();
    set(&store, "a", 2).await.unwrap();
    let back = store.roll_back_alias("m".to_owned(), "a".to_owned(), None, ann()).await;
    assert_eq!(refused(back).0, ErrorCode::PermissionDenied, "nor back to what has not passed");
    // A version that takes the place of another has its own checks.
    store.delete_model_version("m".to_owned(), 2, ann()).await.unwrap();
    assert_eq!(version(&store, "m").await, 3);
    assert_eq!(refused(set(&store, "a", 3).await).0, ErrorCode::PermissionDenied);
}

async fn a_rollback_goes_back_over_what_is_still_there(store: Store) {
    with_versions(&store, 4).await;
    for version in [1, 2, 3, 4] {
        set(&store, "a", version).await.unwrap();
    }
    store.delete_model_version("m".to_owned(), 3, ann()).await.unwrap();
    let back = async |to| {
        let author = Author { reason: Some("slow".to_owned()), ..ann() };
        store.roll_back_alias("m".to_owned(), "a".to_owned(), to, author).await
    };
    assert_eq!(back(None).await.unwrap(), Rollback { from: 4, to: 2 });
    assert_eq!(code(back(Some(4)).await), ErrorCode::InvalidParameterValue, "it is forgotten");
    set(&store, "a", 4).await.unwrap();
    assert_eq!(back(Some(1)).await.unwrap(), Rollback { from: 4, to: 1 });
    assert_eq!(named(&store, "a").await, 1);
    assert_eq!(code(back(None).await), ErrorCode::InvalidParameterValue, "none before the first");
    let last = trail(&store, "m").await.pop().unwrap();
    assert_eq!(last.reason.as_deref(), Some("slow"));
    assert_eq!((last.old.as_deref(), last.new.as_deref()), (Some("4"), Some("1")));
}

async fn a_new_name_keeps_everything(store: Store) {
    with_versions(&store, 2).await;
    let name = || "m".to_owned();
    store.set_registered_model_tag(name(), pair("k", "1"), ann()).await.unwrap();
    store.set_model_version_tag(name(), 1, pair("t", "1"), ann()).await.unwrap();
    check(&store, 1, "bias", true).await;
    protect(&store, "a", &["bias"]).await;
    set(&store, "a", 1).await.unwrap();
    let events = trail(&store, "m").await;
    store.rename_registered_model(name(), "n".to_owned(), ann()).await.unwrap();

    let found = store.registered_model("n".to_owned()).await.unwrap();
    assert_eq!(shown(&found.tags), [("k", "1")]);
    assert_eq!(found.aliases, [("a".to_owned(), 1)]);
    let one = store.model_version("n".to_owned(), 1).await.unwrap();
    assert_eq!((one.name.as_str(), shown(&one.tags)), ("n", vec![("t", "1")]));
    assert_eq!(store.checks("n".to_owned(), 1).await.unwrap().len(), 1);
    assert_eq!(store.alias_policies("n".to_owned()).await.unwrap().len(), 1);
    assert_eq!(version(&store, "n").await, 3);
    let told = trail(&store, "n").await;
    assert_eq!(told[..events.len()], events, "under the name that they had then");
    assert_eq!(shown_event(&told[events.len()]), {
        (Action::ModelRenamed, None, None, Some("m"), Some("n"), None)
    });
    assert_eq!(code(store.registered_model(name()).await), ErrorCode::ResourceDoesNotExist);
    // Whoever takes the old name begins anew.
    model(&store, "m").await;
    assert_eq!(trail(&store, "m").await.len(), 1);
    assert_eq!(version(&store, "m").await, 1);
}

async fn deletion_keeps_the_trail_and_nothing_else(store: Store) {
    with_versions(&store, 2).await;
    let name = || "m".to_owned();
    store.set_registered_model_tag(name(), pair("k", "1"), ann()).await.unwrap();
    check(&store, 1, "bias", true).await;
    protect(&store, "a", &["bias"]).await;
    set(&store, "a", 1).await.unwrap();
    let before = trail(&store, "m").await;
    store.delete_registered_model(name(), ann()).await.unwrap();
    let after = trail(&store, "m").await;
    assert_eq!(after[..before.len()], before);
    assert_eq!(after.last().unwrap().action, Action::ModelDeleted);
    assert_eq!(after.len(), before.len() + 1);
    assert_eq!(code(store.model_version(name(), 1).await), ErrorCode::ResourceDoesNotExist);

    with_versions(&store, 1).await;
    let found = store.registered_model(name()).await.unwrap();
    assert_eq!((found.tags.len(), found.aliases.len()), (0, 0));
    assert!(store.alias_policies(name()).await.unwrap().is_empty());
    assert!(store.checks(name(), 1).await.unwrap().is_empty());
    assert_eq!(trail(&store, "m").await.len(), 2, "a new model does not inherit the trail");
    let all = events_of(&store, EventQuery::default()).await;
    assert_eq!(all.len(), after.len() + 2, "and the old one's is still there");
}

async fn pages_are_stable_while_others_write(store: Store) {
    for number in 0..9 {
        model(&store, &format!("m{number}")).await;
    }
    let mut query = RegisteredModelQuery {
        filter: None,
        order: parse_registered_model_order(&["name ASC".to_owned()]).unwrap(),
        limit: 2,
        after: None,
    };
    let mut seen = Vec::new();
    for round in 0.. {
        let page = store.search_registered_models(query.clone()).await.unwrap();
        seen.extend(page.rows.into_iter().map(|model| model.name));
        // Before and behind where we are, and a change of one that was seen.
        model(&store, &format!("a{round}")).await;
        store.update_registered_model(seen[0].clone(), round.to_string(), ann()).await.unwrap();
        version(&store, "m8").await;
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (0..9).map(|number| format!("m{number}")).collect::<Vec<_>>());

    let mut query = ModelVersionQuery {
        filter: None,
        order: parse_model_version_order(&["version_number DESC".to_owned()]).unwrap(),
        limit: 2,
        after: None,
    };
    let mut seen = Vec::new();
    loop {
        let page = store.search_model_versions(query.clone()).await.unwrap();
        seen.extend(page.rows.into_iter().map(|version| version.version));
        version(&store, "m8").await;
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1], "those that were there at the first page");
}

async fn the_trail_is_only_added_to(store: Store) {
    with_versions(&store, 3).await;
    let mut before = events_of(&store, EventQuery::default()).await;
    let name = || "m".to_owned();
    for step in 0..6 {
        match step {
            0 => set(&store, "a", 1).await.unwrap(),
            1 => store.delete_model_version(name(), 1, ann()).await.unwrap(),
            2 => drop(store.rename_registered_model(name(), "x".to_owned(), ann()).await.unwrap()),
            3 => drop(store.rename_registered_model("x".to_owned(), name(), ann()).await.unwrap()),
            4 => store.delete_registered_model(name(), ann()).await.unwrap(),
            _ => model(&store, "m").await,
        }
        let after = events_of(&store, EventQuery::default()).await;
        assert!(after.len() > before.len(), "step {step}");
        assert_eq!(after[..before.len()], before, "step {step}");
        before = after;
    }
}

async fn the_trail_is_asked_by_who_and_when(store: Store) {
    with_versions(&store, 2).await;
    let bob = Author { name: "bob".to_owned(), reason: Some("why".to_owned()) };
    store.set_model_alias("m".to_owned(), "a".to_owned(), 2, bob).await.unwrap();
    set(&store, "a", 1).await.unwrap();
    let all = events_of(&store, EventQuery::default()).await;
    let of = async |query: EventQuery| {
        events_of(&store, query).await.iter().map(|event| event.id).collect::<Vec<_>>()
    };
    let ids: Vec<i64> = all.iter().map(|event| event.id).collect();
    let by = |actor: &str| EventQuery { actor: Some(actor.to_owned()), ..EventQuery::default() };
    assert_eq!(of(by("bob")).await, [ids[3]]);
    assert_eq!(of(by("ann")).await, [ids[0], ids[1], ids[2], ids[4]]);
    assert!(of(by("nobody")).await.is_empty());
    let since = |since_ms| EventQuery { since_ms: Some(since_ms), ..EventQuery::default() };
    assert_eq!(of(since(all[2].at_ms)).await, ids[2..]);
    assert_eq!(of(since(all[4].at_ms + 1)).await, [0; 0]);
    let key = EventQuery { key: Some("a".to_owned()), ..EventQuery::default() };
    assert_eq!(of(key).await, ids[3..]);
    let actions = vec![Action::VersionCreated];
    assert_eq!(of(EventQuery { actions, ..EventQuery::default() }).await, ids[1..3]);
}
