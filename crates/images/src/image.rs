//! What an image is made of.

use std::collections::BTreeMap;
use std::path::Path;

use modelyard_protocol::Context;

use crate::error::Error;
use crate::layer::Layer;
use crate::layout::{self, Written};
use crate::platform::Platform;
use crate::reference::Reference;
use crate::target::Target;

/// An image.
#[derive(Debug)]
pub struct Image {
    /// What machines it is for.
    pub platform: Platform,
    /// Its files, the lowest layer first.
    pub layers: Vec<Layer>,
    /// The program that a container starts, with its arguments.
    pub entrypoint: Vec<String>,
    /// The user and the group that it runs as.
    pub user: String,
    /// The TCP port that it listens on.
    pub port: u16,
    /// Variables of its environment.
    pub env: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Its name.
    pub reference: Option<Reference>,
}

/// Writes an image: as a layout in the folder `target`, or, if that ends with `.tar`, as an archive of one, which also
/// has what older versions of Docker look for. A layout or an archive of one that is there is replaced at the end.
///
/// # Errors
/// If something else is there, a file cannot become a part of the image, or those of the disk; what was there
/// before is then unchanged.
pub fn write(image: &Image, target: &Path, context: &Context) -> Result<Written, Error> {
    let target = Target::at(target)?;
    let unfinished = target.begin(context)?;
    let written = layout::write(image, unfinished.folder(), target.is_archive())?;
    unfinished.finish(&target)?;
    Ok(written)
}
