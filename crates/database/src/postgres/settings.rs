//! From a URL to what the driver needs.

use std::error::Error as _;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::Tls;
use crate::{Error, Result};

/// How long an operation may run on the server, so that one hostile search cannot hold a connection; how long
/// its transaction may wait for us, so that a process that hangs does not hold its locks; and no compilation
/// of statements, which costs such small ones more than it saves.
const OPTIONS: &str =
    "-c statement_timeout=60s -c idle_in_transaction_session_timeout=60s -c jit=off";

/// How long a connection is silent before the kernel asks whether the server is still there, and how long what
/// was sent may stay unconfirmed. The kernel's own two hours and fifteen minutes would be the time that
/// requests hang after the server's machine is gone.
const SILENCE: Duration = Duration::from_secs(30);

/// Reads a URL: where to connect to, and how the connections are made.
pub(super) fn read(url: &str, wait: Duration) -> Result<(Config, MakeRustlsConnect)> {
    let (url, tls) = split_tls(url)?;
    let mut config = parse(&url)?;
    config.ssl_mode(tls.driver_mode());
    // The user's own options come last, and so win.
    let options = match config.get_options() {
        Some(own) => format!("{OPTIONS} {own}"),
        None => OPTIONS.to_owned(),
    };
    config.options(options);
    if config.get_application_name().is_none() {
        config.application_name("modelyard");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(wait);
    }
    if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
        config.keepalives_idle(SILENCE);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    Ok((config, tls.connector()?))
}

/// Reads a URL without options of TLS.
pub(super) fn parse(url: &str) -> Result<Config> {
    Config::from_str(url).map_err(|error| {
        // What is wrong stands in the source.
        let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        Error::Refused(format!("the PostgreSQL URI is not valid: {reason}"))
    })
}

/// Takes the options that the driver does not know, or knows less of, out of a URL.
pub(super) fn split_tls(url: &str) -> Result<(String, Tls)> {
    let Some((place, options)) = url.split_once('?') else {
        return Ok((url.to_owned(), Tls::parse(None, None)?));
    };
    let (mut mode, mut roots) = (None, None);
    let mut rest = Vec::new();
    for option in options.split('&') {
        let target = match option.split_once('=') {
            Some(("sslmode", value)) => Some((&mut mode, value)),
            Some(("sslrootcert", value)) => Some((&mut roots, value)),
            _ => None,
        };
        match target {
            Some((target, value)) => {
                let value = percent_decode_str(value).decode_utf8();
                let value = value.map_err(|_not_utf8| {
                    Error::Refused(format!("the option {option} of the URI is not UTF-8"))
                })?;
                *target = Some(value.into_owned());
            }
            None => rest.push(option),
        }
    }
    let tls = Tls::parse(mode.as_deref(), roots.as_deref())?;
    let url = if rest.is_empty() { place.to_owned() } else { [place, &rest.join("&")].join("?") };
    Ok((url, tls))
}

#[cfg(test)]
mod tests {
    use super::super::tls::{Roots, SslMode};
    use super::*;

    #[test]
    fn the_options_of_tls_are_taken_out() {
        let place = "postgresql://u@h/d";
        for (options, rest, mode, roots) in [
            ("", "", SslMode::Prefer, Roots::System),
            ("?sslmode=disable", "", SslMode::Disable, Roots::System),
            (
                "?a=1&sslmode=verify-full&sslrootcert=%2Fetc%2Fa%20b.pem&b=2",
                "?a=1&b=2",
                SslMode::VerifyFull,
                Roots::File("/etc/a b.pem".into()),
            ),
            ("?sslmode=disable&sslmode=require", "", SslMode::Require, Roots::System),
        ] {
            let expected = (format!("{place}{rest}"), Tls { mode, roots });
            assert_eq!(split_tls(&format!("{place}{options}")).unwrap(), expected);
        }
    }

    #[test]
    fn the_users_options_are_kept() {
        let wait = Duration::from_secs(7);
        let read = |options: &str| read(&format!("postgresql://u@h/d{options}"), wait).unwrap().0;
        let config = read("");
        assert_eq!(config.get_options(), Some(OPTIONS));
        assert_eq!(config.get_application_name(), Some("modelyard"));
        assert_eq!(config.get_connect_timeout(), Some(&wait));
        assert_eq!(config.get_keepalives_idle(), SILENCE);
        assert_eq!(config.get_tcp_user_timeout(), Some(&SILENCE));
        let config = read(
            "?options=-c%20search_path%3Dyard&application_name=mine&connect_timeout=3&sslmode=require\
             &keepalives_idle=4&tcp_user_timeout=5",
        );
        let options = format!("{OPTIONS} -c search_path=yard");
        assert_eq!(config.get_options(), Some(options.as_str()));
        assert_eq!(config.get_application_name(), Some("mine"));
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(config.get_keepalives_idle(), Duration::from_secs(4));
        assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(5)));
        assert_eq!(config.get_ssl_mode(), tokio_postgres::config::SslMode::Require);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (url, named) in [
            ("postgresql://u@h/d?sslcert=a.pem", "sslcert"),
            ("postgresql://u@h/d?sslmode=maybe", "sslmode=maybe"),
            ("postgresql://u@h:port/d", "port"),
            ("postgresql://u@h/d?sslmode=%ff", "sslmode"),
        ] {
            let Err(Error::Refused(reason)) = read(url, Duration::ZERO).map(|_| ()) else {
                panic!("{url} was accepted")
            };
            assert!(reason.contains(named), "{url}: {reason}");
        }
    }
}
