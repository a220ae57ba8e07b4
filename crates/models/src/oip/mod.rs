//! The Open Inference Protocol, version 2, over REST: tensors by name instead of frames.
//!
//! A column of a signature is a tensor of its name with one element for each row. A signature of
//! numbers also takes one tensor of two dimensions, rows by columns.

mod datatype;
mod request;
mod response;

pub use request::{InferRequest, decode};
pub use response::{encode, metadata};

use crate::json::{self, Dict};

/// Why a request is not served: status 400, unless the model's server says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OipError(pub(crate) String);

impl OipError {
    /// An error that another part of a server has found.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    /// The body of the answer, as version 1 and 2 of the protocol have it.
    pub fn body(&self) -> Vec<u8> {
        let mut body = Dict::new();
        body.insert("error", self.0.as_str());
        json::dumps(&body.into()).into_bytes()
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, OipError> {
    Err(OipError::new(why))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{Column, Frame, Tensor};
    use crate::json::{Value, dumps, parse_text};
    use crate::scoring::{Input, Output};
    use crate::signature::{Schema, Signature};

    const COLUMNS: &str = r#"[{"type": "double", "name": "a"}, {"type": "long", "name": "b"}, {"type": "string", "name": "c", "required": false}]"#;
    const NUMBERS: &str = r#"[{"type": "double", "name": "a"}, {"type": "double", "name": "b"}]"#;
    const TENSORS: &str = r#"[{"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]"#;

    fn schema(inputs: &str) -> Schema {
        Signature::read(Some(inputs), None, None).unwrap().inputs.unwrap()
    }

    fn frame(inputs: &str, body: &str) -> Frame {
        let request = decode(body.as_bytes(), Some(&schema(inputs))).unwrap();
        let Input::Frame(frame) = request.input else { panic!("no frame") };
        frame
    }

    #[test]
    fn columns_are_tensors_by_name() {
        let body = r#"{"id": "7", "inputs": [
            {"name": "b", "shape": [2, 1], "datatype": "INT32", "data": [[1], [2]]},
            {"name": "a", "shape": [2], "datatype": "FP32", "data": [0.5, null]},
            {"name": "c", "shape": [2], "datatype": "BYTES", "data": ["x", "y"]}]}"#;
        let frame = frame(COLUMNS, body);
        let mut out = Vec::new();
        frame.write_records(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"[{"a": 0.5, "b": 1, "c": "x"}, {"a": NaN, "b": 2, "c": "y"}]"#
        );
    }

    #[test]
    fn numbers_are_one_tensor_of_rows_and_columns() {
        let body = r#"{"inputs": [{"name": "any", "shape": [2, 2], "datatype": "FP64", "data": [1, 2, 3, 4]}]}"#;
        assert_eq!(frame(NUMBERS, body).block(), Some(&[1.0, 2.0, 3.0, 4.0][..]));
    }

