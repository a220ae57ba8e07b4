//! Lines of requirements: what of them is given to an installer, and in which form they are compared.
//!
//! MLflow hands the file to `pip` as it is, which lets a line do more than ask for a package. Here a line is
//!
//! - a project with versions, extras, a marker, `--hash`, or an address (`name @ https://…`);
//! - an address of `http`, `https`, or Git over them or over SSH; a path below the model's folder;
//! - `-e` before one of these, which is left out: a link to a folder that is soon gone is of no use;
//! - an option that says where packages come from or which files of them are taken: [`VALUED`] and [`PLAIN`].
//!
//! `pip` and `uv` replace `${NAME}` by the variable of that name. The operator says which ones may be named
//! ([`Settings::pass`](crate::Settings::pass)); a password of another index is none of them.
//!
//! Refused are `--trusted-host`, which turns the check of certificates off and is the operator's to decide
//! (`PIP_TRUSTED_HOST`, `UV_INSECURE_HOST`), paths and `file:` addresses elsewhere, and what is not known.

use std::path::{Component, Path, PathBuf};

use crate::error::Error;

/// Most lines: a frozen environment has a few hundred.
const LINES_MAX: usize = 10_000;
/// Options with a value: the form that is written, and those that are read.
const VALUED: [(&str, &[&str]); 5] = [
    ("--index-url", &["--index-url", "-i", "--pypi-url"]),
    ("--extra-index-url", &["--extra-index-url"]),
    ("--find-links", &["--find-links", "-f"]),
    ("--no-binary", &["--no-binary"]),
    ("--only-binary", &["--only-binary"]),
];
/// Options without a value.
const PLAIN: [&str; 4] = ["--no-index", "--pre", "--prefer-binary", "--require-hashes"];
/// Addresses that packages may come from.
const SCHEMES: [&str; 6] = ["https:", "http:", "git+https:", "git+http:", "git+ssh:", "git+git:"];

/// What a text of requirements says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Requirements {
    /// Options with a value, each with its value, in their order, which matters.
    pub(crate) options: Vec<(&'static str, String)>,
    /// Options without.
    pub(crate) flags: Vec<&'static str>,
    /// What is installed.
    pub(crate) lines: Vec<String>,
    /// The files and folders of the model that they name.
    pub(crate) paths: Vec<PathBuf>,
}

impl Requirements {
    /// Reads a text, comments and continuations as `pip` reads them. It may name the variables that are `passed`.
    pub(crate) fn read(text: &str, passed: &[String]) -> Result<Self, Error> {
        let mut read = Self::default();
        let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
        for line in joined.lines().map(without_comment).filter(|line| !line.is_empty()) {
            if line.contains(|c: char| c.is_control() && c != '\t') {
                return Err(Error::requirement(line, "it holds a control character"));
            }
            if let Some(name) = variables(line).find(|name| !passed.iter().any(|p| p == name)) {
                let why = format!("the variable {name} is not passed on to installers");
                return Err(Error::requirement(line, why));
            }
            read.take(line)?;
            if read.lines.len() + read.options.len() > LINES_MAX {
                return Err(Error::requirement(line, format!("more than {LINES_MAX} lines")));
            }
        }
        read.paths.sort();
        read.paths.dedup();
        Ok(read)
    }

    /// Whether nothing is to be installed.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether each line names one file of one version, so that what an installer has kept is as good as news.
    pub(crate) fn all_pinned(&self) -> bool {
        self.lines.iter().all(|line| {
            let version = line.split_once("==").map(|(_, version)| version);
            version.is_some_and(|version| !version.split(';').next().unwrap_or("").contains('*'))
                || path(line).is_some()
        })
    }

    /// Whether a line asks for one of these projects, or for a repository of that name, as MLflow looks for itself.
    pub(crate) fn asks_for(&self, names: &[&str]) -> bool {
        self.lines.iter().any(|line| match name(line) {
            Some(name) => names.contains(&name.as_str()),
            None => names.iter().any(|name| line.to_lowercase().contains(&format!("/{name}"))),
        })
    }

