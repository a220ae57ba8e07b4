//! Webhooks and their outbox.

use modelyard_protocol::ErrorCode;
use modelyard_protocol::limits::MAX_WEBHOOKS;
use modelyard_protocol::webhooks::{WebhookEvent, WebhookStatus};
use modelyard_store::{
    Attempt, Author, Claim, Claimed, Delivery, DeliveryQuery, DeliveryState, NewModelVersion,
    NewRegisteredModel, NewWebhook, Store, Verdict, Webhook, WebhookUpdate,
};
use serde_json::{Value, json};

use crate::harness::*;

on_both_engines!(
    a_webhook_from_creation_to_deletion,
    webhooks_are_listed_page_by_page,
    there_is_an_end_to_webhooks,
    changes_are_put_in_as_mlflow_tells_them,
    prompts_are_told_of_as_prompts,
    a_change_that_fails_is_not_told,
    deliveries_of_a_model_come_one_after_the_other,
    an_attempt_that_was_lost_is_made_again_and_comes_too_late,
    a_disabled_webhook_rests,
    a_deleted_webhook_takes_its_deliveries_with_it,
    a_webhook_has_so_many_attempts_at_once,
    deliveries_are_logged_and_sent_again,
    old_entries_of_the_log_are_removed,
    what_a_dead_server_held_is_free_again,
);

/// A time after all that the clock of a test ever shows.
const LATER_MS: i64 = CLOCK_START_MS + 1_000_000;

fn author() -> Author {
    Author { name: "tester".to_owned(), reason: None }
}

fn events(names: &[&str]) -> Vec<WebhookEvent> {
    names.iter().map(|name| WebhookEvent::from_name(name).unwrap()).collect()
}

async fn hook(store: &Store, id: &str, names: &[&str]) -> Webhook {
    let new = NewWebhook {
        webhook_id: id.to_owned(),
        name: format!("name-{id}"),
        description: None,
        url: format!("https://{id}.example/"),
        sealed_secret: Some("sealed".to_owned()),
        status: WebhookStatus::Active,
        events: events(names),
    };
    store.create_webhook(new).await.unwrap()
}

async fn everything(store: &Store, id: &str) -> Webhook {
    let names: Vec<String> = WebhookEvent::all().map(WebhookEvent::name).collect();
    hook(store, id, &names.iter().map(String::as_str).collect::<Vec<_>>()).await
}

async fn model(store: &Store, name: &str, tags: &[(&str, &str)]) {
    let new = NewRegisteredModel {
        name: name.to_owned(),
        description: "what it is".to_owned(),
        tags: pairs(tags),
    };
    store.create_registered_model(new, author()).await.unwrap();
}

async fn version(store: &Store, name: &str, tags: &[(&str, &str)]) -> i64 {
    let new = NewModelVersion {
        name: name.to_owned(),
        source: "s3://bucket/model".to_owned(),
        storage_location: None,
        run_id: None,
        run_link: String::new(),
        description: String::new(),
        tags: pairs(tags),
        model_id: None,
    };
    store.create_model_version(new, author()).await.unwrap().version
}

async fn tag(store: &Store, name: &str, version: i64, value: &str) {
    let tag = pair("t", value);
    store.set_model_version_tag(name.to_owned(), version, tag, author()).await.unwrap();
}

fn claim(mark: &str) -> Claim {
    Claim {
        mark: mark.to_owned(),
        until_ms: LATER_MS,
        limit: 10,
        limit_each: 10,
        taken: Vec::new(),
    }
}

async fn take(store: &Store, mark: &str) -> Vec<Claimed> {
    store.claim_deliveries(claim(mark)).await.unwrap()
}

async fn finish(store: &Store, claimed: &Claimed, verdict: Verdict) {
    let attempt = Attempt {
        at_ms: 7,
        response_status: Some(200),
        response_body: Some("a\0b".to_owned()),
        error: None,
        verdict,
    };
    store.record_delivery(claimed.clone(), attempt).await.unwrap();
}

