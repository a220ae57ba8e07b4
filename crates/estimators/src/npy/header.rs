//! `.npy` files, versions 1 to 3.

use std::sync::Arc;

use super::literal::{self, Literal};
use super::{Array, DType, FORMAT};
use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::limits::{DIMENSIONS_MAX, NPY_HEADER_MAX_BYTES, within};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads a file that holds one array of numbers, texts or structures. Arrays of objects are pickles
/// inside and are refused, as numpy refuses them unless told otherwise.
pub fn read(bytes: &[u8]) -> Result<Array> {
    let mut cursor = Cursor::new(bytes, FORMAT);
    if cursor.take(MAGIC.len())? != MAGIC {
        return Err(Error::damaged(FORMAT, 0, "it does not begin as numpy's files do"));
    }
    let [major, minor] = cursor.array()?;
    let length = match (major, minor) {
        (1, 0) => cursor.length::<2>()?,
        (2 | 3, 0) => cursor.length::<4>()?,
        _ => return Err(cursor.damaged(format!("version {major}.{minor} is unknown"))),
    };
    within("the header of an array", length, NPY_HEADER_MAX_BYTES)?;
    let header = literal::parse(cursor.take(length)?, FORMAT)?;
    let missing = |name: &str| cursor.damaged(format!("the header has no '{name}'"));
    let descr = header.entry("descr").ok_or_else(|| missing("descr"))?;
    let Some(Literal::Bool(fortran)) = header.entry("fortran_order") else {
        return Err(missing("fortran_order"));
    };
    let shape = shape(header.entry("shape")).ok_or_else(|| missing("shape"))?;
    let dtype = DType::from_literal(descr)?;
    if dtype.has_objects() {
        return Err(Error::python("an .npy file holds Python objects"));
    }
    // A copy of what is there, not of what the header claims; `Array` checks that they agree.
    Array::new(Arc::new(dtype), shape, *fortran, cursor.rest().into())
}

fn shape(literal: Option<&Literal>) -> Option<Vec<usize>> {
    let items = literal?.items().filter(|items| items.len() <= DIMENSIONS_MAX)?;
    let length = |item: &Literal| match item {
        Literal::Int(length) => usize::try_from(*length).ok(),
        _ => None,
    };
    items.iter().map(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((header.len() as u16).to_le_bytes()),
            _ => bytes.extend((header.len() as u32).to_le_bytes()),
        }
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn all_versions_are_read() {
        for version in [1, 2, 3] {
            let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n";
            let array = read(&file(version, header, &7.0_f64.to_le_bytes())).unwrap();
            assert_eq!(array.f64s().unwrap(), [7.0]);
        }
    }

    #[test]
    fn lies_are_refused() {
        let header = |descr: &str, shape: &str| {
            format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n")
        };
        let good = header("'<f8'", "(1,)");
        assert!(read(&file(1, &good, &[0; 7])).is_err());
        assert!(read(&file(4, &good, &[0; 8])).is_err());
        for (descr, shape) in [
            ("'<f8'", "(1099511627776,)"),
            ("'<f8'", "(-1,)"),
            ("'<f8'", "(1.5,)"),
            ("'O'", "(1,)"),
            ("'|V0'", "(9223372036854775807,)"),
            ("[('a', '<f8', (9223372036854775807, 2))]", "(1,)"),
        ] {
            assert!(read(&file(1, &header(descr, shape), &[0; 8])).is_err(), "{descr} {shape}");
        }
        let mut long = file(2, &good, &[0; 8]);
        long[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(read(&long).is_err());
    }
}
