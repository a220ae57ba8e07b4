//! MLflow's loose protobuf JSON: how requests are read and how floats are written.
//!
//! A request is first read strictly into its struct, which is fast. Only when that fails, or when
//! a required field is missing, it is read again the slow way, which knows the loose forms
//! (`camelCase`, numbers as texts, enums by number, nulls, unknown fields) and gives MLflow's
//! errors in MLflow's order.

mod check;
mod message;
mod normalise;
mod number;
mod params;
mod python;
mod query;

#[cfg(test)]
mod tests;

pub(crate) use check::missing;
pub use message::{Check, Field, Kind, Message, Request, Rules};
pub use number::Double;
pub use params::Params;
pub use python::json_dumps;
pub(crate) use python::{json as python_json, json_in_order};
pub use query::{Query, parse_query};
