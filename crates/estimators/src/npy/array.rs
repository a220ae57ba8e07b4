//! An array as its file holds it, and its items as Rust's numbers.

use std::sync::Arc;

use super::{DType, Field, Kind};
use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::limits::{DIMENSIONS_MAX, within};
use crate::math::exact;

#[derive(Debug, Clone, PartialEq)]
enum Data {
    Bytes(Box<[u8]>),
    Objects(Vec<NodeId>),
}

/// A numpy array. Its length always agrees with its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Shared, because many arrays of a hostile file may have one large type.
    dtype: Arc<DType>,
    shape: Vec<usize>,
    /// Whether the first index runs fastest.
    fortran: bool,
    data: Data,
}

/// How many items an array of this shape has.
pub(crate) fn element_count(shape: &[usize]) -> Result<usize> {
    within("the dimensions of an array", shape.len(), DIMENSIONS_MAX)?;
    // As numpy does it: a zero anywhere makes the array empty, but the others must still fit.
    let product = |mut lengths: std::slice::Iter<'_, usize>| {
        lengths.try_fold(1_usize, |product, length| product.checked_mul((*length).max(1)))
    };
    let too_large = || Error::TooLarge { what: "the size of an array", limit: usize::MAX };
    let product = product(shape.iter()).ok_or_else(too_large)?;
    Ok(if shape.contains(&0) { 0 } else { product })
}

impl Array {
    /// An array over bytes, whose number must agree with the shape.
    pub(crate) fn new(
        dtype: Arc<DType>,
        shape: Vec<usize>,
        fortran: bool,
        bytes: Box<[u8]>,
    ) -> Result<Self> {
        let count = element_count(&shape)?;
        if dtype.size == 0 || dtype.has_objects() {
            return Err(Error::python("an array has items without a size"));
        }
        if count.checked_mul(dtype.size) != Some(bytes.len()) {
            let have = bytes.len();
            return Err(Error::python(format!("an array of shape {shape:?} has {have} bytes")));
        }
        Ok(Self { dtype, shape, fortran, data: Data::Bytes(bytes) })
    }

    /// An array of objects, whose number must agree with the shape.
    pub(crate) fn of_objects(
        shape: Vec<usize>,
        fortran: bool,
        objects: Vec<NodeId>,
    ) -> Result<Self> {
        if element_count(&shape)? != objects.len() {
            let have = objects.len();
            return Err(Error::python(format!("an array of shape {shape:?} has {have} objects")));
        }
        let dtype = DType { kind: Kind::Object, size: 8, big_endian: false };
        Ok(Self { dtype: Arc::new(dtype), shape, fortran, data: Data::Objects(objects) })
    }

