//! The check of the `Host` header against DNS rebinding.
//!
//! A page of an attacker can make its own name resolve to this server's address; the browser then
//! takes our answers for the attacker's own. Such requests carry the attacker's name as `Host`.
//! MLflow 3.17 compares text (`10.*`), which `10.attacker.example` passes; here a host counts as an
//! address only if it parses as one.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::{HeaderMap, Uri, header};

/// The hosts a request may be addressed to.
#[derive(Debug, Clone)]
pub struct AllowedHosts(Rule);

#[derive(Debug, Clone)]
enum Rule {
    /// `*`.
    Any,
    /// What `--allowed-hosts` lists, and nothing else.
    Listed(Vec<Pattern>),
    /// This machine and private networks, and the address the server was told to listen on.
    Default { bound: String },
}

impl AllowedHosts {
    /// The default: `localhost`, loopback and private addresses on any port, and `bound`, the host
    /// the server listens on.
    pub fn default_for(bound: &str) -> Self {
        Self(Rule::Default { bound: bound.trim_matches(['[', ']']).to_owned() })
    }

    /// What `--allowed-hosts` says: names and addresses separated by commas, with an optional port
    /// and `*` as a wildcard; `*` alone allows everything. An entry without a port allows each.
    pub fn listed(text: &str) -> Self {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let patterns: Vec<_> = entries.map(Pattern::new).collect();
        let any = patterns.iter().any(|pattern| pattern.text == "*");
        Self(if any { Rule::Any } else { Rule::Listed(patterns) })
    }

    /// Whether everything is allowed.
    pub fn allows_any(&self) -> bool {
        matches!(self.0, Rule::Any)
    }

    /// Judges a request by its one `Host` header, and by the authority of its URI if it has one.
    pub(super) fn allow(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        if self.allows_any() {
            return true;
        }
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let by_header = host.to_str().is_ok_and(|host| self.allow_host(host));
        let by_uri = uri.authority().is_none_or(|authority| self.allow_host(authority.as_str()));
        by_header && by_uri
    }

    fn allow_host(&self, text: &str) -> bool {
        let Some(host) = Host::parse(text) else { return false };
        match &self.0 {
            Rule::Any => true,
            Rule::Listed(patterns) => patterns.iter().any(|pattern| pattern.matches(&host)),
            Rule::Default { bound } => {
                host.address.is_some_and(is_local)
                    || host.name.eq_ignore_ascii_case("localhost")
                    || host.name.eq_ignore_ascii_case(bound)
            }
        }
    }
}

/// Loopback, unspecified (browsers reach the machine itself by it) and private addresses: RFC 1918
/// and RFC 4193.
fn is_local(address: IpAddr) -> bool {
    let v4 = |v4: Ipv4Addr| v4.is_loopback() || v4.is_unspecified() || v4.is_private();
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => v4(mapped),
            None => address.is_loopback() || address.is_unspecified() || address.is_unique_local(),
        },
    }
}

/// A parsed `Host` header: `name`, `name:port`, `[v6]` or `[v6]:port`.
struct Host<'a> {
    /// As sent, with the port.
    whole: &'a str,
    /// Without port and brackets.
    name: &'a str,
    address: Option<IpAddr>,
}

impl<'a> Host<'a> {
    fn parse(whole: &'a str) -> Option<Self> {
        let (name, port, address) = match whole.strip_prefix('[') {
            Some(rest) => {
                let (name, after) = rest.split_once(']')?;
                let port = if after.is_empty() { None } else { Some(after.strip_prefix(':')?) };
                (name, port, Some(IpAddr::V6(name.parse().ok()?)))
            }
            None => {
                let (name, port) = match whole.split_once(':') {
                    Some((name, port)) => (name, Some(port)),
                    None => (whole, None),
                };
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
                if name.is_empty() || !name.bytes().all(legal) {
                    return None;
                }
                (name, port, name.parse().ok().map(IpAddr::V4))
            }
        };
        let legal_port = port.is_none_or(|port| port.parse::<u16>().is_ok() && is_digits(port));
        legal_port.then_some(Self { whole, name, address })
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// One entry of `--allowed-hosts`.
#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    has_port: bool,
    /// Like `192.168.*`: meant for addresses, so names do not match it.
    is_numeric: bool,
}

impl Pattern {
    fn new(entry: &str) -> Self {
        let text = entry.to_ascii_lowercase();
        let after_address = text.rsplit_once(']').map_or(text.as_str(), |(_, after)| after);
        let has_port = after_address.contains(':');
        let is_numeric = text.contains('*')
            && text.bytes().any(|byte| byte.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_digit() || b".*:".contains(&byte));
        Self { text, has_port, is_numeric }
    }

