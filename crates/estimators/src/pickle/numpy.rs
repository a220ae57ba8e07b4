//! numpy's calls whose results are data: types, arrays, scalars.

use std::sync::Arc;

use super::machine::Machine;
use crate::error::{Error, Result};
use crate::graph::{Name, Node, NodeId};
use crate::limits::{DIMENSIONS_MAX, FIELDS_MAX, within};
use crate::npy::{Array, DType, Field, Kind};

/// numpy 2 renamed `numpy.core` to `numpy._core`.
fn is_core(class: &Name, module: &str, name: &str) -> bool {
    let inner = class.module.strip_prefix("numpy.");
    let inner = inner.and_then(|rest| rest.strip_prefix('_').unwrap_or(rest).strip_prefix("core."));
    inner == Some(module) && *class.name == *name
}

pub(super) fn is_reconstruct(class: &Name) -> bool {
    is_core(class, "multiarray", "_reconstruct")
}

pub(super) fn reduce(machine: &mut Machine<'_>, class: Name, args: Vec<NodeId>) -> Result<Node> {
    if class.is("numpy", "dtype") {
        // Newer types come as classes instead of texts and stay records.
        if let Some(Node::Text(text)) = args.first().map(|id| machine.graph.node(*id)) {
            return Ok(Node::DType(Arc::new(DType::parse(text)?)));
        }
    } else if is_core(&class, "multiarray", "scalar") {
        return scalar(machine, &args);
    } else if is_core(&class, "numeric", "_frombuffer") {
        return from_buffer(machine, &args);
    }
    Ok(Node::object(class, args, None))
}

pub(super) fn dtype(machine: &Machine<'_>, id: NodeId) -> Result<Arc<DType>> {
    match machine.graph.node(id) {
        Node::DType(dtype) => Ok(Arc::clone(dtype)),
        _ => Err(Error::python("an array has an unknown data type")),
    }
}

/// The items of a tuple that has `LEAST` of them or some more.
fn parts<'a, const LEAST: usize>(machine: &'a Machine<'_>, id: NodeId) -> Result<&'a [NodeId]> {
    match machine.graph.node(id) {
        Node::Tuple(items) if items.len() >= LEAST => Ok(items),
        other => {
            let kind = other.kind();
            Err(machine.damaged(format!("{kind} where numpy has {LEAST} values or more")))
        }
    }
}

fn scalar(machine: &mut Machine<'_>, args: &[NodeId]) -> Result<Node> {
    let [dtype_id, value] = args else {
        return Err(machine.damaged("a numpy scalar has two arguments"));
    };
    let dtype = dtype(machine, *dtype_id)?;
    if dtype.has_objects() {
        let array = Array::of_objects(Vec::new(), false, vec![*value])?;
        return Ok(Node::Array(Box::new(array)));
    }
    array(machine, dtype, Vec::new(), false, *value)
}

/// Protocol 5 gives an array's bytes, type, shape and order.
fn from_buffer(machine: &mut Machine<'_>, args: &[NodeId]) -> Result<Node> {
    let [bytes, dtype_id, shape_id, order] = args else {
        return Err(machine.damaged("an array of a buffer has four arguments"));
    };
    let dtype = dtype(machine, *dtype_id)?;
    let shape = shape(machine, *shape_id)?;
    let fortran = match machine.graph.node(*order) {
        Node::Text(order) if matches!(&**order, "C" | "F") => &**order == "F",
        _ => return Err(machine.damaged("an array's order is neither C nor F")),
    };
    array(machine, dtype, shape, fortran, *bytes)
}

fn array(
    machine: &mut Machine<'_>,
    dtype: Arc<DType>,
    shape: Vec<usize>,
    fortran: bool,
    bytes: NodeId,
) -> Result<Node> {
    let length = match machine.graph.node(bytes) {
        Node::Bytes(bytes) => bytes.len(),
        // Protocol 0 to 2 wrote raw strings; those of one character a byte are still readable.
        Node::Text(text) if text.is_ascii() => text.len(),
        other => {
            let kind = other.kind();
            return Err(Error::python(format!("an array's data are {kind}")));
        }
    };
    machine.charge(length.saturating_add(size_of_val(&*shape)))?;
    let bytes: Box<[u8]> = match machine.graph.node(bytes) {
        Node::Bytes(bytes) => bytes.clone(),
        Node::Text(text) => text.as_bytes().into(),
        _ => Box::default(),
    };
    // A structured type without fields is possible in numpy and of no use.
    Ok(Node::Array(Box::new(Array::new(dtype, shape, fortran, bytes)?)))
}

