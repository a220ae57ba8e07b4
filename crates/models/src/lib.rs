//! MLflow's model format, native engine and scoring protocol, without I/O: `MLmodel` files and signatures,
//! frames and tensors, and what goes over the wire between a client and a served model.

pub mod frame;
pub mod json;
pub mod kserve;
pub mod mlmodel;
pub mod native;
pub mod oip;
pub mod openapi;
pub mod scoring;
pub mod signature;
