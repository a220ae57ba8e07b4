//! A tree of artifacts, wherever it is kept.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use modelyard_artifacts::{ArtifactPath, ArtifactUri, LocalRepository, Place, Repository};
use modelyard_protocol::Context;
use tokio::runtime::Runtime;

use super::BUFFER_BYTES;
use super::destination::Destination;
use super::interrupt::clean_up_on_interrupt;
use crate::client::{Body, Client, IN_PARTS_FROM_BYTES, Sent};

/// The artifacts of a run or a model.
pub(crate) enum Tree {
    /// Behind the artifact proxy of a server, below a folder of it.
    Proxied(Box<Client>, Option<ArtifactPath>),
    /// A folder of this machine.
    Local(LocalTree),
}

/// A folder of this machine, and what runs its repository's asynchronous work.
pub(crate) struct LocalTree {
    folder: PathBuf,
    /// `None`: there is no such folder, and so no artifact.
    repository: Option<Repository>,
    /// Where files are written; made by the first.
    destination: Mutex<Option<Destination>>,
    context: Context,
    runtime: Arc<Runtime>,
}

/// A file or folder directly in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// As the store says it; not checked.
    pub(crate) name: String,
    /// Bytes; `None` for a folder.
    pub(crate) size: Option<u64>,
}

/// What a location says, as far as this command can go there.
enum Whereabouts {
    /// Behind the proxy of the tracking server, or of the server at a `host:port`.
    Proxied(Option<String>, Option<ArtifactPath>),
    /// A file or folder of this machine.
    Local(PathBuf),
}

impl Whereabouts {
    fn parse(location: &str) -> anyhow::Result<Self> {
        let here = std::env::current_dir().context("the working folder cannot be read")?;
        let uri = ArtifactUri::parse(location, &here)?;
        match uri.place() {
            Place::Proxied(path) => Ok(Self::Proxied(None, path.clone())),
            Place::Local(path) => Ok(Self::Local(path.clone())),
            Place::Remote(remote) if remote.scheme == "mlflow-artifacts" => {
                let rest = location.split_once("://").map_or("", |(_, rest)| rest);
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                let path = match path.trim_matches('/') {
                    "" => None,
                    path => Some(ArtifactPath::parse_encoded(path)?),
                };
                Ok(Self::Proxied(Some(host.to_owned()), path))
            }
            Place::Remote(remote) => bail!(
                "the artifacts are at {location}: '{}' locations are not supported here yet. Use \
                 a client with credentials for that store",
                remote.scheme
            ),
        }
    }
}

impl Tree {
    /// The tree at an artifact location, as a server names it.
    ///
    /// # Errors
    /// For locations of kinds this command cannot reach, naming the kind.
    pub(crate) fn open(location: &str, client: &Client, context: &Context) -> anyhow::Result<Self> {
        match Whereabouts::parse(location)? {
            Whereabouts::Proxied(None, folder) => Ok(Self::Proxied(client.clone().into(), folder)),
            Whereabouts::Proxied(Some(host), folder) => {
                Ok(Self::Proxied(client.at(&host)?.into(), folder))
            }
            Whereabouts::Local(folder) => LocalTree::open(&folder, context).map(Self::Local),
        }
    }

