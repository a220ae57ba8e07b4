//! One column, or the elements of one array.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::json::{self, Value};
use crate::scoring::time;
use crate::signature::NumpyType;

/// The missing time: pandas' `NaT`.
pub const NOT_A_TIME: i64 = i64::MIN;
/// Python breaks base64 into lines of this many bytes of input.
const BASE64_LINE_BYTES: usize = 57;

/// Values of one type, named as NumPy and pandas name it. What is missing is NaN in floats, `None`
/// in texts, [`NOT_A_TIME`] in times and `Null` in objects; other types have nothing missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// `float64`.
    F64(Vec<f64>),
    /// `float32`.
    F32(Vec<f32>),
    /// `int64`.
    I64(Vec<i64>),
    /// `int32`.
    I32(Vec<i32>),
    /// `int16`.
    I16(Vec<i16>),
    /// `int8`.
    I8(Vec<i8>),
    /// `uint64`.
    U64(Vec<u64>),
    /// `uint32`.
    U32(Vec<u32>),
    /// `uint16`.
    U16(Vec<u16>),
    /// `uint8`.
    U8(Vec<u8>),
    /// `bool`.
    Bool(Vec<bool>),
    /// `str`.
    Str(Vec<Option<String>>),
    /// Bytes: `object` in a frame.
    Bytes(Vec<Vec<u8>>),
    /// `datetime64[ns]`: nanoseconds since 1970.
    Time(Vec<i64>),
    /// `object`: JSON values of any types.
    Object(Vec<Value>),
}

/// Calls the same code for each kind of column.
macro_rules! each {
    ($column:expr, $values:ident => $code:expr) => {
        match $column {
            Column::F64($values) => $code,
            Column::F32($values) => $code,
            Column::I64($values) => $code,
            Column::I32($values) => $code,
            Column::I16($values) => $code,
            Column::I8($values) => $code,
            Column::U64($values) => $code,
            Column::U32($values) => $code,
            Column::U16($values) => $code,
            Column::U8($values) => $code,
            Column::Bool($values) => $code,
            Column::Str($values) => $code,
            Column::Bytes($values) => $code,
            Column::Time($values) => $code,
            Column::Object($values) => $code,
        }
    };
}

/// A column of the same kind from what the code makes of its values.
macro_rules! rewrap {
    ($column:expr, $values:ident => $code:expr) => {
        match $column {
            Column::F64($values) => Column::F64($code),
            Column::F32($values) => Column::F32($code),
            Column::I64($values) => Column::I64($code),
            Column::I32($values) => Column::I32($code),
            Column::I16($values) => Column::I16($code),
            Column::I8($values) => Column::I8($code),
            Column::U64($values) => Column::U64($code),
            Column::U32($values) => Column::U32($code),
            Column::U16($values) => Column::U16($code),
            Column::U8($values) => Column::U8($code),
            Column::Bool($values) => Column::Bool($code),
            Column::Str($values) => Column::Str($code),
            Column::Bytes($values) => Column::Bytes($code),
            Column::Time($values) => Column::Time($code),
            Column::Object($values) => Column::Object($code),
        }
    };
}

/// Fills places with numbers cast to doubles.
macro_rules! fill {
    ($places:expr, $values:expr, $cast:expr) => {
        for (place, value) in $places.zip($values) {
            *place = $cast(*value);
        }
    };
}

