//! The handlers: extract, authorise, call one operation, render.

pub(crate) mod datasets;
pub(crate) mod experiments;
pub(crate) mod logged_models;
pub(crate) mod metrics;
mod paging;
mod render;
pub(crate) mod runs;
pub(crate) mod server;
pub(crate) mod ui;
pub(crate) mod v1;
