//! Time and randomness of the operating system.

use std::time::{SystemTime, UNIX_EPOCH};

use modelyard_protocol::{Context, Environment};

/// The real clock and the real random source.
struct OperatingSystem;

impl Environment for OperatingSystem {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now_ms(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
    }

    fn random(&self) -> u128 {
        let mut bytes = [0; 16];
        match getrandom::fill(&mut bytes) {
            Ok(()) => u128::from_ne_bytes(bytes),
            // Going on would give the same id twice.
            Err(error) => panic!("the operating system gives no random numbers: {error}"),
        }
    }
}

/// The context of the running binary.
pub(crate) fn operating_system() -> Context {
    Context::new(OperatingSystem)
}
