//! Reads models of scikit-learn, XGBoost and LightGBM without Python, and predicts with them.
//!
//! A model's file is read into records (`graph`), which are data: no class is looked up and nothing
//! in them is executed. [`Model`] is what has been compiled from them: with typed numbers, checked
//! indices, and only where every rule of the library is known. What is not known exactly is refused
//! with the reason ([`Error::NeedsPython`]), so that Python can serve it.

mod cursor;
mod document;
mod error;
mod graph;
mod lightgbm;
mod limits;
mod math;
mod model;
pub mod npy;
mod pickle;
mod sklearn;
mod skops;
mod table;
mod trees;
mod ubjson;
mod xgboost;

pub use error::{Error, Result};
pub use model::Model;
pub use table::{Cells, Method, Output, Table, Values};
pub use xgboost::XgboostClass;
