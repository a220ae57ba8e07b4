//! [`ArtifactPath`]: where an artifact lies below a root.

use std::fmt;

use crate::decode;

/// The longest name of one file or folder, in bytes: the limit of every common file system.
pub const NAME_MAX_BYTES: usize = 255;
/// The longest path, in bytes: Linux takes 4096 including the final NUL.
pub const PATH_MAX_BYTES: usize = 4095;
/// The deepest path, in names. Removing a folder holds one open handle for each level.
pub const DEPTH_MAX: usize = 100;
/// The one name that is not the users': below it a repository keeps uploads that are under way.
pub const RESERVED_NAME: &str = ".modelyard";
/// Characters of a refused path that its error message repeats.
const SHOWN_MAX_CHARS: usize = 120;

/// The place of a file or folder below some root: one or more names, joined by `/`.
///
/// A value of this type can be appended to a root and stays below it: no name is `.`, `..`, empty,
/// [reserved](RESERVED_NAME) or too long, and none holds a separator of any operating system, a
/// control character, `#` or `?` (which MLflow's clients cut off when they build a URL). Nor does
/// it turn into something that climbs when it is percent-decoded again, however often.
///
/// It is never empty, so what takes an `ArtifactPath` cannot be pointed at the root itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArtifactPath(String);

