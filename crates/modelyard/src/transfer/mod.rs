//! Artifacts on their way between this machine and wherever a run keeps them.

mod compared;
mod destination;
mod download;
mod interrupt;
mod outgoing;
mod plan;
mod tree;
mod upload;
mod workers;

pub(crate) use compared::Compared;
pub(crate) use download::{Downloaded, download};
pub(crate) use outgoing::{Outgoing, file, folder};
pub(crate) use plan::Plan;
pub(crate) use tree::{Node, Tree};
pub(crate) use upload::upload;

/// Bytes held of each file under way.
const BUFFER_BYTES: usize = 256 << 10;
