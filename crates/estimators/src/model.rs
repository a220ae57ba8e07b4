//! A model that is ready to predict.

use std::borrow::Cow;

use crate::error::Result;
use crate::graph::Graph;
use crate::lightgbm::Lightgbm;
use crate::sklearn::Estimator;
use crate::table::{Method, Output, Rows, Table};
use crate::xgboost::{Xgboost, XgboostClass};
use crate::{pickle, skops};

/// A compiled model. It is immutable and can be shared between threads.
#[derive(Debug)]
pub struct Model {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Sklearn(Estimator),
    Xgboost(Xgboost),
    Lightgbm(Lightgbm),
}

impl Model {
    /// Compiles what a pickle, cloudpickle or joblib file contains.
    pub fn from_pickle(bytes: &[u8]) -> Result<Self> {
        Self::from_graph(&pickle::read(bytes)?)
    }

    /// Compiles what a skops file contains.
    pub fn from_skops(bytes: &[u8]) -> Result<Self> {
        Self::from_graph(&skops::read(bytes)?)
    }

    /// Compiles a file of XGBoost's, UBJSON or JSON, for use through `class`.
    pub fn from_xgboost(bytes: &[u8], class: XgboostClass) -> Result<Self> {
        Ok(Self { kind: Kind::Xgboost(Xgboost::read(bytes, class)?) })
    }

    /// Compiles LightGBM's text.
    pub fn from_lightgbm(bytes: &[u8]) -> Result<Self> {
        Ok(Self { kind: Kind::Lightgbm(Lightgbm::read(bytes)?) })
    }

    /// Compiles the object that was saved.
    fn from_graph(graph: &Graph) -> Result<Self> {
        let estimator = Estimator::compile(graph, graph.root()?)?;
        Ok(Self { kind: Kind::Sklearn(estimator) })
    }

    /// Predicts. Wrong rows are an [`crate::Error::Rows`] with the words of the model's library.
    pub fn predict(&self, method: Method, table: &Table) -> Result<Output> {
        let rows = Rows::Table(Cow::Borrowed(table));
        match &self.kind {
            Kind::Sklearn(model) => model.predict(method, rows),
            Kind::Xgboost(model) => model.predict(method, &rows),
            Kind::Lightgbm(model) => model.predict(method, &rows),
        }
    }
}
