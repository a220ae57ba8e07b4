//! The example of an input that a model was saved with.

use crate::json::{Dict, Value};

/// What `input_example.json` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExampleKind {
    /// A frame in the form `dataframe_split`.
    Frame,
    /// An array, or an object of arrays.
    Array,
    /// JSON as it is.
    Json,
    /// A sparse matrix by its parts.
    Sparse,
}

/// Where the example lies and what it is.
#[derive(Debug, Clone, Copy)]
pub struct InputExample<'a>(pub(super) &'a Dict);

impl<'a> InputExample<'a> {
    /// The file of the example.
    pub fn path(&self) -> Option<&'a str> {
        self.0.get("artifact_path").and_then(Value::as_str)
    }

    /// The file of a whole request made from it: what a deployment sends first.
    pub fn request_path(&self) -> Option<&'a str> {
        self.0.get("serving_input_path").and_then(Value::as_str)
    }

    /// What the example is; `None` for a kind that this version does not know.
    pub fn kind(&self) -> Option<ExampleKind> {
        match self.0.get("type").and_then(Value::as_str)? {
            "dataframe" => Some(ExampleKind::Frame),
            "ndarray" => Some(ExampleKind::Array),
            "json_object" => Some(ExampleKind::Json),
            "sparse_matrix_csc" | "sparse_matrix_csr" => Some(ExampleKind::Sparse),
            _ => None,
        }
    }

    /// Whether the file has the input under `inputs` and parameters under `params`.
    pub fn has_params(&self) -> bool {
        self.0.get("params").is_some_and(Value::is_true)
    }
}
