//! Hostile requests: small ones that would grow, deep ones, wide ones. Each is refused, quickly.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use modelyard_models::json::dumps;
use modelyard_models::kserve;
use modelyard_models::oip;
use modelyard_models::scoring::{Protocol, Rejection};
use modelyard_models::signature::Signature;

const JSON: Option<&str> = Some("application/json");
const NUMBERS: &str = r#"[{"type": "double", "name": "a"}, {"type": "double", "name": "b"}]"#;

fn protocols() -> [Protocol; 2] {
    let signature = Signature::read(Some(NUMBERS), None, None).unwrap();
    [Protocol::new(None, false), Protocol::new(Some(signature), false)]
}

fn refused(content_type: Option<&str>, body: &str, why: &str) {
    for protocol in protocols() {
        let rejection = protocol.decode(content_type, body.as_bytes()).unwrap_err();
        assert!(!matches!(rejection, Rejection::Undecided(_)), "{rejection:?}");
        let message = rejection.message(modelyard_models::scoring::Details::Shown);
        assert!(message.contains(why), "{}", &message[..message.len().min(300)]);
        assert!(message.len() < 10_000, "an error repeats {} bytes", message.len());
    }
}

#[test]
fn frames_that_grow_are_refused_before_they_do() {
    let wide = vec!["1"; 20_000].join(",");
    let short = vec!["[1]"; 20_000].join(",");
    let split = format!(r#"{{"dataframe_split": {{"data": [[{wide}],{short}]}}}}"#);
    refused(JSON, &split, "more than 16777216 cells");
    let record = |n: usize| format!(r#"{{"k{n}":1}}"#);
    let records = (0..20_000).map(record).collect::<Vec<_>>().join(",");
    refused(JSON, &format!(r#"{{"dataframe_records": [{records}]}}"#), "more than 16777216 cells");
    let header = (0..20_000).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    let csv = format!("{header}\n{}", "1\n".repeat(20_000));
    refused(Some("text/csv"), &csv, "more than 16777216 cells");
}

#[test]
fn inputs_that_grow_are_refused_before_they_do() {
    let [_, numbers] = protocols();
    let record = |n: usize| format!(r#"{{"k{n}":1}}"#);
    let records = (0..20_000).map(record).collect::<Vec<_>>().join(",");
    let scalar = |n: usize| format!(r#""k{n}":1"#);
    let scalars = (0..20_000).map(scalar).collect::<Vec<_>>().join(",");
    let list = vec!["1"; 20_000].join(",");
    for body in [
        format!(r#"{{"inputs": [{records}]}}"#),
        format!(r#"{{"inputs": {{"a": [{list}], {scalars}}}}}"#),
    ] {
        let rejection = numbers.decode(JSON, body.as_bytes()).unwrap_err();
        let message = rejection.message(modelyard_models::scoring::Details::Shown);
        assert!(message.contains("more than 16777216 cells"), "{message}");
    }
}

#[test]
fn deep_and_wide_requests_take_no_long_way() {
    refused(JSON, &"[".repeat(1_000_000), "deeper than 128");
    refused(JSON, &r#"{"inputs":"#.repeat(200_000), "deeper than 128");
    let key = |n: usize| format!(r#""k{n}": {n}"#);
    let keys = (0..50_000).map(key).collect::<Vec<_>>().join(", ");
    refused(JSON, &format!("{{{keys}}}"), "exactly one of the input fields");
    let [none, numbers] = protocols();
    let body = format!(r#"{{"dataframe_records": [{{{keys}}}]}}"#);
    assert!(none.decode(JSON, body.as_bytes()).is_ok());
    let missing = numbers.decode(JSON, body.as_bytes()).unwrap_err();
    let message = missing.message(modelyard_models::scoring::Details::Shown);
    assert!(message.contains("Model is missing inputs ['a', 'b']"), "{message}");
    assert!(message.len() < 10_000);
    let names = (0..50_000).map(|n| format!("\"k{n}\"")).collect::<Vec<_>>().join(",");
    let cells = vec!["1"; 50_000].join(",");
    let body = format!(r#"{{"dataframe_split": {{"columns": [{names}], "data": [[{cells}]]}}}}"#);
    assert!(numbers.decode(JSON, body.as_bytes()).is_err());
}

#[test]
fn other_protocols_have_the_same_bounds() {
    let [_, numbers] = protocols();
    let wide = vec!["1"; 20_000].join(",");
    let short = vec!["[1]"; 20_000].join(",");
    let rows = format!(r#"{{"instances": [[{wide}],{short}]}}"#);
    assert!(kserve::decode(&numbers, rows.as_bytes()).unwrap_err().to_string().contains("cells"));
    let deep = format!(r#"{{"inputs": {}"#, "[".repeat(100_000));
    assert!(oip::decode(deep.as_bytes(), None).unwrap_err().to_string().contains("deeper"));
    let huge = r#"{"inputs": [{"name": "a", "shape": [9223372036854775807], "datatype": "FP64", "data": [1]}]}"#;
    assert!(oip::decode(huge.as_bytes(), None).unwrap_err().to_string().contains("1 elements"));
    let hollow =
        r#"{"inputs": [{"name": "a", "shape": [99999999999, 0], "datatype": "FP64", "data": []}]}"#;
    assert!(oip::decode(hollow.as_bytes(), None).unwrap_err().to_string().contains("rows without"));
}

#[test]
fn details_are_hidden_where_anybody_can_ask() {
    use modelyard_models::scoring::Details::Hidden;
    let [_, numbers] = protocols();
    let body = br#"{"inputs": {"secret": [1]}}"#;
    let rejection = numbers.decode(JSON, body).unwrap_err();
    let hidden = String::from_utf8(rejection.body(Hidden)).unwrap();
    assert!(!hidden.contains("secret") && !hidden.contains("'a'"), "{hidden}");
    assert!(hidden.contains("SCHEMA_ENFORCEMENT_FAILED"), "{hidden}");
    assert!(dumps(&hidden.as_str().into()).contains("Failed to enforce model input schema."));
}
