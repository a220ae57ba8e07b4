//! Emptying the outbox to receivers that behave and to those that do not, on both engines.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use modelyard_database::DatabaseUri;
use modelyard_egress::Policy;
use modelyard_protocol::webhooks::{WebhookEvent, WebhookStatus};
use modelyard_protocol::{Context, Environment};
use modelyard_store::{
    Author, Delivery, DeliveryQuery, DeliveryState, NewRegisteredModel, NewWebhook,
    Settings as StoreSettings, Store,
};
use modelyard_testkit::{Receiver, Reply};
use modelyard_webhooks::{KeySource, Settings, Webhooks};
use tokio_util::sync::CancellationToken;

/// The real time, and chance that only counts.
struct Clock {
    started: Instant,
    chance: AtomicU64,
}

impl Environment for Clock {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000 + i64::try_from(self.started.elapsed().as_millis()).unwrap()
    }

    fn random(&self) -> u128 {
        let count = u128::from(self.chance.fetch_add(1, Ordering::Relaxed));
        count.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }
}

fn context(seed: u64) -> Context {
    Context::new(Clock { started: Instant::now(), chance: AtomicU64::new(seed) })
}

/// A store with a sender that works.
struct Yard {
    store: Arc<Store>,
    webhooks: Arc<Webhooks>,
    stop: CancellationToken,
    sending: tokio::task::JoinHandle<()>,
    made: AtomicU64,
}

fn settings() -> Settings {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    Settings {
        policy: Policy { schemes: vec!["http".to_owned()], allow_private: true },
        key: KeySource::given(key).unwrap(),
        timeout: Duration::from_secs(2),
        ..Settings::default()
    }
}

impl Yard {
    async fn open(uri: &DatabaseUri, seed: u64, settings: Settings) -> Self {
        let context = context(seed);
        let at = StoreSettings { artifact_root: "mlflow-artifacts:/".to_owned() };
        let store = Arc::new(Store::open(uri, at, context.clone()).await.unwrap());
        let webhooks = Arc::new(Webhooks::new(settings, context));
        let stop = CancellationToken::new();
        let run = Arc::clone(&webhooks).run(Arc::clone(&store), stop.clone());
        let sending = tokio::spawn(run);
        Self { store, webhooks, stop, sending, made: AtomicU64::new(0) }
    }

    async fn hook(&self, id: &str, url: &str) {
        let new = NewWebhook {
            webhook_id: id.to_owned(),
            name: id.to_owned(),
            description: None,
            url: url.to_owned(),
            sealed_secret: Some(self.webhooks.seal(id, "s3cret").await.unwrap()),
            status: WebhookStatus::Active,
            events: vec![
                WebhookEvent::from_name("registered_model.created").unwrap(),
                WebhookEvent::from_name("model_version_alias.created").unwrap(),
            ],
        };
        self.store.create_webhook(new).await.unwrap();
    }

    async fn model(&self) -> String {
        let name = format!("m{}", self.made.fetch_add(1, Ordering::Relaxed));
        let new =
            NewRegisteredModel { name: name.clone(), description: String::new(), tags: Vec::new() };
        let author = Author { name: "tester".to_owned(), reason: None };
        self.store.create_registered_model(new, author).await.unwrap();
        name
    }

    async fn log(&self, id: &str) -> Vec<Delivery> {
        let query =
            DeliveryQuery { webhook_id: id.to_owned(), limit: 100, ..DeliveryQuery::default() };
        self.store.deliveries(query).await.unwrap().rows
    }

