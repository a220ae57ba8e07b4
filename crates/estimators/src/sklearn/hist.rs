//! `HistGradientBoostingRegressor` and `HistGradientBoostingClassifier`.

use std::borrow::Cow;

use super::attributes::Attributes;
use super::boosting::{Link, Tie, finish};
use super::check::Expected;
use super::columns::Columns;
use super::compile::Compiler;
use super::labels::Labels;
use super::version::Version;
use crate::error::{Error, Result};
use crate::graph::{Node, NodeId};
use crate::table::{Method, Output, Rows, cells};
use crate::trees::{Builder, CategorySet, Forest, HistRule, RawNode, Split};

#[derive(Debug)]
pub(crate) struct HistBoosting {
    expected: Expected,
    preprocessor: Option<Columns>,
    trees: Forest<f64>,
    rule: HistRule,
    width: usize,
    baseline: Vec<f64>,
    link: Link,
    labels: Option<Labels>,
}

impl HistBoosting {
    pub(super) fn compile(compiler: &mut Compiler<'_>, model: &Attributes<'_>) -> Result<Self> {
        let version = model.version()?;
        let features = model.usize("n_features_in_")?;
        let classifier = model.class.name.ends_with("Classifier");
        let labels = classifier.then(|| Labels::of(model)).transpose()?;
        let link = link(model, labels.as_ref(), version)?;
        let width = Labels::boosting_width(labels.as_ref())?;
        let mut baseline = match model.node("_baseline_prediction")? {
            Node::Array(_) => model.f64s("_baseline_prediction")?,
            Node::Float(number) => vec![*number],
            _ => return Err(model.error("its first guess is no number")),
        };
        if baseline.len() != width {
            return Err(model.error("its first guess is not of the size of the model"));
        }
        // scikit-learn adds it to zero, which makes 0.0 of -0.0.
        baseline.iter_mut().for_each(|value| *value += 0.0);
        let known = known(model, features)?;
        // Since version 1.4 categories are numbered, and stand before the numbers.
        let preprocessor =
            match model.get("_preprocessor").filter(|_| !model.is_none("_preprocessor")) {
                Some(id) => Some(compiler.preprocessor(id)?),
                None => None,
            };
        let categorical = known.iter().any(|set| !set.words.is_empty());
        if categorical && preprocessor.is_none() && version >= Version(4) {
            return Err(model.error("its categories are not numbered"));
        }
        let mut builder = Builder::new(features, 1)?;
        for round in model.list("_predictors")? {
            let (Node::List(trees) | Node::Tuple(trees)) = model.graph.node(*round) else {
                return Err(model.error("its trees are not as they should be"));
            };
            if trees.len() != width {
                return Err(model.error("its trees are not as they should be"));
            }
            for tree in trees {
                add(model, *tree, &mut builder)?;
            }
        }
        let expected = Expected::of(model, features)?;
        let (trees, rule) = (builder.finish(), HistRule { known });
        Ok(Self { expected, preprocessor, trees, rule, width, baseline, link, labels })
    }

    pub(super) fn predict(&self, method: Method, rows: &Rows<'_>) -> Result<Output> {
        cells(rows.count(), self.width)?;
        let matrix = match &self.preprocessor {
            Some(preprocessor) => Cow::Owned(preprocessor.apply(rows)?),
            None => {
                self.expected.check(rows)?;
                rows.matrix()?
            }
        };
        if matrix.columns != self.expected.features {
            return Err(Error::python("its numbered categories are not of the size of the model"));
        }
        let mut raw = self.baseline.repeat(matrix.rows);
        let (trees, columns) = (self.trees.tree_count(), self.expected.features);
        self.trees.walk(trees, &matrix.values, columns, &self.rule, |row, tree, leaf| {
            raw[row * self.width + tree % self.width] += leaf[0];
        });
        let class = &self.expected.class;
        finish(class, method, raw, self.width, self.link, self.labels.as_ref(), Tie::First)
    }
}

