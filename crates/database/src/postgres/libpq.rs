//! The words in which PostgreSQL's own programs are told where a database is.

use tokio_postgres::config::Host;

use super::settings;
use super::tls::{Roots, SslMode};
use crate::{Error, Result};

/// The environment that leads to the database of a URL.
pub(crate) fn environment(url: &str) -> Result<Vec<(&'static str, String)>> {
    let (url, tls) = settings::split_tls(url)?;
    // Without our limits on how long a statement may run: a dump takes its time.
    let config = settings::parse(&url)?;
    let mut said = Vec::new();
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.display().to_string(),
    });
    let hosts: Vec<String> = hosts.collect();
    if !hosts.is_empty() {
        said.push(("PGHOST", hosts.join(",")));
    }
    let addresses: Vec<String> = config.get_hostaddrs().iter().map(ToString::to_string).collect();
    if !addresses.is_empty() {
        said.push(("PGHOSTADDR", addresses.join(",")));
    }
    let ports: Vec<String> = config.get_ports().iter().map(ToString::to_string).collect();
    if !ports.is_empty() {
        said.push(("PGPORT", ports.join(",")));
    }
    said.extend(config.get_user().map(|user| ("PGUSER", user.to_owned())));
    if let Some(password) = config.get_password() {
        let password = std::str::from_utf8(password)
            .map_err(|_not_utf8| Error::Refused("the password of the URI is not UTF-8".into()))?;
        said.push(("PGPASSWORD", password.to_owned()));
    }
    said.extend(config.get_dbname().map(|name| ("PGDATABASE", name.to_owned())));
    said.extend(config.get_options().map(|options| ("PGOPTIONS", options.to_owned())));
    said.push(("PGSSLMODE", mode(tls.mode).to_owned()));
    match tls.roots {
        Roots::File(file) => said.push(("PGSSLROOTCERT", file.display().to_string())),
        Roots::System if matches!(tls.mode, SslMode::VerifyCa | SslMode::VerifyFull) => {
            said.push(("PGSSLROOTCERT", "system".to_owned()));
        }
        Roots::System => {}
    }
    Ok(said)
}

const fn mode(mode: SslMode) -> &'static str {
    match mode {
        SslMode::Disable => "disable",
        SslMode::Prefer => "prefer",
        SslMode::Require => "require",
        SslMode::VerifyCa => "verify-ca",
        SslMode::VerifyFull => "verify-full",
    }
}

#[cfg(test)]
mod tests {
    use super::environment;

    #[test]
    fn a_url_becomes_variables() {
        let url = "postgresql://ann:p%40ss@db,standby:5433/models?sslmode=verify-full\
                   &sslrootcert=/etc/ca.pem&options=-csearch_path%3Dyard";
        let expected = [
            ("PGHOST", "db,standby"),
            ("PGPORT", "5432,5433"),
            ("PGUSER", "ann"),
            ("PGPASSWORD", "p@ss"),
            ("PGDATABASE", "models"),
            ("PGOPTIONS", "-csearch_path=yard"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/etc/ca.pem"),
        ];
        let said = environment(url).unwrap();
        let said: Vec<_> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(said, expected);
        assert!(environment("postgresql://h:port/d").is_err());
    }
}
