//! Artifact URIs, paths and repositories.
//!
//! Text from outside becomes an [`ArtifactUri`] or an [`ArtifactPath`] once, at the edge; nothing
//! behind that takes strings. [`Repositories`] tells which [`Repository`] a location means, and
//! that does the reading and writing.

mod checked;
mod cloud;
mod decode;
mod error;
mod host;
mod local;
mod location;
mod mime;
mod model_source;
mod path;
mod portion;
mod read;
mod repositories;
mod repository;
#[cfg(test)]
mod testing;
mod uri;
mod walk;

pub use checked::{Checked, Mismatch, checked};
pub use cloud::{CloudRepository, Fault, SignedUrl, Variables};
pub use error::{Cause, Error, Result};
pub use local::{LocalRepository, PART_MAX_BYTES, PARTS_MAX};
pub use location::{LOCATION_MAX_CHARS, LocationRules};
pub use mime::content_type;
pub use model_source::{InvalidSource, ModelSource, Selector, is_local_within, is_within};
pub use path::{
    ArtifactPath, DEPTH_MAX, InvalidPath, NAME_MAX_BYTES, PATH_MAX_BYTES, RESERVED_NAME,
};
pub use read::ArtifactFile;
pub use repositories::{Located, OwnStore, Repositories, StoreConfig};
pub use repository::{Announced, Entry, FinishedPart, PartsGoTo, Repository, UploadId};
pub use uri::{ArtifactUri, InvalidUri, Place, Remote};
pub use walk::{FoundFile, Walk};