    /// A tree that holds the file or folder at a location, and its path in it: only a listing of
    /// what is around it tells which of both it is.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn around(
        location: &str,
        client: &Client,
        context: &Context,
    ) -> anyhow::Result<(Self, Option<ArtifactPath>)> {
        match Whereabouts::parse(location)? {
            Whereabouts::Proxied(None, path) => {
                Ok((Self::Proxied(client.clone().into(), None), path))
            }
            Whereabouts::Proxied(Some(host), path) => {
                Ok((Self::Proxied(client.at(&host)?.into(), None), path))
            }
            Whereabouts::Local(place) => {
                let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else {
                    bail!("{} is not a file or folder of artifacts", place.display());
                };
                let name = ArtifactPath::parse(&name.to_string_lossy())?;
                Ok((Self::Local(LocalTree::open(folder, context)?), Some(name)))
            }
        }
    }

    /// The folder, if the tree is one of this machine.
    pub(crate) fn local_folder(&self) -> Option<&Path> {
        match self {
            Self::Local(local) => Some(&local.folder),
            Self::Proxied(..) => None,
        }
    }

    /// What lies directly in a folder (`None` is the root); nothing if it is a file, or not there.
    pub(crate) fn list(&self, folder: Option<&ArtifactPath>) -> anyhow::Result<Vec<Node>> {
        match self {
            Self::Proxied(client, root) => {
                let whole = match folder {
                    Some(folder) => Some(folder.below(root.as_ref())?),
                    None => root.clone(),
                };
                let whole = whole.as_ref().map(ArtifactPath::as_str).unwrap_or_default();
                let entries = client.list_artifacts(whole)?.into_iter();
                let size = |is_folder: bool, bytes| (!is_folder).then_some(bytes);
                Ok(entries
                    .map(|entry| Node {
                        size: size(entry.is_dir, entry.file_size),
                        name: entry.name,
                    })
                    .collect())
            }
            Self::Local(local) => local.list(folder),
        }
    }

    /// Opens a file from `offset` on; see [`Client::get_artifact`].
    pub(crate) fn get(
        &self,
        path: &ArtifactPath,
        offset: u64,
        etag: Option<&str>,
    ) -> anyhow::Result<Body> {
        match self {
            Self::Proxied(client, root) => {
                let whole = path.below(root.as_ref())?;
                Ok(client.get_artifact(whole.as_str(), offset, etag)?)
            }
            Self::Local(local) => local.get(path),
        }
    }

    /// Stores a local file of `size` bytes. Whether its receiver shows that it compared the checksum.
    pub(crate) fn put(
        &self,
        path: &ArtifactPath,
        file: &Path,
        size: u64,
        sent: Sent<'_>,
    ) -> anyhow::Result<bool> {
        match self {
            Self::Proxied(client, root) => {
                let whole = path.below(root.as_ref())?;
                let in_parts = size >= IN_PARTS_FROM_BYTES && client.offers_parts();
                Ok(match in_parts {
                    true => client.put_in_parts(whole.as_str(), file, size, sent)?,
                    false => client.put_artifact(whole.as_str(), file, size, sent)?,
                })
            }
            Self::Local(local) => local.put(path, file, size, sent).map(|()| false),
        }
    }
}

impl LocalTree {
    fn open(folder: &Path, context: &Context) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
        let cannot = || format!("cannot open the artifact folder {}", folder.display());
        let repository = match folder.is_dir() {
            true => Some(LocalRepository::open(folder, context.clone()).with_context(cannot)?),
            false => None,
        };
        let repository = repository.map(Repository::Local);
        let (folder, context) = (folder.to_owned(), context.clone());
        let (destination, runtime) = (Mutex::default(), Arc::new(runtime));
        Ok(Self { folder, repository, destination, context, runtime })
    }

    fn destination(&self) -> anyhow::Result<Destination> {
        let mut opened = self.destination.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(destination) = &*opened {
            return Ok(destination.clone());
        }
        let destination = Destination::open(&self.folder, &self.context)?;
        clean_up_on_interrupt(&destination);
        *opened = Some(destination.clone());
        Ok(destination)
    }

    fn list(&self, folder: Option<&ArtifactPath>) -> anyhow::Result<Vec<Node>> {
        let Some(repository) = &self.repository else { return Ok(Vec::new()) };
        let entries = self.runtime.block_on(repository.list(folder))?;
        Ok(entries.into_iter().map(|e| Node { name: e.name, size: e.size_bytes }).collect())
    }

    fn get(&self, path: &ArtifactPath) -> anyhow::Result<Body> {
        let Some(repository) = &self.repository else {
            return Err(modelyard_artifacts::Error::NotFound(path.clone()).into());
        };
        let file = self.runtime.block_on(repository.open(path))?;
        let file_size = Some(file.size_bytes);
        let size = file.size_bytes;
        let stream = Box::pin(self.runtime.block_on(file.into_stream(0..size))?);
        let runtime = Arc::clone(&self.runtime);
        let reader = Box::new(StreamReader { runtime, stream, portion: Bytes::new() });
        Ok(Body { reader, start: 0, file_size, etag: None, digest: None })
    }

    /// Not through the repository: that keeps a folder of its own beside what it stores, which has
    /// its place in the store of a server, but not among the artifacts of a run.
    fn put(
        &self,
        path: &ArtifactPath,
        file: &Path,
        size: u64,
        sent: Sent<'_>,
    ) -> anyhow::Result<()> {
        let cannot_read = || format!("cannot read {}", file.display());
        let mut opened = File::open(file).with_context(cannot_read)?.take(size);
        let mut incoming = self.destination()?.begin(path)?;
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut done = 0;
        loop {
            let count = opened.read(&mut buffer).with_context(cannot_read)?;
            if count == 0 {
                break;
            }
            incoming.write(&buffer[..count])?;
            done += count as u64;
            sent(done)?;
        }
        anyhow::ensure!(done == size, "{} became shorter while it was read", file.display());
        incoming.sync()?;
        incoming.complete()
    }
}

/// A stream of portions as blocking bytes.
struct StreamReader {
    runtime: Arc<Runtime>,
    stream: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
    portion: Bytes,
}

impl Read for StreamReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.portion.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                Some(portion) => self.portion = portion?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.portion.len());
        self.portion.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
