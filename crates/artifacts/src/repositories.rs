//! Which repository a location means on this server.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use modelyard_protocol::Context;

use crate::cloud::{Bucket, CloudRepository, Variables};
use crate::decode;
use crate::error::{Error, Result};
use crate::local::LocalRepository;
use crate::location::{self, LocationRules};
use crate::path::ArtifactPath;
use crate::repository::Repository;
use crate::uri::{ArtifactUri, Place, Remote};

/// What stands before the path in an `http` location of proxied artifacts.
pub(crate) const PROXY_ROUTE: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// How the server was told to keep artifacts.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Where relative paths start.
    pub working_dir: PathBuf,
    /// Where experiments keep their artifacts unless they say otherwise
    /// (`--default-artifact-root`).
    pub artifact_root: String,
    /// What lies behind the artifact proxy (`--artifacts-destination`); `None` if it is off.
    pub destination: Option<String>,
    /// Further folders, of this machine or of buckets, that the server itself may read and write
    /// (`--allow-artifact-location`).
    pub allowed: Vec<String>,
    /// How to reach buckets.
    pub variables: Variables,
    /// Schemes that experiments may use beyond the built-in ones
    /// (`MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES`).
    pub allowed_schemes: Vec<String>,
    /// The longest location, in characters (`MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH`).
    pub location_max_chars: usize,
}

/// Every repository of a server.
#[derive(Debug)]
pub struct Repositories {
    artifact_root: ArtifactUri,
    destination: Option<Repository>,
    /// Folders of this machine, with the repository in each; the innermost first.
    local: Vec<(PathBuf, Repository)>,
    /// Folders of buckets; the innermost first.
    clouds: Vec<CloudRepository>,
    rules: LocationRules,
}

/// The roles of a server's own stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnStore {
    /// What lies behind the proxy (`--artifacts-destination`).
    Destination,
    /// Where experiments keep their artifacts by default (`--default-artifact-root`).
    Root,
}

/// A tree of artifacts within a repository: those of a run, say.
#[derive(Debug, Clone)]
pub struct Located {
    /// Where it lies.
    pub repository: Repository,
    /// Its folder; `None` is the whole repository.
    pub folder: Option<ArtifactPath>,
}

impl Located {
    /// The place of `path`, which is relative to this tree, in the repository.
    ///
    /// # Errors
    /// [`Error::Path`] if the whole becomes too long.
    pub fn path(&self, path: &ArtifactPath) -> Result<ArtifactPath> {
        Ok(path.below(self.folder.as_ref())?)
    }

    /// As [`path`](Self::path), for a folder, which may be the root of the tree.
    ///
    /// # Errors
    /// [`Error::Path`] if the whole becomes too long.
    pub fn folder(&self, path: Option<&ArtifactPath>) -> Result<Option<ArtifactPath>> {
        match path {
            Some(path) => self.path(path).map(Some),
            None => Ok(self.folder.clone()),
        }
    }
}

impl Repositories {
    /// Opens what the configuration names, makes folders that are missing, and repairs what a crash
    /// left. Blocks.
    ///
    /// # Errors
    /// [`Error::Uri`] and [`Error::Unsupported`] for locations this server cannot use, and what
    /// [`LocalRepository::open`] says.
    pub fn open(config: StoreConfig, context: &Context) -> Result<Self> {
        let artifact_root = ArtifactUri::parse(&config.artifact_root, &config.working_dir)?;
        let destination = match &config.destination {
            Some(text) => Some(ArtifactUri::parse(text, &config.working_dir)?),
            None => None,
        };
        let mut folders: Vec<PathBuf> = Vec::new();
        let mut remotes: Vec<Remote> = Vec::new();
        for uri in destination.iter().chain([&artifact_root]) {
            match uri.place() {
                Place::Local(folder) => folders.push(folder.clone()),
                Place::Remote(remote) => remotes.push(remote.clone()),
                Place::Proxied(_) => {}
            }
        }
        for text in &config.allowed {
            let uri = ArtifactUri::parse(text, &config.working_dir);
            match uri.as_ref().map(ArtifactUri::place) {
                Ok(Place::Remote(remote)) if Bucket::of(remote)?.is_none() => {
                    return Err(Error::Unsupported { scheme: remote.scheme.clone() });
                }
                Ok(Place::Remote(remote)) => remotes.push(remote.clone()),
                _ => folders.push(config.working_dir.join(text)),
            }
        }
        let local = open_folders(folders, context)?;
        let clouds = open_buckets(&remotes, &config.variables)?;
        let rules = LocationRules {
            working_dir: config.working_dir,
            max_chars: config.location_max_chars,
            own: destination.iter().chain([&artifact_root]).cloned().collect(),
            allowed_schemes: config.allowed_schemes.iter().map(|s| s.to_lowercase()).collect(),
        };
        let mut repositories = Self { artifact_root, destination: None, local, clouds, rules };
        repositories.destination = match destination {
            Some(uri) => Some(repositories.find_destination(&uri)?),
            None => None,
        };
        Ok(repositories)
    }