    /// The same wishes in the same form, whatever their order, spaces and capital letters.
    pub(crate) fn normalised(&self) -> Vec<String> {
        let options = self.options.iter().map(|(option, value)| format!("{option} {value}"));
        let flags = self.flags.iter().map(|flag| (*flag).to_owned());
        let mut lines: Vec<String> = self.lines.iter().map(|line| normalised_line(line)).collect();
        lines.sort();
        lines.dedup();
        options.chain(flags).chain(lines).collect()
    }

    /// The text of a file for an installer that knows all of these options, which is `pip`.
    pub(crate) fn text(&self) -> String {
        let flags = self.flags.iter().map(|flag| format!("{flag}\n"));
        self.text_with(flags.collect())
    }

    /// The text of a file for `uv`, which reads only one of the flags there; the others are its arguments.
    pub(crate) fn uv_text(&self) -> String {
        let index = self.flags.contains(&"--no-index");
        self.text_with(if index { "--no-index\n".to_owned() } else { String::new() })
    }

    /// What `uv` has as arguments instead of flags in the file. That wheels are preferred it does anyway where a
    /// version has one.
    pub(crate) fn uv_arguments(&self) -> Vec<&'static str> {
        let argument = |flag: &&'static str| match *flag {
            "--pre" => Some("--prerelease=allow"),
            "--require-hashes" => Some("--require-hashes"),
            _ => None,
        };
        self.flags.iter().filter_map(argument).collect()
    }

    fn text_with(&self, mut text: String) -> String {
        for (option, value) in &self.options {
            text += &format!("{option} {value}\n");
        }
        for line in &self.lines {
            text += line;
            text.push('\n');
        }
        text
    }

    fn take(&mut self, line: &str) -> Result<(), Error> {
        if let Some(rest) = valued(line, &["--editable", "-e"]) {
            return self.take_requirement(rest);
        }
        if !line.starts_with('-') {
            return self.take_requirement(line);
        }
        if let Some(flag) = PLAIN.into_iter().find(|flag| *flag == line) {
            if !self.flags.contains(&flag) {
                self.flags.push(flag);
            }
            return Ok(());
        }
        for (option, forms) in VALUED {
            let Some(value) = valued(line, forms) else { continue };
            if value.contains(char::is_whitespace) {
                return Err(Error::requirement(line, "one option on a line"));
            }
            let place = value.contains("://") || option.ends_with("-binary");
            if option == "--find-links" && !place {
                self.paths.push(below(line, value)?);
            } else if !place || value.starts_with("file:") {
                return Err(Error::requirement(line, "an address of http or https is needed"));
            }
            self.options.push((option, value.to_owned()));
            return Ok(());
        }
        let why = if valued(line, &["-r", "--requirement", "-c", "--constraint"]).is_some() {
            "files that it names have to be read before"
        } else if valued(line, &["--trusted-host"]).is_some() {
            "whose certificates are not checked is decided with PIP_TRUSTED_HOST or UV_INSECURE_HOST"
        } else {
            "this option is not allowed in a model's requirements"
        };
        Err(Error::requirement(line, why))
    }

    fn take_requirement(&mut self, line: &str) -> Result<(), Error> {
        let strange = |word: &&str| word.starts_with('-') && !word.starts_with("--hash=");
        // `--hash value` is the other form of it, whose value follows.
        if let Some(option) = line.split_whitespace().filter(|w| *w != "--hash").find(strange) {
            return Err(Error::requirement(line, format!("the option {option} is not allowed")));
        }
        let address = address(line).unwrap_or(line);
        let scheme = address.find("://").map(|at| &address[..=at]);
        let scheme = scheme.filter(|s| !s.contains([' ', ';', '=']));
        match scheme.map(str::to_ascii_lowercase) {
            Some(scheme) if !SCHEMES.contains(&scheme.as_str()) => {
                return Err(Error::requirement(line, format!("{scheme} is not an allowed scheme")));
            }
            Some(_) => {}
            None if address.starts_with("file:") => {
                return Err(Error::requirement(line, "it must be a path below the model's folder"));
            }
            None => {
                if let Some(path) = path(line) {
                    self.paths.push(below(line, path)?);
                }
            }
        }
        self.lines.push(line.to_owned());
        Ok(())
    }
}

