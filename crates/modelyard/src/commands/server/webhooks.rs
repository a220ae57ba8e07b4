//! The flags about webhooks: how they are sent, and where they may go.

use std::time::Duration;

use clap::builder::FalseyValueParser;
use modelyard_webhooks::{DEFAULT_RETRIES, DEFAULT_TIMEOUT, DEFAULT_WORKERS, MAX_TIMEOUT};

/// The heading of these flags in the help.
const WEBHOOKS: &str = "Webhooks";

/// How webhooks are sent.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct WebhookArgs {
    /// Schemes that webhooks may have, separated by commas: https, http.
    #[arg(long, value_name = "SCHEMES", env = "MLFLOW_WEBHOOK_ALLOWED_SCHEMES",
          default_value = "https", value_parser = parse_schemes, help_heading = WEBHOOKS)]
    pub(crate) webhook_allowed_schemes: Schemes,
    /// DANGEROUS: webhooks may reach this machine and its network, and whoever makes one can read the
    /// beginning of what is answered. The metadata of its cloud stays out of reach.
    #[arg(long, env = "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS",
          value_parser = FalseyValueParser::new(), help_heading = WEBHOOKS)]
    pub(crate) webhook_allow_private_ips: bool,
    /// Key with which the secrets of webhooks are kept: 32 bytes in URL-safe base64 [default: made
    /// beside the SQLite database; servers that share a PostgreSQL database must be given one].
    #[arg(long, value_name = "KEY", env = "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY",
          hide_env_values = true, help_heading = WEBHOOKS)]
    // Read later: clap would repeat a wrong one in its message.
    pub(crate) webhook_secret_key: Option<String>,
    /// Seconds that an attempt to send a webhook may take.
    #[arg(long, value_name = "SECONDS", env = "MLFLOW_WEBHOOK_REQUEST_TIMEOUT",
          default_value = "30", value_parser = parse_timeout, help_heading = WEBHOOKS)]
    pub(crate) webhook_timeout: Duration,
    /// Attempts after the first, with growing pauses; 36 take about a day, after which it is given
    /// up in any case.
    #[arg(long, value_name = "N", env = "MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES",
          default_value = "36", value_parser = parse_retries, help_heading = WEBHOOKS)]
    pub(crate) webhook_max_retries: u32,
    /// Webhooks that are sent at the same time.
    #[arg(long, value_name = "N", env = "MLFLOW_WEBHOOK_DELIVERY_MAX_WORKERS",
          default_value = "256", value_parser = parse_workers, help_heading = WEBHOOKS)]
    pub(crate) webhook_workers: usize,
}

/// Schemes in the order in which they were given, which is that of MLflow's messages.
#[derive(Debug, Clone)]
pub(crate) struct Schemes(pub(crate) Vec<String>);

// An empty environment variable counts as unset, as with MLflow.

fn parse_schemes(text: &str) -> Result<Schemes, String> {
    let words = text.split(',').map(|word| word.trim().to_ascii_lowercase());
    let mut schemes: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    if let Some(other) = schemes.iter().find(|it| !matches!(it.as_str(), "http" | "https")) {
        return Err(format!("webhooks are sent by https or http, not by '{other}'"));
    }
    if schemes.is_empty() {
        schemes.push("https".to_owned());
    }
    Ok(Schemes(schemes))
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let most = MAX_TIMEOUT.as_secs();
    match text.trim() {
        "" => Ok(DEFAULT_TIMEOUT),
        text => match text.parse() {
            Ok(seconds) if (1..=most).contains(&seconds) => Ok(Duration::from_secs(seconds)),
            _ => Err(format!("use whole seconds, 1 to {most}")),
        },
    }
}

fn parse_retries(text: &str) -> Result<u32, String> {
    match text.trim() {
        "" => Ok(DEFAULT_RETRIES),
        text => text.parse().map_err(|_not_a_number| "use a number, 0 for none".to_owned()),
    }
}

fn parse_workers(text: &str) -> Result<usize, String> {
    match text.trim() {
        "" => Ok(DEFAULT_WORKERS),
        text => match text.parse() {
            Ok(count) if (1..=10_000).contains(&count) => Ok(count),
            _ => Err("use 1 to 10000".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_in_the_help_are_those_of_the_sender() {
        assert_eq!(parse_timeout("30"), parse_timeout(""));
        assert_eq!(parse_retries("36"), parse_retries(""));
        assert_eq!(parse_workers("256"), parse_workers(""));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert!(parse_schemes("http, ftp").is_err());
        assert_eq!(parse_schemes("HTTP,https").expect("both").0, ["http", "https"]);
        assert!(parse_timeout("0").is_err());
        assert!(parse_timeout("601").is_err());
        assert!(parse_workers("0").is_err());
    }
}
