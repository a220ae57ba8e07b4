//! Rows to predict, as they come in and as estimators pass them on, and what is predicted.

use std::borrow::Cow;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::limits::CELLS_MAX;
use crate::math::exact;

/// The cells of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Doubles; NaN is missing.
    F64(Vec<f64>),
    /// Single-precision numbers.
    F32(Vec<f32>),
    /// Integers.
    I64(Vec<i64>),
    /// Booleans.
    Bool(Vec<bool>),
    /// Texts, some of which may be missing.
    Text(Vec<Option<Arc<str>>>),
}

impl Cells {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::F64(cells) => cells.len(),
            Self::F32(cells) => cells.len(),
            Self::I64(cells) => cells.len(),
            Self::Bool(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number in a row. An integer that a double cannot hold is none, nor is a text.
    pub(crate) fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::F64(cells) => cells.get(row).copied(),
            Self::F32(cells) => cells.get(row).map(|cell| f64::from(*cell)),
            Self::I64(cells) => exact(*cells.get(row)?),
            Self::Bool(cells) => cells.get(row).map(|cell| f64::from(u8::from(*cell))),
            Self::Text(_) => None,
        }
    }
}

/// Columns of one length, with their names when the rows had any.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    rows: usize,
    names: Option<Vec<Arc<str>>>,
    columns: Vec<Cells>,
}

impl Table {
    /// Columns, which must be of one length, and a name for each or none at all.
    pub fn new(names: Option<Vec<Arc<str>>>, columns: Vec<Cells>) -> Result<Self> {
        let rows = columns.first().map_or(0, Cells::len);
        if columns.iter().any(|column| column.len() != rows) {
            return Err(Error::rows("the columns are not of one length"));
        }
        if names.as_ref().is_some_and(|names| names.len() != columns.len()) {
            return Err(Error::rows("there are not as many names as columns"));
        }
        cells(rows, columns.len())?;
        Ok(Self { rows, names, columns })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The names of the columns.
    pub fn names(&self) -> Option<&[Arc<str>]> {
        self.names.as_deref()
    }

    /// The columns.
    pub fn columns(&self) -> &[Cells] {
        &self.columns
    }

    fn matrix(&self) -> Result<Matrix> {
        let columns = self.columns.len();
        let single = columns > 0 && self.columns.iter().all(|cells| matches!(cells, Cells::F32(_)));
        let mut values = Vec::with_capacity(self.rows * columns);
        for row in 0..self.rows {
            for cells in &self.columns {
                let unfit = || match cells {
                    Cells::Text(_) => Error::python("a text stands where a number is expected"),
                    _ => Error::python("an integer is too large for a double"),
                };
                values.push(cells.number(row).ok_or_else(unfit)?);
            }
        }
        Ok(Matrix { rows: self.rows, columns, values, single, sparse: false })
    }
}

/// Whether so many cells are within the limit.
pub(crate) fn cells(rows: usize, columns: usize) -> Result<usize> {
    let cells = rows.checked_mul(columns.max(1)).filter(|cells| *cells <= CELLS_MAX);
    cells.ok_or(Error::TooLarge { what: "the number of cells", limit: CELLS_MAX })
}

/// Numbers in rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) values: Vec<f64>,
    /// Whether the numbers came in single precision, in which some estimators then compute.
    pub(crate) single: bool,
    /// Whether scikit-learn has a sparse matrix here, which estimators check by other rules.
    pub(crate) sparse: bool,
}

impl Matrix {
    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }
}

/// What an estimator gets: the table as it came, or what an estimator before it made.
#[derive(Debug)]
pub(crate) enum Rows<'a> {
    Table(Cow<'a, Table>),
    Matrix(Matrix),
}

impl Rows<'_> {
    pub(crate) fn count(&self) -> usize {
        match self {
            Rows::Table(table) => table.rows,
            Rows::Matrix(matrix) => matrix.rows,
        }
    }

    pub(crate) fn columns(&self) -> usize {
        match self {
            Rows::Table(table) => table.columns.len(),
            Rows::Matrix(matrix) => matrix.columns,
        }
    }

    pub(crate) fn names(&self) -> Option<&[Arc<str>]> {
        match self {
            Rows::Table(table) => table.names(),
            Rows::Matrix(_) => None,
        }
    }

    pub(crate) fn matrix(&self) -> Result<Cow<'_, Matrix>> {
        match self {
            Rows::Table(table) => Ok(Cow::Owned(table.matrix()?)),
            Rows::Matrix(matrix) => Ok(Cow::Borrowed(matrix)),
        }
    }
}

/// Predicted values.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Doubles.
    F64(Vec<f64>),
    /// Single-precision numbers, as XGBoost gives them.
    F32(Vec<f32>),
    /// Integers.
    I64(Vec<i64>),
    /// Booleans.
    Bool(Vec<bool>),
    /// Texts.
    Text(Vec<Arc<str>>),
}

/// Predicted values and their shape: the first length is the number of rows, the last index runs
/// fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The lengths of one or two dimensions.
    pub shape: Vec<usize>,
    /// The values.
    pub values: Values,
}

impl Output {
    /// Values in rows of so many columns; one column stands as a list.
    pub(crate) fn of_columns(rows: usize, columns: usize, values: Values) -> Self {
        let shape = if columns == 1 { vec![rows] } else { vec![rows, columns] };
        Self { shape, values }
    }
}

/// What a model is asked for, by the names that the libraries' methods have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `predict`.
    Predict,
    /// `predict_proba`.
    PredictProba,
    /// `decision_function`.
    DecisionFunction,
}

impl Method {
    /// Reads a method's name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "predict" => Some(Self::Predict),
            "predict_proba" => Some(Self::PredictProba),
            "decision_function" => Some(Self::DecisionFunction),
            _ => None,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Predict => "predict",
            Self::PredictProba => "predict_proba",
            Self::DecisionFunction => "decision_function",
        }
    }
}
