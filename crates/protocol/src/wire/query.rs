//! Query strings.

use percent_encoding::percent_decode_str;

/// The parameters of a query string, decoded, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether there is no parameter at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads a query string. Bytes that are not UTF-8 become U+FFFD.
pub fn parse_query(text: &str) -> Query {
    let decode =
        |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    });
    Query(pairs.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_may_repeat() {
        let query = parse_query("run_id=a%20b&run_id=c+d&&x&e=%ff");
        assert_eq!(query.all("run_id").collect::<Vec<_>>(), ["a b", "c d"]);
        assert_eq!(query.get("x"), Some(""));
        assert_eq!(query.get("e"), Some("\u{fffd}"));
        assert_eq!(query.get("none"), None);
    }
}
