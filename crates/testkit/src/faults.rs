//! A proxy in front of a server that breaks, or damages, what it is told to.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The longest head of a request or an answer.
const HEAD_MAX_BYTES: usize = 64 << 10;
/// How long either side may say nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The proxy takes the request and answers with this status and S3's code for it.
    Answer(u16, &'static str),
    /// The connection breaks when so many bytes of the body have come; the server hears nothing of it.
    Request(u64),
    /// The server does what it is asked to; the connection breaks after so many bytes of its answer, head
    /// included.
    Response(u64),
    /// The byte at this place of the request's body is changed on its way.
    DamagedRequest(u64),
    /// The byte at this place of the answer's body is changed on its way.
    DamagedResponse(u64),
}

/// Which requests a fault meets, how often, and the fault.
#[derive(Debug)]
struct Rule {
    method: &'static str,
    /// What the path and query must contain.
    part: String,
    left: u32,
    fault: Break,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    seen: Vec<String>,
    broken: u32,
}

/// The proxy. It ends with the process.
#[derive(Debug, Clone)]
pub struct FaultyProxy {
    url: String,
    state: Arc<Mutex<State>>,
}

impl FaultyProxy {
    /// Starts a proxy in front of a server, such as `http://127.0.0.1:9000`.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind a free port");
        let port = listener.local_addr().expect("read the port").port();
        let server = server.strip_prefix("http://").expect("an http address").to_owned();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, state) = (server.clone(), Arc::clone(&shared));
                // What breaks here is what was to be broken, or a peer that is gone.
                std::thread::spawn(move || drop(serve(client, &server, &state)));
            }
        });
        Self { url: format!("http://127.0.0.1:{port}"), state }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Breaks the next `times` requests of this method whose path and query contain `part`.
    pub fn break_next(&self, times: u32, method: &'static str, part: &str, fault: Break) {
        let rule = Rule { method, part: part.to_owned(), left: times, fault };
        lock(&self.state).rules.push(rule);
    }

    /// Breaks nothing more.
    pub fn heal(&self) {
        lock(&self.state).rules.clear();
    }

    /// How many requests were broken.
    pub fn broken(&self) -> u32 {
        lock(&self.state).broken
    }

    /// All requests so far, as `METHOD path?query`.
    pub fn seen(&self) -> Vec<String> {
        lock(&self.state).seen.clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("the state of the proxy")
}

/// Serves one request and closes the connection.
fn serve(mut client: TcpStream, server: &str, state: &Mutex<State>) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    let (head, body) = read_head(&mut client)?;
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let fault = note(state, method, target);
    if header(&head, "expect").is_some() {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length: u64 = header(&head, "content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    let rest = length.saturating_sub(body.len() as u64);
    match fault {
        Some(Break::Answer(status, code)) => {
            io::copy(&mut (&client).take(rest), &mut io::sink())?;
            return answer(&mut client, status, code);
        }
        Some(Break::Request(bytes)) => {
            let more = bytes.saturating_sub(body.len() as u64).min(rest);
            io::copy(&mut (&client).take(more), &mut io::sink())?;
            return client.shutdown(Shutdown::Both);
        }
        Some(Break::Response(_) | Break::DamagedRequest(_) | Break::DamagedResponse(_)) | None => {}
    }
    let mut upstream = TcpStream::connect(server)?;
    upstream.set_read_timeout(Some(PATIENCE))?;
    upstream.write_all(closing(&head).as_bytes())?;
    let damage = match fault {
        Some(Break::DamagedRequest(at)) => Some(at),
        _ => None,
    };
    let whole = body.as_slice().chain((&client).take(rest));
    io::copy(&mut Damaged { inner: whole, position: 0, damage }, &mut upstream)?;
    let (head, body) = read_head(&mut upstream)?;
    let damage = match fault {
        Some(Break::DamagedResponse(at)) => Some(at),
        _ => None,
    };
    let allowed = match fault {
        Some(Break::Response(bytes)) => bytes,
        _ => u64::MAX,
    };
    let head = closing(&head).into_bytes();
    let whole = Damaged { inner: body.as_slice().chain(upstream), position: 0, damage };
    io::copy(&mut head.as_slice().chain(whole).take(allowed), &mut client)?;
    client.shutdown(Shutdown::Both)
}

/// A body, with one byte of it changed.
struct Damaged<R> {
    inner: R,
    position: u64,
    damage: Option<u64>,
}

impl<R: Read> Read for Damaged<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let place = self.damage.and_then(|at| at.checked_sub(self.position));
        let place = place.and_then(|at| usize::try_from(at).ok()).filter(|at| *at < count);
        if let Some(at) = place {
            buffer[at] ^= 1;
        }
        self.position += count as u64;
        Ok(count)
    }
}

/// Notes a request; what is to go wrong with it.
fn note(state: &Mutex<State>, method: &str, target: &str) -> Option<Break> {
    let mut state = lock(state);
    state.seen.push(format!("{method} {target}"));
    let matches =
        |rule: &&mut Rule| rule.left > 0 && rule.method == method && target.contains(&rule.part);
    let rule = state.rules.iter_mut().find(matches)?;
    rule.left -= 1;
    let fault = rule.fault;
    state.broken += 1;
    Some(fault)
}

/// The head, with its empty line, and what came of the body with it.
fn read_head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let body = bytes.split_off(at + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), body));
        }
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count if bytes.len() < HEAD_MAX_BYTES => bytes.extend_from_slice(&buffer[..count]),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The head, saying that the connection ends with this message. Nobody behind the proxy has to wait for a body.
fn closing(head: &str) -> String {
    let own = ["connection:", "expect:"];
    let is_other = |line: &&str| {
        let line = line.to_ascii_lowercase();
        !own.iter().any(|name| line.starts_with(name))
    };
    let lines: Vec<&str> = head.trim_end().split("\r\n").filter(is_other).collect();
    format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"))
}

fn answer(client: &mut TcpStream, status: u16, code: &str) -> io::Result<()> {
    let body = format!("<Error><Code>{code}</Code><Message>broken on purpose</Message></Error>");
    let head = format!("HTTP/1.1 {status} Broken\r\nContent-Type: application/xml\r\n");
    write!(client, "{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}
