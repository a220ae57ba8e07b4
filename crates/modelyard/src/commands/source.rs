//! Which tree of artifacts a URI means.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use modelyard_artifacts::ArtifactPath;

use crate::client::{Client, Run, Version, VersionName};
use crate::commands::connection::Session;
use crate::exit::{NotFound, Usage};
use crate::transfer::{Node, Plan, Tree};

/// What a URI of artifacts names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A path among the artifacts of a run; `None` is all of them.
    Run(String, Option<ArtifactPath>),
    /// A path among the artifacts of a logged model.
    Model(String, Option<ArtifactPath>),
    /// A path among the artifacts of a version of a registered model.
    Version(String, Which, Option<ArtifactPath>),
    /// The file or folder at a location.
    Location(String),
}

/// Which version of a registered model is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one with this number.
    Number(String),
    /// The newest of all.
    Latest,
    /// The newest in a stage.
    Stage(String),
    /// The one that an alias names.
    Alias(String),
}

/// Where it is, and that it is there.
pub(crate) struct Found {
    pub(crate) tree: Tree,
    pub(crate) path: Option<ArtifactPath>,
    pub(crate) plan: Plan,
}

impl Found {
    /// A path inside of what was found.
    fn below(self, path: Option<ArtifactPath>) -> anyhow::Result<Self> {
        let Some(inside) = path else { return Ok(self) };
        let whole = inside.below(self.path.as_ref())?;
        let found = Self::look(self.tree, Some(whole.clone()))?;
        found.ok_or_else(|| NotFound(format!("there is no artifact at {whole}")).into())
    }

    fn look(tree: Tree, path: Option<ArtifactPath>) -> anyhow::Result<Option<Self>> {
        let plan = Plan::make(&tree, path.as_ref())?;
        Ok(plan.map(|plan| Self { tree, path, plan }))
    }
}

impl Which {
    /// Asks the registry which version that is.
    pub(crate) fn find(&self, client: &Client, name: &str) -> anyhow::Result<Version> {
        let of = |version: &str| client.version(VersionName { name, version });
        let newest = |what: &str, is: &dyn Fn(&Version) -> bool| {
            let number = |version: &Version| version.version.parse::<u64>().unwrap_or_default();
            let model = client.model(name)?;
            let newest = model.latest_versions.into_iter().filter(is).max_by_key(number);
            newest.ok_or_else(|| {
                anyhow::Error::new(NotFound(format!("{name} has no version {what}")))
            })
        };
        Ok(match self {
            Self::Number(number) => of(number)?,
            Self::Alias(alias) => client.version_by_alias(name, alias)?,
            Self::Latest => newest("at all", &|_| true)?,
            Self::Stage(stage) => {
                let is = |version: &Version| version.current_stage.eq_ignore_ascii_case(stage);
                newest(&format!("in stage {stage}"), &is)?
            }
        })
    }
}

impl Source {
    /// Reads an artifact URI.
    pub(crate) fn parse(uri: &str) -> anyhow::Result<Self> {
        if let Some(rest) = strip_scheme(uri, "runs") {
            let (run_id, path) = id_and_path(rest)?;
            return Ok(Self::Run(run_id, path));
        }
        if let Some(rest) = strip_scheme(uri, "models") {
            let (id, path) = id_and_path(rest)?;
            return if is_model_id(&id) { Ok(Self::Model(id, path)) } else { version(uri, rest) };
        }
        Ok(Self::Location(uri.to_owned()))
    }

    /// The same, with the number of the version that is meant.
    pub(crate) fn resolved(self, session: &Session) -> anyhow::Result<Self> {
        let Self::Version(name, which, path) = self else { return Ok(self) };
        let number = which.find(&session.client, &name)?.version;
        Ok(Self::Version(name, Which::Number(number), path))
    }

    /// The registered model and the number of its version, if they are said.
    pub(crate) fn version(&self) -> Option<(&str, &str)> {
        match self {
            Self::Version(name, Which::Number(number), _) => Some((name, number)),
            _ => None,
        }
    }

