//! `KEY=VALUE` on the command line.

use std::collections::BTreeSet;

use crate::client::Tag;
use crate::exit::Usage;

/// Reads tags; everything after the first `=` is the value.
///
/// # Errors
/// [`Usage`] for a text without `=`, an empty key, or a key given twice.
pub(crate) fn parse(texts: &[String]) -> Result<Vec<Tag>, Usage> {
    let mut keys = BTreeSet::new();
    texts
        .iter()
        .map(|text| match text.split_once('=') {
            Some((key, _)) if !key.is_empty() && !keys.insert(key) => {
                Err(Usage(format!("the tag '{key}' is given twice")))
            }
            Some((key, value)) if !key.is_empty() => {
                Ok(Tag { key: key.to_owned(), value: value.to_owned() })
            }
            _ => Err(Usage(format!("a tag must be written KEY=VALUE, not '{text}'"))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(texts: &[&str]) -> Result<Vec<(String, String)>, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let tags = parse(&texts).map_err(|error| error.to_string())?;
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    #[test]
    fn the_first_equals_sign_separates() {
        let tags = parsed(&["a=b=c", "d="]).expect("two tags");
        assert_eq!(tags, [("a".into(), "b=c".into()), ("d".into(), String::new())]);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parsed(&["ab"]).expect_err("no ="), "a tag must be written KEY=VALUE, not 'ab'");
        assert!(parsed(&["=b"]).is_err());
        assert_eq!(parsed(&["a=1", "a=2"]).expect_err("twice"), "the tag 'a' is given twice");
    }
}
