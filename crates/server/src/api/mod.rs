//! The handlers: extract, authorise, call one operation, render.

pub mod server;
