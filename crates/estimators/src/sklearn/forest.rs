//! Single trees and forests whose trees vote: the mean of what each says.

use super::attributes::Attributes;
use super::check::{self, Expected};
use super::labels::Labels;
use super::tree::{StoredTree, allows_nan};
use super::version::Version;
use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::math::{argmax, pairwise_sum};
use crate::table::{Method, Output, Rows, Values, cells};
use crate::trees::{Builder, Forest, PlainRule};

#[derive(Debug)]
pub(crate) struct VotingTrees {
    expected: Expected,
    trees: Forest<f32>,
    /// Outputs of a regressor, classes of a classifier.
    width: usize,
    labels: Option<Labels>,
    allow_nan: bool,
    /// Whether this is one tree, which is not divided by the number of trees.
    lone: bool,
    /// Whether a classifier's leaves hold counts, which up to version 1.3 became shares when asked.
    counts: bool,
}

impl VotingTrees {
    /// Reads a tree or a forest.
    pub(super) fn compile(model: &Attributes<'_>) -> Result<Self> {
        let version = model.version()?;
        let lone = model.class.is_of("sklearn.tree");
        let trees = if lone { Vec::new() } else { model.list("estimators_")?.to_vec() };
        let classifier = model.class.name.ends_with("Classifier");
        let labels = classifier.then(|| Labels::of(model)).transpose()?;
        let counts = classifier && version <= Version(3);
        let features = model.usize("n_features_in_")?;
        let outputs = model.usize("n_outputs_")?;
        let width = labels.as_ref().map_or(outputs, Labels::len);
        if classifier && outputs != 1 {
            return Err(model.error("it has several outputs"));
        }
        let mut builder = Builder::new(features, width)?;
        let mut allow_nan = None;
        let mut add = |tree: &Attributes<'_>| {
            if allow_nan.is_none() {
                allow_nan = Some(allows_nan(tree, version)?);
            }
            let mut stored = StoredTree::of(tree)?;
            let fits = if classifier {
                stored.outputs == 1 && stored.classes == width
            } else {
                stored.outputs == width && stored.classes == 1
            };
            if !fits || stored.features != features {
                return Err(model.error("a tree is not of the size of the model"));
            }
            if counts && !lone {
                stored.values.chunks_mut(width).for_each(shares);
            }
            stored.add_to(&mut builder)
        };
        if lone {
            add(model)?;
        }
        for tree in &trees {
            add(&member(model, *tree)?)?;
        }
        let Some(allow_nan) = allow_nan else {
            return Err(model.error("it has no trees"));
        };
        // Forests accept missing values one version after trees.
        let allow_nan = allow_nan && (lone || version >= Version(4));
        let expected = Expected::of(model, features)?;
        Ok(Self { expected, trees: builder.finish(), width, labels, allow_nan, lone, counts })
    }

    pub(super) fn predict(&self, method: Method, rows: &Rows<'_>) -> Result<Output> {
        self.expected.check(rows)?;
        cells(rows.count(), self.width)?;
        let matrix = rows.matrix()?;
        let values = check::single(&matrix, self.allow_nan)?;
        let mut sums = vec![0.0; matrix.rows * self.width];
        let (trees, columns) = (self.trees.tree_count(), self.expected.features);
        self.trees.walk(trees, &values, columns, &PlainRule, |row, _, leaf| {
            let sum = &mut sums[row * self.width..(row + 1) * self.width];
            if self.lone {
                // Not added to zero, which would lose the sign of a zero.
                sum.copy_from_slice(leaf);
            } else {
                sum.iter_mut().zip(leaf).for_each(|(sum, value)| *sum += value);
            }
        });
        if !self.lone {
            sums.iter_mut().for_each(|sum| *sum /= trees as f64);
        }
        match (method, &self.labels) {
            (Method::Predict, None) => {
                Ok(Output::of_columns(matrix.rows, self.width, Values::F64(sums)))
            }
            (Method::Predict, Some(labels)) => {
                let best = sums.chunks_exact(self.width).map(argmax);
                Ok(Output { shape: vec![matrix.rows], values: labels.take(best) })
            }
            (Method::PredictProba, Some(_)) => {
                if self.lone && self.counts {
                    sums.chunks_mut(self.width).for_each(shares);
                }
                let shape = vec![matrix.rows, self.width];
                Ok(Output { shape, values: Values::F64(sums) })
            }
            _ => Err(no_method(&self.expected.class, method)),
        }
    }
}

/// A tree of a forest; it must be what scikit-learn puts there.
fn member<'g>(forest: &Attributes<'g>, id: NodeId) -> Result<Attributes<'g>> {
    let tree = Attributes::of(forest.graph, id)?;
    if !tree.class.is_of("sklearn.tree") {
        return Err(forest.error(format!("it consists of {}", tree.class)));
    }
    Ok(tree)
}

/// Counts of classes to their shares.
fn shares(counts: &mut [f64]) {
    let sum = pairwise_sum(counts);
    let sum = if sum == 0.0 { 1.0 } else { sum };
    counts.iter_mut().for_each(|count| *count /= sum);
}

pub(crate) fn no_method(class: &str, method: Method) -> Error {
    Error::rows(format!("'{class}' object has no attribute '{}'", method.name()))
}
