//! The fast way against the long one.

use proptest::prelude::*;

use super::super::{Input, Protocol, Request};
use super::*;
use crate::signature::Signature;

const SIGNATURE: &str = r#"[{"type": "double", "name": "a"}, {"type": "float", "name": "b"}, {"type": "long", "name": "c"}, {"type": "integer", "name": "d"}, {"type": "boolean", "name": "e"}]"#;
const DOUBLES: &str = r#"[{"type": "double", "name": "a"}, {"type": "double", "name": "b"}]"#;

fn protocol(inputs: &str) -> Protocol {
    Protocol::new(Some(Signature::read(Some(inputs), None, None).unwrap()), false)
}

/// What a frame is, whichever way its cells lie.
fn seen(frame: &Frame) -> (Vec<&'static str>, String) {
    let dtypes = (0..frame.width()).map(|at| frame.column(at).unwrap().dtype()).collect();
    let mut out = Vec::new();
    frame.write_records(&mut out);
    (dtypes, String::from_utf8(out).unwrap())
}

fn fast(protocol: &Protocol, body: &str) -> Option<Frame> {
    protocol.fast.as_ref().unwrap().decode(body.as_bytes())
}

fn same_by_the_long_way(protocol: &Protocol, body: &str) -> bool {
    let Some(frame) = fast(protocol, body) else { return false };
    let long = protocol.decode_any(body.as_bytes());
    let Ok(Request { input: Input::Frame(long), .. }) = long else { panic!("{body}: {long:?}") };
    assert_eq!(seen(&frame), seen(&long), "{body}");
    true
}

#[test]
fn the_usual_request_goes_the_fast_way() {
    let doubles = protocol(DOUBLES);
    for body in [
        r#"{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2.5], [null, -0.0]]}}"#,
        r#" {"dataframe_split":{"columns":["b","z","a"],"data":[[1,"x",true]]}} "#.trim(),
        r#"{"dataframe_records": [{"a": 1e300, "b": NaN}, {"a": 0.1, "b": -Infinity}]}"#,
        r#"{"inputs": {"b": [1, 2], "a": [123456789012345678, 18446744073709551616]}}"#,
    ] {
        assert!(same_by_the_long_way(&doubles, body), "{body}");
    }
    let mixed = protocol(SIGNATURE);
    let body = r#"{"dataframe_split": {"columns": ["a", "b", "c", "d", "e"], "data": [[1, 0.1, 5, -7, true]]}}"#;
    assert!(same_by_the_long_way(&mixed, body));
}

#[test]
fn what_is_unusual_goes_the_long_way() {
    let doubles = protocol(DOUBLES);
    for body in [
        r#"{"dataframe_split": {"data": [[1, 2]], "columns": ["a", "b"]}}"#,
        r#"{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]], "index": [0]}}"#,
        r#"{"dataframe_split": {"columns": ["a", "b"], "data": [[1]]}}"#,
        r#"{"dataframe_split": {"columns": ["a", "b", "a"], "data": [[1, 2, 3]]}}"#,
        r#"{"dataframe_split": {"columns": ["a", "b"], "data": [["1", 2]]}}"#,
        r#"{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}, "params": {}}"#,
        r#"{"dataframe_records": [{"a": 1, "b": 2}, {"b": 1, "a": 2}]}"#,
        r#"{"dataframe_records": [{"a": 1, "b": 2}, {"a": 1}]}"#,
        r#"{"inputs": {"a": [1, 2], "b": [3]}}"#,
        r#"{"instances": [{"a": 1, "b": 2}]}"#,
        r#"{"dataframe_split": {"columns": ["a", "b"], "data": [[01, 2]]}}"#,
        "[1]",
    ] {
        assert_eq!(fast(&doubles, body), None, "{body}");
    }
}

fn cells() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<i32>().prop_map(|v| v.to_string()),
        4 => (-1000_i32..1000, 0_u32..1000).prop_map(|(a, b)| format!("{a}.{b}")),
        2 => any::<f64>().prop_filter("JSON", |v| v.is_finite()).prop_map(|v| format!("{v:e}")),
        2 => any::<i64>().prop_map(|v| v.to_string()),
        1 => "[1-9][0-9]{15,25}",
        1 => prop::sample::select(vec!["null", "true", "false", "NaN", "-0", "-0.0", "0", "1"]).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn both_ways_lead_to_the_same_frame(
        rows in prop::collection::vec(prop::collection::vec(cells(), 5), 1..4),
        form in 0..3,
    ) {
        let names = ["a", "b", "c", "d", "e"];
        let body = match form {
            0 => {
                let rows: Vec<String> = rows.iter().map(|r| format!("[{}]", r.join(", "))).collect();
                format!(r#"{{"dataframe_split": {{"columns": ["a", "b", "c", "d", "e"], "data": [{}]}}}}"#, rows.join(", "))
            }
            1 => {
                let row = |r: &Vec<String>| {
                    let members: Vec<String> = names.iter().zip(r).map(|(n, c)| format!("\"{n}\":{c}")).collect();
                    format!("{{{}}}", members.join(","))
                };
                format!(r#"{{"dataframe_records":[{}]}}"#, rows.iter().map(row).collect::<Vec<_>>().join(","))
            }
            _ => {
                let column = |at: usize| rows.iter().map(|r| r[at].as_str()).collect::<Vec<_>>().join(",");
                let members: Vec<String> = names.iter().enumerate().map(|(at, n)| format!("\"{n}\": [{}]", column(at))).collect();
                format!(r#"{{"inputs": {{{}}}}}"#, members.join(", "))
            }
        };
        let doubles = SIGNATURE.replace("float", "double").replace("long", "double").replace("integer", "double").replace("boolean", "double");
        prop_assert!(same_by_the_long_way(&protocol(&doubles), &body), "{}", body);
        same_by_the_long_way(&protocol(SIGNATURE), &body);
    }

    #[test]
    fn short_numbers_are_those_of_the_standard_library(text in "-?[0-9]{1,16}(\\.[0-9]{1,16})?([eE][0-9])?") {
        let mut lexer = Lexer::new(&text);
        if let Some(value) = short_number(&mut lexer) {
            let expected: f64 = text[..lexer.at].parse().unwrap();
            prop_assert_eq!(value.to_bits(), expected.to_bits());
        }
    }

    #[test]
    fn any_text_is_read_or_left(text in "\\{\"(dataframe_split|inputs|dataframe_records)\":[\\[\\]{}\",:0-9abtru.eE -]{0,60}") {
        let _ = fast(&protocol(DOUBLES), &text);
    }
}
