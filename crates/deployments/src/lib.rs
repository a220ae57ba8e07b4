//! Models that answer requests: natively, or by Python workers.

pub mod served;
pub mod workers;
