//! Attacks on the built binary, byte by byte over bare connections: what is published against
//! MLflow, what was measured on it, and what follows from both.
//!
//! A test passes if every attack is answered with a 4xx, nothing outside the artifact store was
//! read or changed, nothing was left inside it, and the server lives on without a panic.

mod denial;
mod disk_full;
mod links;
mod locations;
mod paths;
mod weaknesses;
mod webhooks;
mod wire;
mod world;
