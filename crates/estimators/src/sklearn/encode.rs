//! `OneHotEncoder` and `OrdinalEncoder`.

use std::collections::HashMap;
use std::sync::Arc;

use super::attributes::{Attributes, number, texts};
use super::check::Expected;
use crate::error::{Error, Result};
use crate::graph::{Name, Node, NodeId};
use crate::npy::Array;
use crate::table::{Cells, Matrix, Rows, cells};

/// What an encoder knows of a column.
#[derive(Debug)]
enum Categories {
    Texts(HashMap<Arc<str>, usize>),
    /// By the bits of the number; -0.0 is stored as 0.0, and all NaNs are one.
    Numbers(HashMap<u64, usize>),
}

#[derive(Debug)]
enum Unknown {
    Refused,
    /// A row of zeros, or this number.
    Encoded(f64),
}

#[derive(Debug)]
enum Kind {
    /// The first output column of each input column, and the category that has none.
    OneHot { columns: Vec<(usize, Option<usize>)>, width: usize, sparse: bool },
    /// What a missing number becomes, if it was seen while learning.
    Ordinal { missing: f64 },
}

#[derive(Debug)]
pub(crate) struct Encoder {
    expected: Expected,
    categories: Vec<Categories>,
    unknown: Unknown,
    kind: Kind,
}

impl Encoder {
    pub(super) fn one_hot(encoder: &Attributes<'_>) -> Result<Self> {
        let expected = checked(encoder)?;
        let (categories, counts) = categories(encoder, expected.features)?;
        let unknown = match encoder.text("handle_unknown")? {
            "error" => Unknown::Refused,
            // Without rare categories this is the same.
            "ignore" | "infrequent_if_exist" | "warn" => Unknown::Encoded(0.0),
            _ => return Err(encoder.error("'handle_unknown' is unknown")),
        };
        let dropped = dropped(encoder, &counts)?;
        let mut width = 0;
        let mut columns = Vec::with_capacity(counts.len());
        for (count, dropped) in counts.iter().zip(dropped) {
            columns.push((width, dropped));
            width += count - usize::from(dropped.is_some());
        }
        let sparse = encoder.bool("sparse_output")?;
        Ok(Self { expected, categories, unknown, kind: Kind::OneHot { columns, width, sparse } })
    }

    pub(super) fn ordinal(encoder: &Attributes<'_>) -> Result<Self> {
        let expected = checked(encoder)?;
        let (categories, _) = categories(encoder, expected.features)?;
        let unknown = match encoder.text("handle_unknown")? {
            "error" => Unknown::Refused,
            "use_encoded_value" => Unknown::Encoded(encoder.f64("unknown_value")?),
            _ => return Err(encoder.error("'handle_unknown' is unknown")),
        };
        let missing = if encoder.is_none("encoded_missing_value") {
            f64::NAN
        } else {
            encoder.f64("encoded_missing_value")?
        };
        Ok(Self { expected, categories, unknown, kind: Kind::Ordinal { missing } })
    }

    pub(super) fn apply(&self, rows: &Rows<'_>) -> Result<Matrix> {
        self.expected.check(rows)?;
        finite(rows)?;
        let count = rows.count();
        let (columns, sparse) = match &self.kind {
            Kind::OneHot { width, sparse, .. } => (*width, *sparse),
            Kind::Ordinal { .. } => (self.expected.features, false),
        };
        cells(count, columns)?;
        let mut values = vec![0.0; count * columns];
        for (at, categories) in self.categories.iter().enumerate() {
            for row in 0..count {
                let (found, missing) = categories.find(rows, at, row)?;
                let Some(found) = found else {
                    let Unknown::Encoded(value) = self.unknown else {
                        return Err(unknown_category(rows, at, row));
                    };
                    if matches!(self.kind, Kind::Ordinal { .. }) {
                        values[row * columns + at] = value;
                    }
                    continue;
                };
                match &self.kind {
                    Kind::OneHot { columns: begins, .. } => {
                        let (begin, dropped) = begins[at];
                        let after = usize::from(dropped.is_some_and(|dropped| found > dropped));
                        if dropped != Some(found) {
                            values[row * columns + begin + found - after] = 1.0;
                        }
                    }
                    Kind::Ordinal { missing: value } => {
                        let encoded = if missing { *value } else { found as f64 };
                        values[row * columns + at] = encoded;
                    }
                }
            }
        }
        Ok(Matrix { rows: count, columns, values, single: false, sparse })
    }
}

impl Categories {
    /// The category of a cell, and whether the cell is a missing number.
    fn find(&self, rows: &Rows<'_>, column: usize, row: usize) -> Result<(Option<usize>, bool)> {
        let unfit = || Error::python("a column's values are of another kind than in training");
        match (self, rows) {
            (Self::Texts(known), Rows::Table(table)) => match &table.columns()[column] {
                Cells::Text(cells) => match &cells[row] {
                    Some(text) => Ok((known.get(text).copied(), false)),
                    None => Err(Error::python("a text is missing")),
                },
                _ => Err(unfit()),
            },
            (Self::Texts(_), Rows::Matrix(_)) => Err(unfit()),
            (Self::Numbers(known), rows) => {
                let number = match rows {
                    Rows::Table(table) => table.columns()[column].number(row).ok_or_else(unfit)?,
                    Rows::Matrix(matrix) => matrix.row(row)[column],
                };
                Ok((known.get(&key(number)).copied(), number.is_nan()))
            }
        }
    }
}

