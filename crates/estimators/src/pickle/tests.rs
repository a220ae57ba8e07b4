//! Pickles by hand: each opcode's rules, and pickles made to do harm.

use super::read;
use crate::error::Error;
use crate::graph::Node;

fn root(bytes: &[u8]) -> Node {
    let graph = read(bytes).unwrap();
    graph.node(graph.root().unwrap()).clone()
}

fn error(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn constants_of_all_protocols_are_read() {
    assert_eq!(root(b"N."), Node::None);
    assert_eq!(root(b"I01\n."), Node::Bool(true));
    assert_eq!(root(b"\x80\x02\x89."), Node::Bool(false));
    assert_eq!(root(b"I-7\n."), Node::Int(-7));
    assert_eq!(root(b"L-7L\n."), Node::Int(-7));
    assert_eq!(root(b"J\xfe\xff\xff\xff."), Node::Int(-2));
    assert_eq!(root(b"M\x01\x02."), Node::Int(0x201));
    assert_eq!(root(b"\x8a\x00."), Node::Int(0));
    assert_eq!(root(b"\x8a\x01\xff."), Node::Int(-1));
    assert_eq!(root(b"\x8a\x02\xff\x00."), Node::Int(255));
    assert_eq!(root(b"\x8b\x01\x00\x00\x00\x05."), Node::Int(5));
    assert_eq!(root(b"F1e3\n."), Node::Float(1000.0));
    assert_eq!(root(b"G\x3f\xf0\0\0\0\0\0\0."), Node::Float(1.0));
    assert_eq!(root(b"V\\u20ac\n."), Node::Text("€".into()));
    assert_eq!(root(b"S'a\\n'\n."), Node::Text("a\n".into()));
    assert_eq!(root(b"\x8c\x03\xe2\x82\xac."), Node::Text("€".into()));
    assert_eq!(root(b"C\x02\x00\xff."), Node::Bytes([0, 0xff].into()));
    assert_eq!(root(b"\x96\x01\0\0\0\0\0\0\0a."), Node::Bytes([b'a'].into()));
    assert!(matches!(root(b"\x8a\x09123456789."), Node::BigInt(_)));
}

#[test]
fn containers_share_what_is_shared() {
    // a = []; [a, a]
    let graph = read(b"]q\x00]q\x01h\x00h\x00\x86\x94(h\x00h\x00e.").unwrap_err();
    assert!(graph.to_string().contains("nothing can be put into a tuple"), "{graph}");
    let graph = read(b"]q\x00(]q\x01h\x01e.").unwrap();
    let Node::List(items) = graph.node(graph.root().unwrap()) else { panic!() };
    assert_eq!(items[0], items[1]);
    // A list that contains itself is a node that refers to itself.
    let graph = read(b"]q\x00h\x00a.").unwrap();
    let root = graph.root().unwrap();
    assert_eq!(graph.node(root), &Node::List(vec![root]));
}

#[test]
fn calls_are_records() {
    let Node::Object(object) = root(b"cos\nsystem\n(S'rm -rf /'\ntR.") else { panic!() };
    assert_eq!(object.class.to_string(), "os.system");
    assert_eq!(object.args.len(), 1);
    let Node::Object(object) = root(b"c__builtin__\neval\n(V1\ntR.") else { panic!() };
    assert_eq!(object.class.to_string(), "builtins.eval");
    let Node::Object(object) = root(b"(ios\nsystem\n.") else { panic!() };
    assert_eq!(object.class.to_string(), "os.system");
    assert!(
        matches!(root(b"c_codecs\nencode\n(V\\u00ff\nVlatin1\ntR."), Node::Bytes(b) if *b == [255])
    );
    assert!(matches!(root(b"cbuiltins\nset\n((I1\nltR."), Node::Set(items) if items.len() == 1));
}

#[test]
fn what_executes_or_lies_outside_is_refused() {
    for (bytes, reason) in [
        (&b"Pid\n."[..], "persistent ids) (PERSID at byte 0)"),
        (b"NQ.", "persistent ids) (BINPERSID at byte 1)"),
        (b"\x82\x01.", "extension codes (EXT1 at byte 0)"),
        (b"\x97.", "buffers outside of it (NEXT_BUFFER at byte 0)"),
        (b"S'\\xe4'\n.", "strings of Python 2 (STRING at byte 0)"),
        (b"\x1f\x8b", "compressed with gzip"),
        (b"x\x9c", "compressed with zlib"),
    ] {
        let error = error(bytes);
        assert!(error.starts_with("needs Python") && error.contains(reason), "{error}");
    }
}

#[test]
fn damage_is_told_with_opcode_and_place() {
    for (bytes, what) in [
        (&b""[..], "at byte 0"),
        (b"N", "at byte 1"),
        (b".", "the stack is empty"),
        (b"\x80\x06N.", "at byte 0: PROTO: protocol 6 is unknown"),
        (b"\xffN.", "the opcode is unknown"),
        (b"NR.", "at byte 1: REDUCE: the stack is empty"),
        (b"NNR.", "at byte 2: REDUCE: the arguments are None instead of a tuple"),
        (b"N)R.", "None cannot be called"),
        (b"t.", "there is no mark"),
        (b"(0t.", "there is no mark"),
        (b"N(0a.", "the stack is empty"),
        (b"N(a.", "APPEND: the stack is empty"),
        (b"}(Nu.", "a key without a value"),
        (b"NNs.", "SETITEM: the stack is empty"),
        (b"NNNs.", "nothing can be put into None"),
        (b"h\x01.", "memo 1 is empty"),
        (b"gx\n.", "a memo's number cannot be read"),
        (b"X\xff\xff\xff\xffa.", "4294967295 bytes are announced"),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "18446744073709551615 bytes are announced"),
        (b"\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.", "bytes are announced"),
        (b"\x8b\xff\xff\xff\x7f.", "2147483647 bytes are announced"),
        (b"\x8c\x01\xff.", "a text is not UTF-8"),
        (b"NNb.", "None gets attributes"),
        (b"Iabc\n.", "an integer cannot be read"),
        (b"NN\x93.", "a class is not named by two texts"),
    ] {
        let error = error(bytes);
        assert!(error.contains(what), "{bytes:?}: {error}");
    }
}

