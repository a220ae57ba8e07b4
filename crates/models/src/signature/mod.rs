//! Signatures: what a model takes and gives, as the JSON texts inside an `MLmodel` file.

mod params;
mod read;
mod types;

pub use params::{ParamSpec, ParamType};
pub use read::SignatureError;
pub use types::{ColumnType, DataType, NumpyType, Property};

use crate::json::{Dict, Value};

/// One column of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnSpec {
    /// The name; either all columns of a schema have one or none has.
    pub name: Option<String>,
    /// The type of its cells.
    pub kind: ColumnType,
    /// Whether a frame must have the column.
    pub required: bool,
}

/// One tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorSpec {
    /// The name; a schema of more than one tensor names them all.
    pub name: Option<String>,
    /// The type of its elements.
    pub kind: NumpyType,
    /// The size of each dimension, -1 for any.
    pub shape: Vec<i64>,
}

/// The inputs or the outputs of a model.
#[derive(Debug, Clone, PartialEq)]
pub enum Schema {
    /// Columns of a frame; at least one.
    Columns(Vec<ColumnSpec>),
    /// Tensors; at least one.
    Tensors(Vec<TensorSpec>),
}

impl Schema {
    /// Whether its columns or tensors have names.
    pub fn is_named(&self) -> bool {
        match self {
            Self::Columns(columns) => columns.first().is_some_and(|c| c.name.is_some()),
            Self::Tensors(tensors) => tensors.first().is_some_and(|t| t.name.is_some()),
        }
    }

    /// How many columns or tensors there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Columns(columns) => columns.len(),
            Self::Tensors(tensors) => tensors.len(),
        }
    }

    /// Never: a schema has at least one column or tensor.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The schema as MLflow's `Schema.to_dict`.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Columns(columns) => {
                columns.iter().map(ColumnSpec::to_value).collect::<Vec<_>>().into()
            }
            Self::Tensors(tensors) => {
                tensors.iter().map(TensorSpec::to_value).collect::<Vec<_>>().into()
            }
        }
    }
}

impl ColumnSpec {
    fn to_value(&self) -> Value {
        let mut dict = self.kind.to_dict();
        if let Some(name) = &self.name {
            dict.insert("name", name.as_str());
        }
        dict.insert("required", self.required);
        dict.into()
    }
}

impl TensorSpec {
    fn to_value(&self) -> Value {
        let mut tensor = Dict::new();
        tensor.insert("dtype", self.kind.name());
        tensor.insert("shape", self.shape.iter().map(|n| Value::Int(*n)).collect::<Vec<_>>());
        let mut dict = Dict::new();
        if let Some(name) = &self.name {
            dict.insert("name", name.as_str());
        }
        dict.insert("type", "tensor");
        dict.insert("tensor-spec", tensor);
        dict.into()
    }
}

/// What a model takes and gives. Any part may be unknown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Signature {
    /// What it takes.
    pub inputs: Option<Schema>,
    /// What it gives.
    pub outputs: Option<Schema>,
    /// Its parameters, with their defaults.
    pub params: Option<Vec<ParamSpec>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::dumps;

    const COLUMNS: &str = concat!(
        r#"[{"type": "double", "name": "a", "required": true}, "#,
        r#"{"type": "string", "name": "b", "required": false}, "#,
        r#"{"type": "array", "items": {"type": "map", "values": {"type": "long"}}, "name": "c", "required": true}, "#,
        r#"{"type": "object", "properties": {"x": {"type": "any", "required": false}}, "name": "d", "required": true}, "#,
        r#"{"type": "sparkml_vector", "name": "e", "required": true}]"#
    );
    const TENSORS: &str = concat!(
        r#"[{"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}, "#,
        r#"{"name": "y", "type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}]"#
    );
    const PARAMS: &str = concat!(
        r#"[{"name": "top", "default": 3, "shape": null, "type": "integer"}, "#,
        r#"{"name": "w", "default": [0.5, 1.0], "shape": [-1], "type": "double"}, "#,
        r#"{"name": "o", "default": {"k": 1}, "shape": null, "type": "object", "#,
        r#""properties": {"k": {"type": "long", "required": true}}}]"#
    );

    #[test]
    fn what_is_read_is_written_again() {
        let signature = Signature::read(Some(COLUMNS), Some(TENSORS), Some(PARAMS)).unwrap();
        assert_eq!(dumps(&signature.inputs.as_ref().unwrap().to_value()), COLUMNS);
        assert_eq!(dumps(&signature.outputs.as_ref().unwrap().to_value()), TENSORS);
        let params: Vec<Value> =
            signature.params.as_ref().unwrap().iter().map(ParamSpec::to_value).collect();
        assert_eq!(dumps(&params.into()), PARAMS);
    }

    #[test]
    fn old_signatures_have_no_required_and_call_a_type_dtype() {
        let inputs = r#"[{"name": "a", "type": "double"}]"#;
        let params = r#"[{"name": "p", "dtype": "double", "default": 1.0}]"#;
        let signature = Signature::read(Some(inputs), None, Some(params)).unwrap();
        let Some(Schema::Columns(columns)) = signature.inputs else { panic!("no columns") };
        assert!(columns[0].required);
        assert_eq!(signature.params.unwrap()[0].kind, ParamType::Scalar(DataType::Double));
    }

    #[test]
    fn what_is_no_signature_is_refused_with_the_reason() {
        for (inputs, message) in [
            ("[]", "Creating Schema with empty inputs is not allowed."),
            ("{}", "must be a list"),
            ("[1]", "must be an object"),
            (r#"[{"name": "a"}]"#, "Expected to find key `type`"),
            (r#"[{"type": "decimal"}]"#, "Unsupported type 'decimal'"),
            (r#"[{"type": "double"}, {"type": "double", "name": "a"}]"#, "named and unnamed"),
            (r#"[{"type": "double", "required": false}]"#, "unnamed optional inputs"),
            (r#"[{"type": "tensor"}]"#, "`tensor-spec`"),
            (r#"[{"type": "array"}]"#, "`items`"),
            (r#"[{"type": "object", "properties": {}}]"#, "empty properties"),
            (
                r#"[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1]}}, {"type": "double"}]"#,
                "combination of",
            ),
            ("nonsense", "Expecting value"),
        ] {
            let error = Signature::read(Some(inputs), None, None).unwrap_err().to_string();
            assert!(error.contains(message), "{inputs}: {error}");
        }
    }
}