    /// The type of the items.
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// The lengths of the dimensions; none for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        match &self.data {
            Data::Bytes(bytes) => bytes.len() / self.dtype.size,
            Data::Objects(objects) => objects.len(),
        }
    }

    /// How many bytes the items take.
    pub(crate) fn bytes(&self) -> usize {
        match &self.data {
            Data::Bytes(bytes) => bytes.len(),
            Data::Objects(objects) => size_of_val(&**objects),
        }
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The objects in the order of the file, for an array of objects.
    pub(crate) fn objects(&self) -> Option<&[NodeId]> {
        if let Data::Objects(objects) = &self.data { Some(objects) } else { None }
    }

    /// All items as doubles, the last index running fastest. Integers above 2⁵³ are refused.
    pub fn f64s(&self) -> Result<Vec<f64>> {
        self.numbers(&self.dtype, 0, 1, number_f64)
    }

    /// All items as integers, the last index running fastest.
    pub fn i64s(&self) -> Result<Vec<i64>> {
        self.numbers(&self.dtype, 0, 1, number_i64)
    }

    /// The field `name` of every item as doubles.
    pub fn field_f64s(&self, name: &str) -> Result<Vec<f64>> {
        let field = self.field(name)?;
        self.numbers(&field.dtype, field.offset, field.count, number_f64)
    }

    /// The field `name` of every item as integers.
    pub fn field_i64s(&self, name: &str) -> Result<Vec<i64>> {
        let field = self.field(name)?;
        self.numbers(&field.dtype, field.offset, field.count, number_i64)
    }

    /// All items as texts, the last index running fastest.
    pub fn texts(&self) -> Result<Vec<String>> {
        if self.dtype.kind != Kind::Text {
            return Err(self.unfit("text"));
        }
        self.numbers(&self.dtype, 0, 1, |dtype, bytes| {
            let mut text = String::new();
            for four in bytes.chunks_exact(4) {
                let code = uint(four, dtype.big_endian);
                let code = u32::try_from(code).unwrap_or(u32::MAX);
                let broken = || Error::python("a text in an array is no Unicode");
                text.push(char::from_u32(code).ok_or_else(broken)?);
            }
            text.truncate(text.trim_end_matches('\0').len());
            Ok(text)
        })
    }

    fn field(&self, name: &str) -> Result<&Field> {
        let missing = || Error::python(format!("an array has no field '{name}'"));
        self.dtype.field(name).ok_or_else(missing)
    }

    fn unfit(&self, wanted: &str) -> Error {
        Error::python(format!("an array of {} where {wanted} is expected", self.dtype.shown()))
    }

    fn numbers<T>(
        &self,
        dtype: &DType,
        offset: usize,
        count: usize,
        number: fn(&DType, &[u8]) -> Result<T>,
    ) -> Result<Vec<T>> {
        let Data::Bytes(bytes) = &self.data else { return Err(self.unfit("a number")) };
        if count != 1 {
            return Err(Error::python("a field of an array is an array itself"));
        }
        let item = |at: usize| {
            let begin = at * self.dtype.size + offset;
            number(dtype, &bytes[begin..begin + dtype.size])
        };
        if self.fortran && self.shape.len() > 1 {
            return FortranOrder::new(&self.shape).map(item).collect();
        }
        (0..self.len()).map(item).collect()
    }
}

/// Positions in an array whose first index runs fastest, in the order in which the last one does.
struct FortranOrder<'a> {
    shape: &'a [usize],
    index: Vec<usize>,
    left: usize,
}

impl<'a> FortranOrder<'a> {
    fn new(shape: &'a [usize]) -> Self {
        Self { shape, index: vec![0; shape.len()], left: shape.iter().product() }
    }
}

impl Iterator for FortranOrder<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let step = |at, (index, length): (&usize, &usize)| at * length + index;
        let at = self.index.iter().zip(self.shape).rev().fold(0, step);
        for (index, length) in self.index.iter_mut().zip(self.shape).rev() {
            *index += 1;
            if *index < *length {
                break;
            }
            *index = 0;
        }
        Some(at)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// Up to 8 bytes as a number.
fn uint(bytes: &[u8], big_endian: bool) -> u64 {
    let step = |number: u64, byte: &u8| (number << 8) | u64::from(*byte);
    if big_endian { bytes.iter().fold(0, step) } else { bytes.iter().rev().fold(0, step) }
}

/// The low `size` bytes of `number` as two's complement.
const fn signed(number: u64, size: usize) -> i64 {
    let shift = 64 - 8 * size as u32;
    ((number << shift) as i64) >> shift
}

fn number_f64(dtype: &DType, bytes: &[u8]) -> Result<f64> {
    let raw = uint(bytes, dtype.big_endian);
    match (&dtype.kind, dtype.size) {
        (Kind::Float, 8) => Ok(f64::from_bits(raw)),
        (Kind::Float, 4) => Ok(f64::from(f32::from_bits(raw as u32))),
        (Kind::Float, 2) => Ok(half(raw as u16)),
        (Kind::Bool | Kind::Int | Kind::Uint, _) => {
            let too_large = || Error::python("an integer in an array is too large for a double");
            exact(number_i64(dtype, bytes)?).ok_or_else(too_large)
        }
        _ => {
            Err(Error::python(format!("an array of {} where a number is expected", dtype.shown())))
        }
    }
}