    /// Asks the server where it is.
    ///
    /// # Errors
    /// [`NotFound`] if it is nowhere.
    pub(crate) fn find(self, session: &Session) -> anyhow::Result<Found> {
        let (client, context) = (&session.client, &session.context);
        let (found, shown) = match self {
            Self::Version(name, which, path) => {
                let version = which.find(client, &name)?;
                let uri = client.download_uri(version.as_name())?;
                // What a version is made from is never a version itself.
                let tree = match Self::parse(&uri)? {
                    Self::Version(..) => bail!(
                        "version {} of {name} is kept at {uri}, which is another version",
                        version.version
                    ),
                    source => source.find(session)?,
                };
                return tree.below(path);
            }
            Self::Run(run_id, path) => {
                let run = client.run(&run_id)?;
                let shown = shown(&run.info.artifact_uri, path.as_ref());
                (find_in_run(session, &run, path)?, shown)
            }
            Self::Model(model_id, path) => {
                let model = client.logged_model(&model_id)?;
                let tree = Tree::open(&model.artifact_uri, client, context)?;
                let shown = shown(&model.artifact_uri, path.as_ref());
                (Found::look(tree, path)?, shown)
            }
            Self::Location(uri) => {
                let (tree, path) = Tree::around(&uri, client, context)?;
                (Found::look(tree, path)?, uri)
            }
        };
        found.ok_or_else(|| NotFound(format!("there is no artifact at {shown}")).into())
    }
}

/// What lies directly in a folder of a run, or of the model that the run logged under that name.
pub(crate) fn list(
    session: &Session,
    run: &Run,
    folder: Option<&ArtifactPath>,
) -> anyhow::Result<Vec<Node>> {
    let nodes = of_run(session, run)?.list(folder)?;
    if !nodes.is_empty() {
        return Ok(nodes);
    }
    let Some(folder) = folder else { return Ok(nodes) };
    match model_of_run(session, run, folder)? {
        Some((tree, path)) => tree.list(path.as_ref()),
        None => Ok(nodes),
    }
}

/// The artifacts of a run.
pub(crate) fn of_run(session: &Session, run: &Run) -> anyhow::Result<Tree> {
    let tree = Tree::open(&run.info.artifact_uri, &session.client, &session.context)?;
    if let Some(folder) = tree.local_folder()
        && !session.client.address().is_loopback()
        // Below the folder of the experiment, a run has two of its own: RUN_ID/artifacts.
        && !folder.ancestors().nth(2).is_some_and(std::path::Path::exists)
    {
        bail!(
            "the artifacts of this run are in the folder {} of the server's machine, which is not \
             on this one. Run the command there, or start the server with --serve-artifacts for \
             new experiments",
            folder.display()
        );
    }
    Ok(tree)
}

fn find_in_run(
    session: &Session,
    run: &Run,
    path: Option<ArtifactPath>,
) -> anyhow::Result<Option<Found>> {
    let found = Found::look(of_run(session, run)?, path.clone())?;
    let (None, Some(path)) = (&found, path) else { return Ok(found) };
    let Some((tree, inside)) = model_of_run(session, run, &path)? else { return Ok(None) };
    let whole_model = inside.is_none();
    let Some(found) = Found::look(tree, inside)? else { return Ok(None) };
    // Named as it was asked for, like a folder of the run.
    let plan = if whole_model { found.plan.under(&path)? } else { found.plan };
    Ok(Some(Found { plan, ..found }))
}

/// From MLflow 3 on, `log_model(name="model")` puts the files beside the run, not into it; its
/// clients find them all the same by the first name of the path.
fn model_of_run(
    session: &Session,
    run: &Run,
    path: &ArtifactPath,
) -> anyhow::Result<Option<(Tree, Option<ArtifactPath>)>> {
    let (name, rest) = path.as_str().split_once('/').unwrap_or((path.as_str(), ""));
    let info = &run.info;
    let model = session.client.logged_model_of_run(&info.experiment_id, &info.run_id, name)?;
    let Some(model) = model else { return Ok(None) };
    let path = ArtifactPath::parse_folder(rest)?;
    let tree = Tree::open(&model.artifact_uri, &session.client, &session.context)?;
    Ok(Some((tree, path)))
}

