//! The requests of `tests/scoring/cases.py`, as MLflow's own server answered them, replayed:
//! status, error code, class, state and last sentence, and the body to the byte.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use modelyard_models::frame::{Frame, Name, Tensor};
use modelyard_models::json::{self, Value, dumps};
use modelyard_models::scoring::{Details, Input, Output, Protocol, Rejection, Request, encode};
use modelyard_models::signature::Signature;

fn recordings(file: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    fs::read_to_string(folder.join(file)).unwrap()
}

fn protocols() -> BTreeMap<String, Protocol> {
    let Value::Dict(all) = json::parse_text(&recordings("signatures.json")).unwrap() else {
        panic!("no object")
    };
    let signature = |parts: &Value| {
        let part = |name: &str| parts.get(name).and_then(Value::as_str);
        Signature::read(part("inputs"), part("outputs"), part("params")).unwrap()
    };
    all.iter()
        .map(|(name, parts)| {
            let signature = (*parts != Value::Null).then(|| signature(parts));
            (name.to_owned(), Protocol::new(signature, name == "hinted"))
        })
        .collect()
}

/// What a model of `record.py` gives for a request.
fn answer(model: &str, request: Request) -> Vec<u8> {
    let unwrapped = request.unwrapped;
    let output = match (model, request.input) {
        ("params", _) => Output::Json(request.params.map_or(Value::Null, Value::Dict)),
        ("types", input) => Output::Json(described(&input)),
        (_, Input::Frame(frame)) => Output::Frame(frame),
        (_, Input::Tensor(tensor)) => Output::Tensor(tensor),
        (_, Input::Tensors(tensors)) => Output::Tensors(tensors),
        (_, Input::Json(value)) => Output::Json(value),
    };
    let mut out = Vec::new();
    encode(&output, unwrapped, &mut out);
    out
}

fn described(input: &Input) -> Value {
    match input {
        Input::Frame(frame) => described_frame(frame),
        Input::Tensor(tensor) => described_tensor(tensor),
        Input::Tensors(all) => {
            let mut dict = json::Dict::new();
            for (name, tensor) in all {
                dict.insert(name.as_str(), described_tensor(tensor));
            }
            dict.into()
        }
        Input::Json(value) => described_value(value),
    }
}

fn described_value(value: &Value) -> Value {
    let Value::Dict(dict) = value else { return value.type_name().into() };
    let members = dict.iter().map(|(key, value)| (key.to_owned(), described_value(value)));
    json::Dict::from_members(members.collect()).into()
}

fn described_frame(frame: &Frame) -> Value {
    let columns = frame.names().iter().enumerate().map(|(at, name)| {
        let dtype = frame.column(at).unwrap().dtype();
        let name = match name {
            Name::Number(number) => Value::Int(*number),
            other => Value::from(&*other.key()),
        };
        vec![name, dtype.into()].into()
    });
    columns.collect::<Vec<Value>>().into()
}

fn described_tensor(tensor: &Tensor) -> Value {
    let shape = tensor.shape.iter().map(|n| Value::Int(i64::try_from(*n).unwrap()));
    let dtype = match tensor.elements.dtype() {
        "str" => "<U",
        dtype => dtype,
    };
    vec![dtype.into(), shape.collect::<Vec<_>>().into()].into()
}

/// The last sentence of a message, as `record.py` cuts it.
fn last_sentence(message: &str) -> String {
    let last = message.rsplit_once("Error: ").map_or(message, |(_, last)| last);
    let last = if last.len() < message.len() { last.split('\n').next().unwrap() } else { last };
    last.chars().take(400).collect()
}

/// What Python puts in any order or any length, in one: names of inputs that are too much, and how
/// many letters an array of texts has room for.
fn comparable(answer: &str) -> String {
    let (start, rest) = match answer.split_once("extra inputs: [") {
        Some((start, rest)) => (format!("{start}extra inputs: ["), rest),
        None => return without_lengths(answer),
    };
    let (names, end) = rest.split_once(']').unwrap_or((rest, ""));
    let mut names: Vec<&str> = names.split(", ").collect();
    names.sort_unstable();
    format!("{start}{}]{end}", names.join(", "))
}

fn without_lengths(answer: &str) -> String {
    let mut parts = answer.split("<U");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("<U");
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    out
}

