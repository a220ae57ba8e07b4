//! The machine-learning life cycle in one binary.

fn main() {}
