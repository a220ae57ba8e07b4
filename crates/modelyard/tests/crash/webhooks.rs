//! The promise of the outbox: a change that was acknowledged is told, whenever the server dies, and the changes of
//! one model in their order.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use modelyard_testkit::{Received, Receiver, Reply, Server, Setup, postgres_url};
use serde_json::json;

use crate::api::Api;
use crate::random::Random;
use crate::verify::Problems;
use crate::{assert_none, binary, fresh_seed, setting};

const MODELS: usize = 4;
/// A server is killed after so many answers at most, and so many microseconds more.
const ANSWERS: u64 = 12;
const EXTRA_US: u64 = 8_000;
const PATIENCE: Duration = Duration::from_secs(5);
/// Fewer kills than this may all hit a server that sends nothing.
const FEW_KILLS: u64 = 100;
/// How long the outbox may take to become empty in the end: on PostgreSQL the claims of the dead must run out.
const DRAIN: Duration = Duration::from_secs(60);

/// Sets the tag `n` of one model's version to 1, 2, 3 and so on.
struct Teller {
    model: String,
    /// The last number that was sent, and those that were acknowledged.
    sent: u64,
    acknowledged: Vec<u64>,
}

impl Teller {
    fn new(api: &Api, number: usize) -> Self {
        let model = format!("m{number}");
        api.post("registered-models/create", &json!({"name": model})).unwrap();
        let version = json!({"name": model, "source": "s3://bucket/model"});
        api.post("model-versions/create", &version).unwrap();
        Self { model, sent: 0, acknowledged: Vec::new() }
    }

