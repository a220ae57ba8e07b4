//! Frames and tensors: what reaches a model and what it gives back, in typed columns.

mod column;

pub use column::{Column, NOT_A_TIME};

use std::borrow::Cow;
use std::sync::Arc;

use crate::json::{self, Value, repr};

/// The name of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Name {
    /// A text, as in a signature.
    Text(Arc<str>),
    /// Its number, when nobody named it.
    Number(i64),
    /// What else JSON has, which matches no signature.
    Other(Value),
}

impl Name {
    /// The name as Python prints it in a list.
    pub(crate) fn repr(&self) -> String {
        match self {
            Self::Text(text) => repr::string(text),
            Self::Number(number) => number.to_string(),
            Self::Other(value) => repr::value(value),
        }
    }

    /// The name as the key of a JSON object, as `json.dumps` writes it.
    pub fn key(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Other(value) => Cow::Owned(json::dumps(value)),
        }
    }

    /// The name, if it is a text.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Whether the name is this text.
    pub fn is(&self, text: &str) -> bool {
        matches!(self, Self::Text(own) if &**own == text)
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// How the cells of a frame lie in memory.
#[derive(Debug, Clone, PartialEq)]
enum Cells {
    /// All doubles, row by row.
    Block(Vec<f64>),
    /// Column by column.
    Columns(Vec<Column>),
}

/// A table with named columns of equal length.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    names: Arc<[Name]>,
    rows: usize,
    cells: Cells,
    is_labelled: bool,
}

impl Frame {
    /// A frame of doubles, row by row; `cells` has as many as rows times names.
    pub fn from_block(names: Arc<[Name]>, rows: usize, cells: Vec<f64>) -> Self {
        debug_assert_eq!(cells.len(), rows * names.len());
        Self { names, rows, cells: Cells::Block(cells), is_labelled: false }
    }

    /// A frame of columns, all of the same length, one for each name.
    pub fn from_columns(names: Arc<[Name]>, rows: usize, columns: Vec<Column>) -> Self {
        debug_assert_eq!(columns.len(), names.len());
        debug_assert!(columns.iter().all(|column| column.len() == rows));
        Self { names, rows, cells: Cells::Columns(columns), is_labelled: false }
    }

    /// The names of its columns.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns it has.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// The same frame, of whose rows a request has said other labels than 0, 1, 2 and so on.
    #[must_use]
    pub fn labelled(self) -> Self {
        Self { is_labelled: true, ..self }
    }

    /// Whether a request has labelled its rows. The labels are not kept: only a model that asks
    /// pandas for them would know.
    pub fn is_labelled(&self) -> bool {
        self.is_labelled
    }

    /// Its doubles, row by row, if that is how they lie: one buffer for a worker or an engine.
    pub fn block(&self) -> Option<&[f64]> {
        if let Cells::Block(cells) = &self.cells { Some(cells) } else { None }
    }

    /// A column, copied out of the block if need be.
    pub fn column(&self, at: usize) -> Option<Cow<'_, Column>> {
        match &self.cells {
            Cells::Columns(columns) => columns.get(at).map(Cow::Borrowed),
            Cells::Block(cells) if at < self.width() => {
                let column = cells.iter().skip(at).step_by(self.width()).copied().collect();
                Some(Cow::Owned(Column::F64(column)))
            }
            Cells::Block(_) => None,
        }
    }

    /// All cells as doubles, row by row, as NumPy would cast them; `None` if a column is no number.
    pub fn to_f64(&self) -> Option<Cow<'_, [f64]>> {
        let columns = match &self.cells {
            Cells::Block(cells) => return Some(Cow::Borrowed(cells)),
            Cells::Columns(columns) => columns,
        };
        let mut cells = vec![0.0; self.rows * self.width()];
        for (at, column) in columns.iter().enumerate() {
            let places = cells.iter_mut().skip(at).step_by(columns.len());
            column.copy_f64(places)?;
        }
        Some(Cow::Owned(cells))
    }

    /// All cells as 32-bit floats, row by row: what tree ensembles compare.
    pub fn to_f32(&self) -> Option<Vec<f32>> {
        #[expect(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
        let narrow = |cell: &f64| *cell as f32;
        Some(self.to_f64()?.iter().map(narrow).collect())
    }

    /// Appends the frame as pandas' records: one object for each row.
    pub fn write_records(&self, out: &mut Vec<u8>) {
        let keys: Vec<Vec<u8>> = (self.names.iter().enumerate())
            .map(|(at, name)| {
                let mut key = if at == 0 { Vec::new() } else { b", ".to_vec() };
                json::write_string(&name.key(), &mut key);
                key.extend_from_slice(b": ");
                key
            })
            .collect();
        out.push(b'[');
        for row in 0..self.rows {
            out.extend_from_slice(if row == 0 { b"{" } else { b", {" });
            for (at, key) in keys.iter().enumerate() {
                out.extend_from_slice(key);
                match &self.cells {
                    Cells::Block(cells) => json::write_float(cells[row * keys.len() + at], out),
                    Cells::Columns(columns) => columns[at].write_cell(row, out),
                }
            }
            out.push(b'}');
        }
        out.push(b']');
    }
}