async fn log(store: &Store, id: &str) -> Vec<Delivery> {
    let query = DeliveryQuery { webhook_id: id.to_owned(), limit: 100, ..DeliveryQuery::default() };
    store.deliveries(query).await.unwrap().rows
}

/// The bodies, oldest first, without their times.
async fn told(store: &Store, id: &str) -> Vec<(String, Value)> {
    let mut all = log(store, id).await;
    all.reverse();
    let body = |delivery: &Delivery| serde_json::from_str::<Value>(&delivery.payload).unwrap();
    all.iter().map(|delivery| (delivery.event.name(), body(delivery)["data"].clone())).collect()
}

async fn a_webhook_from_creation_to_deletion(store: Store) {
    let made = hook(&store, "w", &["model_version.created", "model_version_alias.created"]).await;
    assert_eq!(made.events, events(&["model_version.created", "model_version_alias.created"]));
    assert_eq!(made.created_ms, made.updated_ms);
    assert_eq!(store.webhook("w".to_owned()).await.unwrap(), made);
    let update = WebhookUpdate {
        name: Some("other".to_owned()),
        description: Some(Some("text".to_owned())),
        sealed_secret: Some(None),
        status: Some(WebhookStatus::Disabled),
        events: Some(events(&["prompt.created"])),
        ..WebhookUpdate::default()
    };
    let changed = store.update_webhook("w".to_owned(), update).await.unwrap();
    assert_eq!(changed.name, "other");
    assert_eq!(changed.url, made.url);
    assert_eq!(changed.description.as_deref(), Some("text"));
    assert_eq!((changed.sealed_secret.as_deref(), changed.status), (None, WebhookStatus::Disabled));
    assert_eq!(changed.events, events(&["prompt.created"]));
    assert!(changed.updated_ms > made.updated_ms);
    let same = store.update_webhook("w".to_owned(), WebhookUpdate::default()).await.unwrap();
    assert_eq!((same.name, same.events), (changed.name, changed.events));
    store.delete_webhook("w".to_owned()).await.unwrap();
    let missing = (ErrorCode::ResourceDoesNotExist, "Webhook with ID w not found.".to_owned());
    assert_eq!(refused(store.webhook("w".to_owned()).await), missing);
    assert_eq!(refused(store.delete_webhook("w".to_owned()).await), missing);
    let update = store.update_webhook("w".to_owned(), WebhookUpdate::default()).await;
    assert_eq!(refused(update), missing);
}

async fn webhooks_are_listed_page_by_page(store: Store) {
    for id in ["a", "b", "c"] {
        hook(&store, id, &["prompt.created"]).await;
    }
    let first = store.webhooks(2, None).await.unwrap();
    let ids = |page: &[Webhook]| page.iter().map(|it| it.webhook_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&first.rows), ["c", "b"]);
    assert_eq!(first.rows[1].events, events(&["prompt.created"]));
    hook(&store, "d", &["prompt.created"]).await;
    let second = store.webhooks(2, first.next).await.unwrap();
    assert_eq!((ids(&second.rows), second.next), (vec!["a".to_owned()], None));
}

async fn there_is_an_end_to_webhooks(store: Store) {
    for number in 0..MAX_WEBHOOKS {
        hook(&store, &number.to_string(), &["prompt.created"]).await;
    }
    let one_more = NewWebhook {
        webhook_id: "more".to_owned(),
        name: "more".to_owned(),
        description: None,
        url: "https://example.org".to_owned(),
        sealed_secret: None,
        status: WebhookStatus::Active,
        events: events(&["prompt.created"]),
    };
    assert_eq!(code(store.create_webhook(one_more).await), ErrorCode::InvalidParameterValue);
}

