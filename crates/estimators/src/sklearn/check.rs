//! scikit-learn's checks of the rows, in its words: whoever sends wrong rows gets the same answer.

use std::sync::Arc;

use super::attributes::Attributes;
use crate::error::{Error, Result};
use crate::table::{Matrix, Rows};

/// What an estimator expects of rows.
#[derive(Debug)]
pub(crate) struct Expected {
    /// The estimator's class, for messages.
    pub(crate) class: Arc<str>,
    pub(crate) features: usize,
    pub(crate) names: Option<Vec<Arc<str>>>,
}

impl Expected {
    /// What a model over so many features expects.
    pub(super) fn of(model: &Attributes<'_>, features: usize) -> Result<Self> {
        Ok(Self { class: model.class.name.clone(), features, names: model.feature_names()? })
    }

    /// What a transformer expects, of which there must be at least one feature.
    pub(super) fn of_transformer(transformer: &Attributes<'_>) -> Result<Self> {
        transformer.version()?;
        let features = transformer.usize("n_features_in_")?;
        if features == 0 {
            return Err(transformer.error("it has no features"));
        }
        Self::of(transformer, features)
    }

    /// Checks names and number of the columns, and that there are rows.
    pub(crate) fn check(&self, rows: &Rows<'_>) -> Result<()> {
        if let (Some(expected), Some(given)) = (&self.names, rows.names())
            && expected != given
        {
            let text = "The feature names should match those that were passed during fit.";
            return Err(Error::rows(text));
        }
        let (count, columns) = (rows.count(), rows.columns());
        let class = &self.class;
        if count == 0 {
            return Err(Error::rows(format!(
                "Found array with 0 sample(s) (shape=(0, {columns})) while a minimum of 1 is \
                 required by {class}."
            )));
        }
        self.check_count(columns)
    }

    /// Checks the number of the columns.
    pub(super) fn check_count(&self, columns: usize) -> Result<()> {
        let (class, expected) = (&self.class, self.features);
        if columns != expected {
            return Err(Error::rows(format!(
                "X has {columns} features, but {class} is expecting {expected} features as input."
            )));
        }
        Ok(())
    }
}

/// Rows in single precision, as scikit-learn's trees want them.
pub(crate) fn single(matrix: &Matrix, allow_nan: bool) -> Result<Vec<f32>> {
    let allow_nan = allow_nan && !matrix.sparse;
    let values: Vec<f32> = matrix.values.iter().map(|value| *value as f32).collect();
    if values.iter().all(|value| value.is_finite()) {
        return Ok(values);
    }
    // NaN is looked for before infinity, over all rows.
    if !allow_nan && values.iter().any(|value| value.is_nan()) {
        return Err(Error::rows("Input X contains NaN."));
    }
    if values.iter().any(|value| value.is_infinite()) {
        let text = "Input X contains infinity or a value too large for dtype('float32').";
        return Err(Error::rows(text));
    }
    Ok(values)
}

/// Leaves to Python what it would compute in single precision.
pub(crate) fn double(matrix: &Matrix) -> Result<()> {
    if matrix.single {
        return Err(Error::python("all columns are of single precision"));
    }
    Ok(())
}

/// Refuses missing and infinite values.
pub(crate) fn finite(matrix: &Matrix, allow_nan: bool) -> Result<()> {
    if !allow_nan && matrix.values.iter().any(|value| value.is_nan()) {
        return Err(Error::rows("Input X contains NaN."));
    }
    if matrix.values.iter().any(|value| value.is_infinite()) {
        let text = "Input X contains infinity or a value too large for dtype('float64').";
        return Err(Error::rows(text));
    }
    Ok(())
}
