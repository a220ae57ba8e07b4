//! Decision trees of every library, in one layout made for speed.
//!
//! All trees of a model stand in one list of nodes. The two children of a node are neighbours, so a
//! node names only the left one and a step is `left + (goes right)`. What decides about the step
//! differs between libraries in its edges only (missing values, categories): that is a [`Rule`].

mod build;
mod rules;

pub(crate) use build::{Builder, RawNode, Split};
pub(crate) use rules::{
    HistRule, LIGHT_ZERO, LightRule, PlainRule, Rule, XGBOOST_CATEGORY_MAX, XgboostRule,
};

/// A number that thresholds are compared with: the libraries use floats of 32 or 64 bits.
pub(crate) trait Number:
    Copy + PartialOrd + Into<f64> + std::fmt::Debug + Send + Sync
{
    /// A node of categories has, instead of a threshold, the number of its set.
    fn from_index(index: u32) -> Self;
    fn index(self) -> u32;
    fn is_missing(self) -> bool;
}

impl Number for f32 {
    fn from_index(index: u32) -> Self {
        Self::from_bits(index)
    }

    fn index(self) -> u32 {
        self.to_bits()
    }

    fn is_missing(self) -> bool {
        self.is_nan()
    }
}

impl Number for f64 {
    fn from_index(index: u32) -> Self {
        Self::from_bits(index.into())
    }

    fn index(self) -> u32 {
        self.to_bits() as u32
    }

    fn is_missing(self) -> bool {
        self.is_nan()
    }
}

const LEAF: u32 = 1 << 31;
const MISSING_LEFT: u32 = 1 << 30;
const CATEGORIES: u32 = 1 << 29;
/// LightGBM's treatment of missing values.
const ZERO_IS_MISSING: u32 = 1 << 28;
const NAN_IS_MISSING: u32 = 1 << 27;
const FEATURE: u32 = NAN_IS_MISSING - 1;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<T> {
    /// Values up to here go left.
    threshold: T,
    /// The left child, the right one being behind it; for a leaf, the number of its values.
    left: u32,
    /// Flags and the number of the feature.
    feature: u32,
}

/// Rows that go through one tree before the next.
const ROWS: usize = 128;

/// Trees and the values of their leaves.
#[derive(Debug)]
pub(crate) struct Forest<T> {
    nodes: Vec<Node<T>>,
    /// The first node of each tree.
    roots: Vec<u32>,
    /// `width` values for each leaf.
    leaves: Vec<f64>,
    width: usize,
    sets: Vec<CategorySet>,
}

/// Categories, as bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CategorySet {
    pub(crate) words: Box<[u32]>,
}

impl CategorySet {
    pub(crate) fn contains(&self, category: u32) -> bool {
        let word = self.words.get(category as usize / 32);
        word.is_some_and(|word| word >> (category % 32) & 1 == 1)
    }
}

impl<T: Number> Forest<T> {
    pub(crate) fn tree_count(&self) -> usize {
        self.roots.len()
    }

    /// Takes rows of `columns` cells, all features among them, through the first `trees` trees. For
    /// each row and tree `found` gets the row's number, the tree's, and the values of the leaf; for
    /// one row the trees come in their order.
    pub(crate) fn walk<R: Rule<T>>(
        &self,
        trees: usize,
        cells: &[T],
        columns: usize,
        rule: &R,
        mut found: impl FnMut(usize, usize, &[f64]),
    ) {
        // Some rows at a time through one tree after the other: both stay in the processor's cache.
        for (block, cells) in cells.chunks(ROWS * columns).enumerate() {
            for tree in 0..trees.min(self.roots.len()) {
                for (row, cells) in cells.chunks_exact(columns).enumerate() {
                    found(block * ROWS + row, tree, self.leaf(tree, cells, rule));
                }
            }
        }
    }

    /// The values of the leaf at which `row` ends in the tree `tree`. The row has all features.
    #[inline]
    fn leaf<R: Rule<T>>(&self, tree: usize, row: &[T], rule: &R) -> &[f64] {
        let mut node = self.nodes[self.roots[tree] as usize];
        while node.feature & LEAF == 0 {
            let value = row[(node.feature & FEATURE) as usize];
            let right = !rule.goes_left(value, node, &self.sets);
            node = self.nodes[(node.left + u32::from(right)) as usize];
        }
        let begin = node.left as usize * self.width;
        &self.leaves[begin..begin + self.width]
    }
}

/// The largest single-precision number that is not above `threshold`: a single-precision number is
/// at most the one if it is at most the other.
pub(crate) fn floor_f32(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) > threshold { near.next_down() } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_rounded_down() {
        for threshold in [0.1, 1.0 / 3.0, -0.1, 1e300, -1e300, 1e-300, -1e-300, 0.0, f64::INFINITY]
        {
            let floor = floor_f32(threshold);
            assert!(f64::from(floor) <= threshold, "{threshold}");
            assert!(
                floor == f32::INFINITY || f64::from(floor.next_up()) > threshold,
                "{threshold}"
            );
        }
    }

    #[test]
    fn sets_contain_what_their_bits_say() {
        let set = CategorySet { words: Box::new([0b101, 1]) };
        let found: Vec<u32> = (0..70).filter(|category| set.contains(*category)).collect();
        assert_eq!(found, [0, 2, 32]);
        assert!(!set.contains(u32::MAX));
    }
}
