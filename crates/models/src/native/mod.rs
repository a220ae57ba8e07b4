//! Models that are served without Python: which file holds the model, and predictions with it.
//!
//! MLflow hands a request to a wrapper of the flavor, and that to a method of the library's model.
//! [`Recipe`] says which file and method those are, [`Native`] is the compiled model. Whatever is not
//! known to be the same goes to Python, with the reason.

mod recipe;
mod rows;

pub use recipe::{Format, Recipe};

use modelyard_estimators::{self as estimators, Method, Model, Values};

use crate::frame::{Column, Tensor};
use crate::scoring::{Output, Request};

/// Why a request is not answered natively.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Python has to answer; with the reason.
    #[error("{0}")]
    NeedsPython(String),
    /// The model's library refuses these rows, in words like its own.
    #[error("{0}")]
    Rows(String),
}

/// A compiled model. It is immutable and can be shared between threads.
#[derive(Debug)]
pub struct Native {
    model: Model,
    method: Method,
    /// Whether parameters of a request reach the model's library.
    takes_params: bool,
}

impl Native {
    /// Compiles the file that a recipe names.
    ///
    /// # Errors
    /// [`estimators::Error::NeedsPython`] for models that this code does not know exactly, and the
    /// others for damaged or too large files.
    pub fn compile(recipe: &Recipe, bytes: &[u8]) -> estimators::Result<Self> {
        let model = match recipe.format {
            Format::Pickle => Model::from_pickle(bytes)?,
            Format::Skops => Model::from_skops(bytes)?,
            Format::Xgboost(class) => Model::from_xgboost(bytes, class)?,
            Format::Lightgbm => Model::from_lightgbm(bytes)?,
        };
        let takes_params = matches!(recipe.format, Format::Xgboost(_));
        Ok(Self { model, method: recipe.method, takes_params })
    }

    /// Answers a request.
    ///
    /// # Errors
    /// [`Unanswered`] where Python must answer, or where the library refuses the rows.
    pub fn predict(&self, request: &Request) -> Result<Output, Unanswered> {
        if self.takes_params && request.params.as_ref().is_some_and(|params| !params.is_empty()) {
            return Err(Unanswered::NeedsPython("parameters for the library's method".into()));
        }
        let table = rows::table(&request.input)?;
        let output = self.model.predict(self.method, &table)?;
        Ok(Output::Tensor(tensor(output)))
    }
}

impl From<estimators::Error> for Unanswered {
    fn from(error: estimators::Error) -> Self {
        match error {
            estimators::Error::Rows(why) => Self::Rows(why),
            estimators::Error::NeedsPython(why) => Self::NeedsPython(why),
            other => Self::NeedsPython(other.to_string()),
        }
    }
}

fn tensor(output: estimators::Output) -> Tensor {
    let elements = match output.values {
        Values::F64(values) => Column::F64(values),
        Values::F32(values) => Column::F32(values),
        Values::I64(values) => Column::I64(values),
        Values::Bool(values) => Column::Bool(values),
        Values::Text(values) => {
            Column::Str(values.iter().map(|text| Some(text.as_ref().to_owned())).collect())
        }
    };
    Tensor { shape: output.shape, elements }
}
