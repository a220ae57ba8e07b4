//! The protocol's types of elements.

use crate::signature::NumpyType;

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

/// The type that a name stands for. Half precision has no form in JSON that a frame could hold.
pub(super) fn of_name(name: &str) -> Option<NumpyType> {
    NAMES.iter().find(|(own, _)| *own == name).map(|(_, kind)| *kind)
}

/// The name of a type. Bytes, texts and objects have one, and times are integers.
pub(super) fn name(kind: NumpyType) -> &'static str {
    let kind = match kind {
        NumpyType::Datetime => NumpyType::I64,
        NumpyType::F16 => NumpyType::F32,
        other => other,
    };
    NAMES.iter().find(|(_, own)| *own == kind).map_or("BYTES", |(name, _)| name)
}
