//! JSON in Python's dialect, as MLflow's scoring server reads and writes it.
//!
//! `NaN` and the infinities are numbers, integers have any size, the last of equal keys wins, and
//! objects keep their order. What is written has Python's separators and its forms of numbers.

mod dict;
pub(crate) mod lexer;
pub(crate) mod number;
mod parse;
pub(crate) mod repr;
pub(crate) mod text;
mod write;

pub use dict::Dict;
pub use parse::{JsonError, parse, parse_text};
pub use write::{dumps, write_float, write_integer, write_string, write_value};

/// Deepest nesting of a document: Python gives up at about a thousand, with a fault of the server;
/// no frame or tensor of a request comes near this.
pub const MAX_DEPTH: usize = 128;

/// Most digits of an integer: Python's own limit, against texts that take hours to convert.
pub const MAX_INTEGER_DIGITS: usize = 4300;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// An integer beyond 64 bits, as its decimal digits with a sign if it is negative.
    Big(Box<str>),
    /// A float, NaN and the infinities included.
    Float(f64),
    /// A text.
    Str(String),
    /// An array.
    List(Vec<Self>),
    /// An object.
    Dict(Dict),
}

impl Value {
    /// The name of Python's type for the value, as its messages have it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Big(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::List(_) => "list",
            Self::Dict(_) => "dict",
        }
    }

    /// The text, if the value is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }

    /// The array, if the value is one.
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// The object, if the value is one.
    pub fn as_dict(&self) -> Option<&Dict> {
        if let Self::Dict(dict) = self { Some(dict) } else { None }
    }

    /// The boolean, if the value is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The integer, if the value is one of 64 bits.
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(value) = self { Some(*value) } else { None }
    }

    /// A member of an object; `None` for all else.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_dict()?.get(key)
    }

    /// What Python's `bool()` makes of the value.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Big(_) => true,
            Self::Float(value) => *value != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Dict(dict) => !dict.is_empty(),
        }
    }
}

/// An object of these members.
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter().map(|(key, value)| (key.to_owned(), value));
    Value::Dict(Dict::from_members(members.collect()))
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items)
    }
}

impl From<Dict> for Value {
    fn from(dict: Dict) -> Self {
        Self::Dict(dict)
    }
}
