use super::*;

fn parsed(header: &str, body: &[u8]) -> Result<Message, Malformed> {
    let (header, len) = super::header(header.as_bytes())?;
    assert_eq!(len, body.len());
    message(&header, body)
}

/// An answer of one part.
fn answered(part: &str, body: &[u8]) -> Result<Message, Malformed> {
    let len = body.len();
    parsed(&format!(r#"{{"kind": "answer", "parts": [{part}], "body": {len}}}"#), body)
}

#[test]
fn answers_are_read() {
    let mut body = 1.5_f32.to_le_bytes().to_vec();
    body.extend(f32::NAN.to_le_bytes());
    let Ok(Message::Answer(parts)) =
        answered(r#"{"tensor": "f4", "shape": [2, 1], "bytes": 8}"#, &body)
    else {
        panic!()
    };
    let Part::Tensor(Tensor { shape, elements: Column::F32(values) }) = &parts[0] else { panic!() };
    assert_eq!((shape.as_slice(), values[0], values[1].is_nan()), (&[2, 1][..], 1.5, true));
    let scalar = answered(r#"{"tensor": "b1", "shape": [], "bytes": 1}"#, &[1]).unwrap();
    let expected = Tensor { shape: Vec::new(), elements: Column::Bool(vec![true]) };
    assert_eq!(scalar, Message::Answer(vec![Part::Tensor(expected)]));
    let two =
        answered(r#"{"json": true, "bytes": 2}, {"json": true, "bytes": 1}"#, b"[]1").unwrap();
    assert_eq!(two, Message::Answer(vec![Part::Json(b"[]".into()), Part::Json(b"1".into())]));
    assert_eq!(parsed(r#"{"kind": "beat", "body": 0}"#, b""), Ok(Message::Beat));
    assert_eq!(
        parsed(r#"{"kind": "failed", "body": 2}"#, b"x\xff"),
        Ok(Message::Failed("x\u{fffd}".into()))
    );
}

#[test]
fn no_length_of_a_worker_is_trusted() {
    assert!(header_len([0xff; 4]).is_err());
    assert!(header_len([0, 0, 16, 0]).is_ok());
    for header in
        ["[]", "", "{}", r#"{"body": -1}"#, r#"{"body": 1e3}"#, r#"{"body": 9999999999999}"#]
    {
        assert!(super::header(header.as_bytes()).is_err(), "{header}");
    }
    for part in [
        r#"{"json": true}"#,
        r#"{"json": true, "bytes": 7}"#,
        r#"{"json": true, "bytes": 9}"#,
        r#"{"json": true, "bytes": -8}"#,
        r#"{"tensor": "f8", "shape": [2], "bytes": 8}"#,
        r#"{"tensor": "f8", "shape": [-1], "bytes": 8}"#,
        r#"{"tensor": "f8", "shape": "1", "bytes": 8}"#,
        r#"{"tensor": "f8", "bytes": 8}"#,
        r#"{"tensor": "f3", "shape": [1], "bytes": 8}"#,
        r#"{"tensor": "f8", "shape": [4294967296, 4294967296, 4294967296], "bytes": 8}"#,
        r#"{"status": 99, "type": "x", "bytes": 8}"#,
        r#"{"status": 70000, "type": "x", "bytes": 8}"#,
        r#"{"status": 200, "bytes": 8}"#,
        r#"{"bytes": 8}"#,
        "8",
    ] {
        assert!(answered(part, &[0; 8]).is_err(), "{part}");
    }
    let many = r#"{"tensor": "f8", "shape": [9999999999, 0], "bytes": 0}"#;
    assert!(answered(many, b"").is_err());
    assert!(answered(r#"{"tensor": "f8", "shape": [3, 0], "bytes": 0}"#, b"").is_ok());
    assert!(parsed(r#"{"kind": "answer", "body": 0}"#, b"").is_err());
    assert!(parsed(r#"{"kind": "ready", "python": "3", "body": 0}"#, b"").is_err());
    assert!(parsed(r#"{"kind": 5, "body": 0}"#, b"").is_err());
}

#[test]
fn frames_of_a_batch_lie_one_below_the_other() {
    let names: std::sync::Arc<[Name]> = ["a".into(), Name::Number(5)].into();
    let block = |cells: &[f64]| Frame::from_block(names.clone(), cells.len() / 2, cells.to_vec());
    let (first, second) = (block(&[1.0, 2.0]), block(&[3.0, 4.0, 5.0, 6.0]));
    let mut question = Question::batch(&[&first, &second], None);
    let (head, body) = question.parts().unwrap();
    let header = r#"{"frame": ["a", 5], "rows": 3, "block": 0, "kind": "typed", "counts": [1, 2], "body": 48}"#;
    assert_eq!(head[..4], u32::try_from(header.len()).unwrap().to_le_bytes());
    assert_eq!(std::str::from_utf8(&head[4..]).unwrap(), header);
    let cells: Vec<f64> =
        body.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    assert_eq!(cells, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn numbers_begin_where_numpy_wants_them() {
    let columns = vec![
        Column::Bool(vec![true]),
        Column::Str(vec![Some("é\"".into())]),
        Column::Bytes(vec![b"xyz".to_vec()]),
        Column::F64(vec![0.5]),
        Column::Object(vec![Value::Null]),
    ];
    let names: Vec<Name> = ["a", "b", "c", "d", "e"].map(Name::from).into();
    let frame = Frame::from_columns(names.into(), 1, columns);
    let mut question = Question::batch(&[&frame], None);
    let (head, body) = question.parts().unwrap();
    let header = json::parse(&head[4..]).unwrap();
    let columns = json::dumps(header.get("columns").unwrap());
    assert_eq!(
        columns,
        r#"[["|b1", 0, 1], ["str", 8, 12], ["bytes", 24, 11], ["<f8", 40, 8], ["object", 48, 6]]"#
    );
    assert_eq!(&body[8..20], br#"["\u00e9\""]"#);
    assert_eq!(body[24..35], [3, 0, 0, 0, 0, 0, 0, 0, b'x', b'y', b'z']);
    assert_eq!(body[40..48], 0.5_f64.to_le_bytes());
    assert_eq!(&body[48..], b"[null]");
}
