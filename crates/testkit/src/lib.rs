//! Test helpers: the built binary as a server, an HTTP client, a temporary PostgreSQL, real servers of buckets and
//! a proxy that breaks their connections.
//!
//! Nothing here is part of the product; failures panic, as in a test.

#![expect(clippy::disallowed_methods, reason = "tests start the programs they test")]
#![expect(clippy::print_stderr, reason = "the test runner shows it")]

mod buckets;
mod faults;
mod http;
mod left_out;
mod postgres;
mod receiver;
mod request;
mod server;
mod shared;
mod sqlite;

pub use buckets::{S3_SECRET, TestBucket, azure_bucket, s3_bucket};
pub use faults::{Break, FaultyProxy};
pub use http::{Answer, Client};
pub use left_out::{Lack, left_out};
pub use postgres::{drop_postgres, postgres_authority, postgres_url};
pub use receiver::{Received, Receiver, Reply};
pub use request::Request;
pub use server::{Server, Setup};
pub use sqlite::sqlite_integrity;