async fn changes_are_put_in_as_mlflow_tells_them(store: Store) {
    everything(&store, "w").await;
    hook(&store, "aliases", &["model_version_alias.created"]).await;
    model(&store, "m", &[("k", "v")]).await;
    let name = || "m".to_owned();
    store.set_registered_model_tag(name(), pair("x", "y"), author()).await.unwrap();
    assert_eq!(version(&store, "m", &[("vk", "vv")]).await, 1);
    tag(&store, "m", 1, "1").await;
    store.delete_model_version_tag(name(), 1, "t".to_owned(), author()).await.unwrap();
    store.set_model_alias(name(), "champion".to_owned(), 1, author()).await.unwrap();
    store.delete_model_alias(name(), "champion".to_owned(), author()).await.unwrap();
    let source = "s3://bucket/model";
    let expected = [
        (
            "registered_model.created",
            json!({"name": "m", "tags": {"k": "v"}, "description": "what it is"}),
        ),
        (
            "model_version.created",
            json!({"name": "m", "version": "1", "source": source, "run_id": null,
                   "tags": {"vk": "vv"}, "description": null}),
        ),
        ("model_version_tag.set", json!({"name": "m", "version": "1", "key": "t", "value": "1"})),
        ("model_version_tag.deleted", json!({"name": "m", "version": "1", "key": "t"})),
        ("model_version_alias.created", json!({"name": "m", "alias": "champion", "version": "1"})),
        ("model_version_alias.deleted", json!({"name": "m", "alias": "champion"})),
    ];
    let expected = expected.map(|(event, data)| (event.to_owned(), data));
    assert_eq!(told(&store, "w").await, expected);
    assert_eq!(told(&store, "aliases").await, expected[4..5]);
    let ids: std::collections::HashSet<String> =
        log(&store, "w").await.into_iter().map(|delivery| delivery.delivery_id).collect();
    assert_eq!(ids.len(), expected.len());
}

async fn prompts_are_told_of_as_prompts(store: Store) {
    everything(&store, "w").await;
    let prompt = ("mlflow.prompt.is_prompt", "true");
    model(&store, "p", &[prompt, ("k", "v")]).await;
    let text = ("mlflow.prompt.text", "Hi {{x}}");
    version(&store, "p", &[prompt, text]).await;
    let name = || "p".to_owned();
    store.set_registered_model_tag(name(), pair("x", "y"), author()).await.unwrap();
    store.delete_registered_model_tag(name(), "x".to_owned(), author()).await.unwrap();
    tag(&store, "p", 1, "1").await;
    store.set_model_alias(name(), "best".to_owned(), 1, author()).await.unwrap();
    let expected = [
        ("prompt.created", json!({"name": "p", "tags": {"k": "v"}, "description": "what it is"})),
        (
            "prompt_version.created",
            json!({"name": "p", "version": "1", "template": "Hi {{x}}", "tags": {},
                   "description": null}),
        ),
        ("prompt_tag.set", json!({"name": "p", "key": "x", "value": "y"})),
        ("prompt_tag.deleted", json!({"name": "p", "key": "x"})),
        ("prompt_version_tag.set", json!({"name": "p", "version": "1", "key": "t", "value": "1"})),
        ("prompt_alias.created", json!({"name": "p", "alias": "best", "version": "1"})),
    ];
    assert_eq!(told(&store, "w").await, expected.map(|(event, data)| (event.to_owned(), data)));
}

async fn a_change_that_fails_is_not_told(store: Store) {
    everything(&store, "w").await;
    model(&store, "m", &[]).await;
    let again =
        NewRegisteredModel { name: "m".to_owned(), description: String::new(), tags: Vec::new() };
    assert!(store.create_registered_model(again, author()).await.is_err());
    assert_eq!(log(&store, "w").await.len(), 1);
}