    #[test]
    fn tensors_keep_their_shape_and_type() {
        let body = r#"{"id": "q", "parameters": {"top": 5}, "outputs": [{"name": "y"}], "inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [[1, 2.5]]}]}"#;
        let request = decode(body.as_bytes(), Some(&schema(TENSORS))).unwrap();
        assert_eq!(request.id.as_deref(), Some("q"));
        assert_eq!(request.outputs, ["y"]);
        assert_eq!(request.parameters.get("top"), Some(&Value::Int(5)));
        let tensor = Tensor { shape: vec![1, 2], elements: Column::F32(vec![1.0, 2.5]) };
        assert_eq!(request.input, Input::Tensors(vec![("x".into(), tensor)]));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_reason() {
        for (inputs, body, why) in [
            (NUMBERS, "{}", "`inputs`"),
            (NUMBERS, r#"{"inputs": []}"#, "`inputs`"),
            (NUMBERS, "[1]", "an object"),
            (NUMBERS, "{", "Expecting property name"),
            (
                NUMBERS,
                r#"{"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}]}"#,
                "missing",
            ),
            (
                NUMBERS,
                r#"{"inputs": [{"name": "a", "shape": [2], "datatype": "FP64", "data": [1]}]}"#,
                "has 1 elements, its shape 2",
            ),
            (
                NUMBERS,
                r#"{"inputs": [{"name": "a", "shape": [99999999999, 99999999999], "datatype": "FP64", "data": []}]}"#,
                "too large",
            ),
            (
                NUMBERS,
                r#"{"inputs": [{"name": "a", "shape": [-1], "datatype": "FP64", "data": []}]}"#,
                "shape",
            ),
            (
                NUMBERS,
                r#"{"inputs": [{"name": "a", "shape": [1], "datatype": "FP65", "data": [1]}]}"#,
                "datatype",
            ),
            (
                NUMBERS,
                r#"{"inputs": [{"name": "a", "shape": [1], "datatype": "INT8", "data": [300]}]}"#,
                "out of bounds",
            ),
            (
                NUMBERS,
                r#"{"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": ["x"]}]}"#,
                "could not convert",
            ),
            (
                NUMBERS,
                r#"{"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}]}"#,
                "missing",
            ),
            (
                COLUMNS,
                r#"{"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}, {"name": "b", "shape": [1], "datatype": "FP64", "data": [1]}]}"#,
                "Can not safely convert float64 to int64",
            ),
            (
                COLUMNS,
                r#"{"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}, {"name": "b", "shape": [2], "datatype": "INT64", "data": [1, 2]}]}"#,
                "rows",
            ),
            (
                TENSORS,
                r#"{"inputs": [{"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2]}]}"#,
                "does not match expected shape",
            ),
        ] {
            let error = decode(body.as_bytes(), Some(&schema(inputs))).unwrap_err();
            assert!(error.to_string().contains(why), "{body}: {error}");
        }
    }

    #[test]
    fn answers_are_flat_tensors() {
        let output = Output::Tensor(Tensor {
            shape: vec![2, 2],
            elements: Column::F64(vec![1.0, 0.5, f64::NAN, 2.0]),
        });
        let mut out = Vec::new();
        encode(&output, "iris", Some("3"), Some("q"), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"model_name": "iris", "model_version": "3", "id": "q", "outputs": [{"name": "output", "shape": [2, 2], "datatype": "FP64", "data": [1.0, 0.5, null, 2.0]}]}"#
        );
        let named = Output::Frame(Frame::from_columns(
            ["p".into(), "q".into()].into(),
            1,
            vec![Column::Str(vec![Some("x".into())]), Column::Bool(vec![true])],
        ));
        let mut out = Vec::new();
        encode(&named, "iris", None, None, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains(r#"{"name": "p", "shape": [1], "datatype": "BYTES", "data": ["x"]}"#),
            "{text}"
        );
        assert!(
            text.contains(r#"{"name": "q", "shape": [1], "datatype": "BOOL", "data": [true]}"#),
            "{text}"
        );
    }

    #[test]
    fn metadata_lists_names_types_and_shapes() {
        let signature = Signature::read(Some(COLUMNS), Some(TENSORS), None).unwrap();
        assert_eq!(
            dumps(&metadata("iris", &["1", "2"], "native", &signature)),
            r#"{"name": "iris", "versions": ["1", "2"], "platform": "native", "inputs": [{"name": "a", "datatype": "FP64", "shape": [-1]}, {"name": "b", "datatype": "INT64", "shape": [-1]}, {"name": "c", "datatype": "BYTES", "shape": [-1]}], "outputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]}"#
        );
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(rows in prop::collection::vec((any::<f64>(), any::<f64>()), 1..6)) {
            let cells: Vec<f64> = rows.iter().flat_map(|(a, b)| [*a, *b]).collect();
            let output = Output::Tensor(Tensor { shape: vec![rows.len(), 2], elements: Column::F64(cells.clone()) });
            let mut out = Vec::new();
            encode(&output, "m", None, None, &mut out).unwrap();
            let answer = parse_text(&String::from_utf8(out).unwrap()).unwrap();
            let mut request = Dict::new();
            request.insert("inputs", answer.get("outputs").unwrap().clone());
            let frame = frame(NUMBERS, &dumps(&request.into()));
            // There is no infinity in JSON; it comes back as NaN, as the missing value does.
            let same = |a: &f64, b: &f64| a.to_bits() == b.to_bits() || (b.is_nan() && !a.is_finite());
            prop_assert!(cells.iter().zip(frame.block().unwrap()).all(|(a, b)| same(a, b)));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\{\"inputs\":\\[\\{[\\[\\]{}\",:0-9a-z]{0,60}") {
            let _ = decode(text.as_bytes(), None);
        }
    }
}