impl ArtifactPath {
    /// Reads the path of a file or folder, already decoded from its URL or JSON.
    ///
    /// `a//b`, `./a/b` and `a/b/` all mean `a/b`, as on a file system.
    ///
    /// # Errors
    /// [`InvalidPath`] if it breaks a rule of the type, or is empty.
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        Self::parse_folder(text)?.ok_or_else(|| InvalidPath::new(text, Reason::Empty))
    }

    /// As [`parse`](Self::parse), but an empty path is allowed and is the root: `None`.
    ///
    /// # Errors
    /// [`InvalidPath`] if it breaks a rule of the type.
    pub fn parse_folder(text: &str) -> Result<Option<Self>, InvalidPath> {
        let refuse = |reason| InvalidPath::new(text, reason);
        if text.len() > PATH_MAX_BYTES {
            return Err(refuse(Reason::TooLong));
        }
        // Before what is redundant is dropped, which could hide or uncover a leading separator.
        refuse_climbing(text.as_bytes()).map_err(refuse)?;
        let names: Vec<&str> = text.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        if names.len() > DEPTH_MAX {
            return Err(refuse(Reason::TooDeep));
        }
        names.iter().try_for_each(|name| check_name(name)).map_err(refuse)?;
        names.iter().try_for_each(|name| refuse_absolute_start(name)).map_err(refuse)?;
        let path = names.join("/");
        decode::each_stage(&path, || Reason::Encoding, refuse_climbing).map_err(refuse)?;
        Ok((!names.is_empty()).then_some(Self(path)))
    }

    /// Reads a path as it stands in a URL, with percent escapes.
    ///
    /// # Errors
    /// [`InvalidPath`] if it is not UTF-8 once decoded, or as for [`parse`](Self::parse).
    pub fn parse_encoded(text: &str) -> Result<Self, InvalidPath> {
        let decoded = decode::once(text).ok_or_else(|| InvalidPath::new(text, Reason::NotUtf8))?;
        Self::parse(&decoded)
    }

    /// The path with `/` between the names; no `/` before or after.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last name.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// All but the last name; `None` if there is only one.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(folder, _)| Self(folder.to_owned()))
    }

    /// The names, outermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether this is `folder` or lies below it.
    pub fn is_within(&self, folder: &Self) -> bool {
        self.0
            .strip_prefix(folder.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The rest of this path below `folder`: `Some(None)` if it is `folder`, `None` if it lies
    /// elsewhere.
    pub(crate) fn relative_to(&self, folder: &Self) -> Option<Option<Self>> {
        let rest = self.0.strip_prefix(folder.as_str())?;
        match rest.strip_prefix('/') {
            Some(rest) => Some(Some(Self(rest.to_owned()))),
            None => rest.is_empty().then_some(None),
        }
    }

    /// This path, below `folder`. `None` stands for the root.
    ///
    /// # Errors
    /// [`InvalidPath`] if the whole becomes too long or too deep.
    pub fn below(&self, folder: Option<&Self>) -> Result<Self, InvalidPath> {
        let Some(folder) = folder else { return Ok(self.clone()) };
        let whole = format!("{folder}/{self}");
        if whole.len() > PATH_MAX_BYTES {
            return Err(InvalidPath::new(&whole, Reason::TooLong));
        }
        if whole.split('/').count() > DEPTH_MAX {
            return Err(InvalidPath::new(&whole, Reason::TooDeep));
        }
        Ok(Self(whole))
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ArtifactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A path that was refused. The message starts as MLflow's does: `Invalid path`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid path {shown}: {reason}.")]
pub struct InvalidPath {
    shown: String,
    reason: Reason,
}

impl InvalidPath {
    pub(crate) fn new(path: &str, reason: Reason) -> Self {
        Self { shown: shown(path), reason }
    }
}

/// A text as error messages repeat it: quoted, escaped, and cut when it is long.
pub(crate) fn shown(text: &str) -> String {
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(SHOWN_MAX_CHARS).collect();
    let dots = if characters.next().is_some() { "…" } else { "" };
    format!("'{}{dots}'", start.escape_debug())
}

/// Why a path was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    #[error("it must name a file or folder")]
    Empty,
    #[error("it must not leave its folder with '..'")]
    Climbs,
    #[error("it must be relative, without a leading separator, a drive letter or a scheme")]
    Absolute,
    #[error("it must not contain a backslash; separate folders with '/'")]
    Backslash,
    #[error("names must not contain '#' or '?', which do not survive in a URL")]
    UrlSyntax,
    #[error("names must not contain control characters")]
    Control,
    #[error("names must not consist of dots")]
    Dots,
    #[error("the name '{RESERVED_NAME}' is reserved")]
    Reserved,
    #[error("names must not be longer than {NAME_MAX_BYTES} bytes")]
    NameTooLong,
    #[error("it must not be longer than {PATH_MAX_BYTES} bytes")]
    TooLong,
    #[error("it must not have more than {DEPTH_MAX} levels")]
    TooDeep,
    #[error("it must be UTF-8")]
    NotUtf8,
    #[error("it is percent-encoded too many times over")]
    Encoding,
}

/// What must hold for a path at every stage of decoding: that it does not lead elsewhere.
///
/// Only that: `%23` or `%5c` within a name are harmless below the first stage, and MLflow 2.x
/// names images `key%step%0%timestamp%…`, which decodes to nearly anything.
fn refuse_climbing(stage: &[u8]) -> Result<(), Reason> {
    if is_absolute(stage) {
        return Err(Reason::Absolute);
    }
    let separates = |byte: &u8| matches!(byte, b'/' | b'\\');
    for name in stage.split(separates) {
        if name.trim_ascii() == b".." {
            return Err(Reason::Climbs);
        }
        // Of every name, because a folder's content is read by paths that start below it.
        if is_drive_or_file(name) {
            return Err(Reason::Absolute);
        }
    }
    Ok(())
}

/// Refuses a name that reads as absolute at some stage of decoding where a path starts with it.
///
/// Paths are joined and cut between names, which must not make one absolute: `a:%2f` is none, but
/// with more below it decodes to `a://…`.
fn refuse_absolute_start(name: &str) -> Result<(), Reason> {
    if !name.contains('%') {
        return Ok(());
    }
    let refuse = |stage: &[u8]| if is_absolute(stage) { Err(Reason::Absolute) } else { Ok(()) };
    decode::each_stage(&format!("{name}/"), || Reason::Encoding, refuse)
}

/// A leading separator or a URL (`http://…`).
fn is_absolute(stage: &[u8]) -> bool {
    if matches!(stage.first(), Some(b'/' | b'\\')) {
        return true;
    }
    let Some(colon) = stage.iter().position(|byte| *byte == b':') else { return false };
    let (scheme, rest) = (&stage[..colon], &stage[colon + 1..]);
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    let separates = |byte: &u8| matches!(byte, b'/' | b'\\');
    is_scheme && rest.len() >= 2 && rest[..2].iter().all(separates)
}

/// A drive (`C:`), or what a reader may take for `file:` and a path.
fn is_drive_or_file(name: &[u8]) -> bool {
    let is_drive = matches!(name, [letter, b':'] if letter.is_ascii_alphabetic());
    is_drive || name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"file:"))
}

