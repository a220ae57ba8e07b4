//! Time and randomness, handed in from outside so that every test can fix them.

use std::fmt::Write as _;
use std::sync::Arc;

/// Where the time and the random bits come from. The binary implements it over the operating system,
/// tests over counters.
pub trait Environment: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;

    /// 128 random bits, of cryptographic quality in production.
    fn random(&self) -> u128;
}

/// A cheap, cloneable handle on an [`Environment`].
#[derive(Clone)]
pub struct Context(Arc<dyn Environment>);

impl Context {
    /// Wraps an environment.
    pub fn new(environment: impl Environment + 'static) -> Self {
        Self(Arc::new(environment))
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    /// 128 random bits.
    pub fn random(&self) -> u128 {
        self.0.random()
    }

    /// A random version-4 UUID as 32 lower-case hexadecimal digits: the form of MLflow's run ids.
    pub fn uuid_hex(&self) -> String {
        hex(self.random())
    }

    /// A random version-4 UUID in its usual form, with dashes: MLflow's ids of webhooks.
    pub fn uuid(&self) -> String {
        uuid_of(self.random())
    }
}

/// A version-4 UUID of these bits, with dashes.
pub fn uuid_of(bits: u128) -> String {
    let hex = hex(bits);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// A version-4 UUID of these bits, as hexadecimal digits.
fn hex(bits: u128) -> String {
    const VERSION: u128 = 0x4000 << 64;
    const VARIANT: u128 = 0x8000 << 48;
    let bits = (bits & !(0xf000 << 64) & !(0xc000 << 48)) | VERSION | VARIANT;
    let mut text = String::with_capacity(32);
    // Writing to a String cannot fail.
    let _ = write!(text, "{bits:032x}");
    text
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u128);

    impl Environment for Fixed {
        fn now_ms(&self) -> i64 {
            7
        }

        fn random(&self) -> u128 {
            self.0
        }
    }

    #[test]
    fn uuid_hex_carries_version_and_variant() {
        assert_eq!(Context::new(Fixed(0)).uuid_hex(), "00000000000040008000000000000000");
        assert_eq!(Context::new(Fixed(u128::MAX)).uuid_hex(), "ffffffffffff4fffbfffffffffffffff");
        assert_eq!(Context::new(Fixed(1)).uuid(), "00000000-0000-4000-8000-000000000001");
    }
}
