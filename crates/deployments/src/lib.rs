//! Models that answer requests.

pub mod served;
