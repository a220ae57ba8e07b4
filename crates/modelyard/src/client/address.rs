//! Where the tracking server is: `--tracking-uri`, parsed once.

use std::fmt;

use percent_encoding::percent_decode_str;
use ureq::http::Uri;

use super::Error;

/// The base address of a tracking server: scheme, host, port and path prefix.
///
/// Shown without the user name and password that a URI may carry.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    base: String,
    scheme: String,
    authority: String,
    user: Option<(String, String)>,
}

impl Address {
    /// Parses `http(s)://[user:password@]host[:port][/prefix]`.
    ///
    /// # Errors
    /// [`Error::Address`] for any other scheme, a missing host, a query or a fragment.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let refuse = |why: &str| Error::Address(format!("`{}` {why}", without_userinfo(text)));
        let (scheme, rest) = text.split_once("://").ok_or_else(|| refuse(NOT_HTTP))?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err(refuse(NOT_HTTP));
        }
        if rest.contains(['?', '#']) {
            return Err(refuse("must not have a query or a fragment."));
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(parse_user(user, &refuse)?), host),
            None => (None, authority),
        };
        let path = path.trim_end_matches('/');
        let base = format!("{scheme}://{host}{path}");
        match base.parse::<Uri>() {
            Ok(uri) if uri.host().is_some_and(|host| !host.is_empty()) => {
                Ok(Self { base, scheme, authority: host.to_ascii_lowercase(), user })
            }
            Ok(_) => Err(refuse("names no host.")),
            Err(error) => Err(refuse(&format!("is not an address: {error}."))),
        }
    }

    /// The full URL of a path that starts with `/`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The user name and password written in the URI.
    pub(crate) fn user(&self) -> Option<(&str, &str)> {
        self.user.as_ref().map(|(name, password)| (name.as_str(), password.as_str()))
    }

    /// Whether the connection is encrypted.
    pub(crate) fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// Whether the server is on this machine, so that no proxy lies between.
    pub(crate) fn is_loopback(&self) -> bool {
        let uri = self.base.parse::<Uri>().ok();
        let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.eq_ignore_ascii_case("localhost")
            || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether `authority` (`host[:port]`) is this very server.
    pub(crate) fn is_at(&self, authority: &str) -> bool {
        let port = if self.is_https() { ":443" } else { ":80" };
        let plain = |text: &str| text.strip_suffix(port).unwrap_or(text).to_ascii_lowercase();
        plain(&self.authority) == plain(authority)
    }

    /// The server at another `host[:port]`, over the same scheme and without credentials.
    ///
    /// # Errors
    /// [`Error::Address`] if `authority` is not a host and port.
    pub(crate) fn at(&self, authority: &str) -> Result<Self, Error> {
        if authority.contains(['/', '@']) {
            return Err(Error::Address(format!("`{authority}` is not a host and port.")));
        }
        Self::parse(&format!("{}://{authority}", self.scheme))
    }
}

const NOT_HTTP: &str = "is not an http:// or https:// address. Give the address of a running \
                        tracking server, for example http://localhost:5000.";

fn parse_user(user: &str, refuse: &dyn Fn(&str) -> Error) -> Result<(String, String), Error> {
    let decode = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(std::borrow::Cow::into_owned).map_err(|error| {
            refuse(&format!("has a user name or password that is not UTF-8: {error}."))
        })
    };
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    Ok((decode(name)?, decode(password)?))
}

/// The address as it may be shown: passwords must not end up in a log.
fn without_userinfo(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://…@{}", &rest[at + 1..]),
        None => text.to_owned(),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Address::parse(text).expect_err("must be refused").to_string()
    }

    #[test]
    fn a_prefix_stays_and_a_final_slash_goes() {
        let address = Address::parse(" http://Host:5000/ml/ ").expect("an address");
        assert_eq!(address.url("/api/x"), "http://Host:5000/ml/api/x");
    }

    #[test]
    fn credentials_are_taken_out_of_the_text() {
        let address = Address::parse("https://an%40n:p%3Aw@host").expect("an address");
        assert_eq!(address.user(), Some(("an@n", "p:w")));
        assert_eq!(format!("{address} {address:?}"), "https://host https://host");
    }

    #[test]
    fn refusals_name_the_address_but_never_the_password() {
        assert!(refusal("databricks").contains("`databricks` is not an http"));
        assert!(refusal("sqlite:///mlflow.db").contains("running tracking server"));
        assert!(refusal("http:///x").contains("`http:///x`"));
        assert!(refusal("http://h/?x=1").contains("query"));
        let text = refusal("ftp://ann:hunter2@host/x");
        assert!(text.contains("ftp://…@host/x") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn loopback_is_told_by_the_parsed_host() {
        let is_loopback = |text| Address::parse(text).expect("an address").is_loopback();
        assert!(is_loopback("http://127.0.0.7:1"));
        assert!(is_loopback("http://[::1]:1"));
        assert!(is_loopback("http://LOCALHOST"));
        assert!(!is_loopback("http://127.0.0.1.example"));
    }

    #[test]
    fn the_same_server_is_known_with_and_without_its_default_port() {
        let address = Address::parse("https://Host/ml").expect("an address");
        assert!(address.is_at("host:443") && address.is_at("HOST"));
        assert!(!address.is_at("host:80") && !address.is_at("other"));
        let other = address.at("other:9").expect("an address");
        assert_eq!(other.to_string(), "https://other:9");
        assert!(address.at("u:p@other").is_err());
    }
}
