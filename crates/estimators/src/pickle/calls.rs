//! Calls: what they would make is recorded, nothing is called.

use super::machine::Machine;
use super::opcode::*;
use super::{joblib, numpy};
use crate::error::{Error, Result};
use crate::graph::{Name, Node, NodeId};

impl Machine<'_> {
    pub(super) fn call(&mut self, code: u8) -> Result<()> {
        match code {
            GLOBAL | STACK_GLOBAL => {
                let name = self.global(code)?;
                self.push(Node::Name(name))
            }
            INST => {
                let class = self.global(code)?;
                let args = self.pop_mark()?;
                self.push(Node::object(class, args, None))
            }
            OBJ => {
                let mut args = self.pop_mark()?;
                if args.is_empty() {
                    return Err(self.damaged("an object has no class"));
                }
                let callable = args.remove(0);
                let class = self.callable(callable)?;
                self.push(Node::object(class, args, None))
            }
            BUILD => self.build(),
            NEWOBJ_EX => {
                let mut parts = self.pop_last(3)?;
                let mut args = self.tuple(parts[1])?;
                // Kept as a last argument: whoever knows the class sees that there is one too many.
                let named = parts.remove(2);
                if !matches!(self.graph.node(named), Node::Dict(entries) if entries.is_empty()) {
                    args.push(named);
                }
                let class = self.callable(parts[0])?;
                self.push(Node::object(class, args, None))
            }
            _ => {
                let parts = self.pop_last(2)?;
                let args = self.tuple(parts[1])?;
                let class = self.callable(parts[0])?;
                let made = if code == REDUCE {
                    self.reduce(class, args)?
                } else {
                    Node::object(class, args, None)
                };
                self.push(made)
            }
        }
    }

    /// The name under which a call is recorded.
    fn callable(&self, id: NodeId) -> Result<Name> {
        match self.graph.node(id) {
            Node::Name(name) => Ok(name.clone()),
            // A function that the pickle itself makes, as cloudpickle does with users' code.
            Node::Object(object) => {
                Ok(Name { module: object.class.module.clone(), name: "<result of a call>".into() })
            }
            other => Err(self.damaged(format!("{} cannot be called", other.kind()))),
        }
    }

    fn tuple(&mut self, id: NodeId) -> Result<Vec<NodeId>> {
        let Node::Tuple(items) = self.graph.node(id) else {
            let kind = self.graph.node(id).kind();
            return Err(self.damaged(format!("the arguments are {kind} instead of a tuple")));
        };
        let items = items.clone();
        self.charge(size_of_val(&*items))?;
        Ok(items)
    }

    fn reduce(&mut self, class: Name, args: Vec<NodeId>) -> Result<Node> {
        match (&*class.module, &*class.name) {
            // Behind the class stand, for `_reconstructor`, a base class and its state; only for
            // classes in Python.
            ("copyreg", "_reconstructor" | "__newobj__") => {
                let [class, rest @ ..] = args.as_slice() else {
                    return Err(self.damaged("no class is given"));
                };
                Ok(Node::object(self.callable(*class)?, rest.to_vec(), None))
            }
            ("_codecs", "encode") => self.encode(&args),
            ("builtins", "bytearray" | "bytes") if args.is_empty() => {
                Ok(Node::Bytes(Box::default()))
            }
            ("builtins", "bytearray") => self.encode(&args),
            ("builtins", "set" | "frozenset") => Ok(Node::Set(self.items(&args)?)),
            ("builtins", "list") => Ok(Node::List(self.items(&args)?)),
            ("builtins", "tuple") => Ok(Node::Tuple(self.items(&args)?)),
            ("builtins", "dict") | ("collections", "OrderedDict") if args.is_empty() => {
                Ok(Node::Dict(Vec::new()))
            }
            ("collections", "OrderedDict") => self.ordered(&args),
            // Its only argument makes missing entries, and nobody looks those up here.
            ("collections", "defaultdict") if args.len() <= 1 => Ok(Node::Dict(Vec::new())),
            ("numpy", _) => numpy::reduce(self, class, args),
            _ if class.is_of("numpy.core") || class.is_of("numpy._core") => {
                numpy::reduce(self, class, args)
            }
            _ => Ok(Node::object(class, args, None)),
        }
    }

    /// Bytes in protocols below 3 are a text whose characters stand for the bytes.
    fn encode(&mut self, args: &[NodeId]) -> Result<Node> {
        let text = args.first().map(|id| self.graph.node(*id));
        let bytes: Option<Box<[u8]>> = match text {
            Some(Node::Text(text)) => {
                text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
            }
            Some(Node::Bytes(bytes)) => Some(bytes.clone()),
            _ => None,
        };
        let latin = match args.get(1).map(|id| self.graph.node(*id)) {
            Some(Node::Text(name)) => matches!(&**name, "latin1" | "latin-1" | "iso-8859-1"),
            other => other.is_none(),
        };
        let bytes = bytes.filter(|_| latin);
        let bytes = bytes.ok_or_else(|| Error::python("the pickle encodes a text"))?;
        self.charge(bytes.len())?;
        Ok(Node::Bytes(bytes))
    }

    fn items(&mut self, args: &[NodeId]) -> Result<Vec<NodeId>> {
        let items = match args {
            [] => Vec::new(),
            [items] => match self.graph.node(*items) {
                Node::List(items) | Node::Tuple(items) | Node::Set(items) => items.clone(),
                _ => return Err(Error::python("a container is made from something unknown")),
            },
            _ => return Err(self.damaged("a container is made from two things")),
        };
        self.charge(size_of_val(&*items))?;
        Ok(items)
    }

    /// Python 2 gave the entries as a list of pairs.
    fn ordered(&mut self, args: &[NodeId]) -> Result<Node> {
        let pairs = self.items(args)?;
        let mut entries = Vec::with_capacity(pairs.len());
        for pair in pairs {
            match self.graph.node(pair) {
                Node::List(pair) | Node::Tuple(pair) if pair.len() == 2 => {
                    entries.push((pair[0], pair[1]));
                }
                _ => return Err(Error::python("a dictionary is made from something unknown")),
            }
        }
        Ok(Node::Dict(entries))
    }

    /// Gives an object its state.
    fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        let target = self.top()?;
        let class = match self.graph.node_mut(target) {
            Node::DType(_) => return numpy::build_dtype(self, target, state),
            Node::Object(object) if object.state.is_none() => {
                object.state = Some(state);
                object.class.clone()
            }
            Node::Object(object) => {
                let class = object.class.clone();
                return Err(Error::python(format!("{class} gets its state twice")));
            }
            other => {
                let kind = other.kind();
                return Err(Error::python(format!("{kind} gets attributes")));
            }
        };
        if numpy::is_reconstruct(&class) {
            numpy::build_array(self, target, state)
        } else if joblib::is_wrapper(&class) {
            joblib::read_array(self, target, state)
        } else {
            Ok(())
        }
    }
}
