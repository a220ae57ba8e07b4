//! The name of an environment: a digest of all that was wanted.

use sha2::{Digest, Sha256};

/// Raised when an environment of the same wishes is made otherwise.
const FORMAT: &str = "1";
/// Hexadecimal digits of a key: 128 bits. Longer, and paths of scripts outgrow the first line of a script.
const DIGITS: usize = 32;

/// Collects what is wanted, each field with its name and its length, so that no two wishes look alike.
pub(crate) struct Key(Sha256);

impl Key {
    /// A key for this kind of machine.
    pub(crate) fn new() -> Self {
        let key = Self(Sha256::new()).with("format", [FORMAT]);
        key.with("platform", [std::env::consts::OS, std::env::consts::ARCH])
    }

    /// Adds the values of a field.
    pub(crate) fn with<T: AsRef<[u8]>>(
        mut self,
        field: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values: Vec<T> = values.into_iter().collect();
        self.text(field.as_bytes());
        self.0.update((values.len() as u64).to_le_bytes());
        for value in &values {
            self.text(value.as_ref());
        }
        self
    }

    /// The key, a name of a folder.
    pub(crate) fn finish(self) -> String {
        let digest = self.0.finalize();
        let mut text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        text.truncate(DIGITS);
        text
    }

    fn text(&mut self, text: &[u8]) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }
}

/// Whether a name can be a key.
pub(crate) fn is_key(name: &str) -> bool {
    name.len() == DIGITS && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_into_each_other() {
        let keys = [
            Key::new().with("a", ["x", "y"]).finish(),
            Key::new().with("a", ["xy"]).finish(),
            Key::new().with("a", ["x"]).with("y", [""; 0]).finish(),
            Key::new().with("a", ["x"]).finish(),
            Key::new().with("ax", [""]).finish(),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(is_key(key), "{key}");
            assert!(!keys[..at].contains(key), "{at}");
        }
        assert!(!is_key(".locks") && !is_key("A0000000000000000000000000000000"));
    }
}
