//! From the trees of a file to a [`Forest`]. Whatever the file says, the result has no cycle and no
//! index that leads outside.

use super::{
    CATEGORIES, CategorySet, FEATURE, Forest, LEAF, MISSING_LEFT, NAN_IS_MISSING, Node, Number,
    ZERO_IS_MISSING,
};
use crate::error::{Error, Result};
use crate::limits::{TREE_NODES_MAX, within};

/// Sets of categories: their numbers stand in the place of single-precision thresholds, where
/// larger ones would be infinities and NaNs.
const SETS_MAX: usize = 1 << 22;

/// Words of all sets together: 64 MB, enough for 10,000 nodes that each know 50,000 categories.
const SET_WORDS_MAX: usize = 16 << 20;

/// A node as its library has it.
#[derive(Debug, Clone)]
pub(crate) enum RawNode<T> {
    /// The number of the leaf's values in the list of its tree.
    Leaf(usize),
    /// A decision.
    Split(Split<T>),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Split<T> {
    pub(crate) feature: usize,
    /// The threshold, or the number of a set of categories.
    pub(crate) threshold: T,
    pub(crate) categories: Option<u32>,
    pub(crate) left: usize,
    pub(crate) right: usize,
    pub(crate) missing_left: bool,
    pub(crate) zero_is_missing: bool,
    pub(crate) nan_is_missing: bool,
}

/// Collects trees.
#[derive(Debug)]
pub(crate) struct Builder<T> {
    forest: Forest<T>,
    features: usize,
    set_words: usize,
}

impl<T: Number> Builder<T> {
    /// For trees over `features` features whose leaves have `width` values.
    pub(crate) fn new(features: usize, width: usize) -> Result<Self> {
        within("the number of features", features, FEATURE as usize)?;
        if features == 0 || width == 0 {
            return Err(broken("it has no features or no outputs"));
        }
        let (nodes, roots, leaves, sets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let forest = Forest { nodes, roots, leaves, width, sets };
        Ok(Self { forest, features, set_words: 0 })
    }

    /// Counts the words of a set before it is made: one large category makes a large set.
    pub(crate) fn charge_set(&mut self, words: usize) -> Result<()> {
        self.set_words = self.set_words.saturating_add(words);
        within("the sets of categories", self.set_words, SET_WORDS_MAX)?;
        Ok(())
    }

    pub(crate) fn add_set(&mut self, words: Box<[u32]>) -> Result<u32> {
        within("the sets of categories", self.forest.sets.len() + 1, SETS_MAX)?;
        self.forest.sets.push(CategorySet { words });
        Ok(self.forest.sets.len() as u32 - 1)
    }

    /// Adds a tree. The leaf numbered `n` has the values that begin at `n * width` of `values`.
    pub(crate) fn add(&mut self, nodes: &[RawNode<T>], values: &[f64]) -> Result<()> {
        within(
            "the nodes of all trees",
            self.forest.nodes.len().saturating_add(nodes.len()),
            TREE_NODES_MAX,
        )?;
        if nodes.is_empty() {
            return Err(broken("a tree has no node"));
        }
        // Everything after the checks below fits: TREE_NODES_MAX is below 2³².
        let base = self.forest.nodes.len() as u32;
        self.forest.roots.push(base);
        let mut seen = vec![false; nodes.len()];
        // Places of `nodes` in the order in which they stand in the forest.
        let mut order = vec![0_usize];
        let mut next = 0;
        while let Some(at) = order.get(next).copied() {
            let node = match &nodes[at] {
                RawNode::Leaf(number) => self.leaf(*number, values)?,
                RawNode::Split(split) => {
                    for child in [split.left, split.right] {
                        // Children behind their parents exclude cycles; each seen once excludes
                        // sharing, through which a small file could grow without bound.
                        if child <= at || child >= nodes.len() || seen[child] {
                            return Err(broken("a tree's node refers to a wrong one"));
                        }
                        seen[child] = true;
                    }
                    let left = base + order.len() as u32;
                    order.extend([split.left, split.right]);
                    self.split(split, left)?
                }
            };
            self.forest.nodes.push(node);
            next += 1;
        }
        Ok(())
    }

    fn leaf(&mut self, number: usize, values: &[f64]) -> Result<Node<T>> {
        let width = self.forest.width;
        let begin = number.checked_mul(width);
        let found = begin.and_then(|begin| values.get(begin..begin.checked_add(width)?));
        let found = found.ok_or_else(|| broken("a leaf has no value"))?;
        let left = (self.forest.leaves.len() / width.max(1)) as u32;
        self.forest.leaves.extend_from_slice(found);
        Ok(Node { threshold: T::from_index(0), left, feature: LEAF })
    }

    fn split(&self, split: &Split<T>, left: u32) -> Result<Node<T>> {
        if split.feature >= self.features {
            return Err(broken("a tree asks for a feature that the model does not have"));
        }
        let mut feature = split.feature as u32;
        let flags = [
            (split.missing_left, MISSING_LEFT),
            (split.zero_is_missing, ZERO_IS_MISSING),
            (split.nan_is_missing, NAN_IS_MISSING),
            (split.categories.is_some(), CATEGORIES),
        ];
        feature |= flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag);
        let threshold = match split.categories {
            Some(set) if (set as usize) < self.forest.sets.len() => T::from_index(set),
            Some(_) => return Err(broken("a tree refers to categories that are not there")),
            None if split.threshold.into().is_nan() => {
                return Err(broken("a threshold is not a number"));
            }
            None => split.threshold,
        };
        Ok(Node { threshold, left, feature })
    }

