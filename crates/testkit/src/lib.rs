//! Test helpers: a temporary PostgreSQL, the built binary, an HTTP client.
//!
//! Nothing here is part of the product; failures panic, as in a test.

#![expect(clippy::disallowed_methods, reason = "tests start the programs they test")]
#![expect(clippy::print_stderr, reason = "the test runner shows it")]

mod postgres;

pub use postgres::postgres_url;