    /// The rules for locations that clients name.
    pub fn rules(&self) -> &LocationRules {
        &self.rules
    }

    /// Where experiments keep their artifacts unless they say otherwise.
    pub fn artifact_root(&self) -> &ArtifactUri {
        &self.artifact_root
    }

    /// What lies behind the artifact proxy; `None` if it is off.
    pub fn destination(&self) -> Option<&Repository> {
        self.destination.as_ref()
    }

    /// The stores that are this server's own, by name: what lies behind the proxy, and the artifact root if the
    /// server reaches it. One that lies within another is left out.
    pub fn own(&self) -> Vec<(OwnStore, Repository)> {
        let uri = &self.artifact_root;
        let root = match uri.place() {
            Place::Local(path) => self.find_local(uri, path).ok(),
            Place::Remote(remote) => self.find_cloud(uri, remote).ok(),
            Place::Proxied(_) => None,
        };
        let root = root.map(|located| (OwnStore::Root, located.repository));
        let destination = self.destination.clone().map(|it| (OwnStore::Destination, it));
        match (destination, root) {
            (Some(outer), Some(inner)) if outer.1.holds(&inner.1) => vec![outer],
            (Some(inner), Some(outer)) if outer.1.holds(&inner.1) => vec![outer],
            (destination, root) => destination.into_iter().chain(root).collect(),
        }
    }

    /// What a stored location means, whether or not this server can reach it.
    ///
    /// # Errors
    /// [`Error::Uri`] if it means nothing.
    pub fn place_of(&self, location: &str) -> Result<Place> {
        Ok(ArtifactUri::parse(location, &self.rules.working_dir)?.place().clone())
    }

    /// The artifacts at a stored location, if this server can reach them.
    ///
    /// # Errors
    /// [`Error::ProxyOff`], [`Error::NotServed`] for other folders of this machine,
    /// [`Error::BucketNotServed`] for other buckets, and [`Error::Unsupported`] for stores that only
    /// clients reach.
    pub fn find(&self, location: &str) -> Result<Located> {
        let uri = ArtifactUri::parse(location, &self.rules.working_dir)?;
        match uri.place() {
            Place::Proxied(folder) => self.behind_proxy(&uri, folder.clone()),
            Place::Local(path) => self.find_local(&uri, path),
            Place::Remote(remote) => match self.proxied_path(remote) {
                Some(folder) => self.behind_proxy(&uri, folder?),
                None => self.find_cloud(&uri, remote),
            },
        }
    }

    fn behind_proxy(&self, uri: &ArtifactUri, folder: Option<ArtifactPath>) -> Result<Located> {
        match self.destination.clone() {
            Some(repository) => Ok(Located { repository, folder }),
            None => Err(Error::ProxyOff(uri.to_string())),
        }
    }

    fn find_local(&self, uri: &ArtifactUri, path: &Path) -> Result<Located> {
        let inside = self.local.iter().find_map(|(root, repository)| {
            let folder = location::below(root, path)?;
            Some(Located { repository: repository.clone(), folder })
        });
        inside.ok_or_else(|| Error::NotServed(uri.to_string()))
    }

    /// A client may name any bucket as the location of its experiment. With the server's credentials
    /// it gets only at those the server was told.
    fn find_cloud(&self, uri: &ArtifactUri, remote: &Remote) -> Result<Located> {
        let (bucket, path) = match Bucket::of(remote) {
            Ok(Some(found)) => found,
            Ok(None) => return Err(Error::Unsupported { scheme: remote.scheme.clone() }),
            // What cannot be read is a client's mistake here, and in any case none of the server's.
            Err(_unreadable) => return Err(Error::BucketNotServed(uri.to_string())),
        };
        let inside = self.clouds.iter().find_map(|cloud| {
            let folder = cloud.way_to(&bucket, path.as_ref())?;
            Some(Located { repository: Repository::Cloud(cloud.clone()), folder })
        });
        inside.ok_or_else(|| Error::BucketNotServed(uri.to_string()))
    }

