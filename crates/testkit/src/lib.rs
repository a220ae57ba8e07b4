//! Test helpers: temporary PostgreSQL, the built binary, an HTTP client.