/// An array of any shape; its elements lie in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The size of each dimension; none for a scalar.
    pub shape: Vec<usize>,
    /// The elements.
    pub elements: Column,
}

impl Tensor {
    /// Whether it is one object without dimensions, which is no array but for NumPy.
    pub(crate) fn is_object(&self) -> bool {
        self.shape.is_empty() && matches!(self.elements, Column::Object(_))
    }

    /// Appends the array as NumPy's `tolist`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut at = 0;
        self.write_level(&self.shape, &mut at, out);
    }

    fn write_level(&self, shape: &[usize], at: &mut usize, out: &mut Vec<u8>) {
        let Some((size, inner)) = shape.split_first() else {
            self.elements.write_element(*at, out);
            *at += 1;
            return;
        };
        out.push(b'[');
        for n in 0..*size {
            if n > 0 {
                out.extend_from_slice(b", ");
            }
            self.write_level(inner, at, out);
        }
        out.push(b']');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed() -> Frame {
        let columns = vec![
            Column::I64(vec![1, -2]),
            Column::F32(vec![0.1, f32::NAN]),
            Column::Bool(vec![true, false]),
        ];
        Frame::from_columns(["a".into(), Name::Number(5), "b".into()].into(), 2, columns)
    }

    #[test]
    fn records_are_those_of_pandas() {
        let mut out = Vec::new();
        mixed().write_records(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"[{"a": 1, "5": 0.10000000149011612, "b": true}, {"a": -2, "5": NaN, "b": false}]"#
        );
    }

    #[test]
    fn engines_get_rows_of_floats() {
        let cells = mixed().to_f64().unwrap().into_owned();
        assert_eq!(cells[..3], [1.0, f64::from(0.1_f32), 1.0]);
        assert!(cells[4].is_nan());
        assert_eq!(mixed().to_f32().unwrap()[3], -2.0);
        let block = Frame::from_block(["a".into(), "b".into()].into(), 2, vec![1.0, 2.0, 3.0, 4.0]);
        assert_eq!(block.column(1).unwrap().into_owned(), Column::F64(vec![2.0, 4.0]));
        assert_eq!(block.column(2), None);
        assert!(matches!(block.to_f64(), Some(Cow::Borrowed(_))));
        let text = Column::Str(vec![Some("x".into())]);
        assert_eq!(Frame::from_columns(["a".into()].into(), 1, vec![text]).to_f64(), None);
    }

    #[test]
    fn tensors_are_nested_lists() {
        let tensor = Tensor { shape: vec![2, 1, 2], elements: Column::I32(vec![1, 2, 3, 4]) };
        let mut out = Vec::new();
        tensor.write(&mut out);
        assert_eq!(out, b"[[[1, 2]], [[3, 4]]]");
        let empty = Tensor { shape: vec![2, 0], elements: Column::F64(Vec::new()) };
        out.clear();
        empty.write(&mut out);
        assert_eq!(out, b"[[], []]");
    }
}
