//! Parameters of a model and their defaults.

use super::types::{ColumnType, DataType, Property};
use crate::json::{Dict, Value};

/// The type of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamType {
    /// One value, or a list of them if the parameter has a shape.
    Scalar(DataType),
    /// An object with known members.
    Object(Vec<Property>),
}

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: ParamType,
    /// What it is when a request does not set it.
    pub default: Value,
    /// Whether it is a list: MLflow's shape `(-1,)`, against none.
    pub is_list: bool,
}

impl ParamSpec {
    /// The parameter as MLflow's `ParamSpec.to_dict`.
    pub fn to_value(&self) -> Value {
        let mut dict = Dict::new();
        dict.insert("name", self.name.as_str());
        dict.insert("default", self.default.clone());
        let shape = if self.is_list { Value::List(vec![Value::Int(-1)]) } else { Value::Null };
        dict.insert("shape", shape);
        let kind = match &self.kind {
            ParamType::Scalar(kind) => ColumnType::Scalar(*kind),
            ParamType::Object(properties) => ColumnType::Object(properties.clone()),
        };
        for (key, value) in kind.to_dict().into_members() {
            dict.insert(key, value);
        }
        dict.into()
    }
}
