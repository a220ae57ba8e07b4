//! The store's behaviour. Every test runs on SQLite and, where it is installed, on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batches;
mod concurrency;
mod datasets;
mod experiment_search;
mod experiments;
mod harness;
mod history;
mod logged_model_search;
mod logged_models;
mod metrics;
mod model;
mod open;
mod overview;
mod params;
mod properties;
mod query_plans;
mod run_search;
mod runs;
mod statements;
mod tags;
mod text;
mod trash;
mod webhooks;
