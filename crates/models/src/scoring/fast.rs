//! The fast way for the usual request: a frame of numbers for a signature of numbers, read from the
//! text straight into typed columns.
//!
//! It takes only what it can read exactly as the long way does, and leaves all else to it: on any
//! surprise it gives up, and the body is read again from its start.

use std::collections::HashMap;
use std::sync::Arc;

use crate::frame::{Column, Frame, Name};
use crate::json::Value;
use crate::json::lexer::Lexer;
use crate::signature::{ColumnType, DataType, Schema};

/// Integers up to here are the same number as a float.
const EXACT: u64 = 1 << 53;
/// Most columns beside the signature's; more are for the long way, which looks names up in tables.
const MAX_EXTRA: usize = 64;
/// Powers of ten that a float holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// What to expect of a request.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    names: Arc<[Name]>,
    places: HashMap<Arc<str>, usize>,
    kinds: Vec<DataType>,
    all_doubles: bool,
}

/// Where the cells go: one buffer by rows, or one by column.
enum Cells {
    Block(Vec<f64>),
    Columns(Vec<Column>),
}

impl Plan {
    /// The plan for a signature of named columns, all of them numbers or booleans.
    pub(crate) fn of(schema: &Schema) -> Option<Self> {
        let Schema::Columns(specs) = schema else { return None };
        let mut names = Vec::with_capacity(specs.len());
        let mut places = HashMap::with_capacity(specs.len());
        let mut kinds = Vec::with_capacity(specs.len());
        for (at, spec) in specs.iter().enumerate() {
            match &spec.kind {
                ColumnType::Scalar(kind) if kind.is_numeric() => kinds.push(*kind),
                _ => return None,
            }
            let name: Arc<str> = spec.name.as_deref()?.into();
            names.push(Name::Text(Arc::clone(&name)));
            places.insert(name, at);
        }
        let all_doubles = kinds.iter().all(|kind| *kind == DataType::Double);
        Some(Self { names: names.into(), places, kinds, all_doubles })
    }

    /// The frame of a body, if the body is one that the fast way takes.
    pub(crate) fn decode(&self, body: &[u8]) -> Option<Frame> {
        // A body of another encoding has a zero or a mark here.
        if body.first() != Some(&b'{') || body.get(1) == Some(&0) {
            return None;
        }
        let mut lexer = Lexer::new(std::str::from_utf8(body).ok()?);
        open(&mut lexer, b'{')?;
        let key = key(&mut lexer)?;
        let frame = match key {
            "dataframe_split" => self.split(&mut lexer)?,
            "dataframe_records" => self.records(&mut lexer)?,
            "inputs" => self.inputs(&mut lexer)?,
            _ => return None,
        };
        close(&mut lexer, b'}')?;
        lexer.skip_space();
        lexer.peek().is_none().then_some(frame)
    }

    /// The place of a column, which most often is the next one.
    fn place(&self, name: &str, guess: usize) -> Option<usize> {
        if self.names.get(guess).is_some_and(|own| own.is(name)) {
            return Some(guess);
        }
        self.places.get(name).copied()
    }

    /// Where the cells of a row go: `None` for columns that the signature has not. All of the
    /// signature's must be there, each once.
    fn check(&self, places: &[Option<usize>]) -> Option<()> {
        if places.len() == self.names.len()
            && places.iter().enumerate().all(|(at, place)| *place == Some(at))
        {
            return Some(());
        }
        let mut seen = vec![false; self.names.len()];
        for place in places.iter().flatten() {
            if std::mem::replace(&mut seen[*place], true) {
                return None;
            }
        }
        seen.into_iter().all(|seen| seen).then_some(())
    }

    fn cells(&self) -> Cells {
        if self.all_doubles {
            return Cells::Block(Vec::with_capacity(self.names.len()));
        }
        Cells::Columns(self.columns())
    }

    /// An empty column for each of the signature.
    fn columns(&self) -> Vec<Column> {
        let column = |kind: &DataType| match kind {
            DataType::Float => Column::F32(Vec::new()),
            DataType::Long => Column::I64(Vec::new()),
            DataType::Integer => Column::I32(Vec::new()),
            DataType::Boolean => Column::Bool(Vec::new()),
            _ => Column::F64(Vec::new()),
        };
        self.kinds.iter().map(column).collect()
    }

    fn frame(&self, rows: usize, cells: Cells) -> Frame {
        let names = Arc::clone(&self.names);
        match cells {
            Cells::Block(cells) => Frame::from_block(names, rows, cells),
            Cells::Columns(columns) => Frame::from_columns(names, rows, columns),
        }
    }

