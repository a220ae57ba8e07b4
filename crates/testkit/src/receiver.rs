//! A receiver of requests that behaves as a test wants it.

use std::io::{self, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::request::Request;

/// How long a test waits for requests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// The path and query.
    pub path: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Received {
    /// A header; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(it, _)| it == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

impl From<Request> for Received {
    fn from(request: Request) -> Self {
        let path = request.line.split(' ').nth(1).unwrap_or_default().to_owned();
        let body = String::from_utf8(request.body).expect("a body in UTF-8");
        Self { path, headers: request.headers, body }
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// This status, without a body.
    Status(u16),
    /// These bytes, after this time; then the connection is closed.
    Raw(Duration, String),
    /// These bytes, then one more after each pause, as long as somebody reads.
    Endless(Duration, String),
    /// Nothing: the connection stays open.
    Silence,
    /// Nothing: the connection is closed.
    Close,
}

/// A server that notes each request and answers it.
pub struct Receiver {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// Takes everything.
    pub fn start() -> Self {
        Self::replying(|_, _| Reply::Status(200))
    }

    /// Answers each request as `reply` says, which is given the number of requests before it.
    pub fn replying(reply: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::behind("http", Ok, reply)
    }

    /// Takes everything, encrypted, with this certificate and key in PEM.
    ///
    /// # Panics
    /// If they are none.
    pub fn encrypted(certificate: &[u8], key: &[u8]) -> Self {
        let certificate = CertificateDer::from_pem_slice(certificate).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(key).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate and its key");
        let config = Arc::new(config);
        let encrypt = move |stream| {
            let connection =
                ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            Ok(StreamOwned::new(connection, stream))
        };
        Self::behind("https", encrypt, |_, _| Reply::Status(200))
    }

    fn behind<S: Read + Write>(
        scheme: &str,
        wrap: impl Fn(TcpStream) -> io::Result<S> + Send + Sync + 'static,
        reply: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let url = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (all, shared) = (Arc::clone(&received), Arc::new((wrap, reply)));
        // It ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (all, shared) = (Arc::clone(&all), Arc::clone(&shared));
                std::thread::spawn(move || {
                    // Whoever goes away in between is what some tests are about.
                    let _ = shared.0(stream).and_then(|stream| serve(stream, &all, &shared.1));
                });
            }
        });
        Self { url, received }
    }

    /// The address, without a path.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What came so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("the list").clone()
    }

    /// What came, once it is at least so many.
    ///
    /// # Panics
    /// If they do not come.
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        self.wait_until(|received| received.len() >= count)
    }

    /// What came, once it is enough.
    ///
    /// # Panics
    /// If it never is.
    pub fn wait_until(&self, enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let received = self.received();
            if enough(&received) {
                return received;
            }
            assert!(Instant::now() < deadline, "only {} requests came", received.len());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn serve(
    stream: impl Read + Write,
    all: &Mutex<Vec<Received>>,
    reply: &impl Fn(&Received, usize) -> Reply,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let Some(request) = Request::read(&mut reader)?.map(Received::from) else { return Ok(()) };
    let mut stream = reader.into_inner();
    let before = {
        let mut all = all.lock().expect("the list");
        all.push(request.clone());
        all.len() - 1
    };
    match reply(&request, before) {
        Reply::Status(status) => {
            write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        }
        Reply::Raw(pause, text) => {
            std::thread::sleep(pause);
            stream.write_all(text.as_bytes())
        }
        Reply::Endless(pause, begin) => {
            stream.write_all(begin.as_bytes())?;
            loop {
                stream.flush()?;
                std::thread::sleep(pause);
                stream.write_all(b"a")?;
            }
        }
        Reply::Silence => {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).map(drop)
        }
        Reply::Close => Ok(()),
    }
}
