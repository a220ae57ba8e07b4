//! The database floor's behaviour: on both engines where it is the same, on each where it is not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod files;
mod groups;
mod harness;
mod migrations;
mod outside;
mod postgres;
mod reads;
mod tls;
mod values;
mod writes;