/// Refuses infinite numbers in all columns before any is encoded.
fn finite(rows: &Rows<'_>) -> Result<()> {
    let infinite = match rows {
        Rows::Table(table) => table.columns().iter().any(|cells| match cells {
            Cells::F64(cells) => cells.iter().any(|cell| cell.is_infinite()),
            Cells::F32(cells) => cells.iter().any(|cell| cell.is_infinite()),
            _ => false,
        }),
        Rows::Matrix(matrix) => matrix.values.iter().any(|value| value.is_infinite()),
    };
    if infinite {
        let text = "Input contains infinity or a value too large for dtype('float64').";
        return Err(Error::rows(text));
    }
    Ok(())
}

fn key(number: f64) -> u64 {
    if number.is_nan() { f64::NAN.to_bits() } else { (number + 0.0).to_bits() }
}

fn unknown_category(rows: &Rows<'_>, column: usize, row: usize) -> Error {
    let shown = match rows {
        Rows::Table(table) => match &table.columns()[column] {
            Cells::Text(cells) => {
                let text = cells[row].as_deref().unwrap_or_default();
                format!("'{text}'")
            }
            other => other.number(row).unwrap_or(f64::NAN).to_string(),
        },
        Rows::Matrix(matrix) => matrix.row(row)[column].to_string(),
    };
    Error::rows(format!("Found unknown categories [{shown}] in column {column} during transform"))
}

/// Refuses the options that change what an encoder does.
fn checked(encoder: &Attributes<'_>) -> Result<Expected> {
    let expected = Expected::of_transformer(encoder)?;
    let double = Name::new("numpy", "float64");
    if !matches!(encoder.node("dtype")?, Node::Name(name) if *name == double) {
        return Err(encoder.error("it makes other numbers than doubles"));
    }
    let rare = !encoder.is_none("_infrequent_enabled") && encoder.bool("_infrequent_enabled")?;
    if rare {
        return Err(encoder.error("rare categories in one are not built in"));
    }
    Ok(expected)
}

fn categories(encoder: &Attributes<'_>, features: usize) -> Result<(Vec<Categories>, Vec<usize>)> {
    let lists = encoder.list("categories_")?;
    if lists.len() != features {
        return Err(encoder.error("'categories_' is not of the size of the model"));
    }
    let (mut all, mut counts) = (Vec::with_capacity(features), Vec::with_capacity(features));
    for list in lists {
        let Node::Array(array) = encoder.graph.node(*list) else {
            return Err(encoder.error("'categories_' holds no arrays"));
        };
        encoder.graph.charge(array.bytes())?;
        all.push(column(encoder, array)?);
        counts.push(array.len());
    }
    Ok((all, counts))
}

fn column(encoder: &Attributes<'_>, array: &Array) -> Result<Categories> {
    // An array of objects has texts, or numbers that are Python's.
    if array.objects().is_none() && array.texts().is_err() {
        let numbers = array.f64s()?;
        let known = numbers.iter().enumerate().map(|(at, number)| (key(*number), at));
        let known: HashMap<u64, usize> = known.collect();
        if known.len() != numbers.len() {
            return Err(encoder.error("a category stands twice in 'categories_'"));
        }
        return Ok(Categories::Numbers(known));
    }
    let names = texts(encoder.graph, array)?;
    let count = names.len();
    let known: HashMap<Arc<str>, usize> = names.into_iter().zip(0..).collect();
    if known.len() != count {
        return Err(encoder.error("a category stands twice in 'categories_'"));
    }
    Ok(Categories::Texts(known))
}

/// For each column the category that has no output column.
fn dropped(encoder: &Attributes<'_>, counts: &[usize]) -> Result<Vec<Option<usize>>> {
    if encoder.is_none("drop_idx_") {
        return Ok(vec![None; counts.len()]);
    }
    let array = encoder.array("drop_idx_")?;
    let one = |id: &NodeId| match encoder.graph.node(*id) {
        Node::None => Ok(None),
        node => match number(node) {
            Some(index) if index >= 0.0 => Ok(Some(index as usize)),
            _ => Err(encoder.error("'drop_idx_' holds no numbers")),
        },
    };
    let dropped: Vec<Option<usize>> = match array.objects() {
        Some(objects) => objects.iter().map(one).collect::<Result<_>>()?,
        None => array.i64s()?.into_iter().map(|index| usize::try_from(index).ok()).collect(),
    };
    let fits = |(index, count): (&Option<usize>, &usize)| index.is_none_or(|index| index < *count);
    if dropped.len() != counts.len() || !dropped.iter().zip(counts).all(fits) {
        return Err(encoder.error("'drop_idx_' is not of the size of the model"));
    }
    Ok(dropped)
}
