//! Schemes that make whoever opens the URI connect to the host in it.
//!
//! A server that follows such a location, stored by any client, can be sent anywhere
//! (GHSA-mr9f-g8qf-4w4j). The families and default ports are those of MLflow 3.17.2.

use std::collections::BTreeSet;

/// The schemes in question. `wasbs` is not among them: its readers pin the domain.
const HOST_ADDRESSED: [&str; 10] =
    ["ftp", "sftp", "hdfs", "viewfs", "http", "https", "mlflow-artifacts", "r2", "b2", "abfss"];

/// What a URI may make a program connect to. More than one only where the port depends on how the
/// tracking server is reached.
pub(crate) type HostTargets = BTreeSet<HostTarget>;

/// A family of schemes that speak to the same service, a host in lower case, a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostTarget {
    family: String,
    host: String,
    port: Option<u16>,
}

/// Whether the scheme makes its readers connect to the host that the URI names.
pub(crate) fn is_host_addressed(scheme: &str) -> bool {
    HOST_ADDRESSED.contains(&scheme)
}

/// What a URI of this scheme and authority connects to. `None` if the scheme is not
/// host-addressed; empty if the authority is malformed, so that it equals nothing.
pub(crate) fn targets(scheme: &str, authority: &str) -> Option<HostTargets> {
    if !is_host_addressed(scheme) {
        return None;
    }
    let Some((host, port)) = host_and_port(authority) else { return Some(HostTargets::new()) };
    let family = match scheme {
        "viewfs" => "hdfs",
        "https" | "mlflow-artifacts" => "http",
        other => other,
    };
    let default_ports: &[u16] = match scheme {
        "ftp" => &[21],
        "sftp" => &[22],
        "http" => &[80],
        "https" | "r2" | "b2" | "abfss" => &[443],
        "mlflow-artifacts" => &[80, 443],
        _ => &[],
    };
    let target = |port| HostTarget { family: family.to_owned(), host: host.clone(), port };
    Some(match port {
        None if !default_ports.is_empty() => {
            default_ports.iter().map(|port| target(Some(*port))).collect()
        }
        port => HostTargets::from([target(port)]),
    })
}

/// The host after the last `@`, in lower case, and the port if there is one.
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    if authority.contains(char::is_whitespace) {
        return None;
    }
    let place = authority.rsplit('@').next()?;
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (place, None),
    };
    let port = match port {
        None | Some("") => None,
        Some(digits) => Some(digits.parse().ok()?),
    };
    Some((host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(left: (&str, &str), right: (&str, &str)) -> bool {
        let left = targets(left.0, left.1).expect("host-addressed");
        let right = targets(right.0, right.1).expect("host-addressed");
        left.intersection(&right).next().is_some()
    }

    #[test]
    fn spellings_of_one_target_are_equal() {
        assert!(same(("http", "host"), ("http", "HOST:80")));
        assert!(same(("https", "host"), ("mlflow-artifacts", "host")));
        assert!(same(("http", "host"), ("mlflow-artifacts", "host")));
        assert!(same(("hdfs", "name:8020"), ("viewfs", "name:8020")));
        assert!(same(("abfss", "a@acc.dfs"), ("abfss", "b@acc.dfs")));
        assert!(same(("http", "[::1]:5000"), ("http", "[::1]:5000")));
    }

    #[test]
    fn other_targets_are_not() {
        assert!(!same(("http", "host"), ("https", "host")));
        assert!(!same(("http", "host:5000"), ("http", "host")));
        assert!(!same(("http", "trusted@evil"), ("http", "trusted")));
        assert!(!same(("http", "a b"), ("http", "a b")), "malformed equals nothing");
        assert!(!same(("http", "h:99999"), ("http", "h:99999")), "malformed equals nothing");
        assert_eq!(targets("s3", "bucket"), None);
    }
}
