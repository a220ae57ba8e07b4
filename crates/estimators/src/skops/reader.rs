//! From skops' records to the graph. The loader's name in each record says what it is.

use std::collections::HashMap;
use std::sync::Arc;

use super::FORMAT;
use super::archive::Archive;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::graph::{Graph, Name, Node, NodeId};
use crate::limits::{DEPTH_MAX, DIMENSIONS_MAX, within};
use crate::npy::{self, Array};

pub(super) struct Reader<'a> {
    archive: Archive<'a>,
    graph: Graph,
    /// Nodes by the number that the file gives them. A number that comes again is the same object.
    known: HashMap<i64, NodeId>,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(archive: Archive<'a>) -> Self {
        Self { archive, graph: Graph::default(), known: HashMap::new(), depth: 0 }
    }

    pub(super) fn run(mut self, schema: &Document) -> Result<Graph> {
        let root = self.node(schema)?;
        self.graph.finish(root, self.archive.unpacked());
        Ok(self.graph)
    }

    fn node(&mut self, record: &Document) -> Result<NodeId> {
        let number = record.get("__id__").and_then(Document::int);
        if let Some(id) = number.and_then(|number| self.known.get(&number)) {
            return Ok(*id);
        }
        within("the depth of a skops file", self.depth + 1, DEPTH_MAX)?;
        // Known before it is read, so that it may contain itself.
        let id = self.graph.add(Node::None)?;
        if let Some(number) = number {
            self.known.insert(number, id);
        }
        self.depth += 1;
        let node = self.load(record)?;
        self.depth -= 1;
        *self.graph.node_mut(id) = node;
        Ok(id)
    }

    fn load(&mut self, record: &Document) -> Result<Node> {
        match text(record, "__loader__")? {
            "JsonNode" => scalar(text(record, "content")?),
            "ListNode" => Ok(Node::List(self.items(record)?)),
            "TupleNode" => Ok(Node::Tuple(self.items(record)?)),
            "SetNode" => Ok(Node::Set(self.items(record)?)),
            "DictNode" => self.dict(record),
            "DefaultDictNode" => self.dict(record.at(&["content", "main"])?),
            "BytesNode" | "BytearrayNode" => {
                Ok(Node::Bytes(self.archive.entry(text(record, "file")?)?.into()))
            }
            "NdArrayNode" => self.array(record),
            "DTypeNode" => self.dtype(record),
            "TypeNode" | "FunctionNode" => Ok(Node::Name(class(record)?)),
            "ObjectNode" => {
                let state = record.get("content").map(|content| self.node(content)).transpose()?;
                Ok(Node::object(class(record)?, Vec::new(), state))
            }
            // `SGDNode` is the older name of `LossNode`.
            "TreeNode" | "LossNode" | "SGDNode" => {
                let args = self.args(record.at(&["__reduce__", "args"])?)?;
                let state = record.get("content").map(|content| self.node(content)).transpose()?;
                Ok(Node::object(class(record)?, args, state))
            }
            "ConstructorFromReduceNode" => {
                let args = self.args(record.at(&["content"])?)?;
                Ok(Node::object(class(record)?, args, None))
            }
            "SliceNode" => self.slice(record),
            // No prediction depends on the state of a random generator.
            "RandomStateNode" | "RandomGeneratorNode" => {
                Ok(Node::object(class(record)?, Vec::new(), None))
            }
            // Kept as what they are, for the compiler to refuse where they matter.
            kept @ ("MethodNode" | "PartialNode" | "OperatorFuncNode" | "MaskedArrayNode"
            | "SparseMatrixNode" | "QuantileForestNode") => {
                Ok(Node::object(Name::new("skops", kept), Vec::new(), None))
            }
            "CachedNode" => Err(damaged("a record refers to one that is not there")),
            other => {
                let short: String = other.chars().take(40).collect();
                Err(Error::python(format!("skops' loader '{short}' is unknown")))
            }
        }
    }

    fn items(&mut self, record: &Document) -> Result<Vec<NodeId>> {
        let items = record.get("content").and_then(Document::list);
        let items = items.ok_or_else(|| damaged("a container has no list"))?;
        items.iter().map(|item| self.node(item)).collect()
    }

    /// The items of the tuple with which an object was made.
    fn args(&mut self, record: &Document) -> Result<Vec<NodeId>> {
        let tuple = self.node(record)?;
        match self.graph.node(tuple) {
            // Arguments are few, and only once in the file.
            Node::Tuple(items) => Ok(items.clone()),
            _ => Err(damaged("arguments are not a tuple")),
        }
    }

    fn dict(&mut self, record: &Document) -> Result<Node> {
        let Some(Document::Map(content)) = record.get("content") else {
            return Err(damaged("a dictionary has no entries"));
        };
        let types = record.get("key_types").and_then(|types| types.get("content"));
        let types = types.and_then(Document::list).unwrap_or_default();
        let mut entries = Vec::with_capacity(content.len());
        for (at, (name, value)) in content.iter().enumerate() {
            let kind = types.get(at).and_then(|kind| kind.get("__class__"));
            let key = key(name, kind.and_then(Document::text).unwrap_or("str"))?;
            entries.push((self.graph.add(key)?, self.node(value)?));
        }
        Ok(Node::Dict(entries))
    }

    fn array(&mut self, record: &Document) -> Result<Node> {
        match text(record, "type")? {
            "numpy" => {
                let bytes = self.archive.entry(text(record, "file")?)?;
                Ok(Node::Array(Box::new(npy::read(&bytes)?)))
            }
            "json" => {
                let shape = self.node(record.at(&["shape"])?)?;
                let shape = self.shape(shape)?;
                let mut objects = Vec::new();
                let items = record.get("content").and_then(Document::list);
                let items = items.ok_or_else(|| damaged("an array has no list"))?;
                self.flatten(items, shape.len(), &mut objects)?;
                Ok(Node::Array(Box::new(Array::of_objects(shape, false, objects)?)))
            }
            _ => Err(damaged("an array is of an unknown type")),
        }
    }

    fn shape(&self, id: NodeId) -> Result<Vec<usize>> {
        let Node::Tuple(items) = self.graph.node(id) else {
            return Err(damaged("a shape is not a tuple"));
        };
        if items.len() > DIMENSIONS_MAX {
            return Err(damaged("an array has too many dimensions"));
        }
        self.graph.lengths(items).ok_or_else(|| damaged("a shape has a length that is none"))
    }

    /// The objects of an array of several dimensions, which stand in lists of lists.
    fn flatten(
        &mut self,
        items: &[Document],
        dimensions: usize,
        objects: &mut Vec<NodeId>,
    ) -> Result<()> {
        for item in items {
            if dimensions <= 1 {
                objects.push(self.node(item)?);
                continue;
            }
            let inner = item.get("content").and_then(Document::list);
            let inner = inner.ok_or_else(|| damaged("an array is not as its shape says"))?;
            self.flatten(inner, dimensions - 1, objects)?;
        }
        Ok(())
    }

    fn dtype(&mut self, record: &Document) -> Result<Node> {
        let array = self.node(record.at(&["content"])?)?;
        match self.graph.node(array) {
            Node::Array(array) => Ok(Node::DType(Arc::new(array.dtype().clone()))),
            _ => Err(damaged("a data type has no array")),
        }
    }

    fn slice(&mut self, record: &Document) -> Result<Node> {
        let mut args = Vec::with_capacity(3);
        for name in ["start", "stop", "step"] {
            let node = match record.at(&["content", name])? {
                Document::Null => Node::None,
                Document::Int(number) => Node::Int(*number),
                _ => return Err(damaged("a slice has a bound that is no integer")),
            };
            args.push(self.graph.add(node)?);
        }
        Ok(Node::object(Name::new("builtins", "slice"), args, None))
    }
}