fn number_i64(dtype: &DType, bytes: &[u8]) -> Result<i64> {
    let raw = uint(bytes, dtype.big_endian);
    match dtype.kind {
        Kind::Bool => Ok(i64::from(raw != 0)),
        Kind::Int => Ok(signed(raw, dtype.size)),
        Kind::Uint => i64::try_from(raw)
            .ok()
            .ok_or_else(|| Error::python("an integer in an array has more than 63 bits")),
        _ => Err(Error::python(format!(
            "an array of {} where an integer is expected",
            dtype.shown()
        ))),
    }
}

/// A float of 16 bits.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * f64::powi(2.0, -24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (fraction + 1024.0) * f64::powi(2.0, exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(descr: &str, shape: &[usize], fortran: bool, bytes: &[u8]) -> Result<Array> {
        Array::new(Arc::new(DType::parse(descr).unwrap()), shape.to_vec(), fortran, bytes.into())
    }

    #[test]
    fn items_come_in_the_order_of_c() {
        let bytes: Vec<u8> = (0..6).collect();
        let c = array("u1", &[2, 3], false, &bytes).unwrap();
        assert_eq!(c.i64s().unwrap(), [0, 1, 2, 3, 4, 5]);
        let fortran = array("u1", &[2, 3], true, &bytes).unwrap();
        assert_eq!(fortran.i64s().unwrap(), [0, 2, 4, 1, 3, 5]);
        let cube = array("u1", &[1, 2, 3], true, &bytes).unwrap();
        assert_eq!(cube.f64s().unwrap(), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    }

    #[test]
    fn numbers_have_their_values() {
        let one = |descr, bytes: &[u8]| array(descr, &[], false, bytes).unwrap().f64s().unwrap()[0];
        assert_eq!(one("<i2", &[0xfe, 0xff]), -2.0);
        assert_eq!(one(">i2", &[0xff, 0xfe]), -2.0);
        assert_eq!(one("<f2", &[0x00, 0x3c]), 1.0);
        assert_eq!(one("<f2", &[0x01, 0x00]), f64::powi(2.0, -24));
        assert_eq!(one("<f2", &[0x00, 0xfc]), f64::NEG_INFINITY);
        assert_eq!(one(">f4", &1.5_f32.to_be_bytes()), 1.5);
        assert_eq!(one("?", &[1]), 1.0);
        assert!(array("<u8", &[], false, &[0xff; 8]).unwrap().f64s().is_err());
        assert!(array("<i8", &[], false, &(1_i64 << 54).to_le_bytes()).unwrap().f64s().is_err());
        let text = [b'a', 0, 0, 0, 0xe9, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(array("<U3", &[1], false, &text).unwrap().texts().unwrap(), ["aé"]);
        assert!(array("<U1", &[1], false, &[0, 0xd8, 0, 0]).unwrap().texts().is_err());
    }

    #[test]
    fn shapes_agree_with_the_data() {
        assert!(array("<f8", &[2], false, &[0; 15]).is_err());
        assert!(array("<f8", &[usize::MAX, 2], false, &[]).is_err());
        assert!(array("<f8", &[0, usize::MAX, usize::MAX], false, &[]).is_err());
        assert!(array("<f8", &[0, 1 << 40], false, &[]).unwrap().is_empty());
        assert!(array("V0", &[1 << 60], false, &[]).is_err());
        assert!(array("<f8", &[1; 65], false, &[0; 8]).is_err());
    }

    #[test]
    fn fields_are_read_at_their_places() {
        let field = |name: &str, descr, offset| Field {
            name: name.to_owned(),
            dtype: DType::parse(descr).unwrap(),
            offset,
            count: 1,
        };
        let dtype = DType::structure(vec![field("a", "<i2", 0), field("b", "<f8", 4)], 12).unwrap();
        let mut bytes = vec![1, 0, 9, 9];
        bytes.extend(2.5_f64.to_le_bytes());
        let array = Array::new(Arc::new(dtype), vec![1], false, bytes.into()).unwrap();
        assert_eq!(array.field_i64s("a").unwrap(), [1]);
        assert_eq!(array.field_f64s("b").unwrap(), [2.5]);
        assert!(array.field_f64s("c").is_err());
        assert!(array.f64s().is_err());
    }
}
