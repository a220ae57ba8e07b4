//! `sklearn.tree._tree.Tree`, and the estimators that are one tree.

use super::attributes::{Attributes, number, object};
use super::version::Version;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, NodeId};
use crate::trees::{Builder, RawNode, Split, floor_f32};

/// scikit-learn's mark of a leaf.
const LEAF: i64 = -1;

/// A tree's nodes and values as they are stored.
pub(super) struct StoredTree {
    pub(super) nodes: Vec<RawNode<f32>>,
    /// For each node the values of its outputs and classes.
    pub(super) values: Vec<f64>,
    pub(super) outputs: usize,
    pub(super) classes: usize,
    pub(super) features: usize,
}

impl StoredTree {
    /// Reads the attribute `tree_` of an estimator.
    pub(super) fn of(attributes: &Attributes<'_>) -> Result<Self> {
        let id = attributes.id("tree_")?;
        let graph = attributes.graph;
        let object = object(graph, id)?;
        if !object.class.is("sklearn.tree._tree", "Tree") {
            return Err(attributes.error(format!("its tree is a {}", object.class)));
        }
        let features = object.args.first().map(|id| graph.node(*id));
        let Some(Node::Int(features)) = features else {
            return Err(attributes.error("its tree does not say how many features it has"));
        };
        let features = usize::try_from(*features).unwrap_or(0);
        let state = Attributes::of(graph, id)?;
        let array = state.array("nodes")?;
        let values = state.array("values")?;
        let count = array.len();
        let &[nodes, outputs, classes] = values.shape() else {
            return Err(attributes.error("the values of its tree are not as they should be"));
        };
        if nodes != count || outputs == 0 || classes == 0 {
            return Err(attributes.error("the values of its tree are not as they should be"));
        }
        let left = array.field_i64s("left_child")?;
        let right = array.field_i64s("right_child")?;
        let feature = array.field_i64s("feature")?;
        let threshold = array.field_f64s("threshold")?;
        let missing = match array.dtype().field("missing_go_to_left") {
            Some(_) => array.field_i64s("missing_go_to_left")?,
            None => vec![0; count],
        };
        let index = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
        let node = |at: usize| {
            if left[at] == LEAF {
                return RawNode::Leaf(at);
            }
            RawNode::Split(Split {
                feature: index(feature[at]),
                threshold: if threshold[at].is_nan() { f32::NAN } else { floor_f32(threshold[at]) },
                categories: None,
                left: index(left[at]),
                right: index(right[at]),
                missing_left: missing[at] != 0,
                zero_is_missing: false,
                nan_is_missing: false,
            })
        };
        let nodes = (0..count).map(node).collect();
        Ok(Self { nodes, values: values.f64s()?, outputs, classes, features })
    }

    pub(super) fn add_to(&self, builder: &mut Builder<f32>) -> Result<()> {
        builder.add(&self.nodes, &self.values)
    }
}

/// Criteria that could cope with missing values before version 1.9.
const NAN_CRITERIA: [&str; 6] =
    ["gini", "log_loss", "entropy", "squared_error", "friedman_mse", "poisson"];

/// Whether a tree accepts missing values, as its version decides.
pub(super) fn allows_nan(tree: &Attributes<'_>, version: Version) -> Result<bool> {
    if version < Version(3) {
        return Ok(false);
    }
    let extra = tree.class.name.starts_with("Extra");
    let splitter = tree.text("splitter")?;
    if version >= Version(9) {
        return Ok(!extra || splitter == "random");
    }
    let able = match (version >= Version(6), extra) {
        (false, _) => splitter == "best",
        (true, false) => matches!(splitter, "best" | "random"),
        (true, true) => splitter == "random",
    };
    Ok(able && NAN_CRITERIA.contains(&tree.text("criterion")?) && tree.is_none("monotonic_cst"))
}

/// The constant that a dummy regressor predicts.
pub(super) fn dummy_constant(graph: &Graph, id: NodeId) -> Result<f64> {
    let dummy = Attributes::of(graph, id)?;
    if !dummy.class.is("sklearn.dummy", "DummyRegressor") {
        return Err(Error::python(format!("it starts from a {}", dummy.class)));
    }
    let constant = match dummy.node("constant_")? {
        Node::Array(array) if array.len() == 1 => array.f64s()?.first().copied(),
        other => number(other),
    };
    constant.ok_or_else(|| dummy.error("it has several outputs"))
}