    fn split(&self, lexer: &mut Lexer<'_>) -> Option<Frame> {
        open(lexer, b'{')?;
        if key(lexer)? != "columns" {
            return None;
        }
        let mut places = Vec::with_capacity(self.names.len());
        let mut names = Vec::new();
        open(lexer, b'[')?;
        loop {
            let name = lexer.plain_string()?;
            let place = self.place(name, places.len());
            if place.is_none() {
                // A name that is there twice is for the long way to judge.
                if names.len() == MAX_EXTRA || names.contains(&name) {
                    return None;
                }
                names.push(name);
            }
            places.push(place);
            if !next(lexer, b']')? {
                break;
            }
        }
        self.check(&places)?;
        if !next(lexer, b'}')? || key(lexer)? != "data" {
            return None;
        }
        open(lexer, b'[')?;
        let mut cells = self.cells();
        let mut rows = 0;
        loop {
            open(lexer, b'[')?;
            self.row(lexer, &places, &mut cells)?;
            rows += 1;
            if !next(lexer, b']')? {
                break;
            }
        }
        close(lexer, b'}')?;
        Some(self.frame(rows, cells))
    }

    fn row(
        &self,
        lexer: &mut Lexer<'_>,
        places: &[Option<usize>],
        cells: &mut Cells,
    ) -> Option<()> {
        let start = start_row(cells, self.names.len());
        for (at, place) in places.iter().enumerate() {
            match place {
                Some(place) => cell(lexer, *place, start, cells)?,
                None => skip(lexer)?,
            }
            if next(lexer, b']')? != (at + 1 < places.len()) {
                return None;
            }
        }
        Some(())
    }

    fn records(&self, lexer: &mut Lexer<'_>) -> Option<Frame> {
        open(lexer, b'[')?;
        let mut places = Vec::with_capacity(self.names.len());
        let mut keys: Vec<&str> = Vec::with_capacity(self.names.len());
        let mut extra = 0;
        let mut cells = self.cells();
        let mut rows = 0;
        loop {
            open(lexer, b'{')?;
            let start = start_row(&mut cells, self.names.len());
            let mut at = 0;
            loop {
                let name = key(lexer)?;
                if rows == 0 {
                    let place = self.place(name, at);
                    if place.is_none() {
                        extra += 1;
                        if extra > MAX_EXTRA || keys.contains(&name) {
                            return None;
                        }
                    }
                    keys.push(name);
                    places.push(place);
                } else if keys.get(at) != Some(&name) {
                    return None;
                }
                match places[at] {
                    Some(place) => cell(lexer, place, start, &mut cells)?,
                    None => skip(lexer)?,
                }
                at += 1;
                if !next(lexer, b'}')? {
                    break;
                }
            }
            if rows == 0 {
                self.check(&places)?;
            }
            if at != keys.len() {
                return None;
            }
            rows += 1;
            if !next(lexer, b']')? {
                break;
            }
        }
        Some(self.frame(rows, cells))
    }

    /// `inputs` with a list for each column.
    fn inputs(&self, lexer: &mut Lexer<'_>) -> Option<Frame> {
        open(lexer, b'{')?;
        let mut columns = self.columns();
        let mut at = 0;
        loop {
            let column = &mut columns[self.place(key(lexer)?, at)?];
            // A list that was read has at least one cell.
            if !column.is_empty() {
                return None;
            }
            open(lexer, b'[')?;
            loop {
                push(lexer, column)?;
                if !next(lexer, b']')? {
                    break;
                }
            }
            at += 1;
            if !next(lexer, b'}')? {
                break;
            }
        }
        let rows = columns.iter().map(Column::len).max().filter(|rows| *rows > 0)?;
        let whole = columns.iter().all(|column| column.len() == rows);
        whole.then(|| self.frame(rows, Cells::Columns(columns)))
    }
}

/// Makes room for a row in a block; where it begins.
fn start_row(cells: &mut Cells, width: usize) -> usize {
    match cells {
        Cells::Block(cells) => {
            let start = cells.len();
            cells.resize(start + width, 0.0);
            start
        }
        Cells::Columns(_) => 0,
    }
}

/// Reads one cell to its place in the row that begins at `start`.
#[inline]
fn cell(lexer: &mut Lexer<'_>, place: usize, start: usize, cells: &mut Cells) -> Option<()> {
    match cells {
        Cells::Block(cells) => cells[start + place] = double(lexer)?,
        Cells::Columns(columns) => push(lexer, &mut columns[place])?,
    }
    Some(())
}

/// Reads one cell to the end of a column, as the column's type.
#[inline]
fn push(lexer: &mut Lexer<'_>, column: &mut Column) -> Option<()> {
    match column {
        Column::F64(values) => values.push(double(lexer)?),
        Column::F32(values) => values.push(single(lexer)?),
        Column::I64(values) => values.push(integer(lexer)?),
        Column::I32(values) => values.push(i32::try_from(integer(lexer)?).ok()?),
        Column::Bool(values) => values.push(integer(lexer)? != 0),
        _ => return None,
    }
    Some(())
}