pub(super) fn shape(machine: &Machine<'_>, id: NodeId) -> Result<Vec<usize>> {
    let items = parts::<0>(machine, id)?;
    within("the dimensions of an array", items.len(), DIMENSIONS_MAX)?;
    machine.graph.lengths(items).ok_or_else(|| machine.damaged("an array's shape is wrong"))
}

/// `ndarray.__setstate__`: version, shape, type, whether in Fortran's order, data.
pub(super) fn build_array(machine: &mut Machine<'_>, target: NodeId, state: NodeId) -> Result<()> {
    let made = match machine.graph.node(target) {
        Node::Object(object) => object.args.first().map(|id| machine.graph.node(*id)),
        _ => None,
    };
    // Subclasses have their own ideas of a state and stay records.
    if !matches!(made, Some(Node::Name(class)) if class.is("numpy", "ndarray")) {
        return Ok(());
    }
    let &[_, shape_id, dtype_id, order, data, ..] = parts::<5>(machine, state)? else {
        return Err(machine.damaged("an array's state has five values"));
    };
    let shape = shape(machine, shape_id)?;
    let dtype = dtype(machine, dtype_id)?;
    let fortran = match machine.graph.node(order) {
        Node::Bool(fortran) => *fortran,
        Node::Int(fortran) => *fortran != 0,
        _ => return Err(machine.damaged("an array's order is wrong")),
    };
    let node = if dtype.has_objects() {
        let Node::List(objects) = machine.graph.node(data) else {
            return Err(machine.damaged("an array of objects has no list"));
        };
        let objects = objects.clone();
        machine.charge(size_of_val(&*objects))?;
        Node::Array(Box::new(Array::of_objects(shape, fortran, objects)?))
    } else {
        array(machine, dtype, shape, fortran, data)?
    };
    *machine.graph.node_mut(target) = node;
    Ok(())
}

/// `dtype.__setstate__`: version, byte order, type of sub-arrays, names, fields, size, alignment.
pub(super) fn build_dtype(machine: &mut Machine<'_>, target: NodeId, state: NodeId) -> Result<()> {
    let &[_, order, sub, names, fields, size, ..] = parts::<6>(machine, state)? else {
        return Err(machine.damaged("a data type's state has six values or more"));
    };
    let mut dtype = (*dtype(machine, target)?).clone();
    match machine.graph.node(order) {
        Node::Text(order) => dtype.big_endian = &**order == ">",
        _ => return Err(machine.damaged("a data type's byte order is wrong")),
    }
    if *machine.graph.node(sub) != Node::None {
        return Err(Error::python("a numpy data type is an array itself"));
    }
    if *machine.graph.node(names) != Node::None {
        let size = match machine.graph.node(size) {
            Node::Int(size) => usize::try_from(*size).unwrap_or(0),
            _ => 0,
        };
        dtype = structure(machine, names, fields, size)?;
    } else if matches!(dtype.kind, Kind::Struct(_)) {
        return Err(machine.damaged("a data type changes its kind"));
    }
    *machine.graph.node_mut(target) = Node::DType(Arc::new(dtype));
    Ok(())
}

fn structure(
    machine: &mut Machine<'_>,
    names: NodeId,
    fields: NodeId,
    size: usize,
) -> Result<DType> {
    let unknown = || Error::python("unknown form of a structured numpy data type");
    let names = parts::<0>(machine, names)?.to_vec();
    within("the number of fields", names.len(), FIELDS_MAX)?;
    let mut found = Vec::with_capacity(names.len());
    let mut bytes = 0;
    for name in names {
        let Node::Text(name) = machine.graph.node(name) else { return Err(unknown()) };
        let Node::Dict(entries) = machine.graph.node(fields) else { return Err(unknown()) };
        // At most as many entries are looked at as there are names in an honest file.
        let mut entries = entries.iter().take(FIELDS_MAX);
        let is_it = |key| matches!(machine.graph.node(key), Node::Text(key) if key == name);
        let (_, place) = entries.find(|(key, _)| is_it(*key)).ok_or_else(unknown)?;
        let &[dtype_id, offset, ..] = parts::<2>(machine, *place)? else { return Err(unknown()) };
        let Node::Int(offset) = machine.graph.node(offset) else { return Err(unknown()) };
        let dtype = (*dtype(machine, dtype_id)?).clone();
        if matches!(dtype.kind, Kind::Struct(_)) {
            return Err(unknown());
        }
        let offset = usize::try_from(*offset).ok().ok_or_else(unknown)?;
        bytes += name.len() + size_of::<Field>();
        found.push(Field { name: (**name).to_owned(), dtype, offset, count: 1 });
    }
    machine.charge(bytes)?;
    DType::structure(found, size)
}
