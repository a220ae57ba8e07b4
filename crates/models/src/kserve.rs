//! KServe's first protocol: `POST /v1/models/{name}:predict` with `instances` or `inputs`.

use crate::json::{self, Value};
use crate::oip::OipError;
use crate::scoring::{Details, Protocol, Rejection, Request};

/// Reads a request. `instances` may also be rows without names, in the order of the signature's
/// columns, which MLflow's own protocol does not take.
pub fn decode(protocol: &Protocol, body: &[u8]) -> Result<Request, OipError> {
    let value = json::parse(body).map_err(|error| OipError(error.to_string()))?;
    let Value::Dict(mut request) = value else {
        return Err(OipError("A request must be an object".into()));
    };
    let params = request.remove("parameters");
    let (form, data) = match (request.remove("instances"), request.remove("inputs")) {
        (Some(instances), None) => ("instances", instances),
        (None, Some(inputs)) => ("inputs", inputs),
        _ => return Err(OipError("A request must have either `instances` or `inputs`".into())),
    };
    let explained = |rejection: Rejection| OipError(rejection.message(Details::Shown));
    protocol.decode_v1(form, data, params).map_err(explained)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::{Input, Output, encode};
    use crate::signature::Signature;

    fn protocol() -> Protocol {
        let inputs = r#"[{"type": "double", "name": "a"}, {"type": "string", "name": "b"}]"#;
        Protocol::new(Some(Signature::read(Some(inputs), None, None).unwrap()), false)
    }

    fn answer(body: &str) -> String {
        let request = decode(&protocol(), body.as_bytes()).unwrap();
        let Input::Frame(frame) = request.input else { panic!("no frame") };
        let mut out = Vec::new();
        encode(&Output::Frame(frame), request.unwrapped, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_have_names_or_an_order() {
        let expected = r#"{"predictions": [{"a": 1.0, "b": "x"}, {"a": 2.5, "b": "y"}]}"#;
        for body in [
            r#"{"instances": [[1, "x"], [2.5, "y"]]}"#,
            r#"{"instances": [{"a": 1, "b": "x"}, {"a": 2.5, "b": "y"}]}"#,
            r#"{"inputs": {"b": ["x", "y"], "a": [1, 2.5]}}"#,
        ] {
            assert_eq!(answer(body), expected, "{body}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for (body, why) in [
            ("[]", "an object"),
            ("{", "Expecting property name"),
            ("{}", "either `instances` or `inputs`"),
            (r#"{"instances": [[1]], "inputs": [1]}"#, "either"),
            (r#"{"instances": [[1]]}"#, "2 columns passed, passed data had 1 columns"),
            (r#"{"instances": [["x", "y"]]}"#, "could not convert string to float"),
        ] {
            let error = decode(&protocol(), body.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(why), "{body}: {error}");
        }
        let body = decode(&protocol(), b"[]").unwrap_err().body();
        assert_eq!(body, br#"{"error": "A request must be an object"}"#);
    }
}
