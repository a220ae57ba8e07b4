//! Names that mean something: the tags that the server reads and writes itself, and random names of runs
//! and models for those that were given none, `adjective-noun-NNN`.

use crate::context::Context;

/// The tag that mirrors a run's name.
pub const RUN_NAME_TAG: &str = "mlflow.runName";

/// The tag of an experiment that says how long what was deleted in it is kept, such as `30d`.
pub const RETENTION_TAG: &str = "modelyard.retention";

/// The tag of what is being removed for good: its artifacts may be gone, so it cannot be restored.
pub const PURGE_TAG: &str = "modelyard.purge";

/// The tag that makes a registered model, or a version of one, a prompt, with the value `true`.
pub const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

/// The tag that holds the text of a prompt's version.
pub const PROMPT_TEXT_TAG: &str = "mlflow.prompt.text";

/// The tag that says of what kind a prompt's text is.
pub const PROMPT_TYPE_TAG: &str = "_mlflow_prompt_type";

/// The tag of a logged model that lists the versions registered from it.
pub const MODEL_VERSIONS_TAG: &str = "mlflow.modelVersions";

/// Whether tags make their owner a prompt; of equal keys the last counts.
pub fn is_prompt<'a>(tags: impl DoubleEndedIterator<Item = (&'a str, &'a str)>) -> bool {
    tags.rev()
        .find(|(key, _)| *key == PROMPT_TAG)
        .is_some_and(|(_, value)| value.eq_ignore_ascii_case("true"))
}

/// A random name, such as `quiet-heron-271`.
///
/// There are about ten million; names need not be unique.
pub fn random_name(context: &Context) -> String {
    let bits = context.random();
    let pick = |words: &[&'static str], shift: u32| {
        // 32 bits choose among some hundred words; the bias is below one in ten million.
        let bits = (bits >> shift) as u32;
        words[bits as usize % words.len()]
    };
    let number = (bits >> 64) as u32 % 1000;
    format!("{}-{}-{number}", pick(&ADJECTIVES, 0), pick(&NOUNS, 32))
}

const ADJECTIVES: [&str; 104] = [
    "able", "agile", "airy", "alert", "amber", "ample", "apt", "autumn", "azure", "balmy", "bold",
    "brave", "breezy", "brief", "bright", "brisk", "bronze", "calm", "candid", "careful",
    "charming", "cheerful", "civil", "clean", "clear", "clever", "coastal", "cool", "copper",
    "coral", "cosy", "crisp", "curious", "dapper", "daring", "dewy", "eager", "early", "earnest",
    "easy", "fair", "fancy", "fine", "fleet", "fluent", "fond", "frank", "free", "fresh", "gentle",
    "glad", "golden", "grand", "green", "handy", "happy", "hardy", "honest", "humble", "indigo",
    "ivory", "jolly", "keen", "kind", "lively", "lofty", "loyal", "lucid", "lucky", "mellow",
    "merry", "mild", "misty", "modest", "neat", "nimble", "noble", "olive", "patient", "placid",
    "polite", "proud", "quick", "quiet", "rapid", "ready", "robust", "rosy", "rustic", "serene",
    "silver", "sleek", "snug", "spry", "steady", "sturdy", "sunny", "swift", "tidy", "tranquil",
    "upbeat", "vivid", "warm", "wise",
];

const NOUNS: [&str; 104] = [
    "acorn", "alder", "anchor", "arbor", "aspen", "aurora", "badger", "bamboo", "basin", "bay",
    "beacon", "beaver", "birch", "bison", "bluff", "bridge", "brook", "canyon", "cedar", "cliff",
    "cloud", "clover", "comet", "compass", "coral", "cove", "crane", "creek", "crocus", "dawn",
    "delta", "dolphin", "dove", "dune", "eagle", "egret", "elm", "ember", "falcon", "fern",
    "finch", "fjord", "forest", "fox", "garden", "garnet", "glacier", "glade", "gorge", "grove",
    "gull", "harbor", "hare", "hawk", "hazel", "heron", "hill", "ibis", "iris", "island",
    "jasmine", "jay", "juniper", "kestrel", "koala", "lagoon", "lake", "lantern", "larch", "lark",
    "lilac", "linden", "lynx", "magpie", "maple", "marten", "meadow", "mesa", "moon", "oak",
    "orchid", "osprey", "otter", "owl", "panda", "pebble", "pine", "plover", "poppy", "quartz",
    "rain", "raven", "reef", "ridge", "river", "robin", "spruce", "star", "stone", "swan", "tern",
    "valley", "willow", "wren",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::context::Environment;

    struct Bits(u128);

    impl Environment for Bits {
        fn now_ms(&self) -> i64 {
            0
        }

        fn random(&self) -> u128 {
            self.0
        }
    }

    #[test]
    fn names_follow_the_bits() {
        let name = |bits| random_name(&Context::new(Bits(bits)));
        assert_eq!(name(0), "able-acorn-0");
        assert_eq!(name(1 | (2 << 32) | (1003 << 64)), "agile-anchor-3");
        assert!(!name(u128::MAX).is_empty());
    }

    #[test]
    fn words_are_plain_and_distinct() {
        for words in [ADJECTIVES, NOUNS] {
            assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len());
            assert!(words.iter().all(|word| word.bytes().all(|b| b.is_ascii_lowercase())));
        }
    }
}