    /// The log, once all is as far as it gets.
    async fn log_when_settled(&self, id: &str) -> Vec<Delivery> {
        let begun = Instant::now();
        loop {
            let log = self.log(id).await;
            if log.iter().all(|delivery| delivery.state != DeliveryState::Pending) {
                return log;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{log:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn close(self) {
        self.stop.cancel();
        self.sending.await.unwrap();
    }
}

/// Runs a test on each engine.
fn on_each(test: &impl AsyncFn(&DatabaseUri)) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = DatabaseUri::Sqlite(folder.path().join("test.db"));
    let postgres = modelyard_testkit::postgres_url().map(DatabaseUri::Postgres);
    for uri in [Some(sqlite), postgres].into_iter().flatten() {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test(&uri));
    }
}

/// An answer with a head of its own.
fn raw(head: &str) -> Reply {
    Reply::Raw(Duration::ZERO, format!("HTTP/1.1 {head}\r\ncontent-length: 2\r\n\r\nhm"))
}

#[test]
fn a_change_is_told_at_once_and_signed() {
    on_each(&async |uri| {
        let yard = Yard::open(uri, 1, settings()).await;
        let receiver = Receiver::start();
        yard.hook("w", receiver.url()).await;
        let name = yard.model().await;
        let received = receiver.wait_for(1).remove(0);
        assert_eq!(received.json()["data"]["name"], name.as_str());
        let log = yard.log_when_settled("w").await;
        assert_eq!(log[0].payload, received.body);
        assert_eq!(log[0].delivery_id, received.header("x-mlflow-delivery-id"));
        assert_eq!((log[0].attempts, log[0].response_status), (1, Some(200)));
        assert_eq!(received.header("content-type"), "application/json");
        assert!(received.header("x-mlflow-signature").starts_with("v1,"));
        yard.close().await;
    });
}

#[test]
fn failures_that_may_pass_are_tried_again_with_the_same_id() {
    on_each(&async |uri| {
        let yard = Yard::open(uri, 1, settings()).await;
        let receiver = Receiver::replying(|_, before| match before {
            0 => raw("503 x\r\nretry-after: 1"),
            1 => Reply::Close,
            _ => Reply::Status(204),
        });
        yard.hook("w", receiver.url()).await;
        yard.model().await;
        let log = yard.log_when_settled("w").await;
        assert_eq!((log[0].state, log[0].attempts), (DeliveryState::Delivered, 3));
        assert_eq!(log[0].error, None);
        let received = receiver.received();
        let ids: Vec<&str> = received.iter().map(|it| it.header("x-mlflow-delivery-id")).collect();
        assert_eq!(ids, [log[0].delivery_id.as_str(); 3]);
        assert_eq!(received[0].body, received[2].body);
        yard.close().await;
    });
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    on_each(&async |uri| {
        let yard = Yard::open(uri, 1, Settings { retries: 0, ..settings() }).await;
        let inside = Receiver::start();
        let to = inside.url().to_owned();
        let receiver = Receiver::replying(move |received, _| match received.path.as_str() {
            "/gone" => raw("410 x"),
            "/redirect" => raw(&format!("302 x\r\nlocation: {to}")),
            "/redirect-post" => raw(&format!("308 x\r\nlocation: {to}")),
            _ => raw("500 x"),
        });
        for path in ["gone", "redirect", "redirect-post", "broken"] {
            yard.hook(path, &format!("{}/{path}", receiver.url())).await;
        }
        yard.model().await;
        for (path, status, error) in [
            ("gone", 410, "the receiver answered 410"),
            ("redirect", 302, "redirects are not followed"),
            ("redirect-post", 308, "redirects are not followed"),
            ("broken", 500, "the receiver answered 500"),
        ] {
            let log = yard.log_when_settled(path).await;
            assert_eq!((log[0].state, log[0].attempts), (DeliveryState::Failed, 1), "{path}");
            assert_eq!(log[0].response_status, Some(status), "{path}");
            assert_eq!(log[0].response_body.as_deref(), Some("hm"), "{path}");
            assert!(log[0].error.as_ref().unwrap().contains(error), "{path}: {log:?}");
        }
        assert_eq!(inside.received().len(), 0);
        // Whoever has mended the receiver can have it sent again.
        let id = yard.log("gone").await[0].delivery_id.clone();
        yard.store.redeliver("gone".to_owned(), id.clone()).await.unwrap();
        receiver.wait_until(|all| all.iter().filter(|it| it.path == "/gone").count() == 2);
        let received = receiver.received();
        assert!(received.iter().filter(|it| it.header("x-mlflow-delivery-id") == id).count() == 2);
        yard.close().await;
    });
}

#[test]
fn a_receiver_that_hangs_or_crawls_holds_up_nobody_else() {
    on_each(&async |uri| {
        let yard = Yard::open(uri, 1, settings()).await;
        let silent = Receiver::replying(|_, _| Reply::Silence);
        let crawling = Receiver::replying(|_, _| {
            let all = "HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n".to_owned();
            Reply::Raw(Duration::from_millis(700), all)
        });
        let quick = Receiver::start();
        yard.hook("silent", silent.url()).await;
        yard.hook("crawling", crawling.url()).await;
        yard.hook("quick", quick.url()).await;
        let begun = Instant::now();
        for _ in 0..12 {
            yard.model().await;
        }
        quick.wait_for(12);
        // Twelve attempts that hang take six seconds in the four places of their webhook.
        assert!(silent.received().len() <= 8, "{:?}", begun.elapsed());
        let log = yard.log_when_settled("crawling").await;
        assert!(log.iter().all(|delivery| delivery.state == DeliveryState::Delivered));
        yard.close().await;
    });
}

#[test]
fn the_order_of_a_model_is_kept_whatever_fails() {
    on_each(&async |uri| {
        let yard = Arc::new(Yard::open(uri, 1, settings()).await);
        // Every other request is answered with an error or none at all.
        let receiver = Receiver::replying(|_, before| match before % 4 {
            1 => raw("503 x"),
            3 => Reply::Close,
            _ => Reply::Status(200),
        });
        yard.hook("w", receiver.url()).await;
        let names = [yard.model().await, yard.model().await];
        for name in &names {
            let new = modelyard_store::NewModelVersion {
                name: name.clone(),
                source: "s3://b/m".to_owned(),
                storage_location: None,
                run_id: None,
                run_link: String::new(),
                description: String::new(),
                tags: Vec::new(),
                model_id: None,
            };
            let author = || Author { name: "tester".to_owned(), reason: None };
            yard.store.create_model_version(new, author()).await.unwrap();
            for number in 0..3 {
                let alias = format!("a{number}");
                yard.store.set_model_alias(name.clone(), alias, 1, author()).await.unwrap();
            }
        }
        let log = yard.log_when_settled("w").await;
        assert_eq!(log.len(), 8);
        assert!(log.iter().all(|delivery| delivery.state == DeliveryState::Delivered));
        let mut seen: HashMap<String, Vec<String>> = HashMap::new();
        for received in receiver.received() {
            let body = received.json();
            let text = |value: &serde_json::Value| value.as_str().unwrap_or("new").to_owned();
            let of = seen.entry(text(&body["data"]["name"])).or_default();
            let alias = text(&body["data"]["alias"]);
            // The same one again is a repetition.
            if of.last() != Some(&alias) {
                of.push(alias);
            }
        }
        for name in &names {
            assert_eq!(seen[name], ["new", "a0", "a1", "a2"], "{name}");
        }
        Arc::into_inner(yard).unwrap().close().await;
    });
}

/// What has happened is told, even if its subject is gone when its turn comes, and a new model of the same name
/// neither waits for it nor takes its place.
#[test]
fn a_deleted_model_leaves_what_waits() {
    on_each(&async |uri| {
        let yard =
            Yard::open(uri, 1, Settings { timeout: Duration::from_secs(30), ..settings() }).await;
        let (open, gate) = (Arc::new(AtomicU64::new(0)), Duration::from_millis(5));
        let opened = Arc::clone(&open);
        let receiver = Receiver::replying(move |_, _| {
            while opened.load(Ordering::Relaxed) == 0 {
                std::thread::sleep(gate);
            }
            raw("200 x")
        });
        yard.hook("w", receiver.url()).await;
        let author = || Author { name: "tester".to_owned(), reason: None };
        let create = async || {
            let (name, description) = ("same".to_owned(), String::new());
            let new = NewRegisteredModel { name, description, tags: Vec::new() };
            yard.store.create_registered_model(new, author()).await.unwrap();
        };
        create().await;
        receiver.wait_for(1);
        yard.store.delete_registered_model("same".to_owned(), author()).await.unwrap();
        create().await;
        receiver.wait_for(2);
        open.store(1, Ordering::Relaxed);
        let log = yard.log_when_settled("w").await;
        assert_eq!(log.len(), 2);
        assert!(log.iter().all(|it| (it.state, it.attempts) == (DeliveryState::Delivered, 1)));
        assert_ne!(log[0].delivery_id, log[1].delivery_id);
        yard.close().await;
    });
}

#[test]
fn two_servers_on_one_database_share_the_work() {
    let Some(uri) = modelyard_testkit::postgres_url().map(DatabaseUri::Postgres) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let one = Yard::open(&uri, 1, settings()).await;
        let other = Yard::open(&uri, 1 << 40, settings()).await;
        let receiver = Receiver::start();
        one.hook("w", receiver.url()).await;
        for _ in 0..20 {
            one.model().await;
        }
        let log = other.log_when_settled("w").await;
        assert_eq!(log.len(), 20);
        // Nothing is sent twice when nobody dies.
        assert_eq!(receiver.received().len(), 20);
        // A server that stops leaves the work to the other.
        one.stop.cancel();
        one.model().await;
        receiver.wait_for(21);
        one.close().await;
        other.close().await;
    });
}

