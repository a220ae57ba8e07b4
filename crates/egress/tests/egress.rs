//! Requests to receivers that behave and to those that do not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use modelyard_egress::{Egress, Error, Found, Policy, Post, Reply, Resolve};
use modelyard_testkit::{Receiver, Reply as Answer};

fn open() -> Policy {
    Policy { schemes: vec!["http".to_owned(), "https".to_owned()], allow_private: true }
}

fn closed() -> Policy {
    Policy { allow_private: false, ..open() }
}

fn post(url: &str) -> Post<'_> {
    Post {
        url,
        headers: vec![("x-test", "1".to_owned())],
        body: "{}".to_owned(),
        timeout: Duration::from_secs(30),
        reply_max_bytes: 16,
    }
}

/// Names mean the next entry at each look-up, the last one for ever.
struct Names {
    answers: Vec<Vec<SocketAddr>>,
    asked: AtomicUsize,
}

impl Names {
    fn new(answers: Vec<Vec<SocketAddr>>) -> Arc<Self> {
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }
}

impl Resolve for Names {
    fn resolve(&self, _: &str, _: u16) -> Found {
        let at = self.asked.fetch_add(1, Ordering::Relaxed).min(self.answers.len() - 1);
        let answer = self.answers[at].clone();
        Box::pin(async move { Ok(answer) })
    }
}

fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_request_arrives_whole_and_the_beginning_of_the_answer_comes_back() {
    let receiver = Receiver::replying(|_, _| {
        let body = "x".repeat(100);
        let head = "HTTP/1.1 503 x\r\nretry-after: 7\r\ncontent-length: 100\r\n\r\n";
        Answer::Raw(Duration::ZERO, format!("{head}{body}"))
    });
    let url = format!("{}/a?b=c#d", receiver.url()).replace("http://", "http://u:p%40@");
    let reply = Egress::new(open()).post(post(&url)).await.unwrap();
    let expected = Reply {
        status: 503,
        retry_after: Some("7".to_owned()),
        location: None,
        body: "x".repeat(16).into_bytes(),
    };
    assert_eq!(reply, expected);
    let received = receiver.received();
    assert_eq!((received[0].path.as_str(), received[0].body.as_str()), ("/a?b=c", "{}"));
    assert_eq!(received[0].header("x-test"), "1");
    assert_eq!(received[0].header("authorization"), "Basic dTpwQA==");
    assert_eq!(format!("http://{}", received[0].header("host")), receiver.url());
}

