//! What changes rows before an estimator gets them.

use super::columns::Columns;
use super::encode::Encoder;
use super::impute::Imputer;
use super::scale::Scaler;
use crate::error::Result;
use crate::table::Rows;

#[derive(Debug)]
pub(crate) enum Transformer {
    /// Leaves the rows as they are.
    Identity,
    Scaler(Scaler),
    Imputer(Imputer),
    Encoder(Encoder),
    Columns(Columns),
    Pipeline(Vec<Self>),
}

impl Transformer {
    pub(super) fn apply<'a>(&self, rows: Rows<'a>) -> Result<Rows<'a>> {
        Ok(match self {
            Self::Identity => rows,
            Self::Scaler(scaler) => Rows::Matrix(scaler.apply(&rows)?),
            Self::Imputer(imputer) => imputer.apply(rows)?,
            Self::Encoder(encoder) => Rows::Matrix(encoder.apply(&rows)?),
            Self::Columns(columns) => Rows::Matrix(columns.apply(&rows)?),
            Self::Pipeline(steps) => steps.iter().try_fold(rows, |rows, step| step.apply(rows))?,
        })
    }
}
