//! The stack machine: constants, containers, the memo.

use std::collections::HashMap;
use std::sync::Arc;

use super::opcode::{self as op, *};
use super::{FORMAT, text};
use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::graph::{Graph, Name, Node, NodeId};
use crate::limits::{MARKS_MAX, STACK_MAX, within};

/// The newest protocol there is.
const PROTOCOL_MAX: u8 = 5;

/// Values, marks and memo: what a pickle inside a pickle has of its own.
#[derive(Debug, Default)]
pub(super) struct Frame {
    stack: Vec<NodeId>,
    /// Heights of the stack at which marks stand.
    marks: Vec<usize>,
    memo: HashMap<u64, NodeId>,
}

#[derive(Debug)]
pub(super) struct Machine<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) graph: Graph,
    pub(super) frame: Frame,
    /// Pickles inside pickles, at the moment.
    pub(super) depth: usize,
    /// How many bytes may still be copied out of values that stand in the pickle once and are used
    /// many times.
    copies_left: usize,
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(bytes, FORMAT),
            graph: Graph::default(),
            frame: Frame::default(),
            depth: 0,
            // Each byte is legitimately copied twice: text to bytes to an array. The rest is for
            // small pickles.
            copies_left: bytes.len().saturating_mul(4).saturating_add(1 << 16),
        }
    }

    pub(super) fn run(mut self) -> Result<Graph> {
        let root = self.pickle()?;
        self.graph.finish(root, self.cursor.at());
        Ok(self.graph)
    }

    /// Runs up to the next STOP.
    pub(super) fn pickle(&mut self) -> Result<NodeId> {
        loop {
            let at = self.cursor.at();
            let code = self.cursor.u8()?;
            if code == STOP {
                return self.pop();
            }
            self.step(code).map_err(|error| located(error, at, code))?;
        }
    }

    fn step(&mut self, code: u8) -> Result<()> {
        match code {
            PROTO => self.protocol(),
            FRAME => self.cursor.length::<8>().map(|_| ()),
            MARK => self.mark(),
            POP => self.pop_any(),
            POP_MARK => self.pop_mark().map(|_| ()),
            DUP => {
                let top = self.pop()?;
                self.push_id(top)?;
                self.push_id(top)
            }
            PUT | BINPUT | LONG_BINPUT | MEMOIZE => self.put(code),
            GET | BINGET | LONG_BINGET => self.get(code),
            GLOBAL | STACK_GLOBAL | REDUCE | NEWOBJ | NEWOBJ_EX | INST | OBJ | BUILD => {
                self.call(code)
            }
            EMPTY_TUPLE | TUPLE | TUPLE1 | TUPLE2 | TUPLE3 | EMPTY_LIST | LIST | EMPTY_DICT
            | DICT | EMPTY_SET | FROZENSET => self.container(code),
            APPEND | APPENDS | ADDITEMS | SETITEM | SETITEMS => self.fill(code),
            PERSID | BINPERSID => {
                Err(Error::python("the pickle refers to objects outside of it (persistent ids)"))
            }
            EXT1 | EXT2 | EXT4 => {
                Err(Error::python("the pickle uses Python's registry of extension codes"))
            }
            NEXT_BUFFER | READONLY_BUFFER => {
                Err(Error::python("the pickle refers to buffers outside of it"))
            }
            _ => {
                let node = self.constant(code)?;
                self.push(node)
            }
        }
    }

    fn protocol(&mut self) -> Result<()> {
        let protocol = self.cursor.u8()?;
        if protocol > PROTOCOL_MAX {
            return Err(self.damaged(format!("protocol {protocol} is unknown")));
        }
        Ok(())
    }

    fn constant(&mut self, code: u8) -> Result<Node> {
        Ok(match code {
            NONE => Node::None,
            NEWTRUE => Node::Bool(true),
            NEWFALSE => Node::Bool(false),
            BININT => Node::Int(i32::from_le_bytes(self.cursor.array()?).into()),
            BININT1 => Node::Int(self.cursor.u8()?.into()),
            BININT2 => Node::Int(u16::from_le_bytes(self.cursor.array()?).into()),
            INT | LONG => self.decimal(code)?,
            LONG1 => self.long::<1>()?,
            LONG4 => self.long::<4>()?,
            FLOAT => {
                let line = self.cursor.line()?;
                let float =
                    std::str::from_utf8(line).ok().and_then(|text| text.trim().parse().ok());
                Node::Float(float.ok_or_else(|| self.damaged("a float cannot be read"))?)
            }
            BINFLOAT => Node::Float(f64::from_be_bytes(self.cursor.array()?)),
            SHORT_BINUNICODE => self.text::<1>()?,
            BINUNICODE => self.text::<4>()?,
            BINUNICODE8 => self.text::<8>()?,
            UNICODE => {
                let text = text::unicode(self.cursor.line()?);
                Node::Text(text.ok_or_else(|| self.damaged("a text cannot be read"))?.into())
            }
            STRING => {
                let text = text::string(self.cursor.line()?);
                Node::Text(text.ok_or_else(old_string)?.into())
            }
            SHORT_BINSTRING => self.old_string::<1>()?,
            BINSTRING => self.old_string::<4>()?,
            SHORT_BINBYTES => self.bytes::<1>()?,
            BINBYTES => self.bytes::<4>()?,
            BINBYTES8 | BYTEARRAY8 => self.bytes::<8>()?,
            _ => return Err(self.damaged("the opcode is unknown")),
        })
    }

    fn decimal(&mut self, code: u8) -> Result<Node> {
        let line = self.cursor.line()?;
        if code == INT && matches!(line, b"00" | b"01") {
            return Ok(Node::Bool(line == b"01"));
        }
        let text = std::str::from_utf8(line).unwrap_or_default().trim();
        let text = text.strip_suffix('L').unwrap_or(text);
        let node = text.parse().ok().map(Node::Int).or_else(|| text::big_integer(text));
        node.ok_or_else(|| self.damaged("an integer cannot be read"))
    }

    fn long<const N: usize>(&mut self) -> Result<Node> {
        let length = self.cursor.length::<N>()?;
        let bytes = self.cursor.take(length)?;
        if bytes.len() > 8 {
            return Ok(Node::BigInt(bytes.into()));
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = if negative { [0xff; 8] } else { [0; 8] };
        wide[..bytes.len()].copy_from_slice(bytes);
        Ok(Node::Int(i64::from_le_bytes(wide)))
    }

    fn text<const N: usize>(&mut self) -> Result<Node> {
        let length = self.cursor.length::<N>()?;
        Ok(Node::Text(self.cursor.text(length)?.into()))
    }

    fn bytes<const N: usize>(&mut self) -> Result<Node> {
        let length = self.cursor.length::<N>()?;
        Ok(Node::Bytes(self.cursor.take(length)?.into()))
    }

    fn old_string<const N: usize>(&mut self) -> Result<Node> {
        let length = self.cursor.length::<N>()?;
        let text = std::str::from_utf8(self.cursor.take(length)?).ok();
        Ok(Node::Text(text.filter(|text| text.is_ascii()).ok_or_else(old_string)?.into()))
    }

    fn container(&mut self, code: u8) -> Result<()> {
        let node = match code {
            EMPTY_TUPLE => Node::Tuple(Vec::new()),
            TUPLE1 => Node::Tuple(self.pop_last(1)?),
            TUPLE2 => Node::Tuple(self.pop_last(2)?),
            TUPLE3 => Node::Tuple(self.pop_last(3)?),
            TUPLE => Node::Tuple(self.pop_mark()?),
            EMPTY_LIST => Node::List(Vec::new()),
            LIST => Node::List(self.pop_mark()?),
            EMPTY_SET => Node::Set(Vec::new()),
            FROZENSET => Node::Set(self.pop_mark()?),
            DICT => {
                let items = self.pop_mark()?;
                Node::Dict(self.pairs(&items)?)
            }
            _ => Node::Dict(Vec::new()),
        };
        self.push(node)
    }

    /// Puts values into a container that lies below them on the stack.
    fn fill(&mut self, code: u8) -> Result<()> {
        let added = match code {
            APPEND => self.pop_last(1)?,
            SETITEM => self.pop_last(2)?,
            _ => self.pop_mark()?,
        };
        let target = self.top()?;
        let entries = matches!(code, SETITEM | SETITEMS);
        let pairs = if entries { self.pairs(&added)? } else { Vec::new() };
        match (self.graph.node_mut(target), entries) {
            (Node::Dict(all), true) => all.extend(pairs),
            (Node::Object(object), true) => object.entries.extend(pairs),
            (Node::List(all) | Node::Set(all), false) => all.extend(added),
            (Node::Object(object), false) => object.items.extend(added),
            (other, _) => {
                let kind = other.kind();
                return Err(self.damaged(format!("nothing can be put into {kind}")));
            }
        }
        Ok(())
    }

    fn pairs(&self, items: &[NodeId]) -> Result<Vec<(NodeId, NodeId)>> {
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.damaged("a dictionary gets a key without a value"));
        }
        Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect())
    }

    fn memo_key(&mut self, code: u8) -> Result<u64> {
        Ok(match code {
            BINPUT | BINGET => self.cursor.u8()?.into(),
            LONG_BINPUT | LONG_BINGET => u32::from_le_bytes(self.cursor.array()?).into(),
            MEMOIZE => self.frame.memo.len() as u64,
            _ => {
                let line = self.cursor.line()?;
                let key = std::str::from_utf8(line).ok().and_then(|text| text.trim().parse().ok());
                key.ok_or_else(|| self.damaged("a memo's number cannot be read"))?
            }
        })
    }

    fn put(&mut self, code: u8) -> Result<()> {
        let key = self.memo_key(code)?;
        let top = self.top()?;
        self.frame.memo.insert(key, top);
        Ok(())
    }

    fn get(&mut self, code: u8) -> Result<()> {
        let key = self.memo_key(code)?;
        let Some(id) = self.frame.memo.get(&key).copied() else {
            return Err(self.damaged(format!("memo {key} is empty")));
        };
        self.push_id(id)
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> Error {
        self.cursor.damaged(what)
    }

    /// Counts bytes that are copied out of a value: it may stand in the pickle once and be used a
    /// million times.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<()> {
        let left = self.copies_left.checked_sub(bytes);
        self.copies_left =
            left.ok_or_else(|| self.damaged("the same data are copied too often"))?;
        Ok(())
    }

    pub(super) fn push(&mut self, node: Node) -> Result<()> {
        let id = self.graph.add(node)?;
        self.push_id(id)
    }

    fn push_id(&mut self, id: NodeId) -> Result<()> {
        within("a pickle's stack", self.frame.stack.len() + 1, STACK_MAX)?;
        self.frame.stack.push(id);
        Ok(())
    }

    fn mark(&mut self) -> Result<()> {
        within("the marks of a pickle", self.frame.marks.len() + 1, MARKS_MAX)?;
        self.frame.marks.push(self.frame.stack.len());
        Ok(())
    }

    /// The lowest height down to which values may be taken.
    fn floor(&self) -> usize {
        self.frame.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn top(&self) -> Result<NodeId> {
        let values = self.frame.stack.get(self.floor()..);
        let top = values.and_then(<[NodeId]>::last).copied();
        top.ok_or_else(|| self.damaged("the stack is empty"))
    }

    pub(super) fn pop(&mut self) -> Result<NodeId> {
        let top = self.top()?;
        self.frame.stack.pop();
        Ok(top)
    }

    fn pop_any(&mut self) -> Result<()> {
        if self.frame.marks.last() == Some(&self.frame.stack.len()) {
            self.frame.marks.pop();
            return Ok(());
        }
        self.pop().map(|_| ())
    }

    pub(super) fn pop_last(&mut self, count: usize) -> Result<Vec<NodeId>> {
        let height = self.frame.stack.len().checked_sub(count);
        match height.filter(|height| *height >= self.floor()) {
            Some(height) => Ok(self.frame.stack.split_off(height)),
            None => Err(self.damaged("the stack is empty")),
        }
    }

    pub(super) fn pop_mark(&mut self) -> Result<Vec<NodeId>> {
        match self.frame.marks.pop() {
            Some(height) => Ok(self.frame.stack.split_off(height)),
            None => Err(self.damaged("there is no mark")),
        }
    }

    /// Reads a class's or function's name.
    pub(super) fn global(&mut self, code: u8) -> Result<Name> {
        if code == STACK_GLOBAL {
            let pair = self.pop_last(2)?;
            return match (self.graph.node(pair[0]), self.graph.node(pair[1])) {
                (Node::Text(module), Node::Text(name)) => {
                    Ok(Name { module: modern(module), name: Arc::clone(name) })
                }
                _ => Err(self.damaged("a class is not named by two texts")),
            };
        }
        let module = self.cursor.line()?;
        let name = self.cursor.line()?;
        match (std::str::from_utf8(module), std::str::from_utf8(name)) {
            (Ok(module), Ok(name)) => {
                Ok(Name { module: modern(&module.into()), name: name.into() })
            }
            _ => Err(self.damaged("a class's name is not UTF-8")),
        }
    }
}

/// The name that Python 3 has for a module of Python 2's, under which protocols 0 to 2 write it.
fn modern(module: &Arc<str>) -> Arc<str> {
    match &**module {
        "__builtin__" => "builtins".into(),
        "copy_reg" => "copyreg".into(),
        _ => Arc::clone(module),
    }
}

fn old_string() -> Error {
    Error::python("the pickle holds strings of Python 2")
}

/// Adds opcode and place to what went wrong.
fn located(error: Error, at: usize, code: u8) -> Error {
    let name = op::name(code).map_or_else(|| format!("opcode {code:#04x}"), str::to_owned);
    match error {
        Error::Damaged { what, .. } => Error::damaged(FORMAT, at, format!("{name}: {what}")),
        Error::NeedsPython(reason) => Error::python(format!("{reason} ({name} at byte {at})")),
        other => other,
    }
}
