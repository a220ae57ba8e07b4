//! What the writers sent, and what of it was acknowledged.

use std::collections::BTreeMap;

/// What is known of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Answered with a 2xx: it must be there, once.
    Acknowledged,
    /// The server died before it answered: it may be there, whole and once, or not at all.
    Unknown,
}

/// A value with its fate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item<T> {
    pub(crate) value: T,
    pub(crate) fate: Fate,
    /// The number of the request that carried it; those of one request share their fate.
    pub(crate) request: u64,
}

/// Points of one metric by step; every step is written once.
pub(crate) type Points = BTreeMap<i64, Item<f64>>;

/// A run that was created, or tried to.
#[derive(Debug, Clone)]
pub(crate) struct RunRecord {
    /// Unlike any other run's.
    pub(crate) name: String,
    /// None if the answer never came.
    pub(crate) id: Option<String>,
    pub(crate) metrics: BTreeMap<String, Points>,
    pub(crate) params: BTreeMap<String, Item<String>>,
    pub(crate) tags: BTreeMap<String, Item<String>>,
    /// Values given to the one tag that is overwritten, in order.
    pub(crate) counter: Vec<Item<u64>>,
    /// Whether the run was set to FINISHED.
    pub(crate) finished: Option<Fate>,
}

impl RunRecord {
    pub(crate) fn new(name: String, id: Option<String>) -> Self {
        Self {
            name,
            id,
            metrics: BTreeMap::new(),
            params: BTreeMap::new(),
            tags: BTreeMap::new(),
            counter: Vec::new(),
            finished: None,
        }
    }
}

/// A logged model that was created, or tried to.
#[derive(Debug, Clone)]
pub(crate) struct ModelRecord {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
}

/// An artifact that was put; its bytes follow from `number` and `size`.
#[derive(Debug, Clone)]
pub(crate) struct ArtifactRecord {
    pub(crate) path: String,
    pub(crate) number: u64,
    pub(crate) size: usize,
    pub(crate) fate: Fate,
}

impl ArtifactRecord {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut state = self.number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        (0..self.size)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 56) as u8
            })
            .collect()
    }
}

/// Everything one writer did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) runs: Vec<RunRecord>,
    pub(crate) models: Vec<ModelRecord>,
    pub(crate) artifacts: Vec<ArtifactRecord>,
    /// Requests answered with a 2xx.
    pub(crate) acknowledged: u64,
    /// Requests whose answer never came.
    pub(crate) unanswered: u64,
}
