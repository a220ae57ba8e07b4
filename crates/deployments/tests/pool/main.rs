//! Pools of real Python workers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod batches;
mod faults;
mod recorded;
mod saved;
mod world;
