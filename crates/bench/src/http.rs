//! A lean keep-alive HTTP/1.1 client: one connection, one request in flight, no allocation per call.
//!
//! The measured servers run on the same cores as the generator, so every microsecond spent here is
//! taken from them. A general client costs several times what this one does.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest wait for one answer; the slowest peer needs about 90 s for one ordered search.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
/// Longest answer head, in bytes.
const HEAD_MAX: usize = 64 * 1024;
/// Room for one read, in bytes.
const READ_SIZE: usize = 256 * 1024;

/// Status and size of one answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
}

/// One keep-alive connection.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    inbound: Vec<u8>,
    start: usize,
    end: usize,
    body: Vec<u8>,
    /// The server closes after the last answer.
    spent: bool,
    /// A part of the awaited answer has come.
    partial: bool,
}

/// How the end of an answer's body is found.
enum Framing {
    Length(u64),
    Chunked,
}

struct Head {
    status: u16,
    framing: Framing,
    close: bool,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = connect(address).await?;
        let inbound = vec![0; READ_SIZE];
        let (body, spent, partial) = (Vec::new(), false, false);
        Ok(Self { address, stream, inbound, start: 0, end: 0, body, spent, partial })
    }

    /// Closes and opens again, after an error or when the server closes.
    pub(crate) async fn reopen(&mut self) -> Result<()> {
        self.stream = connect(self.address).await?;
        (self.start, self.end, self.spent) = (0, 0, false);
        Ok(())
    }

    /// Sends a whole request and keeps the answer's body for [`Connection::body`].
    pub(crate) async fn call(&mut self, request: &[u8]) -> Result<Reply> {
        self.exchange(request, None, true).await
    }

    /// Like [`Connection::call`], and anything but a 2xx is an error that quotes the answer.
    pub(crate) async fn expect_ok(&mut self, request: &[u8]) -> Result<Reply> {
        let reply = self.call(request).await?;
        self.check(reply)
    }

    /// Sends a request and throws the body away as it comes.
    pub(crate) async fn drain(&mut self, request: &[u8]) -> Result<Reply> {
        let reply = self.exchange(request, None, false).await?;
        self.check(reply)
    }

    /// Sends `head`, then `total` bytes made of repetitions of `piece`.
    pub(crate) async fn upload(&mut self, head: &[u8], piece: &[u8], total: u64) -> Result<Reply> {
        let reply = self.exchange(head, Some((piece, total)), true).await?;
        self.check(reply)
    }

    /// Body of the last kept answer.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    fn check(&self, reply: Reply) -> Result<Reply> {
        if (200..300).contains(&reply.status) {
            return Ok(reply);
        }
        let text = String::from_utf8_lossy(&self.body);
        bail!("status {}: {}", reply.status, text.chars().take(300).collect::<String>())
    }

    async fn exchange(
        &mut self,
        request: &[u8],
        more: Option<(&[u8], u64)>,
        keep: bool,
    ) -> Result<Reply> {
        if self.spent {
            self.reopen().await?;
        }
        let work = async {
            self.stream.write_all(request).await?;
            if let Some((piece, mut left)) = more {
                while left > 0 {
                    let now = left.min(piece.len() as u64) as usize;
                    self.stream.write_all(&piece[..now]).await?;
                    left -= now as u64;
                }
            }
            self.receive(keep).await
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, work).await {
            Ok(result) => result,
            Err(_elapsed) => bail!("no answer in {} s", ANSWER_TIMEOUT.as_secs()),
        }
    }

    async fn receive(&mut self, keep: bool) -> Result<Reply> {
        self.body.clear();
        self.partial = false;
        let head = loop {
            let (head, used) = self.head().await?;
            self.start += used;
            self.partial = true;
            // 1xx answers precede the real one.
            if head.status >= 200 {
                break head;
            }
        };
        // What the server says about a failure is always worth keeping.
        let keep = keep || head.status >= 300;
        let bytes = match head.framing {
            Framing::Length(length) => self.take(length, keep).await?,
            Framing::Chunked => self.chunks(keep).await?,
        };
        self.spent = head.close;
        Ok(Reply { status: head.status, bytes })
    }

    async fn head(&mut self) -> Result<(Head, usize)> {
        let mut seen = 0;
        loop {
            let waiting = &self.inbound[self.start..self.end];
            let from = seen.min(waiting.len());
            if let Some(at) = waiting[from..].windows(4).position(|w| w == b"\r\n\r\n") {
                let length = from + at;
                return Ok((parse_head(&waiting[..length])?, length + 4));
            }
            ensure!(waiting.len() < HEAD_MAX, "answer head longer than {HEAD_MAX} bytes");
            seen = waiting.len().saturating_sub(3);
            self.fill().await?;
        }
    }

    async fn chunks(&mut self, keep: bool) -> Result<u64> {
        let mut total = 0;
        loop {
            let line = self.line().await?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(digits, 16).context("chunk size")?;
            if size == 0 {
                while !self.line().await?.is_empty() {}
                return Ok(total);
            }
            total += self.take(size, keep).await?;
            ensure!(self.line().await?.is_empty(), "chunk without its end");
        }
    }

    async fn line(&mut self) -> Result<String> {
        loop {
            let waiting = &self.inbound[self.start..self.end];
            if let Some(at) = waiting.windows(2).position(|w| w == b"\r\n") {
                let line = String::from_utf8_lossy(&waiting[..at]).into_owned();
                self.start += at + 2;
                return Ok(line);
            }
            ensure!(waiting.len() < HEAD_MAX, "chunk line longer than {HEAD_MAX} bytes");
            self.fill().await?;
        }
    }

    async fn take(&mut self, length: u64, keep: bool) -> Result<u64> {
        let mut left = length;
        while left > 0 {
            if self.start == self.end {
                self.fill().await?;
            }
            let now = left.min((self.end - self.start) as u64) as usize;
            if keep {
                self.body.extend_from_slice(&self.inbound[self.start..self.start + now]);
            }
            self.start += now;
            left -= now as u64;
        }
        Ok(length)
    }

    async fn fill(&mut self) -> Result<()> {
        if self.partial {
            // The rest of an answer whose head has come. A server that writes the two apart without
            // TCP_NODELAY waits for our acknowledgement, which Linux delays by 40 ms: send it now,
            // so that every server is measured at its best.
            SockRef::from(&self.stream).set_tcp_quickack(true)?;
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.inbound.len() {
            self.inbound.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let count = self.stream.read(&mut self.inbound[self.end..]).await?;
        ensure!(count > 0, "the server closed the connection");
        self.end += count;
        Ok(())
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await.context("connect")?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn parse_head(head: &[u8]) -> Result<Head> {
    let text = std::str::from_utf8(head).context("answer head is not text")?;
    let mut lines = text.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status: u16 = status_line
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .with_context(|| format!("status line {status_line:?}"))?;
    let mut framing = None;
    let mut close = false;
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            framing = Some(Framing::Length(value.parse().context("content-length")?));
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Some(Framing::Chunked);
        } else if name.eq_ignore_ascii_case("connection") {
            close = value.eq_ignore_ascii_case("close");
        }
    }
    let framing = match framing {
        Some(framing) => framing,
        None if status < 200 || status == 204 || status == 304 => Framing::Length(0),
        None => bail!("answer without a length: {status_line:?}"),
    };
    Ok(Head { status, framing, close })
}

/// Writes a `POST` of a JSON body into `out`, replacing what was there.
pub(crate) fn post(out: &mut Vec<u8>, path: &str, body: &[u8]) {
    use std::io::Write as _;
    out.clear();
    let length = body.len();
    // Writing into a vector cannot fail.
    let _ = write!(
        out,
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    out.extend_from_slice(body);
}

/// A whole `GET` request.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes()
}

/// The head of a `PUT` of `length` bytes.
pub(crate) fn put_head(path: &str, length: u64) -> Vec<u8> {
    format!(
        "PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Answers each request that arrives with the next of `answers`, in writes of `step` bytes.
    async fn serve(answers: Vec<&'static [u8]>, step: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            for answer in answers {
                assert!(stream.read(&mut buffer).await.unwrap() > 0);
                for piece in answer.chunks(step) {
                    stream.write_all(piece).await.unwrap();
                    stream.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn reads_lengths_chunks_and_interim_answers_in_any_pieces() {
        for step in [1, 7, 4096] {
            let address = serve(
                vec![
                    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
                    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
                ],
                step,
            )
            .await;
            let mut connection = Connection::open(address).await.unwrap();
            let reply = connection.call(&get("/a")).await.unwrap();
            assert_eq!((reply.status, reply.bytes, connection.body()), (200, 5, &b"hello"[..]));
            let reply = connection.call(&get("/b")).await.unwrap();
            assert_eq!((reply.status, reply.bytes, connection.body()), (200, 5, &b"abcde"[..]));
            let reply = connection.call(&get("/c")).await.unwrap();
            assert_eq!((reply.status, reply.bytes, connection.body()), (201, 0, &b""[..]));
        }
    }

    #[tokio::test]
    async fn a_refusal_is_an_error_that_quotes_the_answer() {
        let address =
            serve(vec![b"HTTP/1.1 429 Too Many\r\nContent-Length: 4\r\n\r\nbusy"], 4096).await;
        let mut connection = Connection::open(address).await.unwrap();
        let error = connection.drain(&get("/")).await.unwrap_err().to_string();
        assert_eq!(error, "status 429: busy");
    }
}
