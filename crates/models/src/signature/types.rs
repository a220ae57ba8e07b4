//! The types of columns and of tensors.

use crate::json::Dict;

macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type { $($(#[$vdoc])* $variant,)* }

        impl $type {
            /// The name in a signature.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The type of a name.
            pub fn of_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

named! {
    /// MLflow's type of one cell.
    DataType {
        /// True or false.
        Boolean = "boolean",
        /// 32 bits.
        Integer = "integer",
        /// 64 bits.
        Long = "long",
        /// 32 bits.
        Float = "float",
        /// 64 bits.
        Double = "double",
        /// Text.
        String = "string",
        /// Bytes, as base64 in JSON.
        Binary = "binary",
        /// A time without a zone, in nanoseconds.
        Datetime = "datetime",
    }
}

named! {
    /// NumPy's type of an element.
    NumpyType {
        /// True or false.
        Bool = "bool",
        /// 8 bits, signed.
        I8 = "int8",
        /// 16 bits, signed.
        I16 = "int16",
        /// 32 bits, signed.
        I32 = "int32",
        /// 64 bits, signed.
        I64 = "int64",
        /// 8 bits, unsigned.
        U8 = "uint8",
        /// 16 bits, unsigned.
        U16 = "uint16",
        /// 32 bits, unsigned.
        U32 = "uint32",
        /// 64 bits, unsigned.
        U64 = "uint64",
        /// 16 bits.
        F16 = "float16",
        /// 32 bits.
        F32 = "float32",
        /// 64 bits.
        F64 = "float64",
        /// Text of any length.
        Str = "str",
        /// Bytes of any length.
        Bytes = "bytes",
        /// Nanoseconds since 1970.
        Datetime = "datetime64[ns]",
        /// Anything of Python.
        Object = "object",
    }
}

impl DataType {
    /// NumPy's type for it.
    pub const fn numpy(self) -> NumpyType {
        match self {
            Self::Boolean => NumpyType::Bool,
            Self::Integer => NumpyType::I32,
            Self::Long => NumpyType::I64,
            Self::Float => NumpyType::F32,
            Self::Double => NumpyType::F64,
            Self::String => NumpyType::Str,
            Self::Binary => NumpyType::Bytes,
            Self::Datetime => NumpyType::Datetime,
        }
    }

    /// Whether it is one of the five that a number or a boolean can be.
    pub const fn is_numeric(self) -> bool {
        !matches!(self, Self::String | Self::Binary | Self::Datetime)
    }
}

impl NumpyType {
    /// The name as NumPy prints it: texts and bytes show that they have no fixed length.
    pub const fn printed(self) -> &'static str {
        match self {
            Self::Str => "<U0",
            Self::Bytes => "|S0",
            other => other.name(),
        }
    }
}

/// The type of a column's cells.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnType {
    /// One value.
    Scalar(DataType),
    /// A list of one type.
    Array(Box<Self>),
    /// An object with known members, sorted by name.
    Object(Vec<Property>),
    /// An object with any keys and values of one type.
    Map(Box<Self>),
    /// Anything, `null` included.
    Any,
    /// A vector of Spark ML: a list of doubles.
    SparkVector,
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Its key.
    pub name: String,
    /// Its type.
    pub kind: ColumnType,
    /// Whether an object must have it.
    pub required: bool,
}

impl ColumnType {
    /// The type as MLflow's `to_dict`, without name and `required`.
    pub(crate) fn to_dict(&self) -> Dict {
        let mut dict = Dict::new();
        match self {
            Self::Scalar(kind) => dict.insert("type", kind.name()),
            Self::Array(items) => {
                dict.insert("type", "array");
                dict.insert("items", items.to_dict());
            }
            Self::Object(properties) => {
                dict.insert("type", "object");
                let mut members = Dict::new();
                for property in properties {
                    let mut member = property.kind.to_dict();
                    member.insert("required", property.required);
                    members.insert(property.name.as_str(), member);
                }
                dict.insert("properties", members);
            }
            Self::Map(values) => {
                dict.insert("type", "map");
                dict.insert("values", values.to_dict());
            }
            Self::Any => dict.insert("type", "any"),
            Self::SparkVector => dict.insert("type", "sparkml_vector"),
        }
        dict
    }
}
