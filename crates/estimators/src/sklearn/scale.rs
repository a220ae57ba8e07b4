//! `StandardScaler` and `MinMaxScaler`.

use super::attributes::{Attributes, number};
use super::check::{self, Expected};
use crate::error::Result;
use crate::graph::Node;
use crate::table::{Matrix, Rows};

#[derive(Debug)]
pub(crate) struct Scaler {
    expected: Expected,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Standard { means: Option<Vec<f64>>, scales: Option<Vec<f64>> },
    MinMax { scales: Vec<f64>, offsets: Vec<f64>, clip: Option<(f64, f64)> },
}

impl Scaler {
    pub(super) fn standard(scaler: &Attributes<'_>) -> Result<Self> {
        let expected = Expected::of_transformer(scaler)?;
        let list = |name: &str, wanted: bool| {
            wanted.then(|| sized(scaler, name, expected.features)).transpose()
        };
        let means = list("mean_", scaler.bool("with_mean")?)?;
        let scales = list("scale_", scaler.bool("with_std")?)?;
        Ok(Self { kind: Kind::Standard { means, scales }, expected })
    }

    pub(super) fn min_max(scaler: &Attributes<'_>) -> Result<Self> {
        let expected = Expected::of_transformer(scaler)?;
        let scales = sized(scaler, "scale_", expected.features)?;
        let offsets = sized(scaler, "min_", expected.features)?;
        let clip = if scaler.bool("clip")? { Some(range(scaler)?) } else { None };
        Ok(Self { kind: Kind::MinMax { scales, offsets, clip }, expected })
    }

    pub(super) fn apply(&self, rows: &Rows<'_>) -> Result<Matrix> {
        self.expected.check(rows)?;
        let mut matrix = rows.matrix()?.into_owned();
        check::double(&matrix)?;
        check::finite(&matrix, true)?;
        let sparse = matrix.sparse;
        for row in matrix.values.chunks_exact_mut(self.expected.features) {
            match &self.kind {
                Kind::Standard { means, scales } => {
                    if let Some(means) = means {
                        row.iter_mut().zip(means).for_each(|(value, mean)| *value -= mean);
                    }
                    for (value, scale) in row.iter_mut().zip(scales.iter().flatten()) {
                        // A sparse matrix is multiplied, which rounds differently.
                        *value = if sparse { *value * (1.0 / scale) } else { *value / scale };
                    }
                }
                Kind::MinMax { scales, offsets, clip } => {
                    for (value, (scale, offset)) in row.iter_mut().zip(scales.iter().zip(offsets)) {
                        *value = *value * scale + offset;
                        if let Some((low, high)) = clip
                            && !value.is_nan()
                        {
                            *value = value.max(*low).min(*high);
                        }
                    }
                }
            }
        }
        Ok(matrix)
    }
}

fn sized(estimator: &Attributes<'_>, name: &str, count: usize) -> Result<Vec<f64>> {
    let values = estimator.f64s(name)?;
    if values.len() == count {
        return Ok(values);
    }
    Err(estimator.error(format!("'{name}' is not of the size of the model")))
}

fn range(scaler: &Attributes<'_>) -> Result<(f64, f64)> {
    let bounds = match scaler.node("feature_range")? {
        Node::Tuple(bounds) | Node::List(bounds) => bounds.as_slice(),
        _ => &[],
    };
    let bounds: Option<Vec<f64>> =
        bounds.iter().map(|bound| number(scaler.graph.node(*bound))).collect();
    match bounds.as_deref() {
        Some([low, high]) => Ok((*low, *high)),
        _ => Err(scaler.error("'feature_range' is no pair of numbers")),
    }
}
