//! The commands that talk to a tracking server, as black boxes: the built binary against the built
//! server, and against stubs that misbehave.

mod artifacts;
mod buckets;
mod checksums;
mod connection;
mod downloads;
mod experiments;
mod help;
mod images;
mod local;
mod models;
mod registry;
mod runs;
mod stub;
mod support;
mod webhooks;
