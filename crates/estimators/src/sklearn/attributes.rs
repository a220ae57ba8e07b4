//! The attributes of one estimator, by name, with their types checked.

use std::collections::HashMap;
use std::sync::Arc;

use super::version::Version;
use crate::error::{Error, Result};
use crate::graph::{Graph, Name, Node, NodeId, Object};
use crate::math::exact;
use crate::npy::{Array, Kind};

pub(crate) struct Attributes<'g> {
    pub(crate) graph: &'g Graph,
    pub(crate) class: &'g Name,
    entries: HashMap<&'g str, NodeId>,
}

/// The object `id`, or why it is none.
pub(crate) fn object(graph: &Graph, id: NodeId) -> Result<&Object> {
    match graph.node(id) {
        Node::Object(object) => Ok(object),
        other => Err(Error::python(format!("{} where an estimator is expected", other.kind()))),
    }
}

impl<'g> Attributes<'g> {
    pub(crate) fn of(graph: &'g Graph, id: NodeId) -> Result<Self> {
        let object = object(graph, id)?;
        let class = &object.class;
        let missing = || Error::python(format!("{class} has no attributes"));
        let state = object.state.ok_or_else(missing)?;
        let Node::Dict(all) = graph.node(state) else { return Err(missing()) };
        graph.charge(size_of_val(&**all))?;
        let mut entries = HashMap::with_capacity(all.len());
        for (key, value) in all {
            if let Node::Text(key) = graph.node(*key) {
                entries.insert(&**key, *value);
            }
        }
        Ok(Self { graph, class, entries })
    }

    pub(crate) fn error(&self, what: impl std::fmt::Display) -> Error {
        Error::python(format!("{}: {what}", self.class.name))
    }

    /// The version of scikit-learn that saved the estimator, if it is one that is known exactly.
    pub(crate) fn version(&self) -> Result<Version> {
        Version::parse(self.text("_sklearn_version")?)
    }

    pub(crate) fn get(&self, name: &str) -> Option<NodeId> {
        self.entries.get(name).copied()
    }

    pub(crate) fn node(&self, name: &str) -> Result<&'g Node> {
        Ok(self.graph.node(self.id(name)?))
    }

    pub(crate) fn id(&self, name: &str) -> Result<NodeId> {
        self.get(name).ok_or_else(|| self.error(format!("there is no '{name}'")))
    }

    fn unfit(&self, name: &str, wanted: &str) -> Error {
        let kind = self.node(name).map_or("nothing", Node::kind);
        self.error(format!("'{name}' is {kind} instead of {wanted}"))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&'g str> {
        match self.node(name)? {
            Node::Text(text) => Ok(text),
            _ => Err(self.unfit(name, "a text")),
        }
    }

    /// Whether the attribute is `None` or not there, as parameters are in older versions.
    pub(crate) fn is_none(&self, name: &str) -> bool {
        self.get(name).is_none_or(|id| *self.graph.node(id) == Node::None)
    }

    pub(crate) fn bool(&self, name: &str) -> Result<bool> {
        match self.node(name)? {
            Node::Bool(value) => Ok(*value),
            Node::Array(array) if array.shape().is_empty() && array.dtype().kind == Kind::Bool => {
                Ok(array.i64s()?.first() == Some(&1))
            }
            _ => Err(self.unfit(name, "a boolean")),
        }
    }

    pub(crate) fn f64(&self, name: &str) -> Result<f64> {
        number(self.node(name)?).ok_or_else(|| self.unfit(name, "a number"))
    }

    pub(crate) fn usize(&self, name: &str) -> Result<usize> {
        let number = match self.node(name)? {
            Node::Int(number) => usize::try_from(*number).ok(),
            Node::Array(array) if array.shape().is_empty() => {
                array.i64s()?.first().and_then(|number| usize::try_from(*number).ok())
            }
            _ => None,
        };
        number.ok_or_else(|| self.unfit(name, "a count"))
    }

    pub(crate) fn array(&self, name: &str) -> Result<&'g Array> {
        match self.node(name)? {
            Node::Array(array) => {
                self.graph.charge(array.bytes())?;
                Ok(array)
            }
            _ => Err(self.unfit(name, "an array")),
        }
    }

    /// An array of doubles. Single precision is refused: then the estimator computes in it.
    pub(crate) fn f64s(&self, name: &str) -> Result<Vec<f64>> {
        let array = self.array(name)?;
        if array.dtype().kind == Kind::Float && array.dtype().size != 8 {
            return Err(self.unfit(name, "an array of doubles"));
        }
        array.f64s()
    }

    pub(crate) fn list(&self, name: &str) -> Result<&'g [NodeId]> {
        match self.node(name)? {
            Node::List(items) | Node::Tuple(items) => {
                self.graph.charge(size_of_val(&**items))?;
                Ok(items)
            }
            Node::Array(array) => {
                self.graph.charge(array.bytes())?;
                array.objects().ok_or_else(|| self.unfit(name, "a list"))
            }
            _ => Err(self.unfit(name, "a list")),
        }
    }

    /// The names of the features, if the estimator was trained on a table with names.
    pub(crate) fn feature_names(&self) -> Result<Option<Vec<Arc<str>>>> {
        if self.is_none("feature_names_in_") {
            return Ok(None);
        }
        texts(self.graph, self.array("feature_names_in_")?).map(Some)
    }
}

/// A number, be it Python's or numpy's.
pub(crate) fn number(node: &Node) -> Option<f64> {
    match node {
        Node::Float(number) => Some(*number),
        Node::Int(number) => exact(*number),
        Node::Array(array) if array.shape().is_empty() => array.f64s().ok()?.first().copied(),
        _ => None,
    }
}

/// The texts of an array of texts or of objects that are texts.
pub(crate) fn texts(graph: &Graph, array: &Array) -> Result<Vec<Arc<str>>> {
    let Some(objects) = array.objects() else {
        return Ok(array.texts()?.into_iter().map(Arc::from).collect());
    };
    let text = |id: &NodeId| match graph.node(*id) {
        Node::Text(text) => Ok(Arc::clone(text)),
        other => Err(Error::python(format!("{} where a text is expected", other.kind()))),
    };
    objects.iter().map(text).collect()
}
