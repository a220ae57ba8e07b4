//! What is said at the start about flags.

use std::net::IpAddr;

use modelyard_server::ServerConfig;

use super::{given, proxies};
use crate::commands::server::{Args, Compatibility};

/// One line for each flag that does less than its name says, or more than its user may know.
pub(super) fn of_flags(args: &Args, server: &ServerConfig, host: &str) -> Vec<String> {
    let Compatibility {
        expose_prometheus,
        workers,
        gunicorn_opts,
        uvicorn_opts,
        waitress_opts,
        read_replica_backend_store_uri,
        trace_archival_config,
        secrets_cache_ttl,
        secrets_cache_max_size,
        workspace_store_uri,
        enable_workspaces: _,
        disable_workspaces: _,
    } = &args.compatibility;
    let prefix = &server.static_prefix;
    let ignored = [
        (
            given(expose_prometheus).is_some(),
            format!(
                "--expose-prometheus: metrics are always at {prefix}/metrics and kept in memory; the folder is not needed"
            ),
        ),
        (
            given(workers).is_some(),
            "--workers: one process uses all cores; the number is not needed".to_owned(),
        ),
        (
            given(gunicorn_opts).is_some(),
            "--gunicorn-opts: ignored, there is no gunicorn here".to_owned(),
        ),
        (
            given(uvicorn_opts).is_some(),
            "--uvicorn-opts: ignored, there is no uvicorn here".to_owned(),
        ),
        (
            given(waitress_opts).is_some(),
            "--waitress-opts: ignored, there is no waitress here".to_owned(),
        ),
        (
            given(read_replica_backend_store_uri).is_some(),
            "--read-replica-backend-store-uri: ignored, reads go to the backend store".to_owned(),
        ),
        (
            given(trace_archival_config).is_some(),
            "--trace-archival-config: ignored, there are no traces to archive".to_owned(),
        ),
        (
            secrets_cache_ttl.or(*secrets_cache_max_size).is_some(),
            "--secrets-cache-ttl, --secrets-cache-max-size: ignored, there are no secrets to cache"
                .to_owned(),
        ),
        (
            given(workspace_store_uri).is_some(),
            "--workspace-store-uri: ignored, there are no workspaces".to_owned(),
        ),
        (
            given(&args.data.artifacts_destination).is_some() && !proxies(&args.data),
            "--artifacts-destination: ignored, with --no-serve-artifacts clients go to \
             --default-artifact-root by themselves"
                .to_owned(),
        ),
        (args.dev, "--dev: logs at level debug; there is no code to reload".to_owned()),
        (
            !is_loopback(host),
            format!(
                "--host {host}: there are no accounts yet; whoever can reach the port can read and \
                 change everything"
            ),
        ),
        (
            !server.security.enabled,
            "--disable-security-middleware: every web page its users open can use this server"
                .to_owned(),
        ),
        (
            server.security.enabled && server.security.hosts.allows_any(),
            "--allowed-hosts *: this server is open to DNS rebinding attacks".to_owned(),
        ),
        (
            server.security.enabled && server.security.origins.allows_any(),
            "--cors-allowed-origins *: every web page its users open can use this server"
                .to_owned(),
        ),
    ];
    ignored.into_iter().filter_map(|(applies, note)| applies.then_some(note)).collect()
}

/// Whether only this machine reaches `host`.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn addresses_that_others_reach() {
        for host in ["127.0.0.1", "127.1.2.3", "localhost", "LocalHost", "::1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["0.0.0.0", "::", "[::]", "10.0.0.1", "tracking.example"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
