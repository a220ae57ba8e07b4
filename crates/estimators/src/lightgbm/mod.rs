//! LightGBM's models: the text that `save_model` writes, alone or inside of scikit-learn's interface.

mod objective;
mod text;
mod wrapper;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::table::{Matrix, Method, Output, Rows, Values, cells};
use crate::trees::{Forest, LIGHT_ZERO, LightRule};
use objective::Objective;

pub(crate) use wrapper::Wrapper;

#[derive(Debug)]
pub(crate) struct Lightgbm {
    trees: Forest<f64>,
    /// Trees of each round: the number of outputs.
    width: usize,
    objective: Objective,
    /// Whether the outputs are means over the rounds, as in a random forest.
    average: bool,
    features: usize,
    names: Option<Vec<Arc<str>>>,
}

impl Lightgbm {
    pub(crate) fn predict(&self, method: Method, rows: &Rows<'_>) -> Result<Output> {
        let matrix = self.check(rows)?;
        let sums = self.sums(&matrix, self.trees.tree_count());
        match method {
            Method::DecisionFunction => Ok(self.shaped(sums)),
            Method::Predict => Ok(self.shaped(self.answers(sums, self.trees.tree_count()))),
            Method::PredictProba => {
                Err(Error::rows("'Booster' object has no attribute 'predict_proba'"))
            }
        }
    }

    fn check(&self, rows: &Rows<'_>) -> Result<Matrix> {
        let spaceless = |byte| if byte == b' ' { b'_' } else { byte };
        let same =
            |(own, given): (&Arc<str>, &Arc<str>)| own.bytes().eq(given.bytes().map(spaceless));
        if let (Some(expected), Some(given)) = (&self.names, rows.names())
            && !expected.iter().zip(given).all(same)
        {
            // LightGBM goes by position and does not look at names.
            return Err(Error::python("the columns have other names than in training"));
        }
        let (columns, features) = (rows.columns(), self.features);
        if columns != features {
            return Err(Error::rows(format!(
                "The number of features in data ({columns}) is not the same as it was in training \
                 data ({features})."
            )));
        }
        cells(rows.count(), self.width)?;
        let mut matrix = rows.matrix()?.into_owned();
        // LightGBM drops such numbers before it predicts.
        for value in &mut matrix.values {
            if value.abs() <= LIGHT_ZERO {
                *value = 0.0;
            }
        }
        Ok(matrix)
    }

    fn sums(&self, matrix: &Matrix, trees: usize) -> Vec<f64> {
        let mut sums = vec![0.0; matrix.rows * self.width];
        self.trees.walk(trees, &matrix.values, self.features, &LightRule, |row, tree, leaf| {
            sums[row * self.width + tree % self.width] += leaf[0];
        });
        sums
    }

    /// From the sums over so many trees. Raw scores are sums even of what is averaged.
    fn answers(&self, mut sums: Vec<f64>, trees: usize) -> Vec<f64> {
        if self.average {
            let rounds = (trees / self.width) as f64;
            sums.iter_mut().for_each(|value| *value /= rounds);
        }
        self.objective.transform(sums, self.width)
    }

    fn shaped(&self, values: Vec<f64>) -> Output {
        Output::of_columns(values.len() / self.width, self.width, Values::F64(values))
    }
}