    /// Whether the stores are there and let the server in.
    ///
    /// The destination must be; the others may be meant for clients with other credentials, so what
    /// is wrong with them is only logged.
    ///
    /// # Errors
    /// [`Error::Store`] for the destination.
    pub async fn check(&self) -> Result<()> {
        if let Some(Repository::Cloud(destination)) = &self.destination {
            destination.check().await?;
        }
        for cloud in &self.clouds {
            if let Some(Repository::Cloud(destination)) = &self.destination
                && destination.holds(cloud)
            {
                continue;
            }
            let cloud = cloud.clone();
            tokio::spawn(async move {
                if let Err(error) = cloud.check().await {
                    tracing::warn!("{error} Its artifacts can be reached by clients only.");
                }
            });
        }
        Ok(())
    }

    fn find_destination(&self, uri: &ArtifactUri) -> Result<Repository> {
        match uri.place() {
            Place::Local(path) => self.find_local(uri, path).map(|located| located.repository),
            Place::Remote(remote) => self.find_cloud(uri, remote).map(|located| located.repository),
            Place::Proxied(_) => Err(Error::Unsupported { scheme: "mlflow-artifacts".into() }),
        }
    }

    /// The path behind this server's proxy that a location with a host names, if the host is that
    /// of the server's own root.
    fn proxied_path(&self, remote: &Remote) -> Option<Result<Option<ArtifactPath>>> {
        let Place::Remote(own) = self.artifact_root.place() else { return None };
        let (own, asked) = (own.targets.as_ref()?, remote.targets.as_ref()?);
        if own.is_disjoint(asked) {
            return None;
        }
        let path = match remote.scheme.as_str() {
            "mlflow-artifacts" => remote.path.as_str(),
            "http" | "https" => remote.path.split_once(PROXY_ROUTE)?.1,
            _ => return None,
        };
        let decoded = decode::once(path)?;
        let path = decoded.strip_prefix('/').unwrap_or(&decoded);
        Some(ArtifactPath::parse_folder(path).map_err(Error::from))
    }
}

fn open_folders(
    mut folders: Vec<PathBuf>,
    context: &Context,
) -> Result<Vec<(PathBuf, Repository)>> {
    folders.sort();
    folders.dedup();
    // Descendants sort after their ancestors.
    folders.reverse();
    let open = |folder: PathBuf| {
        let repository = LocalRepository::open(&folder, context.clone())?;
        Ok((folder, Repository::Local(repository)))
    };
    folders.into_iter().map(open).collect()
}