#[test]
fn repetition_does_not_multiply_memory() {
    // One text of 100 KB, turned into bytes again and again.
    let mut bytes = b"c_codecs\nencode\nq\x00X".to_vec();
    bytes.extend(100_000_u32.to_le_bytes());
    bytes.extend(vec![b'a'; 100_000]);
    bytes.extend(b"\x85q\x01");
    bytes.extend(b"h\x00h\x01R0".repeat(1000));
    bytes.extend(b".");
    assert!(error(&bytes).contains("the same data are copied too often"));
    // One tuple of arguments in many calls.
    let mut bytes = b"cx\ny\nq\x00(".to_vec();
    bytes.extend(b"N".repeat(10_000));
    bytes.extend(b"tq\x01");
    bytes.extend(b"h\x00h\x01R0".repeat(10_000));
    bytes.extend(b".");
    assert!(error(&bytes).contains("the same data are copied too often"));
}

#[test]
fn stacks_and_marks_are_limited() {
    let too_large = |bytes: &[u8]| matches!(read(bytes), Err(Error::TooLarge { .. }));
    assert!(too_large(&b"(".repeat(20_000)));
    assert!(too_large(&b"N".repeat(1_100_000)));
    let mut doubled = b"N".to_vec();
    doubled.extend(b"2".repeat(1_100_000));
    assert!(too_large(&doubled));
}

#[test]
fn arrays_agree_with_their_data() {
    let array = |shape: &str, data: &str| {
        let dtype = "cnumpy\ndtype\n(S'f8'\nI00\nI01\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb";
        let made = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR";
        format!("{made}(I1\n{shape}{dtype}I00\n{data}tb.")
    };
    let good = array("(I1\nt", "S'\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00'\n");
    let Node::Array(zero) = root(good.as_bytes()) else { panic!() };
    assert_eq!(zero.f64s().unwrap(), [0.0]);
    for (shape, data) in [
        ("(I2\nt", "S'\\x00'\n"),
        ("(I4611686018427387904\nI4\nt", "S''\n"),
        ("(I-1\nt", "S''\n"),
        ("N", "S''\n"),
        ("(I1\nt", "N"),
    ] {
        let bytes = array(shape, data);
        assert!(read(bytes.as_bytes()).is_err(), "{shape} {data}");
    }
}
