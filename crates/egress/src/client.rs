//! One request over one connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONNECTION, HOST, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use url::{Host, Url};

use crate::address::is_metadata;
use crate::tls::Tls;
use crate::{Error, Policy, Post, Reply, Resolve, SystemResolver, is_public};

/// How long setting up a connection may take, for each address of a name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried: enough for a service with several, too few to scan a network.
const ADDRESSES_MAX: usize = 4;
/// How long the beginning of an answer's body is waited for at most, when its status is there.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest head of an answer.
const HEAD_MAX_BYTES: usize = 16 << 10;

/// A client that goes only where its [`Policy`] lets it.
pub struct Egress {
    policy: Policy,
    resolver: Arc<dyn Resolve>,
    tls: Tls,
}

impl Egress {
    /// A client that asks the operating system for addresses.
    pub fn new(policy: Policy) -> Self {
        Self::with_resolver(policy, Arc::new(SystemResolver::default()))
    }

    /// A client that asks `resolver` for addresses.
    pub fn with_resolver(policy: Policy, resolver: Arc<dyn Resolve>) -> Self {
        Self { policy, resolver, tls: Tls::default() }
    }

    /// Where requests may go.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The first address of the URL's host that must not be reached, if there is one. Nothing is sent.
    ///
    /// # Errors
    /// When the URL cannot be used, or the name means nothing.
    pub async fn forbidden(&self, url: &str, timeout: Duration) -> Result<Option<IpAddr>, Error> {
        let url = self.parse(url)?;
        // Where a name of one's own network leads may show only later; it is judged when it is connected to.
        if self.policy.allow_private && matches!(url.host(), Some(Host::Domain(_))) {
            return Ok(None);
        }
        let look_up = self.addresses(&url);
        let found = tokio::time::timeout(timeout, look_up).await;
        let found = found.unwrap_or(Err(Error::Slow(timeout)))?;
        Ok(found.into_iter().map(|address| address.ip()).find(|address| !self.may_reach(*address)))
    }

    /// Sends a request and reads the beginning of its answer.
    ///
    /// # Errors
    /// When no answer came; any answer is none.
    pub async fn post(&self, post: Post<'_>) -> Result<Reply, Error> {
        let (begun, timeout, max_bytes) = (Instant::now(), post.timeout, post.reply_max_bytes);
        let exchange = tokio::time::timeout(timeout, self.exchange(post)).await;
        let (response, _connection) = exchange.unwrap_or(Err(Error::Slow(timeout)))?;
        let rest = timeout.saturating_sub(begun.elapsed()).min(BODY_TIMEOUT);
        Ok(read(response, max_bytes, rest).await)
    }

    /// The head of the answer, and the connection that its body comes from.
    async fn exchange(&self, post: Post<'_>) -> Result<(Response<Incoming>, Connection), Error> {
        let url = self.parse(post.url)?;
        let request = request(&url, &post)?;
        let stream = self.connect(&url).await?;
        let (mut sender, connection) = if url.scheme() == "https" {
            let name = server_name(&url)?;
            let connector = self.tls.connector().await?;
            let encrypted = connector.connect(name, stream).await.map_err(broken)?;
            handshake(encrypted).await?
        } else {
            handshake(stream).await?
        };
        let response = sender.send_request(request).await.map_err(broken)?;
        Ok((response, connection))
    }

