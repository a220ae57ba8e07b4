//! Who the client says it is.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::http::HeaderValue;

use super::{Address, Error, credentials_file};

/// Reads an environment variable; empty counts as unset.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The `Authorization` header, from the address itself, then the environment.
///
/// As with MLflow's client, `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD` together go
/// before `MLFLOW_TRACKING_TOKEN`, and what of the pair is not set comes from
/// `~/.mlflow/credentials`. Its other ways to authenticate are not offered, and asking for
/// one is an error: a request without the credentials the user set up must not leave.
///
/// # Errors
/// [`Error::Setting`] for a way that is not offered, half a pair, or a value that no header can
/// carry.
pub(crate) fn authorization(
    address: &Address,
    variables: Variables<'_>,
) -> Result<Option<HeaderValue>, Error> {
    for name in ["MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4"] {
        let value = variables(name).unwrap_or_default();
        if !matches!(value.to_ascii_lowercase().as_str(), "" | "false" | "0") {
            return Err(Error::Setting(format!(
                "{name} is set, and this way to authenticate is not supported. Unset it, and use \
                 MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."
            )));
        }
    }
    if let Some((name, password)) = address.user() {
        return basic(name, password).map(Some);
    }
    let home = variables("HOME").map(|home| credentials_file::read(Path::new(&home)));
    let [file_name, file_password] = home.transpose()?.unwrap_or_default();
    let name = variables("MLFLOW_TRACKING_USERNAME").or(file_name);
    let password = variables("MLFLOW_TRACKING_PASSWORD").or(file_password);
    match (name, password, variables("MLFLOW_TRACKING_TOKEN")) {
        (Some(name), Some(password), _) => basic(&name, &password).map(Some),
        (_, _, Some(token)) => header(&format!("Bearer {token}")).map(Some),
        (None, None, None) => Ok(None),
        (Some(_), None, None) => Err(half("USERNAME", "PASSWORD")),
        (None, Some(_), None) => Err(half("PASSWORD", "USERNAME")),
    }
}

fn basic(name: &str, password: &str) -> Result<HeaderValue, Error> {
    header(&format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
}

fn header(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|_text_is_secret| {
        Error::Setting("MLFLOW_TRACKING_TOKEN has characters that no HTTP header can carry".into())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn half(set: &str, missing: &str) -> Error {
    Error::Setting(format!(
        "MLFLOW_TRACKING_{set} is set without MLFLOW_TRACKING_{missing}: set both or neither"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str, variables: &[(&str, &str)]) -> Result<Option<String>, Error> {
        let address = Address::parse(address).expect("an address");
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let header = authorization(&address, &find)?;
        Ok(header.map(|value| value.to_str().expect("ASCII").to_owned()))
    }

    const USER: (&str, &str) = ("MLFLOW_TRACKING_USERNAME", "ann");
    const PASSWORD: (&str, &str) = ("MLFLOW_TRACKING_PASSWORD", "pw");
    const TOKEN: (&str, &str) = ("MLFLOW_TRACKING_TOKEN", "t0k");

    #[test]
    fn the_address_goes_before_the_pair_and_the_pair_before_the_token() {
        let all = [USER, PASSWORD, TOKEN];
        assert_eq!(of("http://h", &[]).expect("no error"), None);
        assert_eq!(of("http://h", &[TOKEN]).expect("ok").as_deref(), Some("Bearer t0k"));
        assert_eq!(of("http://h", &all).expect("ok").as_deref(), Some("Basic YW5uOnB3"));
        assert_eq!(of("http://b:c@h", &all).expect("ok").as_deref(), Some("Basic Yjpj"));
    }

    #[test]
    fn half_a_pair_and_unknown_ways_are_errors() {
        let text = of("http://h", &[USER]).expect_err("half a pair").to_string();
        assert!(text.contains("without MLFLOW_TRACKING_PASSWORD"), "{text}");
        let sigv4 = ("MLFLOW_TRACKING_AWS_SIGV4", "true");
        let text = of("http://h", &[TOKEN, sigv4]).expect_err("not supported").to_string();
        assert!(text.contains("MLFLOW_TRACKING_AWS_SIGV4"), "{text}");
        assert!(of("http://h", &[("MLFLOW_TRACKING_AWS_SIGV4", "False")]).is_ok());
    }

    #[test]
    fn a_token_with_a_line_break_is_refused_without_showing_it() {
        let text = of("http://h", &[("MLFLOW_TRACKING_TOKEN", "a\nb")]).expect_err("refused");
        assert!(!text.to_string().contains("a\nb"));
    }
}
