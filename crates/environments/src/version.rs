//! Versions of Python.

use std::fmt;

use crate::error::Error;

/// A version of Python, as a model wants it or an interpreter has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PythonVersion {
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) patch: Option<u32>,
    /// What follows the numbers of a version before its release: `rc1`.
    suffix: String,
}

impl PythonVersion {
    /// Reads `3.11`, `3.11.7` or `3.14.0rc1`, and nothing else: the text becomes an argument of a program.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        let wrong = || Error::PythonVersion(text.to_owned());
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (numbers, suffix) = text.split_at(end);
        let mut parts = numbers.split('.').map(|part| part.parse::<u32>().ok());
        let (Some(Some(major)), Some(Some(minor))) = (parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let patch = match parts.next() {
            None => None,
            Some(patch) => Some(patch.ok_or_else(wrong)?),
        };
        let is_suffix = suffix.is_empty()
            || patch.is_some()
                && suffix.len() <= 8
                && suffix.starts_with(['a', 'b', 'r'])
                && suffix.chars().all(|c| c.is_ascii_alphanumeric());
        if parts.next().is_some() || !is_suffix {
            return Err(wrong());
        }
        Ok(Self { major, minor, patch, suffix: suffix.to_owned() })
    }

    /// Whether an interpreter of that version has the same grammar and takes the same wheels.
    pub(crate) fn same_minor(&self, other: &Self) -> bool {
        (self.major, self.minor) == (other.major, other.minor)
    }

    /// The version without its patch: `3.11`.
    pub(crate) fn minor_text(&self) -> String {
        format!("{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match self.patch {
            Some(patch) => write!(f, ".{patch}{}", self.suffix),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_strictly_and_written_back() {
        for text in ["3.8", "3.11.7", "3.14.0rc1", "2.7.18"] {
            assert_eq!(PythonVersion::read(text).unwrap().to_string(), text);
        }
        for text in ["", "3", "3.", "3.11.", "3.x", ">=3.8", "3.8 --x", "-3.8", "3.8.1.2", "3.8rc1"]
        {
            assert!(PythonVersion::read(text).is_err(), "{text}");
        }
        let read = |text| PythonVersion::read(text).unwrap();
        assert!(read("3.10.2") > read("3.9.18") && read("3.10.13") > read("3.10.2"));
        assert!(read("3.10").same_minor(&read("3.10.13")));
    }
}