    /// Goes on until the server dies.
    fn tell(&mut self, api: &Api, answers: &AtomicU64) {
        loop {
            self.sent += 1;
            let (name, value) = (&self.model, self.sent.to_string());
            let tag = json!({"name": name, "version": "1", "key": "n", "value": value});
            if api.post("model-versions/set-tag", &tag).is_err() {
                return;
            }
            self.acknowledged.push(self.sent);
            answers.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn hook(api: &Api, url: &str) -> String {
    let event = json!({"entity": "MODEL_VERSION_TAG", "action": "SET"});
    let asked = json!({"name": "w", "url": url, "events": [event], "secret": "s3cret"});
    let made = api.post("webhooks", &asked).unwrap();
    made["webhook"]["webhook_id"].as_str().unwrap().to_owned()
}

/// Kills and restarts a server while changes are made and told.
fn kill_again_and_again(setup: Setup, kills: u64) {
    let seed = setting("MODELYARD_CRASH_SEED", fresh_seed());
    eprintln!("MODELYARD_CRASH_SEED={seed} MODELYARD_CRASH_KILLS={kills}");
    let mut random = Random::new(seed);
    // Slow enough that a server often dies between sending and noting.
    let receiver = Receiver::replying(|received, before| {
        let pause = (before as u64 * 7 + received.body.len() as u64) % 5;
        let answer = "HTTP/1.1 200 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        Reply::Raw(Duration::from_millis(pause), answer.to_owned())
    });
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let setup = setup
        .args(&["--webhook-allow-private-ips", "--webhook-allowed-schemes", "http"])
        .env("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", key)
        .env("MLFLOW_WEBHOOK_REQUEST_TIMEOUT", "1");
    let mut server = setup.start();
    let api = Api::new(&server);
    let id = hook(&api, receiver.url());
    let mut tellers: Vec<Teller> = (0..MODELS).map(|number| Teller::new(&api, number)).collect();
    for _ in 0..kills {
        live_and_die(&mut server, &mut tellers, &mut random);
        server.restart();
    }
    drain(&server, &id);
    check(&receiver, &tellers, seed, kills);
}

fn live_and_die(server: &mut Server, tellers: &mut [Teller], random: &mut Random) {
    let (enough, answers) = (random.below(ANSWERS), AtomicU64::new(0));
    let extra = Duration::from_micros(random.below(EXTRA_US));
    std::thread::scope(|scope| {
        for teller in tellers {
            let (api, answers) = (Api::new(server), &answers);
            scope.spawn(move || teller.tell(&api, answers));
        }
        let begun = Instant::now();
        while answers.load(Ordering::Relaxed) < enough && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(extra);
        server.kill();
    });
}

/// Waits until nothing is left to tell.
fn drain(server: &Server, id: &str) {
    let deadline = Instant::now() + DRAIN;
    let path = format!("/api/modelyard/v1/webhooks/{id}/deliveries?state=PENDING&max_results=1");
    loop {
        let waiting = server.get(&path).json();
        if waiting["deliveries"].as_array().unwrap().is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "never told: {waiting}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A request that came: the model, the number, the id of the delivery.
type Told = (String, u64, String);

fn told(receiver: &Receiver) -> Vec<Told> {
    let read = |received: Received| {
        let data = received.json()["data"].clone();
        let number = data["value"].as_str().unwrap().parse().unwrap();
        let id = received.header("x-mlflow-delivery-id").to_owned();
        (data["name"].as_str().unwrap().to_owned(), number, id)
    };
    receiver.received().into_iter().map(read).collect()
}

/// What is wrong with what was told, and how many requests were repetitions.
fn problems(told: &[Told], tellers: &[Teller]) -> (Problems, usize) {
    let mut problems = Problems::new();
    let mut first: HashMap<&str, Vec<u64>> = HashMap::new();
    let mut ids: HashMap<(&str, u64), &str> = HashMap::new();
    let mut repeated = 0;
    for (model, number, id) in told {
        if ids.entry((model, *number)).or_insert(id) != id {
            problems.push(format!("{model} {number} was told under two ids"));
        }
        let numbers = first.entry(model).or_default();
        // A repetition may be read late; what counts is when something was told first.
        if numbers.contains(number) {
            repeated += 1;
        } else {
            numbers.push(*number);
        }
    }
    for Teller { model, sent, acknowledged } in tellers {
        let numbers = first.remove(model.as_str()).unwrap_or_default();
        if !numbers.is_sorted() {
            problems.push(format!("{model} was told out of order: {numbers:?}"));
        }
        let lost = acknowledged.iter().filter(|number| !numbers.contains(number));
        problems.extend(lost.map(|number| format!("{model} {number} is lost")));
        let never = numbers.iter().filter(|number| **number > *sent);
        problems.extend(never.map(|number| format!("{model} {number} never happened")));
    }
    problems.extend(first.keys().map(|model| format!("{model} never was")));
    (problems, repeated)
}

fn check(receiver: &Receiver, tellers: &[Teller], seed: u64, kills: u64) {
    let told = told(receiver);
    let (problems, repeated) = problems(&told, tellers);
    assert_none("in the end", seed, &problems);
    let acknowledged: usize = tellers.iter().map(|teller| teller.acknowledged.len()).sum();
    eprintln!("{acknowledged} changes, told in {} requests, {repeated} of them again", told.len());
    // Were nothing in flight when the server dies, the test would show nothing.
    let hits_nobody = repeated == 0 && kills >= FEW_KILLS;
    assert!(acknowledged > 0 && !hits_nobody, "the kills hit nobody");
}

/// The tests below are worth something only if they see a loss.
#[test]
fn losses_and_disorder_are_noticed() {
    let tellers = || [Teller { model: "m".to_owned(), sent: 3, acknowledged: vec![1, 2] }];
    let of = |list: &[(&str, u64, &str)]| {
        let own = |(model, number, id): &(&str, u64, &str)| {
            ((*model).to_owned(), *number, (*id).to_owned())
        };
        problems(&list.iter().map(own).collect::<Vec<_>>(), &tellers())
    };
    for right in [
        &[("m", 1, "a"), ("m", 2, "b")][..],
        &[("m", 1, "a"), ("m", 1, "a"), ("m", 2, "b"), ("m", 1, "a"), ("m", 3, "c")],
    ] {
        assert_eq!(of(right).0, Problems::new(), "{right:?}");
    }
    for wrong in [
        &[("m", 1, "a")][..],
        &[("m", 2, "b"), ("m", 1, "a")],
        &[("m", 1, "a"), ("m", 3, "c")],
        &[("m", 1, "a"), ("m", 1, "x"), ("m", 2, "b")],
        &[("m", 1, "a"), ("m", 2, "b"), ("m", 4, "d")],
        &[("m", 1, "a"), ("m", 2, "b"), ("n", 1, "c")],
    ] {
        assert_ne!(of(wrong).0, Problems::new(), "{wrong:?}");
    }
}

#[test]
fn acknowledged_changes_are_told_in_order_on_sqlite() {
    kill_again_and_again(binary(), setting("MODELYARD_CRASH_KILLS", 200));
}

#[test]
fn acknowledged_changes_are_told_in_order_on_postgres() {
    let Some(database) = postgres_url() else { return };
    let kills = setting("MODELYARD_CRASH_KILLS", 200).div_ceil(10);
    kill_again_and_again(binary().args(&["--backend-store-uri", &database]), kills);
}
