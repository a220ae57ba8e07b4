//! How a webhook is described, and where it may point, in MLflow's words.

use super::WebhookEvent;
use crate::error::Error;
use crate::limits;
use crate::validate;

/// Checks a webhook's name: letters, digits, `.`, `_` and `-`, at most 63, a letter or digit at both ends.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn check_name(name: &str) -> Result<(), Error> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let ends = is_end(name.chars().next()) && is_end(name.chars().last());
    if ends && name.len() <= 63 && name.chars().all(inner) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "Webhook name {} is invalid. It must start and end with a letter or digit, be less than 63 \
         characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens \
         (-).",
        python_repr(&validate::excerpt(name))
    )))
}

/// Checks a list of events and sorts it as MLflow does.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for an event that does not exist, or is there twice: MLflow's database refuses that.
pub fn check_events(events: &mut [WebhookEvent]) -> Result<(), Error> {
    events.iter().try_for_each(|event| event.check())?;
    events.sort_by_key(|event| event.sort_key());
    match events.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(Error::invalid(format!(
            "The webhook event '{}' is given twice; name each once.",
            pair[0].name()
        ))),
    }
}

/// The parts of a webhook's URL that decide whether it is allowed, as Python's `urlparse` finds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host, in lower case, without brackets.
    pub host: String,
}

impl Target {
    /// Checks a URL against the schemes that are allowed.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE`.
    pub fn parse(url: &str, schemes: &[String]) -> Result<Self, Error> {
        validate::text(url, limits::MAX_WEBHOOK_URL_CHARS, "url")?;
        if url.trim().is_empty() {
            return Err(Error::invalid(format!(
                "Webhook URL cannot be empty or just whitespace: {}",
                python_repr(url)
            )));
        }
        let (scheme, rest) = split_scheme(url);
        let authority = rest.strip_prefix("//").unwrap_or_default();
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('[') != authority.contains(']') {
            return Err(Error::invalid(format!(
                "Invalid webhook URL {}: ValueError('Invalid IPv6 URL')",
                python_repr(url)
            )));
        }
        if !schemes.contains(&scheme) {
            return Err(Error::invalid(format!(
                "Invalid webhook URL scheme: {}. Allowed schemes are: {}.",
                python_repr(&scheme),
                schemes.join(", ")
            )));
        }
        let host = host(authority);
        if host.is_empty() {
            return Err(Error::invalid(format!(
                "Webhook URL must include a hostname: {}",
                python_repr(url)
            )));
        }
        Ok(Self { host })
    }
}

fn split_scheme(url: &str) -> (String, &str) {
    let legal = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    match url.split_once(':') {
        Some((scheme, rest))
            if scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(legal) =>
        {
            (scheme.to_ascii_lowercase(), rest)
        }
        _ => (String::new(), url),
    }
}

fn host(authority: &str) -> String {
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let host = match place.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    };
    host.to_lowercase()
}

/// A text as Python's `repr` writes it, but for rare letters.
pub fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote || c == '\\' => out.extend(['\\', c]),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                out.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<String, String> {
        let schemes = ["http".to_owned(), "https".to_owned()];
        Target::parse(url, &schemes).map(|it| it.host).map_err(|error| error.message)
    }

    #[test]
    fn the_host_is_what_python_sees() {
        for (url, host) in [
            ("https://A.example:8443/x?y#z", "a.example"),
            ("HTTPS://u:p@h.example/", "h.example"),
            ("http://u@e@127.0.0.1", "127.0.0.1"),
            ("https://[::1]:7/", "::1"),
            ("https://2130706433/", "2130706433"),
        ] {
            assert_eq!(target(url), Ok(host.to_owned()));
        }
    }

    #[test]
    fn refusals_are_mlflows() {
        let refused = |url| target(url).expect_err("refused");
        assert_eq!(refused("  "), "Webhook URL cannot be empty or just whitespace: '  '");
        assert_eq!(
            refused("ftp://a/"),
            "Invalid webhook URL scheme: 'ftp'. Allowed schemes are: http, https."
        );
        assert_eq!(
            refused("x"),
            "Invalid webhook URL scheme: ''. Allowed schemes are: http, https."
        );
        assert_eq!(refused("https:///x"), "Webhook URL must include a hostname: 'https:///x'");
        assert_eq!(
            refused("https://[::1"),
            "Invalid webhook URL 'https://[::1': ValueError('Invalid IPv6 URL')"
        );
    }

    #[test]
    fn names_are_short_and_plain() {
        let long = "a".repeat(63);
        for name in ["a", "a.b_c-9", &long] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "-a", "a-", "é", "a b", "a\n", &format!("{long}a")] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