/// A number as a double; `null` is NaN and booleans are one and zero.
#[inline]
fn double(lexer: &mut Lexer<'_>) -> Option<f64> {
    if let Some(value) = short_number(lexer) {
        return Some(value);
    }
    match lexer.peek()? {
        b'n' => lexer.take_word("null").then_some(f64::NAN),
        b't' => lexer.take_word("true").then_some(1.0),
        b'f' => lexer.take_word("false").then_some(0.0),
        _ => match lexer.number().ok()? {
            #[expect(clippy::cast_precision_loss, reason = "rounded as pandas does")]
            Value::Int(value) => Some(value as f64),
            Value::Big(digits) => digits.parse().ok().filter(|value: &f64| value.is_finite()),
            Value::Float(value) => Some(value),
            _ => None,
        },
    }
}

/// A number of few digits without exponent: the quotient of two exact floats is rounded once.
#[inline]
fn short_number(lexer: &mut Lexer<'_>) -> Option<f64> {
    const DIGITS_MAX: usize = 15;
    let bytes = lexer.text.as_bytes();
    let negative = bytes.get(lexer.at) == Some(&b'-');
    let first = lexer.at + usize::from(negative);
    let mut at = first;
    let mut digits: u64 = 0;
    while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
        digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        at += 1;
    }
    let whole = at - first;
    if whole == 0 || whole > DIGITS_MAX || (whole > 1 && bytes[first] == b'0') {
        return None;
    }
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        let point = at;
        at += 1;
        while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
            digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            at += 1;
        }
        fraction = at - point - 1;
        if fraction == 0 || whole + fraction > DIGITS_MAX {
            return None;
        }
    } else if negative && digits == 0 {
        // The integer -0 is 0, the float -0.0 is not.
        return None;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        return None;
    }
    lexer.at = at;
    #[expect(clippy::cast_precision_loss, reason = "of 15 digits nothing is lost")]
    let value = digits as f64 / POWERS[fraction];
    Some(if negative { -value } else { value })
}

#[expect(clippy::cast_possible_truncation, reason = "rounded as pandas does")]
fn single(lexer: &mut Lexer<'_>) -> Option<f32> {
    let start = lexer.at;
    let value = double(lexer)?;
    let is_float = lexer.text[start..lexer.at].contains(['.', 'e', 'E', 'n', 'N', 'I']);
    // Larger integers are rounded to single floats at once, or twice beside a float.
    #[expect(clippy::cast_precision_loss, reason = "2^53 is exact")]
    let exact = is_float || value.abs() <= EXACT as f64;
    exact.then_some(value as f32)
}

/// An integer, or a boolean as one.
fn integer(lexer: &mut Lexer<'_>) -> Option<i64> {
    match lexer.peek()? {
        b't' => lexer.take_word("true").then_some(1),
        b'f' => lexer.take_word("false").then_some(0),
        _ => match lexer.number().ok()? {
            Value::Int(value) => Some(value),
            _ => None,
        },
    }
}

/// A cell that nobody wants.
fn skip(lexer: &mut Lexer<'_>) -> Option<()> {
    match lexer.peek()? {
        b'"' => lexer.plain_string().map(|_| ()),
        b'n' => lexer.take_word("null").then_some(()),
        _ => double(lexer).map(|_| ()),
    }
}

/// An opening bracket and the space behind it.
#[inline]
fn open(lexer: &mut Lexer<'_>, bracket: u8) -> Option<()> {
    lexer.skip_space();
    lexer.take(bracket).then_some(())?;
    lexer.skip_space();
    Some(())
}

/// A closing bracket.
#[inline]
fn close(lexer: &mut Lexer<'_>, bracket: u8) -> Option<()> {
    lexer.skip_space();
    lexer.take(bracket).then_some(())
}

/// Behind an item: whether another one follows, or the bracket closes.
#[inline]
fn next(lexer: &mut Lexer<'_>, bracket: u8) -> Option<bool> {
    lexer.skip_space();
    if lexer.take(b',') {
        lexer.skip_space();
        return Some(true);
    }
    lexer.take(bracket).then_some(false)
}

/// A key without escapes, and the colon behind it.
#[inline]
fn key<'a>(lexer: &mut Lexer<'a>) -> Option<&'a str> {
    let key = lexer.plain_string()?;
    lexer.skip_space();
    lexer.take(b':').then_some(())?;
    lexer.skip_space();
    Some(key)
}

#[cfg(test)]
mod tests;
