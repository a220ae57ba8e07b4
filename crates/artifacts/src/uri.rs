//! [`ArtifactUri`]: where the artifacts of an experiment, a run or a model are kept.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::decode;
use crate::host::{self, HostTargets};
use crate::path::{ArtifactPath, InvalidPath, shown};

/// The location of a tree of artifacts, as experiments, runs and models name it.
///
/// Parsed from text once; whoever holds one knows which store it means, and that nothing in it
/// climbs, hides behind an encoding or is read differently by another parser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactUri {
    text: String,
    place: Place,
}

/// The stores an [`ArtifactUri`] can mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Behind the artifact proxy of this server (`mlflow-artifacts:/…`), below its destination.
    Proxied(Option<ArtifactPath>),
    /// A folder on this machine: absolute, without `.` and `..`.
    Local(PathBuf),
    /// A store that clients reach by themselves, and this server if it was told so.
    Remote(Remote),
}

/// A store named by scheme and, mostly, by host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// In lower case, for example `s3`.
    pub scheme: String,
    /// What stands between `//` and the path: a host, a bucket, or empty.
    pub(crate) authority: String,
    /// What a program that opens the URI connects to, if the URI says that.
    pub(crate) targets: Option<HostTargets>,
    /// The path behind the host, with its leading `/`.
    pub(crate) path: String,
}

impl ArtifactUri {
    /// Reads a location. A relative local path is taken from `working_dir`.
    ///
    /// # Errors
    /// [`InvalidUri`] for whatever cannot be a place for artifacts: fragments, `;` parameters,
    /// `..` at any stage of percent-decoding, backslashes, control characters, drive letters,
    /// `runs:/` and `models:/` URIs.
    pub fn parse(text: &str, working_dir: &Path) -> Result<Self, InvalidUri> {
        let refuse = |reason| InvalidUri { shown: shown(text), reason };
        check_text(text).map_err(refuse)?;
        let parts = Parts::split(text);
        let place = match parts.scheme.as_deref() {
            None => local_path(&parts, working_dir),
            Some("file") => file_uri(&parts),
            Some("mlflow-artifacts") if parts.authority.unwrap_or_default().is_empty() => {
                proxied(&parts)
            }
            Some("runs") => Err(Reason::Runs),
            Some("models") => Err(Reason::Models),
            Some(scheme) if scheme.len() == 1 => Err(Reason::DriveLetter),
            Some(scheme) => remote(scheme, &parts),
        };
        let place = place.map_err(refuse)?;
        let stored = match &place {
            Place::Local(path) if parts.scheme.is_none() => path.to_string_lossy().into_owned(),
            _ => text.to_owned(),
        };
        // `/ /` has lost its final slash by now.
        check_text(&stored).map_err(refuse)?;
        Ok(Self { text: stored, place })
    }

    /// The text, as it is stored and shown. A local path is absolute here.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The store it means.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The location with `path` appended, before the query if there is one: how the locations of
    /// runs and models follow from that of their experiment.
    pub fn appended(&self, path: &str) -> String {
        modelyard_protocol::uri::append(&self.text, path)
    }
}

impl fmt::Display for ArtifactUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A location that was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} Given: {shown}")]
pub struct InvalidUri {
    shown: String,
    reason: Reason,
}

impl InvalidUri {
    pub(crate) fn new(text: &str, reason: Reason) -> Self {
        Self { shown: shown(text), reason }
    }
}

/// Why a location was refused. Where MLflow has a message, ours begins with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    #[error("'artifact_location' must not be empty.")]
    Empty,
    #[error("'artifact_location' URL can't include fragments or params.")]
    FragmentOrParams,
    #[error("Invalid query string.")]
    Query,
    #[error("'artifact_location' of this kind can't include a query.")]
    QueryNotAllowed,
    #[error("Artifact location cannot be a runs:/ URI.")]
    Runs,
    #[error("Artifact location cannot be a models:/ URI.")]
    Models,
    #[error("'artifact_location' must not contain '..', however it is encoded.")]
    Climbs,
    #[error("'artifact_location' must not contain backslashes.")]
    Backslash,
    #[error("'artifact_location' must not contain control characters or white space at its ends.")]
    Control,
    #[error("'artifact_location' is percent-encoded too many times over.")]
    Encoding,
    #[error(
        "'artifact_location' starts with a drive letter; write file:///… with forward slashes."
    )]
    DriveLetter,
    #[error("A local 'artifact_location' must be a path, or file:/// and an absolute path.")]
    LocalForm,
    #[error("A '{0}' location must name its bucket or host, for example {0}://name/path.")]
    NoAuthority(String),
    #[error("'artifact_location': {0}")]
    Path(InvalidPath),
    /// A rule of the server, not of the syntax; see [`crate::location`].
    #[error("{0}")]
    Rule(String),
}