    fn matches(&self, host: &Host<'_>) -> bool {
        if self.is_numeric && host.address.is_none() {
            return false;
        }
        let matches = |pattern: &str, text: &str| wildcard(pattern, &text.to_ascii_lowercase());
        matches(&self.text, host.whole)
            || (!self.has_port && matches(self.text.trim_matches(['[', ']']), host.name))
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any characters.
pub(super) fn wildcard(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(hosts: &AllowedHosts, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a header value"));
        hosts.allow(&headers, &Uri::from_static("/"))
    }

    #[test]
    fn the_default_is_this_machine_and_private_networks() {
        let hosts = AllowedHosts::default_for("203.0.113.9");
        for host in [
            "localhost",
            "localhost:5000",
            "LOCALHOST:80",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]",
            "[::1]:5000",
            "0.0.0.0:5000",
            "10.1.2.3",
            "172.16.0.1:9",
            "172.31.255.255",
            "192.168.0.7:5000",
            "[fd00::1]:5000",
            "[fc12::]",
            "[::ffff:10.0.0.1]",
            "203.0.113.9:5000",
        ] {
            assert!(allows(&hosts, host), "{host}");
        }
    }

    #[test]
    fn a_name_that_looks_like_an_address_is_not_one() {
        let hosts = AllowedHosts::default_for("0.0.0.0");
        for host in [
            "evil.example",
            "10.attacker.example",
            "192.168.attacker.example",
            "172.16.attacker.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil.example:5000",
            "8.8.8.8",
            "172.32.0.1",
            "10.1.2.3@evil.example",
            "[::1]evil.example",
            "[10.0.0.1]",
            "[2001:db8::1]",
            "127.1",
            "0x7f000001",
            "2130706433",
            "localhost:",
            "localhost:99999",
            "localhost:+80",
            "local host",
            "",
            ":80",
            "::1",
            "[::1",
            "169.254.169.254",
        ] {
            assert!(!allows(&hosts, host), "{host}");
        }
    }

    #[test]
    fn a_list_replaces_the_default() {
        let hosts = AllowedHosts::listed(
            "mlflow.example.com, app-*.internal,192.168.*,[fd00::5], api.example:8443",
        );
        for host in [
            "mlflow.example.com",
            "MLflow.example.com:5000",
            "app-1.internal",
            "app-x.y.internal:80",
            "192.168.3.4",
            "192.168.3.4:5000",
            "[fd00::5]:5000",
            "api.example:8443",
        ] {
            assert!(allows(&hosts, host), "{host}");
        }
        for host in [
            "localhost",
            "127.0.0.1",
            "xmlflow.example.com",
            "mlflow.example.com.evil",
            "app-1.internal.evil",
            "192.168.attacker.example",
            "192.169.0.1",
            "[fd00::6]",
            "api.example",
            "api.example:80",
        ] {
            assert!(!allows(&hosts, host), "{host}");
        }
    }

    #[test]
    fn a_star_allows_everything() {
        let hosts = AllowedHosts::listed("a.example,*");
        assert!(hosts.allows_any());
        assert!(allows(&hosts, "evil.example"));
    }

    #[test]
    fn a_request_has_one_host() {
        let hosts = AllowedHosts::default_for("127.0.0.1");
        assert!(!hosts.allow(&HeaderMap::new(), &Uri::from_static("/")));
        let mut two = HeaderMap::new();
        two.append(header::HOST, "localhost".parse().expect("a header value"));
        two.append(header::HOST, "evil.example".parse().expect("a header value"));
        assert!(!hosts.allow(&two, &Uri::from_static("/")));
        let mut one = HeaderMap::new();
        one.append(header::HOST, "localhost".parse().expect("a header value"));
        assert!(!hosts.allow(&one, &Uri::from_static("http://evil.example/")));
        assert!(hosts.allow(&one, &Uri::from_static("http://localhost:5000/")));
    }

    #[test]
    fn wildcards_match_as_in_shells() {
        for (pattern, text, expected) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acb", false),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxc", false),
            ("ab*ba", "aba", false),
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("*.x", "a.b.x", true),
        ] {
            assert_eq!(wildcard(pattern, text), expected, "{pattern} {text}");
        }
    }
}
