//! XGBoost's models, from the files that `save_model` writes: UBJSON or JSON.

mod objective;
mod read;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::table::{Method, Output, Rows, Values, cells};
use crate::trees::{Forest, XgboostRule};
use objective::Objective;

/// The Python class through which a model is used: it decides what `predict` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XgboostClass {
    /// `xgboost.Booster`.
    Booster,
    /// `xgboost.XGBRegressor`.
    Regressor,
    /// `xgboost.XGBClassifier`.
    Classifier,
}

impl XgboostClass {
    /// Reads the class that MLflow notes as `model_class`.
    pub fn parse(name: &str) -> Option<Self> {
        match name.rsplit('.').next()? {
            "Booster" => Some(Self::Booster),
            "XGBRegressor" => Some(Self::Regressor),
            "XGBClassifier" => Some(Self::Classifier),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Xgboost {
    class: XgboostClass,
    trees: Forest<f32>,
    /// The output that each tree adds to, and by how much it counts.
    groups: Vec<(usize, f32)>,
    /// Trees that count for the classes of scikit-learn's interface: those up to the best round.
    best: usize,
    base: Vec<f32>,
    objective: Objective,
    features: usize,
    names: Option<Vec<Arc<str>>>,
}

impl Xgboost {
    pub(crate) fn predict(&self, method: Method, rows: &Rows<'_>) -> Result<Output> {
        self.check(rows)?;
        cells(rows.count(), self.base.len())?;
        let matrix = rows.matrix()?;
        // What a sparse matrix leaves out is missing to XGBoost, not zero.
        let cell =
            |value: &f64| if matrix.sparse && *value == 0.0 { f32::NAN } else { *value as f32 };
        let values: Vec<f32> = matrix.values.iter().map(cell).collect();
        let booster = self.class == XgboostClass::Booster;
        if booster && values.iter().any(|value| value.is_infinite()) {
            return Err(Error::rows(
                "Input data contains `inf` or a value too large, while `missing` is not set to `inf`",
            ));
        }
        let trees = if booster { self.trees.tree_count() } else { self.best };
        let width = self.base.len();
        let mut margins = self.base.repeat(matrix.rows);
        self.trees.walk(trees, &values, self.features, &XgboostRule, |row, tree, leaf| {
            let (group, weight) = self.groups[tree];
            // Leaves are single-precision numbers.
            margins[row * width + group] += weight * leaf[0] as f32;
        });
        self.answer(method, margins)
    }

    fn check(&self, rows: &Rows<'_>) -> Result<()> {
        let columns = rows.columns();
        if let (Some(expected), Some(given)) = (&self.names, rows.names())
            && expected != given
        {
            return Err(Error::rows(
                "feature_names mismatch: the columns are not those of training",
            ));
        }
        if columns != self.features {
            let features = self.features;
            let text = format!("Feature shape mismatch, expected: {features}, got {columns}");
            return Err(Error::rows(text));
        }
        Ok(())
    }

    fn answer(&self, method: Method, margins: Vec<f32>) -> Result<Output> {
        let width = self.base.len();
        let rows = margins.len() / width;
        let shaped = |values: Vec<f32>, columns: usize| {
            Ok(Output::of_columns(rows, columns, Values::F32(values)))
        };
        match (self.class, method) {
            (XgboostClass::Booster, Method::DecisionFunction) => shaped(margins, width),
            (XgboostClass::Booster | XgboostClass::Regressor, Method::Predict) => {
                let columns = if self.objective == Objective::Softmax { 1 } else { width };
                shaped(self.objective.transform(margins, width), columns)
            }
            // It would give classes where scores are expected.
            (XgboostClass::Classifier, _) if self.objective == Objective::Softmax => {
                Err(Error::python("a classifier whose objective gives classes"))
            }
            (XgboostClass::Classifier, Method::PredictProba) => {
                let values = self.objective.transform(margins, width);
                if width > 1 {
                    return shaped(values, width);
                }
                shaped(values.into_iter().flat_map(|value| [1.0 - value, value]).collect(), 2)
            }
            (XgboostClass::Classifier, Method::Predict) => {
                let values = self.objective.transform(margins, width);
                let label = |row: &[f32]| match row {
                    [value] => i64::from(*value > 0.5),
                    row => objective::argmax(row) as i64,
                };
                let labels = values.chunks_exact(width).map(label).collect();
                Ok(Output { shape: vec![rows], values: Values::I64(labels) })
            }
            _ => Err(Error::rows(format!("the model has no method '{}'", method.name()))),
        }
    }
}