fn check_name(name: &str) -> Result<(), Reason> {
    if name.contains('\\') {
        return Err(Reason::Backslash);
    }
    if name.contains(char::is_control) {
        return Err(Reason::Control);
    }
    // What lenient decoders put where the text was not UTF-8.
    if name.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Reason::NotUtf8);
    }
    if name.contains(['#', '?']) {
        return Err(Reason::UrlSyntax);
    }
    if name.trim().chars().all(is_dot_like) && !name.trim().is_empty() {
        return Err(Reason::Dots);
    }
    if name.eq_ignore_ascii_case(RESERVED_NAME) {
        return Err(Reason::Reserved);
    }
    if name.len() > NAME_MAX_BYTES {
        return Err(Reason::NameTooLong);
    }
    Ok(())
}

/// Dots, and the characters that compatibility normalisation turns into dots.
fn is_dot_like(character: char) -> bool {
    matches!(character, '.' | '\u{2024}' | '\u{2025}' | '\u{2026}' | '\u{fe52}' | '\u{ff0e}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> Reason {
        ArtifactPath::parse(text).expect_err(text).reason
    }

    fn parsed(text: &str) -> String {
        ArtifactPath::parse(text).expect(text).as_str().to_owned()
    }

    #[test]
    fn ordinary_names_pass_unchanged() {
        for name in [
            "model/MLmodel",
            "a b+c.png",
            "100%",
            "한국어/é.txt",
            "..data/.hidden",
            "a:b",
            "v1.",
            "metrics~1=2&3;4",
            "images/loss%step%0%timestamp%1795446662834%2ea2c4e5-3f0b.png",
            "images/loss%step%0%timestamp%1795446662834%00ab%23cd%5cef.png",
        ] {
            assert_eq!(parsed(name), name);
        }
    }

    #[test]
    fn spellings_of_one_place_are_one_value() {
        for text in ["a/b", "a//b", "./a/./b", "a/b/", "a/b//."] {
            assert_eq!(parsed(text), "a/b");
        }
        assert_eq!(ArtifactPath::parse_folder("").expect("the root"), None);
        assert_eq!(ArtifactPath::parse_folder("./.").expect("the root"), None);
    }

    #[test]
    fn the_root_is_not_an_artifact() {
        for text in ["", ".", "./"] {
            assert_eq!(reason(text), Reason::Empty);
        }
    }

    #[test]
    fn nothing_climbs_at_any_stage_of_decoding() {
        for text in [
            "..",
            "../x",
            "a/../../x",
            "a//../../b",
            "a/..",
            "%2e%2e/x",
            "%2e%2e%2fx",
            "%252E%252E%252Fetc%252Fpasswd",
            "a/%25252e%25252e/x",
            "a%2f%2e%2e%2fx",
            "%u002e%u002e/x",
            "a%5c..%5c..%5cx",
            "a/.. /x",
            "./%2e%2e%2fx",
        ] {
            assert_eq!(reason(text), Reason::Climbs, "{text}");
        }
    }

    #[test]
    fn nothing_absolute_at_any_stage_of_decoding() {
        for text in [
            "/etc/hosts",
            "//etc",
            "%2fetc",
            "%252fetc",
            "\\\\host\\share",
            "C:/",
            "C:",
            "C:\\Windows\\win.ini",
            "c:%5cx",
            "C%3A%5Ctmp",
            "file:///etc",
            "FILE:etc",
            "file%3aetc",
            "http://host/x",
            "s3://b",
            "./%2f",
            ".//C:/x",
            // As a folder: with more below it, or cut off what is above it.
            "aa:%2f",
            "a/aa:%252f",
            "a/%2fb",
        ] {
            assert_eq!(reason(text), Reason::Absolute, "{text}");
        }
    }

    #[test]
    fn characters_that_do_not_travel_are_refused() {
        assert_eq!(reason("a\\b"), Reason::Backslash);
        assert_eq!(reason("a#b"), Reason::UrlSyntax);
        assert_eq!(reason("a?/a"), Reason::UrlSyntax);
        for text in ["a\0.txt", "a\nb", "a\u{7f}", "a\u{85}b"] {
            assert_eq!(reason(text), Reason::Control, "{text:?}");
        }
        for text in ["\u{ff0e}\u{ff0e}/x", "\u{2025}", "...", "a/ .../b"] {
            assert_eq!(reason(text), Reason::Dots, "{text:?}");
        }
    }

    #[test]
    fn the_reserved_name_cannot_be_reached() {
        for text in [".modelyard", ".modelyard/x", "a/.MODELYARD/x", "./.modelyard"] {
            assert_eq!(reason(text), Reason::Reserved, "{text}");
        }
    }

    #[test]
    fn lengths_are_bounded() {
        assert!(ArtifactPath::parse(&"x".repeat(NAME_MAX_BYTES)).is_ok());
        assert_eq!(reason(&"x".repeat(NAME_MAX_BYTES + 1)), Reason::NameTooLong);
        assert_eq!(reason(&"é".repeat(128)), Reason::NameTooLong);
        assert!(ArtifactPath::parse(&"x/".repeat(DEPTH_MAX)).is_ok());
        assert_eq!(reason(&"x/".repeat(DEPTH_MAX + 1)), Reason::TooDeep);
        assert_eq!(reason(&"x".repeat(PATH_MAX_BYTES + 1)), Reason::TooLong);
        let deep = ArtifactPath::parse(&"x/".repeat(60)).expect("60 levels");
        assert_eq!(deep.below(Some(&deep)).expect_err("120 levels").reason, Reason::TooDeep);
    }

    #[test]
    fn encoded_paths_are_decoded_once() {
        let path = ArtifactPath::parse_encoded("a%20b+c%2525.png").expect("a name");
        assert_eq!(path.as_str(), "a b+c%25.png");
        let overlong = ArtifactPath::parse_encoded("%c0%ae%c0%ae/x").expect_err("not UTF-8");
        assert_eq!(overlong.reason, Reason::NotUtf8);
        assert_eq!(reason("a\u{fffd}b"), Reason::NotUtf8);
    }

    #[test]
    fn the_parts_of_a_path() {
        let path = ArtifactPath::parse("a/b/c.txt").expect("a path");
        assert_eq!(path.file_name(), "c.txt");
        assert_eq!(path.parent().expect("a folder").as_str(), "a/b");
        assert_eq!(path.names().collect::<Vec<_>>(), ["a", "b", "c.txt"]);
        let folder = ArtifactPath::parse("a/b").expect("a path");
        assert!(path.is_within(&folder) && folder.is_within(&folder));
        assert!(!ArtifactPath::parse("a/bc").expect("a path").is_within(&folder));
        assert_eq!(path.below(Some(&folder)).expect("short").as_str(), "a/b/a/b/c.txt");
    }

    #[test]
    fn messages_say_what_to_do_and_are_short() {
        let error = ArtifactPath::parse("../x").expect_err("climbs");
        assert_eq!(
            error.to_string(),
            "Invalid path '../x': it must not leave its folder with '..'."
        );
        let error = ArtifactPath::parse(&"\u{1}".repeat(4000)).expect_err("control");
        assert!(error.to_string().len() < 1000);
    }
}
