//! Webhooks that are to reach what only the server can (CVE-2026-2393, -64849, -92568).

use std::time::{Duration, Instant};

use modelyard_testkit::{Receiver, Reply, Setup};
use serde_json::{Value, json};

use crate::world::{CANARY, DOORS, World, text};

/// Hosts that must not be reached, in every way to write them; `@` is a receiver's port.
const INSIDE: [&str; 30] = [
    "127.0.0.1:@",
    "127.1:@",
    "2130706433:@",
    "0x7f000001:@",
    "0x7f.1:@",
    "0177.0.0.1:@",
    "017700000001:@",
    "[::1]:@",
    "[::]:@",
    "[::ffff:127.0.0.1]:@",
    "[::ffff:7f00:1]:@",
    "[64:ff9b::7f00:1]:@",
    "[2002:7f00:1::]:@",
    "0.0.0.0:@",
    "0:@",
    "localhost:@",
    "LOCALHOST.:@",
    "localhost.localdomain:@",
    "user@evil@127.0.0.1:@",
    "8.8.8.8@127.0.0.1:@",
    "evil\\@127.0.0.1:@",
    "127.0.0.1:@#8.8.8.8",
    "127。0。0。1:@",
    "①②⑦.⓪.⓪.①:@",
    "100.64.0.1",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "10.0.0.1",
    "224.0.0.1",
    "[ff02::1]",
];

fn hook(url: &str) -> Value {
    json!({"name": "w", "url": url, "events": [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]})
}

#[test]
fn nothing_inside_can_be_named() {
    // Also where http is allowed, and for changing a webhook that points elsewhere.
    for schemes in ["https", "http,https"] {
        let mut world = World::with(&["--webhook-allowed-schemes", schemes]);
        let inside = Receiver::start();
        let port = inside.url().rsplit_once(':').expect("a port").1;
        let made = world.call("webhooks", &hook("https://8.8.8.8/"));
        let id = text(&made["webhook"]["webhook_id"]);
        for host in INSIDE {
            for scheme in ["http", "https"] {
                // The first `@` before a digit, `#` or the end is the port.
                let host = match host.rsplit_once(":@") {
                    Some((before, after)) => format!("{before}:{port}{after}"),
                    None => host.to_owned(),
                };
                let url = format!("{scheme}://{host}/latest/meta-data/");
                for door in DOORS {
                    let reply = world.post(door, "webhooks", &hook(&url));
                    world.refused(&url, &reply);
                }
                let path = format!("{}/api/2.0/mlflow/webhooks/{id}", world.prefix);
                let reply = world.wire.json("PATCH", &path, &json!({"url": url}));
                world.refused(&url, &reply);
            }
        }
        assert_eq!(inside.received().len(), 0);
        world.assert_unharmed();
    }
}

/// What opens the operator's network opens no machine's credentials.
#[test]
fn metadata_services_cannot_be_named_at_all() {
    let flags = ["--webhook-allow-private-ips", "--webhook-allowed-schemes", "http,https"];
    let mut world = World::with(&flags);
    for host in ["169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:a9fe:a9fe]", "[fe80::1]"] {
        let url = format!("http://{host}/latest/meta-data/");
        let reply = world.post("/api", "webhooks", &hook(&url));
        world.refused(&url, &reply);
    }
    world.assert_unharmed();
}