/// What must hold for the whole text, whatever the scheme.
fn check_text(text: &str) -> Result<(), Reason> {
    if text.is_empty() {
        return Err(Reason::Empty);
    }
    if text.contains(char::is_control) || text.trim() != text {
        return Err(Reason::Control);
    }
    let (before_query, query) = text.split_once('?').unwrap_or((text, ""));
    decode::each_stage(query, || Reason::Encoding, refuse_query)?;
    if text.contains(['#', ';']) {
        return Err(Reason::FragmentOrParams);
    }
    decode::each_stage(before_query, || Reason::Encoding, refuse_path)
}

fn refuse_query(stage: &[u8]) -> Result<(), Reason> {
    let climbs = stage.windows(2).any(|pair| pair == b"..");
    if climbs || stage.iter().any(u8::is_ascii_control) { Err(Reason::Query) } else { Ok(()) }
}

/// Locations are typed by people, so here, unlike in names of files, an encoding that hides syntax
/// is refused at every stage.
fn refuse_path(stage: &[u8]) -> Result<(), Reason> {
    if stage.contains(&b'\\') {
        return Err(Reason::Backslash);
    }
    if stage.split(|byte| *byte == b'/').any(|name| name.trim_ascii() == b"..") {
        return Err(Reason::Climbs);
    }
    if stage.iter().any(u8::is_ascii_control) {
        return Err(Reason::Control);
    }
    if stage.iter().any(|byte| b"#;".contains(byte)) {
        return Err(Reason::FragmentOrParams);
    }
    Ok(())
}

/// Stores whose URIs name a bucket or container first.
const BUCKETS: [&str; 3] = ["s3", "gs", "wasbs"];

