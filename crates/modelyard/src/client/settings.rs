//! What the environment says about connections: MLflow's own variables.

use std::time::Duration;

use ureq::http::HeaderValue;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig};

use super::credentials::{Variables, authorization};
use super::{Address, Error};

/// Longest silence of a server, and longest JSON request as a whole; as in MLflow's client.
const TIMEOUT_DEFAULT_S: u64 = 120;
/// Repetitions after the first request, as in MLflow's client.
const RETRIES_DEFAULT: u32 = 7;

/// The settings of one connection to a server.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The `Authorization` header.
    pub(crate) authorization: Option<HeaderValue>,
    /// The workspace to work in, on an MLflow server that has several.
    pub(crate) workspace: Option<HeaderValue>,
    /// How the server's certificate is checked, and ours shown.
    pub(crate) tls: TlsConfig,
    /// Whether certificates are not checked at all.
    pub(crate) insecure: bool,
    /// Longest wait for an answer.
    pub(crate) timeout: Duration,
    /// Repetitions after the first request.
    pub(crate) retries: u32,
}

impl Settings {
    /// Reads the `MLFLOW_TRACKING_*` and `MLFLOW_HTTP_REQUEST_*` variables.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the variable that cannot be used.
    pub(crate) fn read(address: &Address, variables: Variables<'_>) -> Result<Self, Error> {
        let insecure = flag("MLFLOW_TRACKING_INSECURE_TLS", false, variables)?;
        let timeout_s = number("MLFLOW_HTTP_REQUEST_TIMEOUT", variables)?;
        let retries = number("MLFLOW_HTTP_REQUEST_MAX_RETRIES", variables)?;
        Ok(Self {
            authorization: authorization(address, variables)?,
            workspace: workspace(variables)?,
            tls: tls(insecure, variables)?,
            insecure,
            timeout: Duration::from_secs(timeout_s.unwrap_or(TIMEOUT_DEFAULT_S).max(1)),
            retries: retries.unwrap_or(RETRIES_DEFAULT),
        })
    }
}

fn workspace(variables: Variables<'_>) -> Result<Option<HeaderValue>, Error> {
    let name = variables("MLFLOW_WORKSPACE").unwrap_or_default();
    match HeaderValue::from_str(name.trim()) {
        Ok(header) if header.is_empty() => Ok(None),
        Ok(header) => Ok(Some(header)),
        Err(error) => Err(Error::Setting(format!("MLFLOW_WORKSPACE: {error}"))),
    }
}

fn tls(insecure: bool, variables: Variables<'_>) -> Result<TlsConfig, Error> {
    let mut config = TlsConfig::builder().disable_verification(insecure);
    let name = "MLFLOW_TRACKING_SERVER_CERT_PATH";
    if let Some(path) = variables(name) {
        if insecure {
            return Err(Error::Setting(format!(
                "MLFLOW_TRACKING_INSECURE_TLS and {name} contradict each other: unset one"
            )));
        }
        let (certificates, _) = pem(name, &path)?;
        if certificates.is_empty() {
            return Err(Error::Setting(format!("{name}: {path} holds no PEM certificate")));
        }
        config = config.root_certs(RootCerts::new_with_certs(&certificates));
    }
    let name = "MLFLOW_TRACKING_CLIENT_CERT_PATH";
    if let Some(path) = variables(name) {
        let (certificates, key) = pem(name, &path)?;
        let (false, Some(key)) = (certificates.is_empty(), key) else {
            let text = format!("{name}: {path} must hold a PEM certificate and its private key");
            return Err(Error::Setting(text));
        };
        config = config.client_cert(Some(ClientCert::new_with_certs(&certificates, key)));
    }
    Ok(config.build())
}

type Pem = (Vec<Certificate<'static>>, Option<PrivateKey<'static>>);

fn pem(variable: &str, path: &str) -> Result<Pem, Error> {
    let text = std::fs::read(path)
        .map_err(|error| Error::Setting(format!("{variable}: cannot read {path}: {error}")))?;
    let (mut certificates, mut key) = (Vec::new(), None);
    for item in ureq::tls::parse_pem(&text) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(PemItem::PrivateKey(private)) => key = Some(private),
            Ok(_) => {}
            Err(error) => {
                return Err(Error::Setting(format!("{variable}: {path} is not PEM: {error}")));
            }
        }
    }
    Ok((certificates, key))
}

/// Whether transfers show their progress, on a terminal.
///
/// # Errors
/// [`Error::Setting`] if the variable is neither true nor false.
pub(crate) fn shows_progress(variables: Variables<'_>) -> Result<bool, Error> {
    flag("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", true, variables)
}

/// MLflow's spelling of a switch: `true`, `false`, `1` or `0`.
fn flag(name: &str, default: bool, variables: Variables<'_>) -> Result<bool, Error> {
    match variables(name).unwrap_or_default().to_ascii_lowercase().as_str() {
        "" => Ok(default),
        "false" | "0" => Ok(false),
        "true" | "1" => Ok(true),
        other => Err(Error::Setting(format!("{name} must be true or false, not `{other}`"))),
    }
}

fn number<T: std::str::FromStr>(name: &str, variables: Variables<'_>) -> Result<Option<T>, Error> {
    let Some(text) = variables(name) else { return Ok(None) };
    let whole = text.trim().parse().ok();
    let refuse = || Error::Setting(format!("{name} must be a whole number, not `{text}`"));
    whole.map(Some).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let address = Address::parse("https://h").expect("an address");
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::read(&address, &find).map_err(|error| error.to_string())
    }

    #[test]
    fn unset_means_mlflows_defaults() {
        let settings = of(&[]).expect("settings");
        assert_eq!((settings.timeout.as_secs(), settings.retries), (120, 7));
        assert!(!settings.insecure);
    }

    #[test]
    fn a_value_that_cannot_be_meant_names_its_variable() {
        let text = of(&[("MLFLOW_TRACKING_INSECURE_TLS", "maybe")]).expect_err("refused");
        assert!(text.contains("MLFLOW_TRACKING_INSECURE_TLS must be true or false, not `maybe`"));
        let text = of(&[("MLFLOW_HTTP_REQUEST_TIMEOUT", "2m")]).expect_err("refused");
        assert!(text.contains("MLFLOW_HTTP_REQUEST_TIMEOUT must be a whole number"), "{text}");
        let text = of(&[("MLFLOW_TRACKING_SERVER_CERT_PATH", "/no/file")]).expect_err("refused");
        assert!(text.contains("MLFLOW_TRACKING_SERVER_CERT_PATH: cannot read /no/file"), "{text}");
    }

    #[test]
    fn checking_against_a_file_and_not_checking_contradict() {
        let both = [
            ("MLFLOW_TRACKING_INSECURE_TLS", "true"),
            ("MLFLOW_TRACKING_SERVER_CERT_PATH", "/no/file"),
        ];
        assert!(of(&both).expect_err("refused").contains("contradict"));
    }
}
