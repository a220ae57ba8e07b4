//! What XGBoost makes of the sum of the leaves, in single precision as it does.

use crate::error::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objective {
    Identity,
    Sigmoid,
    /// A sigmoid while learning; the sum itself when asked.
    RawLogit,
    Exponential,
    Hinge,
    Softprob,
    Softmax,
}

impl Objective {
    pub(super) fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "reg:squarederror"
            | "reg:absoluteerror"
            | "reg:pseudohubererror"
            | "reg:quantileerror"
            | "rank:pairwise" => Self::Identity,
            "binary:logistic" | "reg:logistic" => Self::Sigmoid,
            "binary:logitraw" => Self::RawLogit,
            "count:poisson" | "reg:gamma" | "reg:tweedie" => Self::Exponential,
            "binary:hinge" => Self::Hinge,
            "multi:softprob" => Self::Softprob,
            "multi:softmax" => Self::Softmax,
            other => {
                let shown: String = other.chars().take(40).collect();
                return Err(Error::python(format!("XGBoost's objective '{shown}' is unknown")));
            }
        })
    }

    /// From the base score, which the file has as a prediction, to a start of the sum.
    pub(super) fn margin(self, score: f32) -> f32 {
        match self {
            Self::Sigmoid => -((1.0 / score - 1.0).ln()),
            Self::Exponential => score.ln(),
            _ => score,
        }
    }

    pub(super) fn transform(self, mut margins: Vec<f32>, width: usize) -> Vec<f32> {
        match self {
            Self::Identity | Self::RawLogit => {}
            Self::Sigmoid => margins.iter_mut().for_each(|value| *value = sigmoid(*value)),
            Self::Exponential => margins.iter_mut().for_each(|value| *value = value.exp()),
            Self::Hinge => margins.iter_mut().for_each(|value| *value = f32::from(*value > 0.0)),
            Self::Softprob => margins.chunks_exact_mut(width).for_each(softmax),
            Self::Softmax => {
                return margins.chunks_exact(width).map(|row| argmax(row) as f32).collect();
            }
        }
        margins
    }
}

/// XGBoost's `Sigmoid`: it keeps the exponential finite and the denominator above zero.
fn sigmoid(value: f32) -> f32 {
    1.0 / ((-value).min(88.7).exp() + 1.0 + 1e-16)
}

/// XGBoost's `Softmax`: powers in single precision, their sum in double.
fn softmax(values: &mut [f32]) {
    let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0_f64;
    for value in values.iter_mut() {
        *value = (*value - max).exp();
        sum += f64::from(*value);
    }
    values.iter_mut().for_each(|value| *value /= sum as f32);
}

/// The first of the largest.
pub(super) fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = at;
        }
    }
    best
}
