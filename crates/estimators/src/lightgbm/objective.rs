//! What LightGBM makes of the sum of the leaves.

use crate::error::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Objective {
    Identity,
    /// The square, with its sign.
    Square,
    Exponential,
    /// Sigmoid of the sum times a factor, for each output by itself.
    Sigmoid(f64),
    Softmax,
    /// The logarithm of one plus the exponential.
    Softplus,
}

impl Objective {
    /// Reads the line `objective` of a model, for example `binary sigmoid:1`.
    pub(super) fn parse(line: &str) -> Result<Self> {
        let mut words = line.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        let words: Vec<&str> = words.collect();
        let sigmoid = || {
            let factor = words.iter().find_map(|word| word.strip_prefix("sigmoid:"));
            let factor = factor.and_then(|factor| factor.parse().ok());
            factor.map(Self::Sigmoid).ok_or_else(|| unknown(line))
        };
        match name {
            "regression" if words == ["sqrt"] => Ok(Self::Square),
            "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape"
                if words.is_empty() =>
            {
                Ok(Self::Identity)
            }
            "lambdarank" | "rank_xendcg" => Ok(Self::Identity),
            "poisson" | "gamma" | "tweedie" => Ok(Self::Exponential),
            "binary" | "multiclassova" => sigmoid(),
            "multiclass" => Ok(Self::Softmax),
            "cross_entropy" => Ok(Self::Sigmoid(1.0)),
            "cross_entropy_lambda" => Ok(Self::Softplus),
            _ => Err(unknown(line)),
        }
    }

    pub(super) fn transform(self, mut sums: Vec<f64>, width: usize) -> Vec<f64> {
        match self {
            Self::Identity => {}
            Self::Square => {
                let square = |value: f64| if value > 0.0 { value * value } else { -value * value };
                // C's sign of zero is zero.
                sums.iter_mut()
                    .for_each(|value| *value = if *value == 0.0 { 0.0 } else { square(*value) });
            }
            Self::Exponential => sums.iter_mut().for_each(|value| *value = value.exp()),
            Self::Sigmoid(factor) => {
                sums.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-factor * *value).exp()));
            }
            Self::Softmax => sums.chunks_exact_mut(width).for_each(softmax),
            Self::Softplus => sums.iter_mut().for_each(|value| *value = value.exp().ln_1p()),
        }
        sums
    }
}

fn softmax(values: &mut [f64]) {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = (*value - max).exp();
        sum += *value;
    }
    values.iter_mut().for_each(|value| *value /= sum);
}

fn unknown(line: &str) -> Error {
    let shown: String = line.chars().take(40).collect();
    Error::python(format!("LightGBM's objective '{shown}' is unknown"))
}