/// More tests of a receiver that hangs than the server sends at once: the others wait, or are told to come back,
/// and whoever wants something else is served.
#[test]
fn hanging_receivers_do_not_use_up_the_server() {
    let flags = ["--webhook-allow-private-ips", "--webhook-allowed-schemes", "http"];
    let mut world = World::with(&[&flags[..], &["--webhook-timeout", "5"]].concat());
    let silent = Receiver::replying(|_, _| Reply::Silence);
    let made = world.call("webhooks", &hook(silent.url()));
    let path = format!("/api/2.0/mlflow/webhooks/{}/test", text(&made["webhook"]["webhook_id"]));
    let server = &world.server;
    std::thread::scope(|scope| {
        let tests: Vec<_> =
            (0..24).map(|_| scope.spawn(|| server.post(&path, &json!({})).status)).collect();
        silent.wait_for(8);
        let begun = Instant::now();
        for number in 0..20 {
            let asked = json!({"name": format!("m{number}")});
            let answer = server.post("/api/2.0/mlflow/registered-models/create", &asked);
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        for test in tests {
            let status = test.join().expect("an answer");
            assert!(matches!(status, 200 | 429 | 503), "{status}");
        }
    });
    world.assert_well();
}

#[test]
fn other_schemes_and_broken_urls_are_refused() {
    let mut world = World::with(&["--webhook-allowed-schemes", "http,https"]);
    let long = format!("https://8.8.8.8/{}", "x".repeat(10_000));
    for url in [
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "ftp://127.0.0.1/",
        "data:text/plain,x",
        "javascript:alert(1)",
        "//127.0.0.1/",
        "127.0.0.1",
        "https://",
        "https:///x",
        "https://[::1",
        "https://[]/",
        "https://8.8.8.8:99999/",
        "https://8.8.8.8:x/",
        "https://a b/",
        "https://%00/",
        "https://8.8.8.8\0.example/",
        &long,
    ] {
        let reply = world.post("/api", "webhooks", &hook(url));
        world.refused(url, &reply);
    }
    world.assert_unharmed();
}

/// A receiver that is allowed may still not hand the server on: a redirect is not followed, neither by a test
/// nor by a delivery, and nothing of where it leads comes back.
#[test]
fn redirects_lead_nowhere() {
    let flags = ["--webhook-allow-private-ips", "--webhook-allowed-schemes", "http,https"];
    let mut world = World::with(&flags);
    let inside = Receiver::replying(|_, _| {
        let head = format!("HTTP/1.1 200 x\r\ncontent-length: {}\r\n\r\n", CANARY.len());
        Reply::Raw(Duration::ZERO, format!("{head}{CANARY}"))
    });
    for status in [301, 302, 303, 307, 308] {
        let to = inside.url().to_owned();
        let outside = Receiver::replying(move |_, _| {
            let head =
                format!("HTTP/1.1 {status} x\r\nlocation: {to}/\r\ncontent-length: 0\r\n\r\n");
            Reply::Raw(Duration::ZERO, head)
        });
        let made = world.call("webhooks", &hook(outside.url()));
        let id = text(&made["webhook"]["webhook_id"]);
        let reply = world.post("/api", &format!("webhooks/{id}/test"), &json!({}));
        world.keeps_secrets("a test", &reply);
        let result = &reply.json()["result"];
        assert_eq!(
            (&result["success"], &result["response_status"]),
            (&json!(false), &json!(status))
        );
        world.call("registered-models/create", &json!({"name": format!("m{status}")}));
        outside.wait_for(2);
    }
    assert_eq!(inside.received().len(), 0);
    world.assert_well();
}

/// Answers without end, in the head and in the body, cost neither memory nor time.
#[test]
fn receivers_cannot_flood() {
    let flags = ["--webhook-allow-private-ips", "--webhook-allowed-schemes", "http"];
    let mut world = World::with(&flags);
    for answer in [
        format!("HTTP/1.1 200 x\r\n{}\r\n", "a: b\r\n".repeat(100_000)),
        format!("HTTP/1.1 200 {}\r\n\r\n", "x".repeat(1 << 20)),
        format!("HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n{}", "f\r\n".repeat(100_000)),
        format!("HTTP/1.1 200 x\r\ncontent-length: 99999999999\r\n\r\n{}", "x".repeat(1 << 22)),
        "\0\u{1}no HTTP at all".to_owned(),
        "HTTP/1.1 100 x\r\n\r\n".repeat(1000),
    ] {
        let flood = answer.clone();
        let receiver = Receiver::replying(move |_, _| Reply::Raw(Duration::ZERO, flood.clone()));
        let made = world.call("webhooks", &hook(receiver.url()));
        let id = text(&made["webhook"]["webhook_id"]);
        let reply = world.post("/api", &format!("webhooks/{id}/test"), &json!({}));
        let what = &answer[..answer.len().min(40)];
        world.keeps_secrets(what, &reply);
        assert!(reply.json().to_string().len() < 10_000, "{what}");
        let path = format!("{}/api/2.0/mlflow/webhooks/{id}", world.prefix);
        assert_eq!(world.wire.json("DELETE", &path, &json!({})).status, 200);
    }
    world.assert_well();
}

/// Receivers that keep on writing hold up their own test only, and a delivery to them is what their status says.
#[test]
fn receivers_that_never_end_hold_up_nobody() {
    let flags = ["--webhook-allow-private-ips", "--webhook-allowed-schemes", "http"];
    let mut world = World::with(&[&flags[..], &["--webhook-timeout", "1"]].concat());
    let drip = Duration::from_millis(20);
    let head = "HTTP/1.1 200 x\r\n";
    for (pause, begin, took) in [
        (drip, format!("{head}x: "), false),
        (drip, format!("{head}\r\n"), true),
        (Duration::ZERO, format!("{head}\r\n"), true),
        (drip, format!("{head}content-length: 9999999\r\n\r\n"), true),
    ] {
        let receiver = Receiver::replying(move |_, _| Reply::Endless(pause, begin.clone()));
        let made = world.call("webhooks", &hook(receiver.url()));
        let id = text(&made["webhook"]["webhook_id"]);
        let begun = Instant::now();
        let path = format!("/api/2.0/mlflow/webhooks/{id}/test");
        std::thread::scope(|scope| {
            let tested = scope.spawn(|| world.server.post(&path, &json!({})).json());
            receiver.wait_for(1);
            // Others are served meanwhile.
            assert_eq!(world.server.get("/health").status, 200);
            let result = tested.join().expect("an answer")["result"].clone();
            assert_eq!(result["success"], took, "{result}");
            assert!(result.to_string().len() < 10_000);
        });
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
    world.assert_well();
}

/// Nothing is sent to whoever cannot show that the name is theirs.
#[test]
fn wrong_certificates_are_refused() {
    const KEY: &[u8] = include_bytes!("tls/key.pem");
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/attacks/tls/authority.pem");
    let server = Setup::new(env!("CARGO_BIN_EXE_modelyard"))
        .args(&["--webhook-allow-private-ips"])
        .env("SSL_CERT_FILE", authority)
        .start();
    let test = |receiver: &Receiver| {
        let made = server.post("/api/2.0/mlflow/webhooks", &hook(receiver.url())).json();
        let id = text(&made["webhook"]["webhook_id"]);
        server.post(&format!("/api/2.0/mlflow/webhooks/{id}/test"), &json!({})).json()
    };
    for (certificate, why) in [
        (&include_bytes!("tls/stranger.pem")[..], "UnknownIssuer"),
        (&include_bytes!("tls/other-name.pem")[..], "not valid for name"),
        (&include_bytes!("tls/expired.pem")[..], "expired"),
    ] {
        let receiver = Receiver::encrypted(certificate, KEY);
        let result = test(&receiver)["result"].clone();
        assert_eq!(result["success"], false, "{why}: {result}");
        assert!(text(&result["error_message"]).contains(why), "{why}: {result}");
        assert_eq!(receiver.received().len(), 0, "{why}");
    }
    // The right one is taken, so the others were not refused for another reason.
    let receiver = Receiver::encrypted(include_bytes!("tls/right.pem"), KEY);
    assert_eq!(test(&receiver)["result"]["success"], true);
    assert_eq!(receiver.received().len(), 1);
}
