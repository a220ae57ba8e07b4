//! Names of images.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// Longest name without its tag, as registries have it.
const NAME_MAX: usize = 255;
/// Longest tag.
const TAG_MAX: usize = 128;

/// A name with a tag: `churn:3`, `registry.example:5000/risk/churn:latest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    name: String,
    tag: String,
}

impl Reference {
    /// The tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The name that Docker gives to what is called so: names without a registry are Docker Hub's.
    pub fn full(&self) -> String {
        let Self { name, tag } = self;
        match name.split_once('/') {
            None => format!("docker.io/library/{name}:{tag}"),
            Some((first, _)) if is_registry(first) => format!("{name}:{tag}"),
            Some(_) => format!("docker.io/{name}:{tag}"),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.name, self.tag)
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why| Error::Reference { name: text.to_owned(), why };
        if text.contains('@') {
            return Err(wrong("a digest comes out of a build, it is not given to it"));
        }
        // A colon before the last slash is that of a port.
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (text, "latest"),
        };
        if !is_tag(tag) {
            return Err(wrong(
                "a tag has up to 128 letters, digits, '_', '.' and '-', and begins with none of the \
                 last two",
            ));
        }
        let path = match name.split_once('/') {
            Some((first, rest)) if is_registry(first) => rest,
            _ => name,
        };
        if name.len() > NAME_MAX || !path.split('/').all(is_component) {
            return Err(wrong(
                "it has up to 255 lower-case letters and digits, with '.', '_', '-' and '/' between \
                 them",
            ));
        }
        Ok(Self { name: name.to_owned(), tag: tag.to_owned() })
    }
}

/// Whether what stands before the first slash is the address of a registry.
fn is_registry(first: &str) -> bool {
    let (host, port) = first.split_once(':').unwrap_or((first, "0"));
    let is_host = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_host && is_port && (first == "localhost" || first.contains(['.', ':']))
}

fn is_tag(tag: &str) -> bool {
    let is_first = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    tag.len() <= TAG_MAX
        && tag.as_bytes().first().is_some_and(is_first)
        && tag.bytes().all(|byte| is_first(&byte) || matches!(byte, b'.' | b'-'))
}

/// Whether a part of a path is runs of lower-case letters and digits with one separator between each.
fn is_component(part: &str) -> bool {
    let is_word = |byte: char| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separators = part.split(is_word).filter(|between| !between.is_empty());
    let mut known = separators.map(|between| {
        matches!(between, "." | "_" | "__") || between.bytes().all(|byte| byte == b'-')
    });
    part.starts_with(is_word) && part.ends_with(is_word) && known.all(|known| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_dockers_grammar() {
        for (text, full) in [
            ("churn", "docker.io/library/churn:latest"),
            ("risk/churn:3", "docker.io/risk/churn:3"),
            ("localhost/churn:v1.2-x_y", "localhost/churn:v1.2-x_y"),
            ("registry.example:5000/a/b__c-d.e", "registry.example:5000/a/b__c-d.e:latest"),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.full(), full);
        }
        for text in [
            "",
            ":3",
            "Churn:3",
            "churn:",
            "churn:-3",
            "a//b",
            "-a",
            "a___b",
            "a..b",
            "a@sha256:00",
            "a b",
            "a/",
            "host.example:x/a",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
        assert!("a:".to_owned().parse::<Reference>().is_err());
        assert!(format!("a:{}", "t".repeat(129)).parse::<Reference>().is_err());
    }
}
