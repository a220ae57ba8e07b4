//! What a model gives, as the body of an answer.

use crate::frame::{Frame, Tensor};
use crate::json::{self, Value};

/// What a model gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A frame or a series: records.
    Frame(Frame),
    /// An array: nested lists.
    Tensor(Tensor),
    /// Arrays by name: an object of nested lists.
    Tensors(Vec<(String, Tensor)>),
    /// JSON as it is.
    Json(Value),
}

/// Appends the body of an answer; `unwrapped` is [`super::Request::unwrapped`].
pub fn encode(output: &Output, unwrapped: bool, out: &mut Vec<u8>) {
    if !unwrapped {
        out.extend_from_slice(b"{\"predictions\": ");
    }
    match output {
        Output::Frame(frame) => frame.write_records(out),
        Output::Tensor(tensor) => tensor.write(out),
        Output::Tensors(members) => {
            out.push(b'{');
            for (at, (name, tensor)) in members.iter().enumerate() {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                json::write_string(name, out);
                out.extend_from_slice(b": ");
                tensor.write(out);
            }
            out.push(b'}');
        }
        Output::Json(value) => json::write_value(value, out),
    }
    if !unwrapped {
        out.push(b'}');
    }
}
