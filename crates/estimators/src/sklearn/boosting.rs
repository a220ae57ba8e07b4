//! `GradientBoostingRegressor` and `GradientBoostingClassifier`.

use super::attributes::Attributes;
use super::check::{self, Expected};
use super::forest::no_method;
use super::labels::Labels;
use super::tree::{StoredTree, dummy_constant};
use super::version::Version;
use crate::error::Result;
use crate::graph::Node;
use crate::math::{argmax, expit, pairwise_sum, softmax};
use crate::table::{Method, Output, Rows, Values, cells};
use crate::trees::{Builder, Forest, PlainRule};

/// How raw scores become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Identity,
    /// The exponential, of a regressor for counts.
    Log,
    Logit,
    HalfLogit,
    Softmax,
    /// Up to version 1.3: the exponential of the difference to the logarithm of the sum.
    LogSumExp,
}

#[derive(Debug)]
pub(crate) struct GradientBoosting {
    expected: Expected,
    trees: Forest<f32>,
    /// Trees of each round: the number of classes, or 1.
    width: usize,
    learning_rate: f64,
    initial: Vec<f64>,
    link: Link,
    labels: Option<Labels>,
}

impl GradientBoosting {
    pub(super) fn compile(model: &Attributes<'_>) -> Result<Self> {
        let version = model.version()?;
        let features = model.usize("n_features_in_")?;
        let classifier = model.class.name.ends_with("Classifier");
        let labels = classifier.then(|| Labels::of(model)).transpose()?;
        let stages = model.array("estimators_")?;
        let (Some(trees), &[_, width]) = (stages.objects(), stages.shape()) else {
            return Err(model.error("its trees are not as they should be"));
        };
        if width != Labels::boosting_width(labels.as_ref())? || trees.is_empty() {
            return Err(model.error("its trees are not as they should be"));
        }
        let mut builder = Builder::new(features, 1)?;
        for tree in trees {
            let tree = Attributes::of(model.graph, *tree)?;
            let stored = StoredTree::of(&tree)?;
            if (stored.outputs, stored.classes, stored.features) != (1, 1, features) {
                return Err(model.error("a tree is not of the size of the model"));
            }
            stored.add_to(&mut builder)?;
        }
        let link = link(model, labels.as_ref(), version)?;
        let initial = initial(model, link, width, version)?;
        let learning_rate = model.f64("learning_rate")?;
        let expected = Expected::of(model, features)?;
        let trees = builder.finish();
        Ok(Self { expected, trees, width, learning_rate, initial, link, labels })
    }

    pub(super) fn predict(&self, method: Method, rows: &Rows<'_>) -> Result<Output> {
        self.expected.check(rows)?;
        cells(rows.count(), self.width)?;
        let matrix = rows.matrix()?;
        let values = check::single(&matrix, false)?;
        let mut raw = self.initial.repeat(matrix.rows);
        let (trees, columns) = (self.trees.tree_count(), self.expected.features);
        self.trees.walk(trees, &values, columns, &PlainRule, |row, tree, leaf| {
            raw[row * self.width + tree % self.width] += self.learning_rate * leaf[0];
        });
        let class = &self.expected.class;
        finish(class, method, raw, self.width, self.link, self.labels.as_ref(), Tie::Second)
    }
}

/// Which of two classes a raw score of exactly zero means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tie {
    First,
    Second,
}

