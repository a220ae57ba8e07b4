//! `SimpleImputer`.

use super::attributes::{Attributes, number};
use super::check::{self, Expected};
use crate::error::{Error, Result};
use crate::graph::{Node, NodeId};
use crate::table::{Cells, Rows};

#[derive(Debug)]
pub(crate) struct Imputer {
    expected: Expected,
    /// What stands for a missing number; none for an imputer of texts.
    numbers: Option<Vec<f64>>,
}

impl Imputer {
    pub(super) fn compile(imputer: &Attributes<'_>) -> Result<Self> {
        let expected = Expected::of_transformer(imputer)?;
        let missing = number(imputer.node("missing_values")?);
        if !missing.is_some_and(f64::is_nan) {
            return Err(imputer.error("'missing_values' is something else than NaN"));
        }
        if imputer.bool("add_indicator")? {
            return Err(imputer.error("'add_indicator' is not built in"));
        }
        let statistics = imputer.array("statistics_")?;
        if statistics.len() != expected.features {
            return Err(imputer.error("'statistics_' is not of the size of the model"));
        }
        let node = |id: &NodeId| imputer.graph.node(*id);
        let numbers = match statistics.objects() {
            None => Some(imputer.f64s("statistics_")?),
            // A constant is a Python object, be it a number or a text.
            Some(objects) if objects.iter().all(|id| matches!(node(id), Node::Text(_))) => None,
            Some(objects) => {
                let numbers: Option<Vec<f64>> = objects.iter().map(|id| number(node(id))).collect();
                Some(numbers.ok_or_else(|| imputer.error("'statistics_' are of an unknown kind"))?)
            }
        };
        if numbers.iter().flatten().any(|value| value.is_nan()) {
            return Err(imputer.error("a column without any value is not built in"));
        }
        Ok(Self { expected, numbers })
    }

    pub(super) fn apply<'a>(&self, rows: Rows<'a>) -> Result<Rows<'a>> {
        self.expected.check(&rows)?;
        let Some(numbers) = &self.numbers else {
            return whole_texts(rows);
        };
        let mut matrix = rows.matrix()?.into_owned();
        check::double(&matrix)?;
        check::finite(&matrix, true)?;
        if matrix.sparse {
            return Err(Error::python("an imputer of a sparse matrix"));
        }
        for row in matrix.values.chunks_exact_mut(numbers.len()) {
            for (value, number) in row.iter_mut().zip(numbers) {
                if value.is_nan() {
                    *value = *number;
                }
            }
        }
        Ok(Rows::Matrix(matrix))
    }
}

/// Columns of texts without a missing one stay as they are. Which of Python's values counts as a
/// missing text depends on how the table was made.
fn whole_texts(rows: Rows<'_>) -> Result<Rows<'_>> {
    let whole =
        |cells: &Cells| matches!(cells, Cells::Text(cells) if cells.iter().all(Option::is_some));
    match rows {
        Rows::Table(table) if table.columns().iter().all(whole) => Ok(Rows::Table(table)),
        _ => Err(Error::python("a text is missing, or no text where one is expected")),
    }
}
