//! Environments on a machine of stand-ins, which note how they are called: no network, no real installer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cache;
mod machine;
mod managers;
