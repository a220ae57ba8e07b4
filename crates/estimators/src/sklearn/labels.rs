//! The labels of classes, which may be numbers, booleans or texts.

use std::sync::Arc;

use super::attributes::{Attributes, texts};
use crate::error::{Error, Result};
use crate::graph::Node;
use crate::npy::Kind;
use crate::table::Values;

#[derive(Debug)]
pub(crate) enum Labels {
    F64(Vec<f64>),
    I64(Vec<i64>),
    Bool(Vec<bool>),
    Text(Vec<Arc<str>>),
}

impl Labels {
    /// The attribute `classes_`.
    pub(crate) fn of(attributes: &Attributes<'_>) -> Result<Self> {
        let owner = match attributes.get("_label_binarizer") {
            // `RidgeClassifier` asks this for its classes.
            Some(binarizer) if attributes.get("classes_").is_none() => {
                &Attributes::of(attributes.graph, binarizer)?
            }
            _ => attributes,
        };
        if matches!(owner.node("classes_")?, Node::List(_)) {
            return Err(attributes.error("it has several outputs"));
        }
        let array = owner.array("classes_")?;
        if array.shape().len() != 1 || array.is_empty() {
            return Err(attributes.error("'classes_' is no list of classes"));
        }
        Ok(match array.dtype().kind {
            Kind::Bool => Self::Bool(array.i64s()?.into_iter().map(|label| label != 0).collect()),
            Kind::Int | Kind::Uint => Self::I64(array.i64s()?),
            Kind::Float if array.dtype().size == 8 => Self::F64(array.f64s()?),
            _ => Self::Text(texts(attributes.graph, array)?),
        })
    }

    /// How many scores boosting has for each row: one for a regressor or two classes.
    pub(crate) fn boosting_width(labels: Option<&Self>) -> Result<usize> {
        match labels.map(Self::len) {
            None | Some(2) => Ok(1),
            Some(classes) if classes > 2 => Ok(classes),
            Some(_) => Err(Error::python("it has one class only")),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::F64(labels) => labels.len(),
            Self::I64(labels) => labels.len(),
            Self::Bool(labels) => labels.len(),
            Self::Text(labels) => labels.len(),
        }
    }

    /// The labels with these numbers, which are below [`Self::len`].
    pub(crate) fn take(&self, numbers: impl Iterator<Item = usize>) -> Values {
        match self {
            Self::F64(labels) => Values::F64(numbers.map(|number| labels[number]).collect()),
            Self::I64(labels) => Values::I64(numbers.map(|number| labels[number]).collect()),
            Self::Bool(labels) => Values::Bool(numbers.map(|number| labels[number]).collect()),
            Self::Text(labels) => {
                Values::Text(numbers.map(|number| Arc::clone(&labels[number])).collect())
            }
        }
    }
}