    fn parse(&self, url: &str) -> Result<Url, Error> {
        let refused = |why: String| Error::Refused(format!("the URL cannot be used: {why}"));
        let url = Url::parse(url).map_err(|error| refused(error.to_string()))?;
        if !self.policy.schemes.iter().any(|scheme| scheme == url.scheme()) {
            return Err(refused(format!("the scheme '{}' is not allowed", url.scheme())));
        }
        // Other schemes have no meaning here, whatever the policy says.
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(format!("'{}' is not a scheme of HTTP", url.scheme())));
        }
        Ok(url)
    }

    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, Error> {
        // Schemes of HTTP have a port.
        let port = url.port_or_known_default().unwrap_or_default();
        let host = match url.host() {
            Some(Host::Ipv4(address)) => return Ok(vec![(address, port).into()]),
            Some(Host::Ipv6(address)) => return Ok(vec![(address, port).into()]),
            Some(Host::Domain(name)) => name,
            None => return Err(Error::Refused("the URL names no host".to_owned())),
        };
        let unresolved = |cause: String| Error::Unresolved { host: host.to_owned(), cause };
        match self.resolver.resolve(host, port).await {
            Ok(found) if found.is_empty() => Err(unresolved("it has no address".to_owned())),
            Ok(found) => Ok(found),
            Err(error) => Err(unresolved(error.to_string())),
        }
    }

    /// A connection to the first address that takes one. A name that has one forbidden address is refused whole:
    /// it is somebody's trick, or somebody's mistake.
    async fn connect(&self, url: &Url) -> Result<TcpStream, Error> {
        let look_up = tokio::time::timeout(CONNECT_TIMEOUT, self.addresses(url)).await;
        let found = look_up.unwrap_or(Err(Error::Slow(CONNECT_TIMEOUT)))?;
        found.iter().try_for_each(|address| self.judge(*address))?;
        let mut last = Error::Slow(CONNECT_TIMEOUT);
        for address in found.into_iter().take(ADDRESSES_MAX) {
            match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // What counts is who is at the other end.
                    self.judge(stream.peer_addr().map_err(broken)?)?;
                    return Ok(stream);
                }
                Ok(Err(error)) => {
                    last = Error::Broken(format!("no connection to {address}: {error}"));
                }
                Err(_too_slow) => {
                    let seconds = CONNECT_TIMEOUT.as_secs();
                    last = Error::Broken(format!("no connection to {address} within {seconds} s"));
                }
            }
        }
        Err(last)
    }

    fn may_reach(&self, address: IpAddr) -> bool {
        is_public(address) || (self.policy.allow_private && !is_metadata(address))
    }

    fn judge(&self, address: SocketAddr) -> Result<(), Error> {
        if self.may_reach(address.ip()) {
            return Ok(());
        }
        Err(Error::Refused(format!("{} is not a public IP address", address.ip())))
    }
}

/// Ends the task of a connection when the exchange is over.
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn handshake<S>(stream: S) -> Result<(http1::SendRequest<Full<Bytes>>, Connection), Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_MAX_BYTES);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("an outgoing connection ended: {error}");
        }
    });
    Ok((sender, Connection(task.abort_handle())))
}

fn request(url: &Url, post: &Post<'_>) -> Result<Request<Full<Bytes>>, Error> {
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let refused = |error: &dyn std::fmt::Display| Error::Refused(format!("the URL: {error}"));
    let mut host = url.host_str().unwrap_or_default().to_owned();
    if let Some(port) = url.port() {
        host.push_str(&format!(":{port}"));
    }
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_str(&host).map_err(|error| refused(&error))?);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if !url.username().is_empty() || url.password().is_some() {
        headers.insert(AUTHORIZATION, credentials(url)?);
    }
    for (name, value) in &post.headers {
        headers.insert(*name, HeaderValue::from_str(value).map_err(|error| refused(&error))?);
    }
    let mut request = Request::post(path)
        .body(Full::new(Bytes::from(post.body.clone())))
        .map_err(|error| refused(&error))?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// The URL's user and password, as MLflow's client sends them.
fn credentials(url: &Url) -> Result<HeaderValue, Error> {
    let decode = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let mut pair = decode(url.username());
    pair.push(b':');
    pair.extend(decode(url.password().unwrap_or_default()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
        .map_err(|error| Error::Refused(error.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn server_name(url: &Url) -> Result<ServerName<'static>, Error> {
    let name = match url.host() {
        Some(Host::Ipv4(address)) => ServerName::IpAddress(IpAddr::V4(address).into()),
        Some(Host::Ipv6(address)) => ServerName::IpAddress(IpAddr::V6(address).into()),
        Some(Host::Domain(name)) => ServerName::try_from(name.to_owned())
            .map_err(|error| Error::Refused(format!("the URL's host: {error}")))?,
        None => return Err(Error::Refused("the URL names no host".to_owned())),
    };
    Ok(name)
}

/// The status and the beginning of the body; what breaks after the status does not matter.
async fn read(response: Response<Incoming>, max_bytes: usize, timeout: Duration) -> Reply {
    let (head, mut incoming) = response.into_parts();
    let header = |name| head.headers.get(name).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    let reading = async {
        while body.len() < max_bytes
            && let Some(Ok(frame)) = incoming.frame().await
        {
            if let Some(data) = frame.data_ref() {
                body.extend_from_slice(&data[..data.len().min(max_bytes - body.len())]);
            }
        }
    };
    // A body that does not end is cut; the answer is its status.
    let _ = tokio::time::timeout(timeout, reading).await;
    let (retry_after, location) = (header(RETRY_AFTER), header(LOCATION));
    Reply { status: head.status.as_u16(), retry_after, location, body }
}

fn broken(error: impl std::error::Error) -> Error {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    Error::Broken(text)
}
