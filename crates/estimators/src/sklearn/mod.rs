//! scikit-learn's models: from records to what predicts.
//!
//! Each estimator is compiled once, with everything that can be checked checked, and refuses what it
//! does not know exactly. What differs between versions is decided while compiling.

mod attributes;
mod boosting;
mod check;
mod columns;
mod compile;
mod encode;
mod forest;
mod hist;
mod impute;
mod labels;
mod linear;
mod scale;
mod transform;
mod tree;
mod version;

pub(crate) use attributes::Attributes;
pub(crate) use check::Expected;
pub(crate) use compile::Estimator;
pub(crate) use forest::no_method;
pub(crate) use labels::Labels;
