//! numpy's data types.

use super::literal::Literal;
use crate::error::{Error, Result};
use crate::limits::{DIMENSIONS_MAX, FIELDS_MAX, within};

/// What the bytes of one item mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// One byte, 0 or 1.
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned integer.
    Uint,
    /// A float of 2, 4 or 8 bytes.
    Float,
    /// Characters of 4 bytes each.
    Text,
    /// Bytes, filled up with zeros.
    Bytes,
    /// References to Python objects.
    Object,
    /// Fields beside one another.
    Struct(Vec<Field>),
    /// Bytes without a meaning: padding.
    Void,
    /// Known to numpy and of no use here: complex numbers, times, long doubles.
    Other(char),
}

/// One field of a structured type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name; padding has none.
    pub name: String,
    /// Its type.
    pub dtype: DType,
    /// Where it begins in the item, in bytes.
    pub offset: usize,
    /// How many values stand there, 1 for all but fields that are arrays.
    pub count: usize,
}

/// The type of an array's items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DType {
    /// What the bytes mean.
    pub kind: Kind,
    /// Bytes of one item.
    pub size: usize,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
}

impl DType {
    /// Reads a description such as `<f8`, `|b1`, `<U5`, `O`.
    pub fn parse(text: &str) -> Result<Self> {
        let unknown = || Error::python(format!("unknown numpy data type '{}'", shown(text)));
        let (order, rest) = match text.as_bytes().first() {
            Some(b'<' | b'>' | b'|' | b'=') => text.split_at(1),
            _ => ("=", text),
        };
        let mut chars = rest.chars();
        let letter = chars.next().ok_or_else(unknown)?;
        // Times have their unit in brackets behind the size.
        let digits = chars.as_str().split('[').next().unwrap_or_default();
        let count: usize =
            if digits.is_empty() { 0 } else { digits.parse().ok().ok_or_else(unknown)? };
        let (kind, size) = match (letter, count) {
            ('?', 0) | ('b', 1) => (Kind::Bool, 1),
            ('i', 1 | 2 | 4 | 8) => (Kind::Int, count),
            ('u', 1 | 2 | 4 | 8) => (Kind::Uint, count),
            ('f', 2 | 4 | 8) => (Kind::Float, count),
            ('U', _) => (Kind::Text, count.checked_mul(4).ok_or_else(unknown)?),
            ('S', _) => (Kind::Bytes, count),
            ('V', _) => (Kind::Void, count),
            ('O', _) => (Kind::Object, 8),
            ('c' | 'f' | 'm' | 'M', 8 | 10 | 12 | 16 | 32) => (Kind::Other(letter), count),
            _ => return Err(unknown()),
        };
        Ok(Self { kind, size, big_endian: order == ">" })
    }

    /// Reads the description in an `.npy` header: a text, or a list of fields.
    pub(crate) fn from_literal(literal: &Literal) -> Result<Self> {
        match literal {
            Literal::Text(text) => Self::parse(text),
            Literal::Items(items) => Self::from_fields(items),
            _ => Err(Error::python("unknown form of a numpy data type")),
        }
    }

    fn from_fields(items: &[Literal]) -> Result<Self> {
        let unknown = || Error::python("unknown form of a structured numpy data type");
        let mut fields = Vec::new();
        let mut offset = 0_usize;
        for item in items.iter().take(FIELDS_MAX + 1) {
            let (name, dtype, shape) = match item.items().ok_or_else(unknown)? {
                [name, dtype] => (name, dtype, None),
                [name, dtype, shape] => (name, dtype, Some(shape)),
                _ => return Err(unknown()),
            };
            // A title beside the name makes the name a pair.
            let name = name.text().ok_or_else(unknown)?.to_owned();
            let dtype = Self::from_literal(dtype)?;
            let count = match shape {
                None => 1,
                Some(Literal::Int(count)) => usize::try_from(*count).ok().ok_or_else(unknown)?,
                Some(shape) => product(shape).ok_or_else(unknown)?,
            };
            let size = dtype.size.checked_mul(count).ok_or_else(unknown)?;
            let field = Field { name, dtype, offset, count };
            offset = offset.checked_add(size).ok_or_else(unknown)?;
            fields.push(field);
        }
        Self::structure(fields, offset)
    }

