//! The search language: filters and orderings of runs, experiments, logged and registered models and
//! versions.
//!
//! MLflow 3.17's filter strings are a subset of ours: comparisons joined by `AND`. On top of it
//! stand `OR`, `NOT`, parentheses, `IN` lists and `IS [NOT] NULL` for every field, `BETWEEN` for
//! every number and `NOT LIKE`. `AND` binds tighter than `OR`, `NOT` tighter than `AND`.
//!
//! A comparison is true or false, never unknown: one that names a metric, parameter or tag which
//! the object does not have is false, also with `!=` and `NOT IN` (as in MLflow). `NOT (…)` is the
//! plain opposite, so `NOT (tags.a = 'x')` holds for objects without the tag and `tags.a != 'x'`
//! does not.
//!
//! What leaves this module is fully checked: the tree is typed by field, numbers are finite or
//! infinite but never NaN, and a compiler to SQL has nothing left to refuse.

mod ast;
mod comparison;
mod experiments;
mod lexer;
mod logged_models;
mod order_by;
mod parser;
mod registry;
mod runs;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use ast::{CompareOp, Expr, Number, NumberTest, TextTest};
pub use experiments::{
    ExperimentFilter, ExperimentNumber, ExperimentOrder, ExperimentOrderField, ExperimentText,
    parse_experiment_filter, parse_experiment_order,
};
pub use logged_models::{
    LoggedModelFilter, LoggedModelNumber, LoggedModelOrder, LoggedModelOrderField, LoggedModelText,
    OrderByField, parse_logged_model_filter, parse_logged_model_order,
};
pub use order_by::OrderKey;
pub use registry::{
    ModelVersionFilter, ModelVersionNumber, ModelVersionOrder, ModelVersionOrderField,
    ModelVersionText, RegisteredModelFilter, RegisteredModelNumber, RegisteredModelOrder,
    RegisteredModelOrderField, RegisteredModelText, parse_model_version_filter,
    parse_model_version_order, parse_registered_model_filter, parse_registered_model_order,
};
pub use runs::{
    DatasetField, RunFilter, RunNumber, RunOrder, RunOrderField, RunText, parse_run_filter,
    parse_run_order,
};