#[tokio::test]
async fn addresses_that_are_not_public_are_never_connected_to() {
    let receiver = Receiver::start();
    let port = address(receiver.url()).port();
    let egress = Egress::new(closed());
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "localhost",
        "localhost.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "user@evil@127.0.0.1",
        "evil\\@127.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
    ] {
        let url = format!("http://{host}:{port}/");
        let outcome = egress.post(post(&url)).await;
        // A name may also mean nothing on this machine.
        let kept_in = matches!(outcome, Err(Error::Refused(_) | Error::Unresolved { .. }));
        assert!(kept_in, "{host}: {outcome:?}");
    }
    assert_eq!(receiver.received().len(), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_meaning_is_judged_by_where_it_leads() {
    let receiver = Receiver::start();
    let inside = address(receiver.url());
    let outside: SocketAddr = "93.184.215.14:80".parse().unwrap();
    // Public when it is looked at, inside when it is used.
    let names = Names::new(vec![vec![outside], vec![inside]]);
    let egress = Egress::with_resolver(closed(), names);
    let url = format!("http://rebinding.example:{}/", inside.port());
    assert_eq!(egress.forbidden(&url, Duration::from_secs(5)).await, Ok(None));
    let outcome = egress.post(post(&url)).await;
    assert_eq!(outcome, Err(Error::Refused("127.0.0.1 is not a public IP address".to_owned())));
    assert_eq!(receiver.received().len(), 0);
}

/// Whoever may reach the whole network may still not be given the machine's own credentials.
#[tokio::test]
async fn metadata_services_are_reached_by_nobody() {
    let limit = Duration::from_secs(5);
    for host in ["169.254.169.254", "2852039166", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]"] {
        let url = format!("http://{host}/latest/meta-data/");
        let egress = Egress::new(open());
        let forbidden = egress.forbidden(&url, limit).await;
        assert!(matches!(forbidden, Ok(Some(_))), "{host}: {forbidden:?}");
        let outcome = egress.post(post(&url)).await;
        assert!(matches!(outcome, Err(Error::Refused(_))), "{host}: {outcome:?}");
    }
    let named = Names::new(vec![vec!["169.254.169.254:80".parse().unwrap()]]);
    let outcome = Egress::with_resolver(open(), named).post(post("http://metadata.example/")).await;
    assert!(matches!(outcome, Err(Error::Refused(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_name_with_a_public_and_a_private_address_is_refused_whole() {
    let receiver = Receiver::start();
    let inside = address(receiver.url());
    let outside: SocketAddr = "93.184.215.14:80".parse().unwrap();
    for both in [vec![outside, inside], vec![inside, outside]] {
        let egress = Egress::with_resolver(closed(), Names::new(vec![both]));
        let forbidden = egress.forbidden("http://two.example/", Duration::from_secs(5)).await;
        assert_eq!(forbidden, Ok(Some(inside.ip())));
        let outcome = egress.post(post("http://two.example/")).await;
        assert!(matches!(outcome, Err(Error::Refused(_))), "{outcome:?}");
    }
    assert_eq!(receiver.received().len(), 0);
}

#[tokio::test]
async fn an_address_that_does_not_answer_gives_way_to_the_next() {
    let receiver = Receiver::start();
    let nobody: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let names = Names::new(vec![vec![nobody, address(receiver.url())]]);
    let reply = Egress::with_resolver(open(), names).post(post("http://two.example/")).await;
    assert_eq!(reply.unwrap().status, 200);
}

#[tokio::test]
async fn redirects_are_answers() {
    let inside = Receiver::start();
    let to = inside.url().to_owned();
    let receiver = Receiver::replying(move |_, _| {
        let head = format!("HTTP/1.1 307 x\r\nlocation: {to}/loot\r\ncontent-length: 0\r\n\r\n");
        Answer::Raw(Duration::ZERO, head)
    });
    let reply = Egress::new(open()).post(post(receiver.url())).await.unwrap();
    assert_eq!((reply.status, reply.location), (307, Some(format!("{}/loot", inside.url()))));
    assert_eq!(inside.received().len(), 0);
}

#[tokio::test]
async fn what_takes_too_long_ends() {
    let silent = Receiver::replying(|_, _| Answer::Silence);
    let limited = |url| Post { timeout: Duration::from_millis(300), ..post(url) };
    let egress = Egress::new(open());
    let begun = Instant::now();
    let outcome = egress.post(limited(silent.url())).await;
    assert_eq!(outcome, Err(Error::Slow(Duration::from_millis(300))));
    assert!(begun.elapsed() < Duration::from_secs(10));

    let closing = Receiver::replying(|_, _| Answer::Close);
    let outcome = egress.post(post(closing.url())).await;
    assert!(matches!(outcome, Err(Error::Broken(_))), "{outcome:?}");

    let endless = Receiver::replying(|_, _| {
        let headers = "x: y\r\n".repeat(20_000);
        Answer::Raw(Duration::ZERO, format!("HTTP/1.1 200 x\r\n{headers}\r\n"))
    });
    let outcome = egress.post(post(endless.url())).await;
    assert!(matches!(outcome, Err(Error::Broken(_))), "{outcome:?}");

    // A body that does not end is cut; the status has come.
    let half = "HTTP/1.1 200 x\r\ncontent-length: 9\r\n\r\nhalf".to_owned();
    let dying = Receiver::replying(move |_, _| Answer::Raw(Duration::ZERO, half.clone()));
    let reply = egress.post(post(dying.url())).await.unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (200, b"half".as_slice()));
}

/// Receivers that keep on writing, slowly or fast: what has no status in time is no answer, the rest is cut.
#[tokio::test]
async fn what_never_ends_is_cut() {
    let egress = Egress::new(open());
    let timeout = Duration::from_millis(500);
    let (drip, flood) = (Duration::from_millis(20), Duration::ZERO);
    for (pause, begin) in [(drip, ""), (drip, "HTTP/1.1 200 x\r\nx: "), (drip, "HTTP/1.1 ")] {
        let receiver = Receiver::replying(move |_, _| Answer::Endless(pause, begin.to_owned()));
        let begun = Instant::now();
        let outcome = egress.post(Post { timeout, ..post(receiver.url()) }).await;
        // Some of it is no HTTP after a few bytes.
        assert!(matches!(outcome, Err(Error::Slow(_) | Error::Broken(_))), "{outcome:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{begin:?}: {:?}", begun.elapsed());
    }
    let head = "HTTP/1.1 200 x\r\n\r\n";
    for (pause, reply_max_bytes) in [(drip, 4096), (flood, 4096), (drip, 2)] {
        let receiver = Receiver::replying(move |_, _| Answer::Endless(pause, head.to_owned()));
        let begun = Instant::now();
        let asked = Post { timeout, reply_max_bytes, ..post(receiver.url()) };
        let reply = egress.post(asked).await.unwrap();
        assert_eq!(reply.status, 200);
        assert!(!reply.body.is_empty() && reply.body.len() <= reply_max_bytes);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}

/// Encryption that is never agreed upon takes no longer than anything else.
#[tokio::test]
async fn a_receiver_that_does_not_shake_hands_is_left() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let timeout = Duration::from_millis(300);
    let outcome = Egress::new(open()).post(Post { timeout, ..post(&url) }).await;
    assert_eq!(outcome, Err(Error::Slow(timeout)));
}

#[tokio::test]
async fn only_schemes_that_are_allowed_are_used() {
    let receiver = Receiver::start();
    let egress = Egress::new(Policy { allow_private: true, ..Policy::default() });
    for url in [receiver.url(), "ftp://example.org/", "file:///etc/passwd", "no url", "https://"] {
        let outcome = egress.post(post(url)).await;
        assert!(matches!(outcome, Err(Error::Refused(_))), "{url}: {outcome:?}");
    }
    // A plain receiver does not get what was to be encrypted.
    let url = receiver.url().replace("http:", "https:");
    let outcome = egress.post(post(&url)).await;
    assert!(outcome.is_err(), "{outcome:?}");
    assert_eq!(receiver.received().len(), 0);
}