async fn deliveries_of_a_model_come_one_after_the_other(store: Store) {
    everything(&store, "w").await;
    everything(&store, "v").await;
    model(&store, "m", &[]).await;
    model(&store, "n", &[]).await;
    version(&store, "m", &[]).await;
    assert!(store.next_delivery_ms(Vec::new()).await.unwrap().unwrap() < LATER_MS);
    let taken = take(&store, "one").await;
    let seen = |taken: &[Claimed]| {
        let event = |it: &Claimed| (it.webhook_id.clone(), it.event.name(), it.payload.clone());
        let mut seen: Vec<_> = taken.iter().map(event).collect();
        seen.sort();
        seen.into_iter().map(|(webhook, event, _)| format!("{webhook} {event}")).collect::<Vec<_>>()
    };
    let created = "registered_model.created";
    let expected = [format!("v {created}"), format!("v {created}"), format!("w {created}")];
    assert_eq!(seen(&taken)[..3], expected);
    assert_eq!(taken.len(), 4);
    assert_eq!(take(&store, "two").await, []);
    // The second of a model comes after the first has arrived, or never will.
    let of_m = |taken: &[Claimed], webhook: &str| {
        let is = |it: &&Claimed| it.webhook_id == webhook && it.payload.contains("\"m\"");
        taken.iter().find(is).cloned().unwrap()
    };
    finish(&store, &of_m(&taken, "w"), Verdict::Delivered).await;
    finish(&store, &of_m(&taken, "v"), Verdict::Again(LATER_MS)).await;
    let next = take(&store, "three").await;
    assert_eq!(seen(&next), ["w model_version.created"]);
    finish(&store, &next[0], Verdict::Failed).await;
    let states: Vec<DeliveryState> =
        log(&store, "w").await.into_iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [DeliveryState::Failed, DeliveryState::Pending, DeliveryState::Delivered]);
    let waiting = &log(&store, "v").await;
    assert_eq!((waiting[0].attempts, waiting[0].next_attempt_ms), (0, None));
    assert_eq!((waiting[2].attempts, waiting[2].next_attempt_ms), (1, Some(LATER_MS)));
    assert_eq!(waiting[2].response_body.as_deref(), Some("a\u{fffd}b"));
}

async fn an_attempt_that_was_lost_is_made_again_and_comes_too_late(store: Store) {
    everything(&store, "w").await;
    model(&store, "m", &[]).await;
    let lost = Claim { until_ms: CLOCK_START_MS, ..claim("lost") };
    let lost = store.claim_deliveries(lost).await.unwrap();
    let again = take(&store, "again").await;
    assert_eq!(again[0].delivery_id, lost[0].delivery_id);
    finish(&store, &lost[0], Verdict::Failed).await;
    assert_eq!(log(&store, "w").await[0].state, DeliveryState::Pending);
    finish(&store, &again[0], Verdict::Delivered).await;
    assert_eq!(log(&store, "w").await[0].state, DeliveryState::Delivered);
    assert_eq!(store.next_delivery_ms(Vec::new()).await.unwrap(), None);
}

async fn a_disabled_webhook_rests(store: Store) {
    everything(&store, "w").await;
    model(&store, "m", &[]).await;
    let held = take(&store, "held").await;
    model(&store, "n", &[]).await;
    let status = |status| WebhookUpdate { status: Some(status), ..WebhookUpdate::default() };
    let id = || "w".to_owned();
    store.update_webhook(id(), status(WebhookStatus::Disabled)).await.unwrap();
    finish(&store, &held[0], Verdict::Again(0)).await;
    model(&store, "o", &[]).await;
    assert_eq!(take(&store, "none").await, []);
    assert_eq!(store.next_delivery_ms(Vec::new()).await.unwrap(), None);
    assert_eq!(log(&store, "w").await.len(), 2);
    let first = log(&store, "w").await.pop().unwrap();
    let refused = store.redeliver(id(), first.delivery_id).await;
    assert_eq!(code(refused), ErrorCode::InvalidParameterValue);
    store.update_webhook(id(), status(WebhookStatus::Active)).await.unwrap();
    assert_eq!(take(&store, "both").await.len(), 2);
}

async fn a_deleted_webhook_takes_its_deliveries_with_it(store: Store) {
    everything(&store, "w").await;
    model(&store, "m", &[]).await;
    let held = take(&store, "held").await;
    store.delete_webhook("w".to_owned()).await.unwrap();
    finish(&store, &held[0], Verdict::Again(0)).await;
    model(&store, "n", &[]).await;
    assert_eq!(store.next_delivery_ms(Vec::new()).await.unwrap(), None);
}

