//! `LGBMRegressor` and `LGBMClassifier`, as skops files and pickles have them.

use super::Lightgbm;
use crate::error::Result;
use crate::graph::Node;
use crate::math::argmax;
use crate::sklearn::{Attributes, Expected, Labels, no_method};
use crate::table::{Method, Output, Rows, Values};

#[derive(Debug)]
pub(crate) struct Wrapper {
    expected: Expected,
    booster: Lightgbm,
    labels: Option<Labels>,
    /// Trees up to the best round.
    trees: usize,
}

impl Wrapper {
    /// Compiles the object `id`, which is of LightGBM's interface to scikit-learn.
    pub(crate) fn compile(model: &Attributes<'_>) -> Result<Self> {
        let classifier = &*model.class.name == "LGBMClassifier";
        let booster = Attributes::of(model.graph, model.id("_Booster")?)?;
        let handle = booster.get("_handle").or_else(|| booster.get("handle"));
        let Some(Node::Text(text)) = handle.map(|id| model.graph.node(id)) else {
            return Err(model.error("its booster holds no text"));
        };
        let best = match booster.node("best_iteration")? {
            Node::Int(best) => usize::try_from(*best).unwrap_or(0),
            _ => return Err(model.error("its best round is no number")),
        };
        model.graph.charge(text.len())?;
        let booster = Lightgbm::read(text.as_bytes())?;
        if !matches!(model.node("_objective")?, Node::Text(_) | Node::None) {
            return Err(model.error("its objective is a function of the user's"));
        }
        let labels = classifier.then(|| labels(model)).transpose()?;
        if let Some(labels) = &labels
            && labels.len() != booster.width.max(2)
        {
            return Err(model.error("it has not as many classes as outputs"));
        }
        if labels.is_none() && booster.width != 1 {
            return Err(model.error("it has several outputs"));
        }
        let all = booster.trees.tree_count();
        let trees = if best == 0 { all } else { best.saturating_mul(booster.width).min(all) };
        let class = model.class.name.clone();
        // Its booster checks names; the interface itself checks the number only.
        let expected = Expected { class, features: booster.features, names: None };
        Ok(Self { expected, booster, labels, trees })
    }

    pub(crate) fn predict(&self, method: Method, rows: &Rows<'_>) -> Result<Output> {
        self.expected.check(rows)?;
        let matrix = self.booster.check(rows)?;
        let width = self.booster.width;
        let sums = self.booster.sums(&matrix, self.trees);
        let values = self.booster.answers(sums, self.trees);
        let count = matrix.rows;
        match (method, &self.labels) {
            (Method::Predict, None) => Ok(self.booster.shaped(values)),
            (Method::Predict, Some(labels)) if width == 1 => {
                // The larger of 1 - p and p, the first of equals.
                let second = values.iter().map(|p| usize::from(*p > 1.0 - *p));
                Ok(Output { shape: vec![count], values: labels.take(second) })
            }
            (Method::Predict, Some(labels)) => {
                let best = values.chunks_exact(width).map(argmax);
                Ok(Output { shape: vec![count], values: labels.take(best) })
            }
            (Method::PredictProba, Some(_)) if width == 1 => {
                let values = values.into_iter().flat_map(|p| [1.0 - p, p]).collect();
                Ok(Output { shape: vec![count, 2], values: Values::F64(values) })
            }
            (Method::PredictProba, Some(_)) => Ok(self.booster.shaped(values)),
            _ => Err(no_method(&self.expected.class, method)),
        }
    }
}

/// The classes stand in the encoder with which the interface numbers them.
fn labels(model: &Attributes<'_>) -> Result<Labels> {
    Labels::of(&Attributes::of(model.graph, model.id("_le")?)?)
}