fn link(model: &Attributes<'_>, labels: Option<&Labels>, version: Version) -> Result<Link> {
    let loss = model.text("loss")?;
    match (loss, labels.map(Labels::len)) {
        ("squared_error" | "absolute_error" | "quantile", None) => Ok(Link::Identity),
        ("poisson" | "gamma", None) => Ok(Link::Log),
        ("log_loss" | "auto" | "binary_crossentropy", Some(2)) => Ok(Link::Logit),
        ("log_loss" | "auto" | "categorical_crossentropy", Some(_)) if version >= Version(2) => {
            Ok(Link::Softmax)
        }
        _ => Err(model.error(format!("the loss '{loss}' is unknown"))),
    }
}

/// The categories that each feature had while learning, in the order in which trees see features;
/// nothing if no feature has any.
fn known(model: &Attributes<'_>, features: usize) -> Result<Vec<CategorySet>> {
    let mapper = Attributes::of(model.graph, model.id("_bin_mapper")?)?;
    if mapper.is_none("is_categorical_") {
        return Ok(Vec::new());
    }
    let flags = mapper.array("is_categorical_")?.i64s()?;
    let thresholds = mapper.list("bin_thresholds_")?;
    if flags.len() != features || thresholds.len() != features {
        return Err(model.error("its bins are not of the size of the model"));
    }
    let mut known = vec![CategorySet { words: Box::default() }; features];
    for ((set, flag), categories) in known.iter_mut().zip(flags).zip(thresholds) {
        if flag == 0 {
            continue;
        }
        let Node::Array(categories) = model.graph.node(*categories) else {
            return Err(model.error("its categories are no array"));
        };
        model.graph.charge(categories.bytes())?;
        let mut words = vec![0_u32; WORDS];
        for category in categories.f64s()? {
            if !(0.0..256.0).contains(&category) {
                return Err(model.error("a category is no byte"));
            }
            words[category as usize / 32] |= 1 << (category as usize % 32);
        }
        set.words = words.into();
    }
    Ok(known)
}

/// Words of a set of categories, which are bytes.
const WORDS: usize = 8;

/// The sets of categories that go left, as the nodes of a tree number them.
fn sets(tree: &Attributes<'_>, builder: &mut Builder<f64>) -> Result<Vec<u32>> {
    let words = tree.array("raw_left_cat_bitsets")?.i64s()?;
    let mut numbers = Vec::with_capacity(words.len() / WORDS);
    for set in words.chunks_exact(WORDS) {
        builder.charge_set(WORDS)?;
        numbers.push(builder.add_set(set.iter().map(|word| *word as u32).collect())?);
    }
    Ok(numbers)
}

fn add(model: &Attributes<'_>, id: NodeId, builder: &mut Builder<f64>) -> Result<()> {
    let tree = Attributes::of(model.graph, id)?;
    let nodes = tree.array("nodes")?;
    let leaf = nodes.field_i64s("is_leaf")?;
    let categorical = nodes.field_i64s("is_categorical")?;
    let set = nodes.field_i64s("bitset_idx")?;
    let sets = sets(&tree, builder)?;
    let values = nodes.field_f64s("value")?;
    let feature = nodes.field_i64s("feature_idx")?;
    let threshold = nodes.field_f64s("num_threshold")?;
    let missing = nodes.field_i64s("missing_go_to_left")?;
    let (left, right) = (nodes.field_i64s("left")?, nodes.field_i64s("right")?);
    let index = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let node = |at: usize| {
        if leaf[at] != 0 {
            return Ok(RawNode::Leaf(at));
        }
        let categories = if categorical[at] == 0 {
            None
        } else {
            let set = usize::try_from(set[at]).ok().and_then(|set| sets.get(set).copied());
            Some(set.ok_or_else(|| model.error("a node refers to categories that are not there"))?)
        };
        Ok(RawNode::Split(Split {
            feature: index(feature[at]),
            threshold: threshold[at],
            categories,
            left: index(left[at]),
            right: index(right[at]),
            missing_left: missing[at] != 0,
            zero_is_missing: false,
            nan_is_missing: false,
        }))
    };
    let nodes: Vec<RawNode<f64>> = (0..nodes.len()).map(node).collect::<Result<_>>()?;
    builder.add(&nodes, &values)
}
