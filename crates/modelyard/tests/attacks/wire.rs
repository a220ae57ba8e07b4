//! HTTP/1.1 as bytes: no client tidies up the path, the headers or the body.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Longer than any answer may take; an attack that hangs the server fails by it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Whether `secret` is anywhere in it.
    pub(crate) fn reveals(&self, secret: &str) -> bool {
        let secret = secret.as_bytes();
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
        holds(self.head.as_bytes()) || holds(&self.body)
    }
}

/// A connection that is kept open from attack to attack, as long as the server keeps it.
pub(crate) struct Wire {
    address: String,
    open: Option<BufReader<TcpStream>>,
}

impl Wire {
    /// A connection to `host:port`.
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), open: None }
    }

    /// Sends a request line, `Host`, `Content-Length` and the given headers, and a body.
    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &[u8],
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut request = [method.as_bytes(), b" ", target, b" HTTP/1.1\r\n"].concat();
        request.extend_from_slice(b"Host: localhost\r\n");
        for (name, value) in headers {
            request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let length = format!("Content-Length: {}\r\n\r\n", body.len());
        request.extend_from_slice(length.as_bytes());
        request.extend_from_slice(body);
        self.exchange(&request, method == "HEAD")
    }

    /// Sends JSON.
    pub(crate) fn json(&mut self, method: &str, target: &str, body: &Value) -> Reply {
        let headers = [("Content-Type", "application/json")];
        self.send(method, target.as_bytes(), &headers, body.to_string().as_bytes())
    }

    /// Sends a whole request as it is.
    pub(crate) fn exchange(&mut self, request: &[u8], head_only: bool) -> Reply {
        // The server may have closed the connection after the last answer, and is free to.
        if let Some(reply) = self.try_exchange(request, head_only) {
            return reply;
        }
        self.open = None;
        let shown = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
        self.try_exchange(request, head_only).unwrap_or_else(|| panic!("no answer to {shown}"))
    }

    fn try_exchange(&mut self, request: &[u8], head_only: bool) -> Option<Reply> {
        let mut connection = match self.open.take() {
            Some(connection) => connection,
            None => {
                let stream = TcpStream::connect(&self.address).expect("connect");
                stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
                stream.set_nodelay(true).expect("no delay");
                BufReader::new(stream)
            }
        };
        // A server that has refused already need not read the rest.
        let _ = connection.get_mut().write_all(request);
        let (reply, keep) = read_reply(&mut connection, head_only)?;
        if keep {
            self.open = Some(connection);
        }
        Some(reply)
    }
}

/// Reads one answer, and whether the connection stays open.
fn read_reply(connection: &mut BufReader<TcpStream>, head_only: bool) -> Option<(Reply, bool)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let lower = head.to_ascii_lowercase();
    let header = |name: &str| {
        let mut lines = lower.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let mut body = Vec::new();
    let keep = header("connection") != Some("close");
    if head_only || status == 204 || status == 304 {
        return Some((Reply { status, head, body }, keep));
    }
    match header("content-length") {
        Some(length) => {
            body.resize(length.parse().ok()?, 0);
            connection.read_exact(&mut body).ok()?;
        }
        None => read_chunks(connection, &mut body)?,
    }
    Some((Reply { status, head, body }, keep))
}

fn read_chunks(connection: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> Option<()> {
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        let start = body.len();
        body.resize(start + size + 2, 0);
        connection.read_exact(&mut body[start..]).ok()?;
        body.truncate(start + size);
        if size == 0 {
            return Some(());
        }
    }
}