async fn a_webhook_has_so_many_attempts_at_once(store: Store) {
    everything(&store, "w").await;
    for number in 0..5 {
        model(&store, &format!("m{number}"), &[]).await;
    }
    everything(&store, "v").await;
    model(&store, "last", &[]).await;
    let few = store.claim_deliveries(Claim { limit_each: 2, ..claim("a") }).await.unwrap();
    let of = |webhook: &str| few.iter().filter(|it| it.webhook_id == webhook).count();
    assert_eq!((of("w"), of("v")), (2, 1));
    let busy = few[0].webhook;
    assert_eq!(store.next_delivery_ms(vec![busy]).await.unwrap(), Some(LATER_MS));
    let full = Claim { limit_each: 2, taken: vec![(busy, 2)], ..claim("b") };
    assert_eq!(store.claim_deliveries(full).await.unwrap(), []);
    let one = Claim { limit_each: 2, taken: vec![(busy, 1)], ..claim("c") };
    assert_eq!(store.claim_deliveries(one).await.unwrap().len(), 1);
}

async fn deliveries_are_logged_and_sent_again(store: Store) {
    everything(&store, "w").await;
    model(&store, "m", &[]).await;
    let first = take(&store, "a").await.remove(0);
    finish(&store, &first, Verdict::Delivered).await;
    version(&store, "m", &[]).await;
    let id = || "w".to_owned();
    let by_state = async |state| {
        let query = DeliveryQuery { webhook_id: id(), state: Some(state), limit: 1, after: None };
        store.deliveries(query).await.unwrap().rows
    };
    assert_eq!(by_state(DeliveryState::Delivered).await[0].delivery_id, first.delivery_id);
    assert_eq!(by_state(DeliveryState::Failed).await, []);
    let query = DeliveryQuery { webhook_id: id(), limit: 1, ..DeliveryQuery::default() };
    let page = store.deliveries(query.clone()).await.unwrap();
    let rest = store.deliveries(DeliveryQuery { after: page.next, ..query }).await.unwrap();
    assert_eq!((rest.rows[0].delivery_id.as_str(), rest.next), (first.delivery_id.as_str(), None));

    // It goes before what still waits, with its id and body.
    let again = store.redeliver(id(), first.delivery_id.clone()).await.unwrap();
    assert_eq!((again.state, again.attempts), (DeliveryState::Pending, 0));
    assert!(again.next_attempt_ms.is_some());
    let taken = take(&store, "b").await;
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].payload, first.payload);
    assert_eq!(taken[0].delivery_id, first.delivery_id);
    assert!(taken[0].queued_ms > first.queued_ms);
    let nobody = store.redeliver(id(), "nobody".to_owned()).await;
    assert_eq!(code(nobody), ErrorCode::ResourceDoesNotExist);
    everything(&store, "v").await;
    let of_another = store.redeliver("v".to_owned(), first.delivery_id).await;
    assert_eq!(code(of_another), ErrorCode::ResourceDoesNotExist);
}

async fn old_entries_of_the_log_are_removed(store: Store) {
    everything(&store, "w").await;
    for name in ["a", "b", "c", "d"] {
        model(&store, name, &[]).await;
    }
    let taken = take(&store, "x").await;
    for claimed in &taken[..3] {
        finish(&store, claimed, Verdict::Delivered).await;
    }
    // Two are kept: the newest, which waits, and the one before it.
    assert!(store.prune_deliveries(0, 2).await.unwrap());
    assert!(!store.prune_deliveries(0, 2).await.unwrap());
    assert_eq!(log(&store, "w").await.len(), 2);
    assert!(store.prune_deliveries(LATER_MS, 100).await.unwrap());
    let left = log(&store, "w").await;
    assert_eq!((left.len(), left[0].state), (1, DeliveryState::Pending));
}

async fn what_a_dead_server_held_is_free_again(store: Store) {
    everything(&store, "w").await;
    model(&store, "m", &[]).await;
    let held = take(&store, "dead").await;
    assert_eq!(take(&store, "alive").await, []);
    store.free_lost_deliveries().await.unwrap();
    let freed = take(&store, "alive").await;
    if store.engine() == modelyard_database::Engine::Sqlite {
        assert_eq!(freed[0].delivery_id, held[0].delivery_id);
    } else {
        // Another server may hold it; its claim runs out.
        assert_eq!(freed, []);
    }
}