/// `NAME/VERSION`, `NAME/latest`, `NAME/STAGE` or `NAME@ALIAS`, and a path below it.
fn version(uri: &str, rest: &str) -> anyhow::Result<Source> {
    let (first, rest) = rest.split_once('/').unwrap_or((rest, ""));
    if let Some((name, alias)) = first.rsplit_once('@') {
        let which = Which::Alias(alias.to_owned());
        return Ok(Source::Version(name.to_owned(), which, ArtifactPath::parse_folder(rest)?));
    }
    let (which, path) = rest.split_once('/').unwrap_or((rest, ""));
    let number = which.bytes().all(|byte| byte.is_ascii_digit());
    let which = match which {
        "" => {
            let why =
                format!("{uri} names no version: use models:/NAME/VERSION or models:/NAME@ALIAS");
            return Err(Usage(why).into());
        }
        which if number => Which::Number(which.to_owned()),
        which if which.eq_ignore_ascii_case("latest") => Which::Latest,
        stage => Which::Stage(stage.to_owned()),
    };
    Ok(Source::Version(first.to_owned(), which, ArtifactPath::parse_folder(path)?))
}

fn shown(location: &str, path: Option<&ArtifactPath>) -> String {
    match path {
        Some(path) => format!("{location}/{path}"),
        None => location.to_owned(),
    }
}

/// What follows `scheme:/`, `scheme://` or `scheme:///`.
fn strip_scheme<'a>(uri: &'a str, scheme: &str) -> Option<&'a str> {
    let (found, rest) = uri.split_once(':')?;
    (found.eq_ignore_ascii_case(scheme) && rest.starts_with('/'))
        .then(|| rest.trim_start_matches('/'))
}

fn id_and_path(rest: &str) -> anyhow::Result<(String, Option<ArtifactPath>)> {
    let (id, path) = rest.split_once('/').unwrap_or((rest, ""));
    if id.is_empty() {
        return Err(Usage("the URI names no id, as runs:/RUN_ID/path does".to_owned()).into());
    }
    Ok((id.to_owned(), ArtifactPath::parse_folder(path)?))
}

/// MLflow's form of the ids of logged models.
fn is_model_id(text: &str) -> bool {
    text.strip_prefix("m-")
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A new folder that nobody else can look into.
pub(crate) fn temporary_folder(session: &Session) -> anyhow::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    let name = format!("modelyard-{}", session.context.uuid_hex());
    let folder = std::env::temp_dir().join(name);
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Option<ArtifactPath> {
        Some(ArtifactPath::parse(text).expect("a path"))
    }

    #[test]
    fn uris_of_runs_and_models_are_taken_apart() {
        let parse = |uri| Source::parse(uri).expect("a source");
        assert_eq!(parse("runs:/abc/a/b.txt"), Source::Run("abc".into(), path("a/b.txt")));
        assert_eq!(parse("runs:///abc"), Source::Run("abc".into(), None));
        let id = format!("m-{}", "0123456789abcdef".repeat(2));
        let model = format!("models:/{id}/MLmodel");
        assert_eq!(parse(&model), Source::Model(id, path("MLmodel")));
        assert_eq!(parse("/tmp/x"), Source::Location("/tmp/x".into()));
        let version = |which, path| Source::Version("fraud".into(), which, path);
        let number = Which::Number("3".into());
        assert_eq!(parse("models:/fraud/3"), version(number.clone(), None));
        assert_eq!(parse("models:/fraud/3/MLmodel"), version(number, self::path("MLmodel")));
        assert_eq!(parse("models:/fraud/latest"), version(Which::Latest, None));
        let stage = Which::Stage("Production".into());
        assert_eq!(parse("models:/fraud/Production"), version(stage, None));
        let alias = Which::Alias("champion".into());
        assert_eq!(parse("models:/fraud@champion"), version(alias, None));
    }

    #[test]
    fn what_cannot_be_found_is_refused_by_name() {
        let text = |uri| Source::parse(uri).expect_err("refused").to_string();
        assert!(text("models:/fraud").contains("names no version"));
        assert!(text("runs:/").contains("names no id"));
        assert!(text("runs:/abc/../x").contains("Invalid path"));
    }
}