fn without_comment(line: &str) -> &str {
    let line = line.trim();
    let starts = |(at, _): &(usize, &str)| *at == 0 || line[..*at].ends_with(char::is_whitespace);
    let comment = line.match_indices('#').find(starts).map(|(at, _)| at);
    line[..comment.unwrap_or(line.len())].trim_end()
}

/// The variables that a line names.
fn variables(line: &str) -> impl Iterator<Item = &str> {
    let behind = line.split("${").skip(1);
    behind.filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// The value of an option that is written in one of these forms: `-i x`, `-ix`, `--index-url x`, `--index-url=x`.
fn valued<'a>(line: &'a str, forms: &[&str]) -> Option<&'a str> {
    forms.iter().find_map(|form| {
        let rest = line.strip_prefix(form)?;
        let value = rest.trim_start_matches([' ', '\t', '=']);
        let separated = value.len() < rest.len() || !form.starts_with("--");
        (separated && !value.is_empty()).then_some(value)
    })
}

/// Where a project is taken from: `address` of `name[extras] @ address`.
fn address(line: &str) -> Option<&str> {
    let rest = line[name_end(line)..].trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']')?.1.trim_start(),
        None => rest,
    };
    Some(rest.strip_prefix('@')?.trim_start())
}

/// Where the name at the beginning of a line ends; at its beginning, if there is none.
fn name_end(line: &str) -> usize {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    line.find(|c| !is_name(c)).unwrap_or(line.len())
}

/// The part of a line that is a path of this machine.
fn path(line: &str) -> Option<&str> {
    let address = address(line);
    let text = address.unwrap_or(line);
    let end = text.find([' ', '\t', ';', '[']).unwrap_or(text.len());
    let word = &text[..end];
    let is_file = [".whl", ".tar.gz", ".zip"].iter().any(|end| word.ends_with(end));
    let is_path = word == "." || word.contains('/') || is_file || address.is_some();
    (is_path && !text.contains("://")).then_some(word)
}

/// A path, if it stays below the folder it is relative to.
fn below(line: &str, path: &str) -> Result<PathBuf, Error> {
    let inside = |part: &Component<'_>| matches!(part, Component::Normal(_));
    let parts = Path::new(path).components().filter(|part| *part != Component::CurDir);
    let clean: PathBuf = parts.clone().collect();
    if clean.as_os_str().is_empty() || !parts.clone().all(|part| inside(&part)) {
        return Err(Error::requirement(line, "it must be a path below the model's folder"));
    }
    Ok(clean)
}

/// The project that a line asks for, in the form in which names are compared; `None` for addresses and paths.
pub(crate) fn name(line: &str) -> Option<String> {
    let end = name_end(line);
    let rest = line[end..].trim_start();
    let is_project = line.starts_with(|c: char| c.is_ascii_alphanumeric())
        && (rest.is_empty()
            || rest.starts_with(['=', '<', '>', '!', '~', '[', ';', '(', '@', '-']))
        && (path(line).is_none() || address(line).is_some());
    is_project.then(|| normalised_name(&line[..end]))
}

fn normalised_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

/// A line with its name in one form and without spaces that mean nothing; those in a marker are kept as one.
fn normalised_line(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let line = words.join(" ");
    let Some(name) = name(&line) else { return line };
    let rest = &line[name_end(&line)..];
    if address(&line).is_some() {
        return format!("{name}{rest}");
    }
    let (versions, marker) = match rest.split_once(';') {
        Some((versions, marker)) => (versions, format!(";{}", marker.trim())),
        None => (rest, String::new()),
    };
    let (versions, hashes) = match versions.find("--") {
        Some(at) => (&versions[..at], format!(" {}", &versions[at..])),
        None => (versions, String::new()),
    };
    format!("{name}{}{hashes}{marker}", versions.replace(' ', ""))
}

#[cfg(test)]
mod tests;
