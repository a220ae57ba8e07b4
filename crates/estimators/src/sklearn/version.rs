//! The versions of scikit-learn whose rules are known.
//!
//! What a stored model predicts depends on the version: defaults, clipping and checks changed. The
//! golden tests run with each of these; a model of any other version is for Python.

use crate::error::{Error, Result};

/// The first and the last minor version of 1 that the golden tests cover.
const TESTED: std::ops::RangeInclusive<u32> = 2..=9;

/// A minor version of scikit-learn 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32);

impl Version {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut parts = text.split('.');
        let minor = match (parts.next(), parts.next().map(str::parse)) {
            (Some("1"), Some(Ok(minor))) if TESTED.contains(&minor) => Some(minor),
            _ => None,
        };
        // Development versions may be anything.
        let released = parts.next().is_some_and(|patch| patch.bytes().all(|b| b.is_ascii_digit()));
        match minor.filter(|_| released && parts.next().is_none()) {
            Some(minor) => Ok(Self(minor)),
            None => {
                let shown: String = text.chars().take(20).collect();
                let range = format!("1.{} to 1.{}", TESTED.start(), TESTED.end());
                Err(Error::python(format!("scikit-learn {shown} is not one of {range}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tested_versions_are_known() {
        assert_eq!(Version::parse("1.9.1"), Ok(Version(9)));
        assert_eq!(Version::parse("1.2.0"), Ok(Version(2)));
        for unknown in
            ["1.1.3", "1.10.0", "0.24.2", "2.0.0", "1.9", "1.9.dev0", "1.9.0rc1", "1.9.0.dev0", ""]
        {
            assert!(Version::parse(unknown).is_err(), "{unknown}");
        }
    }
}
