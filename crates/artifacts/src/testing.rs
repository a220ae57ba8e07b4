//! What the unit tests share.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use modelyard_protocol::{Context, Environment};

struct Counters {
    now_ms: AtomicI64,
    random: AtomicU64,
}

impl Environment for Counters {
    fn now_ms(&self) -> i64 {
        self.now_ms.fetch_add(1, Ordering::Relaxed)
    }

    fn random(&self) -> u128 {
        // Distinct also between processes and contexts, for they share folders.
        let low = self.random.fetch_add(1, Ordering::Relaxed);
        u128::from(low) << 64 | u128::from(std::process::id())
    }
}

/// A context whose values never repeat within this process.
pub(crate) fn context() -> Context {
    static CONTEXTS: AtomicU64 = AtomicU64::new(1);
    let number = CONTEXTS.fetch_add(1, Ordering::Relaxed);
    Context::new(Counters { now_ms: AtomicI64::new(1_000), random: (number << 32).into() })
}
