//! OCI images from files, without a daemon, a registry or another program.
//!
//! An [`Image`] is a configuration over [`Layer`]s; [`write()`] makes a layout of it, as the OCI image specification
//! describes it, in a folder or a tar archive. [`Program`] finds what a program needs of this machine to start in
//! an image that has nothing else.
//!
//! - **The same files give the same digests**: entries are sorted, belong to root, have fixed modes and the time 0.
//! - Nothing is held in memory but the list of files: layers are packed, compressed and digested as they are read.
//! - A folder of others is read through a handle that its links do not lead out of.
//! - A layout appears under its name when it is whole and on disk, and takes the place of a layout only.

mod archive;
mod blobs;
mod document;
mod elf;
mod error;
mod image;
mod layer;
mod layout;
mod platform;
mod program;
mod reference;
mod target;

pub use error::Error;
pub use image::{Image, write};
pub use layer::Layer;
pub use layout::Written;
pub use platform::Platform;
pub use program::Program;
pub use reference::Reference;
