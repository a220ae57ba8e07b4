//! Which requests may go to a model as one.

use modelyard_models::frame::{Column, Frame, Tensor};
use modelyard_models::scoring::{Input, Request};

use super::{Call, wire};

/// The frame of a call that can be put together with others.
pub(crate) fn frame(call: &Call) -> Option<&Frame> {
    match call {
        Call::Typed { request: Request { input: Input::Frame(frame), .. } } if frame.rows() > 0 => {
            Some(frame)
        }
        _ => None,
    }
}

/// Whether two calls may be one: frames with the same columns and types, and equal parameters.
pub(crate) fn fits(one: &Call, other: &Call) -> bool {
    let (Call::Typed { request }, Call::Typed { request: second }) = (one, other) else {
        return false;
    };
    let (Some(first), Some(other)) = (frame(one), frame(other)) else { return false };
    request.params == second.params && first.names() == other.names() && same_kinds(first, other)
}

fn same_kinds(one: &Frame, other: &Frame) -> bool {
    if one.block().is_some() || other.block().is_some() {
        return one.block().is_some() && other.block().is_some();
    }
    (0..one.width()).all(|at| match (one.column(at), other.column(at)) {
        (Some(one), Some(other)) => wire::kind(&one) == wire::kind(&other),
        _ => false,
    })
}

/// Whether a worker makes of a decoded request exactly what MLflow makes of it in an environment.
/// The test `recorded` compares them, to the type of each cell. MLflow 1 reads other requests; for a
/// model of that time the decoded one is the only one there is.
pub(crate) fn is_exact(
    content_type: Option<&str>,
    request: &Request,
    versions: &super::Versions,
) -> bool {
    // `models` reads as pandas 3 does; before, a text that is missing was `None`, not NaN, texts were
    // NumPy's at times, and CSV was read to fewer digits.
    let is_newest = major(&versions.pandas) >= 3;
    if major(&versions.mlflow) < 2 {
        return true;
    }
    if !is_newest && content_type.is_some_and(|kind| kind.starts_with("text/csv")) {
        return false;
    }
    // NumPy gives texts more room when it has made them of numbers.
    let is_tensor_exact = |tensor: &Tensor| !matches!(tensor.elements, Column::Str(_));
    match &request.input {
        Input::Frame(frame) => {
            let is_column_exact = |at| match frame.column(at).as_deref() {
                // Cells of Python: lists or arrays, bytes of Python or of NumPy.
                Some(Column::Object(_) | Column::Bytes(_)) | None => false,
                Some(Column::Str(_) | Column::Bool(_)) => is_newest,
                Some(_) => true,
            };
            let all = frame.block().is_some() || (0..frame.width()).all(is_column_exact);
            all && frame.width() > 0 && !frame.is_labelled()
        }
        Input::Tensor(tensor) => is_tensor_exact(tensor),
        Input::Tensors(all) => all.iter().all(|(_, tensor)| is_tensor_exact(tensor)),
        Input::Json(_) => true,
    }
}

/// The first number of a version.
fn major(version: &str) -> u32 {
    version.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