enum Verdict {
    Same,
    Undecided(&'static str),
    Different(String),
}

fn judge(protocol: &Protocol, line: &Value) -> Verdict {
    let text = |key: &str| line.get(key).and_then(Value::as_str);
    let body = match text("base64") {
        Some(encoded) => base64::engine::general_purpose::STANDARD.decode(encoded).unwrap(),
        None => text("body").unwrap().as_bytes().to_vec(),
    };
    let status = line.get("status").and_then(Value::as_int).unwrap_or(200);
    let expected = match (text("answer"), line.get("error"), text("last")) {
        (Some(answer), _, _) => format!("{status} {answer}"),
        (_, Some(error), Some(last)) => format!("{status} {} {last}", dumps(error)),
        _ => panic!("a line without an answer"),
    };
    let actual = match protocol.decode(text("type").or(Some("application/json")), &body) {
        Ok(request) => {
            let answer = answer(text("model").unwrap_or("echo"), request);
            format!("200 {}", String::from_utf8(answer).unwrap())
        }
        Err(Rejection::Undecided(why)) => return Verdict::Undecided(why),
        Err(rejection) if rejection.status() == 415 => {
            format!("415 {}", rejection.message(Details::Shown))
        }
        Err(rejection) => {
            let (sqlstate, class) = rejection.sqlstate().unwrap();
            let last = last_sentence(&rejection.message(Details::Shown));
            format!(
                "{} [\"{}\", \"{class}\", \"{sqlstate}\"] {last}",
                rejection.status(),
                rejection.code().name()
            )
        }
    };
    if comparable(&actual) == comparable(&expected) {
        Verdict::Same
    } else {
        Verdict::Different(format!("{expected}\n    {actual}"))
    }
}

#[test]
fn every_answer_is_mlflows_or_left_to_mlflow() {
    let protocols = protocols();
    let mut undecided: BTreeMap<&str, usize> = BTreeMap::new();
    let mut different = Vec::new();
    let mut same = 0;
    let text = recordings("scoring.jsonl");
    for line in text.lines() {
        let parsed = json::parse_text(line).unwrap();
        let name = parsed.get("signature").and_then(Value::as_str).unwrap();
        match judge(&protocols[name], &parsed) {
            Verdict::Same => same += 1,
            Verdict::Undecided(why) => *undecided.entry(why).or_default() += 1,
            Verdict::Different(how) => {
                different.push(format!("{}\n    {how}", &line[..line.len().min(200)]));
            }
        }
    }
    let total = text.lines().count();
    let left = undecided.values().sum::<usize>();
    println!(
        "{total} requests: {same} the same, {left} left to MLflow, {} different",
        different.len()
    );
    println!("{undecided:#?}");
    assert!(
        different.is_empty(),
        "{} of {total} differ:\n{}",
        different.len(),
        different.join("\n")
    );
    // Of these, most are times in forms that pandas guesses.
    assert!(left * 100 < total * 6, "{left} of {total} are left to MLflow");
}

/// Numbers that look random and are the same each time.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap()
}

#[test]
fn damaged_requests_are_read_or_refused() {
    let protocols: Vec<Protocol> = protocols().into_values().collect();
    let mut state = 1;
    for line in recordings("scoring.jsonl").lines() {
        let parsed = json::parse_text(line).unwrap();
        let Some(Value::Str(body)) = parsed.get("body") else { continue };
        let content_type = parsed.get("type").and_then(Value::as_str).or(Some("application/json"));
        let mut body = body.clone().into_bytes();
        for _ in 0..=next(&mut state) % 3 {
            if body.is_empty() {
                break;
            }
            let at = next(&mut state) % body.len();
            match next(&mut state) % 4 {
                0 => drop(body.remove(at)),
                1 => body.insert(at, b"[]{}\",:0-.eNn\\"[next(&mut state) % 14]),
                2 => body[at] = u8::try_from(next(&mut state) % 256).unwrap(),
                _ => body.truncate(at),
            }
        }
        let protocol = &protocols[next(&mut state) % protocols.len()];
        if let Ok(request) = protocol.decode(content_type, &body) {
            assert!(!answer("echo", request).is_empty());
        }
        let _ = modelyard_models::oip::decode(&body, None);
        let _ = modelyard_models::kserve::decode(protocol, &body);
    }
}
