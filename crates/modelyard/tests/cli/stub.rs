//! A server that answers what a test wants, however wrong.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub(crate) use modelyard_testkit::Request;

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Break the connection after so many bytes of the body; `None`: send it whole.
    pub(crate) cut: Option<usize>,
    /// Announce twice the body, send it, and say no more.
    pub(crate) stall: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), cut: None, stall: false }
    }

    pub(crate) fn json(body: &serde_json::Value) -> Self {
        Self::new(200, body.to_string())
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Not even a status line: the connection just ends.
    pub(crate) fn nothing() -> Self {
        Self::new(0, "")
    }
}

/// A running stub. Its thread ends with the test process.
pub(crate) struct Stub {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Stub {
    /// Starts a stub that answers with what `answer` makes of a request and the number of requests
    /// before it.
    pub(crate) fn start(
        answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (all, answer) = (Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (all, answer) = (Arc::clone(&all), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &all, &*answer));
            }
        });
        Self { url, seen }
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().expect("the requests").clone()
    }

    /// Their first lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|request| request.line).collect()
    }
}

/// Answers the requests of one connection.
fn serve(
    stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request, usize) -> Answer,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let request = Request::read(&mut reader).ok()??;
        let before = {
            let mut seen = seen.lock().expect("the requests");
            seen.push(request.clone());
            seen.len() - 1
        };
        let answer = answer(&request, before);
        if answer.status == 0 {
            return None;
        }
        let mut head = format!("HTTP/1.1 {} Stub\r\n", answer.status);
        for (name, value) in &answer.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = if answer.stall { answer.body.len() * 2 } else { answer.body.len() };
        head.push_str(&format!("content-length: {length}\r\n\r\n"));
        let out = reader.get_mut();
        out.write_all(head.as_bytes()).ok()?;
        out.write_all(&answer.body[..answer.cut.unwrap_or(answer.body.len())]).ok()?;
        if answer.cut.is_some() {
            return None;
        }
    }
}