    pub(crate) fn finish(self) -> Forest<T> {
        self.forest
    }
}

fn broken(what: &str) -> Error {
    Error::broken("the model", what)
}

#[cfg(test)]
mod tests {
    use super::super::PlainRule;
    use super::*;

    fn split(left: usize, right: usize) -> RawNode<f32> {
        let (threshold, categories) = (0.5, None);
        let (zero_is_missing, nan_is_missing) = (false, false);
        RawNode::Split(Split {
            feature: 0,
            threshold,
            categories,
            left,
            right,
            missing_left: true,
            zero_is_missing,
            nan_is_missing,
        })
    }

    fn build(nodes: &[RawNode<f32>]) -> Result<Forest<f32>> {
        let mut builder = Builder::new(1, 1)?;
        builder.add(nodes, &[10.0, 20.0, 30.0])?;
        builder.add(nodes, &[1.0, 2.0, 3.0])?;
        Ok(builder.finish())
    }

    #[test]
    fn rows_find_their_leaves() {
        use RawNode::Leaf;
        let forest = build(&[split(2, 1), Leaf(2), split(3, 4), Leaf(0), Leaf(1)]).unwrap();
        let leaf = |tree: usize, value| {
            let mut found = f64::NAN;
            forest.walk(2, &[value], 1, &PlainRule, |row, at, leaf| {
                assert_eq!(row, 0);
                found = if at == tree { leaf[0] } else { found };
            });
            found
        };
        assert_eq!([leaf(0, 0.5), leaf(0, 0.6), leaf(0, f32::NAN)], [10.0, 30.0, 10.0]);
        assert_eq!([leaf(1, 0.5), leaf(1, 0.6)], [1.0, 3.0]);
    }

    #[test]
    fn trees_that_are_none_are_refused() {
        use RawNode::Leaf;
        let cases: [&[RawNode<f32>]; 6] = [
            &[],
            &[split(0, 1), Leaf(0)],
            &[split(1, 1), Leaf(0)],
            &[split(1, 3), Leaf(0), Leaf(0)],
            &[split(1, 2), split(2, 3), Leaf(0), Leaf(0)],
            &[Leaf(3)],
        ];
        for nodes in cases {
            assert!(build(nodes).is_err(), "{nodes:?}");
        }
    }
}