fn open_buckets(remotes: &[Remote], variables: &Variables) -> Result<Vec<CloudRepository>> {
    let mut clouds: Vec<CloudRepository> = Vec::new();
    let mut unread = BTreeSet::new();
    for remote in remotes {
        let Some((bucket, folder)) = Bucket::of(remote)? else { continue };
        let is_open =
            |cloud: &CloudRepository| cloud.way_to(&bucket, folder.as_ref()) == Some(None);
        if clouds.iter().any(is_open) {
            continue;
        }
        unread.extend(bucket.unread(variables));
        clouds.push(CloudRepository::open(&bucket, folder, variables)?);
    }
    if !unread.is_empty() {
        let names = Vec::from_iter(unread).join(", ");
        tracing::warn!(
            "{names}: ignored, this server's client of the artifact store does not know them"
        );
    }
    let depth = |cloud: &CloudRepository| cloud.folder().map_or(0, |it| it.names().count());
    clouds.sort_by_key(|cloud| std::cmp::Reverse(depth(cloud)));
    Ok(clouds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::LOCATION_MAX_CHARS;
    use crate::testing;

    fn open(root: &str, destination: Option<&str>, dir: &Path) -> Result<Repositories> {
        let config = StoreConfig {
            working_dir: dir.to_owned(),
            artifact_root: root.to_owned(),
            destination: destination.map(str::to_owned),
            allowed: vec!["extra".into(), "s3://allowed/team".into()],
            variables: Variables::default(),
            allowed_schemes: Vec::new(),
            location_max_chars: LOCATION_MAX_CHARS,
        };
        Repositories::open(config, &testing::context())
    }

    fn place(repositories: &Repositories, location: &str) -> (PathBuf, String) {
        let located = repositories.find(location).expect(location);
        let Repository::Local(local) = &located.repository else { panic!("{location} is local") };
        let folder = located.folder.map(|folder| folder.to_string()).unwrap_or_default();
        (local.folder().to_owned(), folder)
    }

    #[test]
    fn a_location_is_found_in_the_repository_it_means() {
        let temp = tempfile::tempdir().expect("a folder");
        let dir = temp.path();
        let own = open("mlflow-artifacts:/", Some("./mlartifacts"), dir).expect("opened");
        let proxied = dir.join("mlartifacts");
        assert_eq!(
            place(&own, "mlflow-artifacts:/1/r/artifacts"),
            (proxied.clone(), "1/r/artifacts".into())
        );
        assert_eq!(place(&own, "mlflow-artifacts:/"), (proxied.clone(), String::new()));
        let inside = format!("file://{}/mlartifacts/x", dir.display());
        assert_eq!(place(&own, &inside), (proxied, "x".into()));
        let extra = dir.join("extra");
        let inside = extra.join("a/b");
        assert_eq!(place(&own, inside.to_str().expect("UTF-8")), (extra, "a/b".into()));
    }

    #[test]
    fn what_the_server_does_not_reach_is_said_so() {
        let temp = tempfile::tempdir().expect("a folder");
        let own = open("mlflow-artifacts:/", Some("mlartifacts"), temp.path()).expect("opened");
        assert!(matches!(own.find("/etc"), Err(Error::NotServed(_))));
        assert!(matches!(own.find("s3://bucket/x"), Err(Error::BucketNotServed(_))));
        assert!(matches!(own.find("s3://allowed"), Err(Error::BucketNotServed(_))));
        assert!(matches!(own.find("s3://allowed/teams"), Err(Error::BucketNotServed(_))));
        assert!(matches!(own.find("gs://allowed/team"), Err(Error::BucketNotServed(_))));
        assert!(matches!(own.find("dbfs:/x"), Err(Error::Unsupported { .. })));
        assert!(matches!(own.find("mlflow-artifacts://evil/x"), Err(Error::Unsupported { .. })));
        assert!(matches!(own.find("mlflow-artifacts:/../x"), Err(Error::Uri(_))));
        let off = open("mlruns", None, temp.path()).expect("opened");
        assert!(matches!(off.find("mlflow-artifacts:/1"), Err(Error::ProxyOff(_))));
        assert!(off.find(temp.path().join("mlruns/1").to_str().expect("UTF-8")).is_ok());
    }

    #[test]
    fn a_root_with_a_host_is_the_proxy_under_another_name() {
        let temp = tempfile::tempdir().expect("a folder");
        let root = "http://me:5000/api/2.0/mlflow-artifacts/artifacts/sub";
        let own = open(root, Some("mlartifacts"), temp.path()).expect("opened");
        assert_eq!(place(&own, &format!("{root}/1")).1, "sub/1");
        assert_eq!(place(&own, "mlflow-artifacts://me:5000/1").1, "1");
        assert!(own.find("http://other:5000/api/2.0/mlflow-artifacts/artifacts/1").is_err());
    }

    #[test]
    fn a_destination_elsewhere_is_refused_at_start() {
        let temp = tempfile::tempdir().expect("a folder");
        let refused = open("mlflow-artifacts:/", Some("dbfs:/x"), temp.path());
        assert!(matches!(refused, Err(Error::Unsupported { scheme }) if scheme == "dbfs"));
    }

    #[test]
    fn buckets_are_served_below_what_the_server_was_given() {
        let temp = tempfile::tempdir().expect("a folder");
        let own = open("s3://root/runs", Some("s3://proxied"), temp.path()).expect("opened");
        let folder = |location: &str| {
            let located = own.find(location).expect(location);
            assert!(matches!(located.repository, Repository::Cloud(_)));
            located.folder.map(|folder| folder.to_string())
        };
        assert_eq!(folder("s3://root/runs/1/r/artifacts").as_deref(), Some("1/r/artifacts"));
        assert_eq!(folder("s3://root/runs"), None);
        assert_eq!(folder("s3://allowed/team/x").as_deref(), Some("x"));
        assert_eq!(folder("mlflow-artifacts:/1").as_deref(), Some("1"));
        assert_eq!(folder("s3://proxied/1").as_deref(), Some("1"));
        assert!(matches!(own.find("s3://root/other"), Err(Error::BucketNotServed(_))));
        assert!(matches!(own.find("s3://root/runs//x"), Err(Error::BucketNotServed(_))));
    }
}
