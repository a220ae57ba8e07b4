//! MLflow's messages, error codes and search grammar: pure, no I/O, no async.

pub mod context;
pub mod error;

pub use context::{Context, Environment};
pub use error::{Error, ErrorCode};
