//! Processes that the server starts: by a list of arguments and never through a shell, with an
//! environment that is given in full, in a group of their own that ends with its owner.

mod group;
mod output;
mod process;
mod spawner;

pub use output::{Keep, Output, Stream};
pub use process::{Exit, OnLine, Process, Program};