fn damaged(what: &str) -> Error {
    Error::broken(FORMAT, what)
}

fn text<'a>(record: &'a Document, name: &str) -> Result<&'a str> {
    let text = record.get(name).and_then(Document::text);
    text.ok_or_else(|| damaged(&format!("a record has no '{name}'")))
}

fn class(record: &Document) -> Result<Name> {
    Ok(Name::new(text(record, "__module__")?, text(record, "__class__")?))
}

/// What Python's `json.dumps` made of one value.
fn scalar(json: &str) -> Result<Node> {
    Ok(match json {
        "NaN" => Node::Float(f64::NAN),
        "Infinity" => Node::Float(f64::INFINITY),
        "-Infinity" => Node::Float(f64::NEG_INFINITY),
        _ => match Document::from_json(json.as_bytes())? {
            Document::Null => Node::None,
            Document::Bool(value) => Node::Bool(value),
            Document::Int(value) => Node::Int(value),
            Document::Float(_) if !json.contains(['.', 'e', 'E']) => {
                return Err(Error::python("an integer has more than 63 bits"));
            }
            Document::Float(value) => Node::Float(value),
            Document::Text(value) => Node::Text(value.into()),
            _ => return Err(damaged("a scalar is a container")),
        },
    })
}

/// A dictionary's key: JSON has texts only, so its type stands beside it.
fn key(name: &str, kind: &str) -> Result<Node> {
    let unreadable = || damaged("a dictionary's key is not of its type");
    match kind {
        "int" | "int64" | "int32" => name.parse().map(Node::Int).ok().ok_or_else(unreadable),
        "float" | "float64" => match name {
            "NaN" | "nan" => Ok(Node::Float(f64::NAN)),
            _ => name.parse().map(Node::Float).ok().ok_or_else(unreadable),
        },
        // json.dumps writes these two in small letters.
        "bool" | "bool_" => Ok(Node::Bool(name == "true")),
        "NoneType" => Ok(Node::None),
        _ => Ok(Node::Text(name.into())),
    }
}
