//! The handlers: extract, authorise, call one operation, render.

pub(crate) mod server;
