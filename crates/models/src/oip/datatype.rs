//! The protocol's types of elements.

use crate::frame::Column;
use crate::signature::{DataType, NumpyType};

/// A type of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datatype {
    pub(crate) kind: NumpyType,
}

const NAMES: [(&str, NumpyType); 12] = [
    ("BOOL", NumpyType::Bool),
    ("UINT8", NumpyType::U8),
    ("UINT16", NumpyType::U16),
    ("UINT32", NumpyType::U32),
    ("UINT64", NumpyType::U64),
    ("INT8", NumpyType::I8),
    ("INT16", NumpyType::I16),
    ("INT32", NumpyType::I32),
    ("INT64", NumpyType::I64),
    ("FP32", NumpyType::F32),
    ("FP64", NumpyType::F64),
    ("BYTES", NumpyType::Str),
];

impl Datatype {
    /// The type of a name. Half precision has no form in JSON that a frame could hold.
    pub fn of_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(own, _)| *own == name).map(|(_, kind)| Self { kind: *kind })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        // Bytes and texts have one name; times are integers.
        NAMES.iter().find(|(_, kind)| *kind == self.kind).map_or("BYTES", |(name, _)| name)
    }

    /// The type of a column.
    pub(crate) fn of_column(column: &Column) -> Self {
        let kind = match column {
            Column::F64(_) => NumpyType::F64,
            Column::F32(_) => NumpyType::F32,
            Column::I64(_) | Column::Time(_) => NumpyType::I64,
            Column::I32(_) => NumpyType::I32,
            Column::I16(_) => NumpyType::I16,
            Column::I8(_) => NumpyType::I8,
            Column::U64(_) => NumpyType::U64,
            Column::U32(_) => NumpyType::U32,
            Column::U16(_) => NumpyType::U16,
            Column::U8(_) => NumpyType::U8,
            Column::Bool(_) => NumpyType::Bool,
            Column::Str(_) | Column::Bytes(_) | Column::Object(_) => NumpyType::Str,
        };
        Self { kind }
    }

    /// The type of a signature's type.
    pub(crate) fn of_numpy(kind: NumpyType) -> Self {
        match kind {
            NumpyType::Datetime => Self { kind: NumpyType::I64 },
            NumpyType::F16 => Self { kind: NumpyType::F32 },
            other => Self { kind: other },
        }
    }

    /// The type of a column of a signature.
    pub(crate) fn of_data_type(kind: DataType) -> Self {
        Self::of_numpy(kind.numpy())
    }
}
