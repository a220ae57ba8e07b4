//! What skops files and pickles contain, as records: no class is looked up, nothing is called.
//!
//! A [`Graph`] owns its nodes; they refer to each other by [`NodeId`], so a shared object is one
//! node and a cycle is harmless until somebody follows it. Who follows references counts the steps.

use std::cell::Cell;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::limits::NODES_MAX;
use crate::npy::{Array, DType};

/// A node of one [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(u32);

/// The name of a class or function, as the file gives it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    /// For example `sklearn.tree._classes`.
    pub(crate) module: Arc<str>,
    /// For example `DecisionTreeClassifier`.
    pub(crate) name: Arc<str>,
}

impl Name {
    pub(crate) fn new(module: &str, name: &str) -> Self {
        Self { module: module.into(), name: name.into() }
    }

    /// Whether this is `name` of `module`.
    pub(crate) fn is(&self, module: &str, name: &str) -> bool {
        *self.module == *module && *self.name == *name
    }

    /// Whether the module belongs to the package `package`.
    pub(crate) fn is_of(&self, package: &str) -> bool {
        self.module
            .strip_prefix(package)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.module, self.name)
    }
}

/// What calling `class` with `args` would have made, and what was then put into it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    /// The class, or the function that makes the object.
    pub(crate) class: Name,
    /// What it was called with.
    pub(crate) args: Vec<NodeId>,
    /// What its `__setstate__` got, nearly always a dictionary of its attributes.
    pub(crate) state: Option<NodeId>,
    /// What was appended to it, for classes that are lists or sets.
    pub(crate) items: Vec<NodeId>,
    /// What was set in it, for classes that are dictionaries.
    pub(crate) entries: Vec<(NodeId, NodeId)>,
}

/// One thing in a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// Python's `None`.
    None,
    /// A boolean.
    Bool(bool),
    /// An integer of at most 64 bits.
    Int(i64),
    /// A longer integer: two's complement, little-endian.
    BigInt(Box<[u8]>),
    /// A float.
    Float(f64),
    /// A text.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// A list, or a class like it.
    List(Vec<NodeId>),
    /// A tuple.
    Tuple(Vec<NodeId>),
    /// A set or a frozen set.
    Set(Vec<NodeId>),
    /// A dictionary in the order of the file; of equal keys the last one counts.
    Dict(Vec<(NodeId, NodeId)>),
    /// A numpy array, or a scalar as an array without dimensions.
    Array(Box<Array>),
    /// A numpy data type.
    DType(Arc<DType>),
    /// A class or function as a value.
    Name(Name),
    /// Anything else.
    Object(Box<Object>),
}

impl Node {
    /// The record of an object that nothing has been put into yet.
    pub(crate) fn object(class: Name, args: Vec<NodeId>, state: Option<NodeId>) -> Self {
        let (items, entries) = (Vec::new(), Vec::new());
        Self::Object(Box::new(Object { class, args, state, items, entries }))
    }

    /// What this is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::BigInt(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Set(_) => "a set",
            Self::Dict(_) => "a dictionary",
            Self::Array(_) => "an array",
            Self::DType(_) => "a data type",
            Self::Name(_) => "a class",
            Self::Object(_) => "an object",
        }
    }
}

/// How many times the size of its file may be read out of a graph. Compiling reads each array once
/// or twice; but a file may refer to one array from a million places.
const READS: usize = 8;
/// What may be read out of the graph of a small file.
const READ_ANY_BYTES: usize = 1 << 20;

/// All that a file contains.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    root: Option<NodeId>,
    /// Bytes that may still be read out of it, so that what is made of a file is not much larger.
    left: Cell<usize>,
}

impl Graph {
    /// The thing that was saved.
    pub(crate) fn root(&self) -> Result<NodeId> {
        self.root.ok_or_else(|| Error::python("the file contains no object"))
    }

    /// Ends the reading of a file that had so many bytes when it was unpacked.
    pub(crate) fn finish(&mut self, root: NodeId, bytes: usize) {
        self.root = Some(root);
        self.left = Cell::new(bytes.saturating_mul(READS).max(READ_ANY_BYTES));
    }

    /// Counts what is read out of the graph to make something else of it.
    pub(crate) fn charge(&self, bytes: usize) -> Result<()> {
        let left = self.left.get().checked_sub(bytes);
        let too_often = || Error::broken("the file", "it refers to the same data too often");
        self.left.set(left.ok_or_else(too_often)?);
        Ok(())
    }

    /// The node `id`.
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        // Ids are made by `add` only, and nodes are never removed.
        &self.nodes[id.0 as usize]
    }

    /// The lengths of an array's dimensions, if that is what nodes are.
    pub(crate) fn lengths(&self, ids: &[NodeId]) -> Option<Vec<usize>> {
        let length = |id: &NodeId| match self.node(*id) {
            Node::Int(length) => usize::try_from(*length).ok(),
            _ => None,
        };
        ids.iter().map(length).collect()
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    pub(crate) fn add(&mut self, node: Node) -> Result<NodeId> {
        let too_many = Error::TooLarge { what: "the number of objects", limit: NODES_MAX };
        if self.nodes.len() >= NODES_MAX {
            return Err(too_many);
        }
        let id = u32::try_from(self.nodes.len()).ok().ok_or(too_many)?;
        self.nodes.push(node);
        Ok(NodeId(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_out_is_limited_by_the_size_of_the_file() {
        let mut graph = Graph::default();
        let root = graph.add(Node::None).unwrap();
        assert!(graph.charge(1).is_err());
        graph.finish(root, 1 << 20);
        for _ in 0..READS {
            graph.charge(1 << 20).unwrap();
        }
        assert!(graph.charge(1).unwrap_err().to_string().contains("too often"));
    }
}
