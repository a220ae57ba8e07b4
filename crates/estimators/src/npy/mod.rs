//! numpy's data types, arrays and `.npy` files.

mod array;
mod dtype;
mod header;
mod literal;

pub use array::Array;
pub(crate) use array::element_count;
pub use dtype::{DType, Field, Kind};
pub use header::read;

pub(crate) const FORMAT: &str = "npy";
