//! Serving models.

pub mod workers;