/// From raw scores to what was asked for.
pub(super) fn finish(
    class: &str,
    method: Method,
    mut raw: Vec<f64>,
    width: usize,
    link: Link,
    labels: Option<&Labels>,
    tie: Tie,
) -> Result<Output> {
    let rows = raw.len() / width;
    let flat = |values| Ok(Output { shape: vec![rows], values });
    match (method, labels) {
        (Method::Predict, None) => {
            if link == Link::Log {
                raw.iter_mut().for_each(|value| *value = value.exp());
            }
            flat(Values::F64(raw))
        }
        (Method::Predict, Some(labels)) if width == 1 => {
            let second = |value: &f64| *value > 0.0 || (*value == 0.0 && tie == Tie::Second);
            flat(labels.take(raw.iter().map(|value| usize::from(second(value)))))
        }
        (Method::Predict, Some(labels)) => flat(labels.take(raw.chunks_exact(width).map(argmax))),
        (Method::DecisionFunction, Some(_)) => {
            Ok(Output::of_columns(rows, width, Values::F64(raw)))
        }
        (Method::PredictProba, Some(labels)) => {
            let values = probabilities(raw, width, link);
            Ok(Output { shape: vec![rows, labels.len()], values: Values::F64(values) })
        }
        _ => Err(no_method(class, method)),
    }
}

fn probabilities(mut raw: Vec<f64>, width: usize, link: Link) -> Vec<f64> {
    if width == 1 {
        let scale = if link == Link::HalfLogit { 2.0 } else { 1.0 };
        let pair = |value: f64| {
            let second = expit(scale * value);
            [1.0 - second, second]
        };
        return raw.into_iter().flat_map(pair).collect();
    }
    for row in raw.chunks_exact_mut(width) {
        if link == Link::LogSumExp {
            let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let powers: Vec<f64> = row.iter().map(|value| (value - max).exp()).collect();
            let log = pairwise_sum(&powers).ln() + max;
            row.iter_mut().for_each(|value| *value = (*value - log).exp());
        } else {
            softmax(row);
        }
    }
    raw
}

fn link(model: &Attributes<'_>, labels: Option<&Labels>, version: Version) -> Result<Link> {
    let loss = model.text("loss")?;
    match (loss, labels.map(Labels::len)) {
        ("squared_error" | "absolute_error" | "huber" | "quantile", None) => Ok(Link::Identity),
        ("log_loss" | "deviance", Some(2)) => Ok(Link::Logit),
        ("log_loss" | "deviance", Some(_)) if version <= Version(3) => Ok(Link::LogSumExp),
        ("log_loss", Some(_)) => Ok(Link::Softmax),
        ("exponential", Some(2)) => Ok(Link::HalfLogit),
        _ => Err(model.error(format!("the loss '{loss}' is unknown"))),
    }
}

/// The raw scores before the first tree, the same for every row.
fn initial(model: &Attributes<'_>, link: Link, width: usize, version: Version) -> Result<Vec<f64>> {
    let id = model.id("init_")?;
    if matches!(model.graph.node(id), Node::Text(init) if &**init == "zero") {
        return Ok(vec![0.0; width]);
    }
    if link == Link::Identity {
        return Ok(vec![dummy_constant(model.graph, id)?]);
    }
    let dummy = Attributes::of(model.graph, id)?;
    if !dummy.class.is("sklearn.dummy", "DummyClassifier") || dummy.text("strategy")? != "prior" {
        return Err(model.error(format!("it starts from a {}", dummy.class)));
    }
    let prior = dummy.f64s("class_prior_")?;
    if prior.len() != width.max(2) {
        return Err(model.error("its first guess is not of the size of the model"));
    }
    let epsilon = if version >= Version(8) { f64::EPSILON } else { f64::from(f32::EPSILON) };
    let prior: Vec<f64> = prior.iter().map(|p| p.clamp(epsilon, 1.0 - epsilon)).collect();
    let logit = |p: f64| (p / (1.0 - p)).ln();
    Ok(match link {
        Link::Logit => vec![logit(prior[1])],
        Link::HalfLogit => vec![0.5 * logit(prior[1])],
        Link::LogSumExp => prior.iter().map(|p| p.ln()).collect(),
        _ => {
            // The geometric mean is the reference.
            let logs: Vec<f64> = prior.iter().map(|p| p.ln()).collect();
            let mean = (pairwise_sum(&logs) / logs.len() as f64).exp();
            prior.iter().map(|p| (p / mean).ln()).collect()
        }
    })
}
