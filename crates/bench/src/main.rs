//! Load generator and benchmarks beside the peers.

fn main() {}
