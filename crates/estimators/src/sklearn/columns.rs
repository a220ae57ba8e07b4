//! `ColumnTransformer`: columns through different transformers, and the results side by side.

use std::collections::HashMap;
use std::sync::Arc;

use super::attributes::Attributes;
use super::check::Expected;
use super::compile::Compiler;
use super::transform::Transformer;
use crate::error::{Error, Result};
use crate::graph::{Node, NodeId};
use crate::table::{Matrix, Rows, Table, cells};

#[derive(Debug)]
pub(crate) struct Columns {
    expected: Expected,
    /// Transformers with the numbers of their input columns.
    parts: Vec<(Transformer, Vec<usize>)>,
    sparse: bool,
}

impl Columns {
    pub(super) fn compile(compiler: &mut Compiler<'_>, model: &Attributes<'_>) -> Result<Self> {
        model.version()?;
        if !model.is_none("transformer_weights") {
            return Err(model.error("'transformer_weights' is not built in"));
        }
        let features = model.usize("n_features_in_")?;
        let inputs = model.node("_transformer_to_input_indices")?;
        let Node::Dict(inputs) = inputs else {
            return Err(model.error("it does not say which columns go where"));
        };
        let mut parts = Vec::new();
        for entry in model.list("transformers_")? {
            let (Node::Tuple(entry) | Node::List(entry)) = model.graph.node(*entry) else {
                return Err(model.error("'transformers_' is not as it should be"));
            };
            let [name, transformer, _] = entry.as_slice() else {
                return Err(model.error("'transformers_' is not as it should be"));
            };
            if matches!(model.graph.node(*transformer), Node::Text(text) if &**text == "drop") {
                continue;
            }
            let name = model.graph.node(*name);
            let found = inputs.iter().find(|(key, _)| model.graph.node(*key) == name);
            let (_, indices) = found.ok_or_else(|| model.error("a transformer has no columns"))?;
            let indices = indices_of(model, *indices, features)?;
            // A transformer of no columns is not even fitted.
            if !indices.is_empty() {
                parts.push((compiler.transformer(*transformer)?, indices));
            }
        }
        if parts.is_empty() {
            return Err(model.error("it keeps no columns"));
        }
        let expected = Expected::of(model, features)?;
        if expected.names.as_ref().is_some_and(|names| names.len() != features) {
            return Err(model.error("it has not as many names as columns"));
        }
        Ok(Self { expected, parts, sparse: model.bool("sparse_output_")? })
    }

    pub(super) fn apply(&self, rows: &Rows<'_>) -> Result<Matrix> {
        let places = self.places(rows)?;
        let mut blocks = Vec::with_capacity(self.parts.len());
        for (transformer, inputs) in &self.parts {
            let place = |input: &usize| {
                let missing =
                    || Error::rows(format!("columns are missing: {{{}}}", self.shown(*input)));
                places[*input].ok_or_else(missing)
            };
            let chosen: Vec<usize> = inputs.iter().map(place).collect::<Result<_>>()?;
            let part = select(rows, &chosen)?;
            let result = transformer.apply(part)?;
            blocks.push(result.matrix()?.into_owned());
        }
        let (count, columns) = (rows.count(), blocks.iter().map(|block| block.columns).sum());
        let mut values = Vec::with_capacity(cells(count, columns)?);
        for row in 0..count {
            blocks.iter().for_each(|block| values.extend_from_slice(block.row(row)));
        }
        // One block of single precision among others is widened; all of them would stay.
        let single = blocks.iter().all(|block| block.single);
        Ok(Matrix { rows: count, columns, values, single, sparse: self.sparse })
    }

    fn shown(&self, input: usize) -> String {
        let names = self.expected.names.as_ref();
        names.map_or_else(String::new, |names| format!("'{}'", names[input]))
    }

    /// Where each column of training stands in the rows: by name if both have names.
    fn places(&self, rows: &Rows<'_>) -> Result<Vec<Option<usize>>> {
        if let (Some(expected), Some(given)) = (&self.expected.names, rows.names()) {
            // Each name's first place, and whether it comes again.
            let mut found: HashMap<&str, (usize, bool)> = HashMap::with_capacity(given.len());
            for (at, name) in given.iter().enumerate() {
                found.entry(name).and_modify(|(_, twice)| *twice = true).or_insert((at, false));
            }
            let place = |name: &Arc<str>| match found.get(&**name) {
                Some((_, true)) => Err(Error::python("two columns have the same name")),
                Some((at, false)) => Ok(Some(*at)),
                None => Ok(None),
            };
            return expected.iter().map(place).collect();
        }
        if self.expected.names.is_some() {
            return Err(Error::python("the columns have no names"));
        }
        self.expected.check_count(rows.columns())?;
        Ok((0..self.expected.features).map(Some).collect())
    }
}

fn indices_of(model: &Attributes<'_>, id: NodeId, features: usize) -> Result<Vec<usize>> {
    let index = |number: i64| usize::try_from(number).ok().filter(|index| *index < features);
    let indices: Option<Vec<usize>> = match model.graph.node(id) {
        Node::List(items) => {
            model.graph.charge(size_of_val(&**items))?;
            items
                .iter()
                .map(|item| match model.graph.node(*item) {
                    Node::Int(number) => index(*number),
                    Node::Array(array) if array.len() == 1 => {
                        array.i64s().ok()?.first().copied().and_then(index)
                    }
                    _ => None,
                })
                .collect()
        }
        Node::Array(array) => {
            model.graph.charge(array.bytes())?;
            array.i64s()?.into_iter().map(index).collect()
        }
        _ => None,
    };
    indices.ok_or_else(|| model.error("it has columns that are not there"))
}

fn select<'a>(rows: &Rows<'_>, chosen: &[usize]) -> Result<Rows<'a>> {
    match rows {
        Rows::Table(table) => {
            let names = table.names();
            let names =
                names.map(|names| chosen.iter().map(|at| Arc::clone(&names[*at])).collect());
            let columns = chosen.iter().map(|at| table.columns()[*at].clone()).collect();
            Ok(Rows::Table(std::borrow::Cow::Owned(Table::new(names, columns)?)))
        }
        Rows::Matrix(matrix) => {
            let mut values = Vec::with_capacity(cells(matrix.rows, chosen.len())?);
            for row in 0..matrix.rows {
                values.extend(chosen.iter().map(|at| matrix.row(row)[*at]));
            }
            let columns = chosen.len();
            Ok(Rows::Matrix(Matrix { columns, values, ..*matrix }))
        }
    }
}