#[test]
fn what_waits_when_the_server_stops_is_told_by_the_next() {
    on_each(&async |uri| {
        let quiet = Yard::open(uri, 1, Settings { sends: false, ..settings() }).await;
        let receiver = Receiver::start();
        quiet.hook("w", receiver.url()).await;
        quiet.model().await;
        let store = Arc::clone(&quiet.store);
        quiet.close().await;
        assert_eq!(receiver.received().len(), 0);
        drop(store);
        let next = Yard::open(uri, 1 << 40, settings()).await;
        receiver.wait_for(1);
        assert_eq!(next.log_when_settled("w").await[0].attempts, 1);
        next.close().await;
    });
}

#[test]
fn a_lost_key_is_said_and_nothing_goes_out_unsigned() {
    on_each(&async |uri| {
        let yard = Yard::open(uri, 1, settings()).await;
        let receiver = Receiver::start();
        yard.hook("w", receiver.url()).await;
        yard.close().await;
        let other = "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let key = KeySource::given(other).unwrap();
        let changed = Settings { key, retries: 0, ..settings() };
        let yard = Yard::open(uri, 1 << 40, changed).await;
        yard.model().await;
        let log = yard.log_when_settled("w").await;
        assert!(log[0].error.as_ref().unwrap().contains("encrypted with another key"), "{log:?}");
        assert_eq!(receiver.received().len(), 0);
        yard.close().await;
    });
}
