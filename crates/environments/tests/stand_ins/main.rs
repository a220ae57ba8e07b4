//! Environments on a machine of stand-ins, which note how they are called: no network, no real installer.

mod cache;
mod machine;
mod managers;
