//! Linear regressors and classifiers. Their sums agree with the library up to rounding: the order in
//! which it adds is that of the machine's BLAS.

use super::attributes::{Attributes, number};
use super::check::{self, Expected};
use super::forest::no_method;
use super::labels::Labels;
use super::version::Version;
use crate::error::Result;
use crate::graph::Node;
use crate::math::{argmax, expit, pairwise_sum, softmax};
use crate::table::{Method, Output, Rows, Values, cells};

/// How a classifier's scores become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probabilities {
    /// It has none.
    None,
    /// Each class against the rest.
    Each,
    /// All classes at once.
    Together,
}

#[derive(Debug)]
pub(crate) struct Linear {
    expected: Expected,
    /// One row of coefficients for each output.
    coefficients: Vec<f64>,
    intercepts: Vec<f64>,
    /// Whether one output comes as a column instead of a list.
    column: bool,
    labels: Option<Labels>,
    probabilities: Probabilities,
    /// Whether classes are alike where none is probable, as newer versions have it.
    alike: bool,
}

impl Linear {
    pub(super) fn compile(model: &Attributes<'_>, classifier: bool) -> Result<Self> {
        let version = model.version()?;
        let features = model.usize("n_features_in_")?;
        let coefficients = model.f64s("coef_")?;
        let shape = model.array("coef_")?.shape();
        let (outputs, column) = match shape {
            [columns] if *columns == features => (1, false),
            [outputs, columns] if *columns == features => (*outputs, !classifier),
            _ => return Err(model.error("its coefficients are not of the size of the model")),
        };
        let intercepts = match model.node("intercept_")? {
            Node::Array(array) if !array.shape().is_empty() => model.f64s("intercept_")?,
            other => match number(other) {
                Some(intercept) => vec![intercept],
                None => return Err(model.error("its intercept is no number")),
            },
        };
        let intercepts =
            if intercepts.len() == 1 { vec![intercepts[0]; outputs] } else { intercepts };
        if features == 0 || outputs == 0 || intercepts.len() != outputs {
            return Err(model.error("its intercepts are not of the size of the model"));
        }
        let labels = classifier.then(|| Labels::of(model)).transpose()?;
        if let Some(labels) = &labels
            && Labels::boosting_width(Some(labels))? != outputs
        {
            return Err(model.error("it has not as many classes as outputs"));
        }
        let probabilities = probabilities(model, labels.as_ref(), version)?;
        let expected = Expected::of(model, features)?;
        let alike = version >= Version(9);
        Ok(Self { expected, coefficients, intercepts, column, labels, probabilities, alike })
    }

    pub(super) fn predict(&self, method: Method, rows: &Rows<'_>) -> Result<Output> {
        self.expected.check(rows)?;
        cells(rows.count(), self.intercepts.len())?;
        let matrix = rows.matrix()?;
        check::double(&matrix)?;
        check::finite(&matrix, false)?;
        let outputs = self.intercepts.len();
        let mut scores = Vec::with_capacity(matrix.rows * outputs);
        for row in 0..matrix.rows {
            let row = matrix.row(row);
            let weights = self.coefficients.chunks_exact(self.expected.features);
            for (weights, intercept) in weights.zip(&self.intercepts) {
                let sum = row.iter().zip(weights).fold(0.0, |sum, (x, w)| sum + x * w);
                scores.push(sum + intercept);
            }
        }
        let flat = outputs == 1 && !self.column;
        let shape = if flat { vec![matrix.rows] } else { vec![matrix.rows, outputs] };
        match (method, &self.labels) {
            (Method::Predict, None) | (Method::DecisionFunction, Some(_)) => {
                Ok(Output { shape, values: Values::F64(scores) })
            }
            (Method::Predict, Some(labels)) if outputs == 1 => {
                let second = scores.iter().map(|score| usize::from(*score > 0.0));
                Ok(Output { shape: vec![matrix.rows], values: labels.take(second) })
            }
            (Method::Predict, Some(labels)) => {
                let best = scores.chunks_exact(outputs).map(argmax);
                Ok(Output { shape: vec![matrix.rows], values: labels.take(best) })
            }
            (Method::PredictProba, Some(labels)) if self.probabilities != Probabilities::None => {
                let values = Values::F64(self.probabilities(scores));
                Ok(Output { shape: vec![matrix.rows, labels.len()], values })
            }
            _ => Err(no_method(&self.expected.class, method)),
        }
    }

    fn probabilities(&self, mut scores: Vec<f64>) -> Vec<f64> {
        let outputs = self.intercepts.len();
        let together = self.probabilities == Probabilities::Together;
        if outputs == 1 {
            let pair = |score: f64| {
                if together {
                    let mut pair = [-score, score];
                    softmax(&mut pair);
                    return pair;
                }
                let second = expit(score);
                [1.0 - second, second]
            };
            return scores.into_iter().flat_map(pair).collect();
        }
        for row in scores.chunks_exact_mut(outputs) {
            if together {
                softmax(row);
                continue;
            }
            row.iter_mut().for_each(|score| *score = expit(*score));
            let mut sum = pairwise_sum(row);
            if self.alike && sum == 0.0 {
                row.fill(1.0);
                sum = outputs as f64;
            }
            row.iter_mut().for_each(|score| *score /= sum);
        }
        scores
    }
}

fn probabilities(
    model: &Attributes<'_>,
    labels: Option<&Labels>,
    version: Version,
) -> Result<Probabilities> {
    let labels = match (labels, &*model.class.name) {
        (Some(labels), "LogisticRegression") => labels,
        (Some(_), "SGDClassifier") => {
            return match model.text("loss")? {
                "hinge" | "squared_hinge" | "perceptron" => Ok(Probabilities::None),
                "log_loss" => Ok(Probabilities::Each),
                _ => Err(model.error("the loss is not built in")),
            };
        }
        _ => return Ok(Probabilities::None),
    };
    let binary = labels.len() == 2;
    if version >= Version(8) {
        return Ok(if binary { Probabilities::Each } else { Probabilities::Together });
    }
    let solver = model.text("solver")?;
    let single =
        binary || solver == "liblinear" || (version <= Version(5) && solver == "newton-cholesky");
    match model.text("multi_class")? {
        "ovr" | "warn" => Ok(Probabilities::Each),
        "auto" | "deprecated" if single => Ok(Probabilities::Each),
        "auto" | "deprecated" | "multinomial" => Ok(Probabilities::Together),
        _ => Err(model.error("'multi_class' is unknown")),
    }
}