impl Column {
    /// How many values there are.
    pub fn len(&self) -> usize {
        each!(self, values => values.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// NumPy's type of the elements.
    pub(crate) fn kind(&self) -> NumpyType {
        match self {
            Self::F64(_) => NumpyType::F64,
            Self::F32(_) => NumpyType::F32,
            Self::I64(_) => NumpyType::I64,
            Self::I32(_) => NumpyType::I32,
            Self::I16(_) => NumpyType::I16,
            Self::I8(_) => NumpyType::I8,
            Self::U64(_) => NumpyType::U64,
            Self::U32(_) => NumpyType::U32,
            Self::U16(_) => NumpyType::U16,
            Self::U8(_) => NumpyType::U8,
            Self::Bool(_) => NumpyType::Bool,
            Self::Str(_) => NumpyType::Str,
            Self::Bytes(_) => NumpyType::Bytes,
            Self::Time(_) => NumpyType::Datetime,
            Self::Object(_) => NumpyType::Object,
        }
    }

    /// The type's name in pandas, where bytes are objects.
    pub fn dtype(&self) -> &'static str {
        match self.kind() {
            NumpyType::Bytes => NumpyType::Object.name(),
            kind => kind.name(),
        }
    }

    /// The first `len` values, or as many times the one value.
    pub(crate) fn repeated(self, len: usize) -> Self {
        fn fit<T: Clone>(mut values: Vec<T>, len: usize) -> Vec<T> {
            if let Some(first) = values.first().cloned() {
                values.resize(len, first);
            }
            values
        }
        rewrap!(self, values => fit(values, len))
    }

    /// Every `width`-th value from a place on: a column of an array of two dimensions.
    pub(crate) fn stride(&self, at: usize, width: usize) -> Self {
        rewrap!(self, values => values.iter().skip(at).step_by(width).cloned().collect())
    }

    /// Copies numbers and booleans as doubles; `None` for what is neither.
    pub(crate) fn copy_f64<'a>(&self, places: impl Iterator<Item = &'a mut f64>) -> Option<()> {
        #[expect(clippy::cast_precision_loss, reason = "NumPy rounds the same way")]
        match self {
            Self::F64(values) => fill!(places, values, |v: f64| v),
            Self::F32(values) => fill!(places, values, f64::from),
            Self::I64(values) => fill!(places, values, |v: i64| v as f64),
            Self::I32(values) => fill!(places, values, f64::from),
            Self::I16(values) => fill!(places, values, f64::from),
            Self::I8(values) => fill!(places, values, f64::from),
            Self::U64(values) => fill!(places, values, |v: u64| v as f64),
            Self::U32(values) => fill!(places, values, f64::from),
            Self::U16(values) => fill!(places, values, f64::from),
            Self::U8(values) => fill!(places, values, f64::from),
            Self::Bool(values) => fill!(places, values, |v: bool| f64::from(u8::from(v))),
            Self::Str(_) | Self::Bytes(_) | Self::Time(_) | Self::Object(_) => return None,
        }
        Some(())
    }

    /// Numbers and booleans as doubles.
    pub(crate) fn to_f64(&self) -> Option<Vec<f64>> {
        let mut values = vec![0.0; self.len()];
        self.copy_f64(values.iter_mut()).map(|()| values)
    }

    /// The value at a place, as Python's object: what a frame holds in an `object` column.
    pub(crate) fn value(&self, at: usize) -> Value {
        let unsigned =
            |v: u64| i64::try_from(v).map_or_else(|_| Value::Big(v.to_string().into()), Value::Int);
        match self {
            Self::F64(values) => Value::Float(values[at]),
            Self::F32(values) => Value::Float(values[at].into()),
            Self::I64(values) | Self::Time(values) => Value::Int(values[at]),
            Self::I32(values) => Value::Int(values[at].into()),
            Self::I16(values) => Value::Int(values[at].into()),
            Self::I8(values) => Value::Int(values[at].into()),
            Self::U64(values) => unsigned(values[at]),
            Self::U32(values) => Value::Int(values[at].into()),
            Self::U16(values) => Value::Int(values[at].into()),
            Self::U8(values) => Value::Int(values[at].into()),
            Self::Bool(values) => Value::Bool(values[at]),
            Self::Str(values) => {
                values[at].as_ref().map_or(Value::Float(f64::NAN), |v| Value::Str(v.clone()))
            }
            Self::Bytes(values) => base64_lines(&values[at]).into(),
            Self::Object(values) => values[at].clone(),
        }
    }

    /// All values as Python's objects.
    pub(crate) fn values(&self) -> Vec<Value> {
        if let Self::Object(values) = self {
            return values.clone();
        }
        (0..self.len()).map(|at| self.value(at)).collect()
    }

    /// Appends the cell of a frame: times are ISO texts.
    pub(crate) fn write_cell(&self, at: usize, out: &mut Vec<u8>) {
        match self {
            Self::F64(values) => json::write_float(values[at], out),
            Self::I64(values) => json::write_integer(values[at], out),
            Self::Time(values) => {
                json::write_string(&time::iso(values[at]), out);
            }
            Self::Str(values) => match &values[at] {
                Some(text) => json::write_string(text, out),
                None => json::write_float(f64::NAN, out),
            },
            Self::Object(values) => json::write_value(&values[at], out),
            _ => json::write_value(&self.value(at), out),
        }
    }

    /// Appends the element of an array: times are nanoseconds.
    pub(crate) fn write_element(&self, at: usize, out: &mut Vec<u8>) {
        match self {
            Self::Time(values) if values[at] == NOT_A_TIME => out.extend_from_slice(b"null"),
            Self::Time(values) => json::write_integer(values[at], out),
            _ => self.write_cell(at, out),
        }
    }
}

/// Base64 as Python's `encodebytes`: lines of 76 letters, each with its end.
fn base64_lines(bytes: &[u8]) -> String {
    let mut out = String::new();
    for line in bytes.chunks(BASE64_LINE_BYTES) {
        STANDARD.encode_string(line, &mut out);
        out.push('\n');
    }
    out
}
