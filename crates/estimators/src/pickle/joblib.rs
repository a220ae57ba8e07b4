//! Arrays as `joblib.dump` writes them: a record, and the array's bytes right behind it.

use super::machine::{Frame, Machine};
use super::numpy;
use crate::error::{Error, Result};
use crate::graph::{Graph, Name, Node, NodeId};
use crate::limits::{PICKLE_DEPTH_MAX, within};
use crate::npy::{Array, element_count};

pub(super) fn is_wrapper(class: &Name) -> bool {
    class.is("joblib.numpy_pickle", "NumpyArrayWrapper")
        || class.is("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper")
}

/// The entry `name` of the record's attributes.
fn entry(graph: &Graph, state: NodeId, name: &str) -> Option<NodeId> {
    let Node::Dict(entries) = graph.node(state) else { return None };
    // A record has six attributes; a longer one is not joblib's.
    let is_it = |key| matches!(graph.node(key), Node::Text(key) if **key == *name);
    entries.iter().take(16).rev().find(|(key, _)| is_it(*key)).map(|(_, value)| *value)
}

/// Replaces the record by the array that follows it.
pub(super) fn read_array(machine: &mut Machine<'_>, target: NodeId, state: NodeId) -> Result<()> {
    let find = |name: &str| {
        let found = entry(&machine.graph, state, name);
        found.ok_or_else(|| machine.damaged(format!("joblib's record has no '{name}'")))
    };
    let (class, shape, order, dtype) =
        (find("subclass")?, find("shape")?, find("order")?, find("dtype")?);
    if !matches!(machine.graph.node(class), Node::Name(class) if class.is("numpy", "ndarray")) {
        return Err(Error::python("the pickle holds a subclass of numpy's arrays"));
    }
    let shape = numpy::shape(machine, shape)?;
    let fortran = matches!(machine.graph.node(order), Node::Text(order) if **order == *"F");
    let dtype = numpy::dtype(machine, dtype)?;
    let aligned = entry(&machine.graph, state, "numpy_array_alignment_bytes");
    let aligned = aligned.is_some_and(|id| *machine.graph.node(id) != Node::None);
    let array = if dtype.has_objects() {
        *nested(machine)?
    } else {
        if aligned {
            let padding = machine.cursor.u8()?;
            machine.cursor.take(padding.into())?;
        }
        let length = element_count(&shape)?.checked_mul(dtype.size);
        let length = length.ok_or_else(|| machine.damaged("an array is too long"))?;
        let bytes = machine.cursor.take(length)?;
        machine.charge(size_of_val(&*shape))?;
        Array::new(dtype, shape, fortran, bytes.into())?
    };
    *machine.graph.node_mut(target) = Node::Array(Box::new(array));
    Ok(())
}

/// An array of objects is a pickle of its own.
fn nested(machine: &mut Machine<'_>) -> Result<Box<Array>> {
    within("the depth of pickles in pickles", machine.depth + 1, PICKLE_DEPTH_MAX)?;
    let outer = std::mem::take::<Frame>(&mut machine.frame);
    machine.depth += 1;
    let made = machine.pickle()?;
    machine.depth -= 1;
    machine.frame = outer;
    match machine.graph.node(made) {
        Node::Array(array) => {
            let array = array.clone();
            machine.charge(size_of::<NodeId>().saturating_mul(array.len()))?;
            Ok(array)
        }
        _ => Err(machine.damaged("a pickle inside the pickle holds no array")),
    }
}
