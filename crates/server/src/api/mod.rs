//! The handlers: extract, authorise, call one operation, render.

pub(crate) mod server;
pub(crate) mod ui;
pub(crate) mod v1;
