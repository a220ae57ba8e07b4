//! skops files by hand, and files made to do harm.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::read;
use crate::error::Error;
use crate::graph::Node;

fn archive(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, contents) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(contents).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn schema(content: &str) -> Vec<u8> {
    let root = content.trim().strip_suffix('}').unwrap();
    let json = format!("{root}, \"protocol\": 2, \"_skops_version\": \"0.16.0\"}}");
    archive(&[("schema.json", json.as_bytes())], CompressionMethod::Stored)
}

fn root(content: &str) -> Result<Node, Error> {
    let graph = read(&schema(content))?;
    Ok(graph.node(graph.root()?).clone())
}

fn record(loader: &str, more: &str) -> String {
    format!(r#"{{"__class__": "C", "__module__": "m", "__loader__": "{loader}"{more}}}"#)
}

#[test]
fn scalars_are_json_in_json() {
    let scalar = |content: &str| root(&record("JsonNode", &format!(r#", "content": "{content}""#)));
    assert_eq!(scalar("null").unwrap(), Node::None);
    assert_eq!(scalar("true").unwrap(), Node::Bool(true));
    assert_eq!(scalar("-3").unwrap(), Node::Int(-3));
    assert_eq!(scalar("1e3").unwrap(), Node::Float(1000.0));
    assert_eq!(scalar("Infinity").unwrap(), Node::Float(f64::INFINITY));
    assert!(matches!(scalar("NaN").unwrap(), Node::Float(number) if number.is_nan()));
    assert_eq!(scalar(r#"\"a\""#).unwrap(), Node::Text("a".into()));
    for wrong in ["", "[1]", "nul", "99999999999999999999"] {
        assert!(scalar(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn keys_get_their_types_back() {
    let value = record("JsonNode", r#", "content": "null""#);
    let dict = |key: &str, kind: &str| -> Result<Node, Error> {
        let types = format!(r#""key_types": {{"content": [{{"__class__": "{kind}"}}]}}"#);
        let content = format!(r#", "content": {{"{key}": {value}}}, {types}"#);
        let graph = read(&schema(&record("DictNode", &content)))?;
        match graph.node(graph.root()?) {
            Node::Dict(entries) => Ok(graph.node(entries[0].0).clone()),
            _ => Err(Error::python("no dictionary")),
        }
    };
    assert_eq!(dict("7", "str"), Ok(Node::Text("7".into())));
    assert_eq!(dict("7", "int"), Ok(Node::Int(7)));
    assert_eq!(dict("7", "float"), Ok(Node::Float(7.0)));
    assert_eq!(dict("true", "bool"), Ok(Node::Bool(true)));
    assert!(dict("x", "int").is_err());
}

#[test]
fn the_same_number_is_the_same_object() {
    let item = r#", "content": [], "__id__": 5"#;
    let item = record("ListNode", item);
    let list = record("ListNode", &format!(r#", "content": [{item}, {item}]"#));
    let Node::List(items) = root(&list).unwrap() else { panic!() };
    assert_eq!(items[0], items[1]);
}

#[test]
fn what_is_unknown_or_broken_is_refused() {
    let refused = |content: &str| root(content).unwrap_err().to_string();
    assert!(refused(&record("EvilNode", "")).contains("'EvilNode' is unknown"));
    assert!(refused(&record("CachedNode", "")).contains("not there"));
    assert!(refused(&record("ListNode", "")).contains("no list"));
    let missing = r#", "type": "numpy", "file": "../../etc/passwd""#;
    assert!(refused(&record("NdArrayNode", missing)).contains("not found"));
    let dimensions = record("JsonNode", r#", "content": "9000000000""#);
    let shape = record("TupleNode", &format!(r#", "content": [{dimensions}, {dimensions}]"#));
    let array = format!(r#", "type": "json", "content": [], "shape": {shape}"#);
    assert!(root(&record("NdArrayNode", &array)).is_err());
    assert!(read(b"").is_err());
    assert!(read(b"PK\x05\x06").is_err());
    assert!(read(&archive(&[], CompressionMethod::Stored)).is_err());
    let old = br#"{"__loader__": "JsonNode", "content": "1", "protocol": 3}"#;
    let old = archive(&[("schema.json", old)], CompressionMethod::Stored);
    assert!(read(&old).unwrap_err().to_string().contains("unknown protocol"));
}

#[test]
fn bombs_are_not_unpacked() {
    let zeros = vec![b' '; 64 << 20];
    let bomb = archive(&[("schema.json", &zeros)], CompressionMethod::Deflated);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    assert!(read(&bomb).unwrap_err().to_string().contains("unpacks to far more"));
}

#[test]
fn depth_is_limited() {
    let mut deep = record("ListNode", r#", "content": []"#);
    for _ in 0..200 {
        deep = record("ListNode", &format!(r#", "content": [{deep}]"#));
    }
    assert!(root(&deep).is_err());
}