/// A URI cut at its seams.
pub(crate) struct Parts<'a> {
    /// In lower case.
    pub(crate) scheme: Option<String>,
    /// What stands between `//` and the path.
    pub(crate) authority: Option<&'a str>,
    pub(crate) path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    pub(crate) fn split(text: &'a str) -> Self {
        let (rest, query) = match text.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (text, None),
        };
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme.to_ascii_lowercase()), rest),
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self { scheme, authority, path, query }
    }

    fn without_query(&self) -> Result<(), Reason> {
        if self.query.is_some() { Err(Reason::QueryNotAllowed) } else { Ok(()) }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn local_path(parts: &Parts<'_>, working_dir: &Path) -> Result<Place, Reason> {
    parts.without_query()?;
    // `//host/share` is a network path to some readers and `/host/share` to others.
    if parts.authority.is_some() || parts.path.is_empty() {
        return Err(Reason::LocalForm);
    }
    Ok(Place::Local(clean(&working_dir.join(parts.path))))
}

fn file_uri(parts: &Parts<'_>) -> Result<Place, Reason> {
    parts.without_query()?;
    let here = matches!(parts.authority, None | Some("" | "localhost"));
    if !here || !parts.path.starts_with('/') || parts.path.starts_with("//") {
        return Err(Reason::LocalForm);
    }
    let path = decode::once(parts.path).ok_or(Reason::LocalForm)?;
    Ok(Place::Local(clean(Path::new(&path))))
}

fn proxied(parts: &Parts<'_>) -> Result<Place, Reason> {
    parts.without_query()?;
    // Clients put the text into a URL, so the server gets it decoded once.
    let path = decode::once(parts.path).ok_or(Reason::Encoding)?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    ArtifactPath::parse_folder(path).map(Place::Proxied).map_err(Reason::Path)
}

fn remote(scheme: &str, parts: &Parts<'_>) -> Result<Place, Reason> {
    let authority = parts.authority.unwrap_or_default();
    // `ftp:///x` and `http:x` name no host, yet a client connects: to itself. Schemes of plug-ins
    // may go without a host, as `dbfs:/x` does; what has no path either is no place.
    let needs_authority = BUCKETS.contains(&scheme) || !parts.path.starts_with('/');
    if authority.is_empty() && needs_authority && !host::is_host_addressed(scheme) {
        return Err(Reason::NoAuthority(scheme.to_owned()));
    }
    let targets = host::targets(scheme, authority);
    let (scheme, authority) = (scheme.to_owned(), authority.to_owned());
    Ok(Place::Remote(Remote { scheme, authority, targets, path: parts.path.to_owned() }))
}

/// Drops `.` and doubled separators; `..` does not occur any more.
fn clean(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ArtifactUri, InvalidUri> {
        ArtifactUri::parse(text, Path::new("/data"))
    }

    fn place(text: &str) -> Place {
        parse(text).expect(text).place
    }

    fn reason(text: &str) -> Reason {
        parse(text).expect_err(text).reason
    }

    #[test]
    fn local_forms_mean_one_folder() {
        for text in ["/data/a", "a", "./a", "/data/./a/", "file:///data/a", "FILE:/data/a"] {
            assert_eq!(place(text), Place::Local("/data/a".into()), "{text}");
        }
        assert_eq!(place("file://localhost/w%20x"), Place::Local("/w x".into()));
        assert_eq!(parse("a").expect("relative").as_str(), "/data/a");
        assert_eq!(parse("file:///data/a").expect("absolute").as_str(), "file:///data/a");
    }

    #[test]
    fn proxied_locations_are_paths_below_the_destination() {
        let path = |text| Place::Proxied(Some(ArtifactPath::parse(text).expect(text)));
        assert_eq!(place("mlflow-artifacts:/1/abc/artifacts"), path("1/abc/artifacts"));
        assert_eq!(place("mlflow-artifacts:///1"), path("1"));
        assert_eq!(place("MLFLOW-artifacts:/a%20b"), path("a b"));
        assert_eq!(place("mlflow-artifacts:/"), Place::Proxied(None));
        assert!(matches!(reason("mlflow-artifacts:/.modelyard/x"), Reason::Path(_)));
        assert!(matches!(reason("mlflow-artifacts:////etc"), Reason::Path(_)));
    }

    #[test]
    fn remote_locations_keep_their_scheme() {
        for (text, scheme) in [
            ("s3://bucket/p?region=x", "s3"),
            ("S3://bucket", "s3"),
            ("gs://b/x", "gs"),
            ("abfss://c@account.dfs.core.windows.net/x", "abfss"),
            ("mlflow-artifacts://other:5000/x", "mlflow-artifacts"),
            ("ftp:///x", "ftp"),
            ("dbfs:/etc", "dbfs"),
        ] {
            let Place::Remote(remote) = place(text) else { panic!("{text} is remote") };
            assert_eq!(remote.scheme, scheme);
        }
        assert_eq!(reason("s3:/bucket/x"), Reason::NoAuthority("s3".into()));
    }

    #[test]
    fn what_is_read_differently_by_others_is_refused() {
        for (text, expected) in [
            ("", Reason::Empty),
            (" /tmp/x", Reason::Control),
            ("/tmp/x\n", Reason::Control),
            ("s3://b/%0a", Reason::Control),
            ("#/../../../etc", Reason::FragmentOrParams),
            ("http:///#/../../../etc", Reason::FragmentOrParams),
            ("http://h/artifacts/;..%2f..", Reason::FragmentOrParams),
            ("s3://b/x;..", Reason::FragmentOrParams),
            ("s3://b/x%23y", Reason::FragmentOrParams),
            ("http:///?/../../../../etc/", Reason::Query),
            ("s3://b/p?x=%252e%252e/", Reason::Query),
            ("dbfs:/../../etc", Reason::Climbs),
            ("s3://b/a/%2e%2e/x", Reason::Climbs),
            ("mlflow-artifacts:/x/..%252f..", Reason::Climbs),
            ("../etc", Reason::Climbs),
            ("file://HOST/../../../etc", Reason::Climbs),
            ("file:../../etc", Reason::Climbs),
            ("\\\\host\\share", Reason::Backslash),
            ("http://evil\\@127.0.0.1/", Reason::Backslash),
            ("s3://b/%5cx", Reason::Backslash),
            ("file:etc", Reason::LocalForm),
            ("file://./etc", Reason::LocalForm),
            ("file:////etc", Reason::LocalForm),
            ("//etc", Reason::LocalForm),
            ("C:/x", Reason::DriveLetter),
            ("runs:/abc/x", Reason::Runs),
            ("models:/m/1", Reason::Models),
            ("/tmp/x?y", Reason::QueryNotAllowed),
            ("s3:///x", Reason::NoAuthority("s3".into())),
            ("javascript:alert(1)", Reason::NoAuthority("javascript".into())),
        ] {
            assert_eq!(reason(text), expected, "{text}");
        }
    }

    #[test]
    fn runs_lie_below_their_experiment() {
        let appended = |text| parse(text).expect(text).appended("r/artifacts");
        assert_eq!(appended("mlflow-artifacts:/1"), "mlflow-artifacts:/1/r/artifacts");
        assert_eq!(appended("mlflow-artifacts:/"), "mlflow-artifacts:/r/artifacts");
        assert_eq!(appended("s3://b/p?x=1"), "s3://b/p/r/artifacts?x=1");
    }
}