    /// A structured type; every field must lie within its `size` bytes.
    pub(crate) fn structure(fields: Vec<Field>, size: usize) -> Result<Self> {
        within("the number of fields", fields.len(), FIELDS_MAX)?;
        for field in &fields {
            let bytes = field.dtype.size.checked_mul(field.count);
            let end = bytes.and_then(|bytes| bytes.checked_add(field.offset));
            if end.is_none_or(|end| end > size) {
                return Err(Error::python("a field of a numpy data type lies outside of it"));
            }
            if field.dtype.has_objects() {
                return Err(Error::python("a structured numpy data type holds Python objects"));
            }
        }
        Ok(Self { kind: Kind::Struct(fields), size, big_endian: false })
    }

    /// Whether items are references to Python objects.
    pub fn has_objects(&self) -> bool {
        self.kind == Kind::Object
    }

    /// The field `name` of a structured type.
    pub fn field(&self, name: &str) -> Option<&Field> {
        let Kind::Struct(fields) = &self.kind else { return None };
        fields.iter().find(|field| field.name == name)
    }

    /// numpy's name of the type, near enough for a message.
    pub fn shown(&self) -> String {
        match self.kind {
            Kind::Bool => "bool".to_owned(),
            Kind::Int => format!("int{}", self.size.saturating_mul(8)),
            Kind::Uint => format!("uint{}", self.size.saturating_mul(8)),
            Kind::Float => format!("float{}", self.size.saturating_mul(8)),
            Kind::Text => "str".to_owned(),
            Kind::Bytes => "bytes".to_owned(),
            Kind::Object => "object".to_owned(),
            Kind::Struct(_) => "structured".to_owned(),
            Kind::Void => "void".to_owned(),
            Kind::Other(letter) => format!("'{letter}'"),
        }
    }
}

/// The start of a text that may be long or hostile.
fn shown(text: &str) -> String {
    text.chars().take(20).filter(|c| !c.is_control()).collect()
}

fn product(shape: &Literal) -> Option<usize> {
    let items = shape.items().filter(|items| items.len() <= DIMENSIONS_MAX)?;
    items.iter().try_fold(1_usize, |product, item| match item {
        Literal::Int(length) => product.checked_mul(usize::try_from(*length).ok()?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read() {
        let double = DType::parse("<f8").unwrap();
        assert_eq!((double.kind, double.size, double.big_endian), (Kind::Float, 8, false));
        assert!(DType::parse(">i4").unwrap().big_endian);
        assert_eq!(DType::parse("<U7").unwrap().size, 28);
        assert_eq!(DType::parse("|b1").unwrap(), DType::parse("?").unwrap());
        assert_eq!(DType::parse("<c16").unwrap().kind, Kind::Other('c'));
        for wrong in [
            "",
            "<",
            "<f3",
            "<i16",
            "<f8x",
            "<é",
            "<U99999999999999999999",
            "<U9223372036854775807",
        ] {
            assert!(DType::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn fields_stay_within_their_item() {
        let field = |offset, count| Field {
            name: "x".to_owned(),
            dtype: DType::parse("<f8").unwrap(),
            offset,
            count,
        };
        assert!(DType::structure(vec![field(8, 1)], 16).is_ok());
        assert!(DType::structure(vec![field(9, 1)], 16).is_err());
        assert!(DType::structure(vec![field(usize::MAX, 1)], 16).is_err());
        assert!(DType::structure(vec![field(0, usize::MAX)], 16).is_err());
    }
}
