//! One model that answers requests: by the native engine where that is exact, by Python elsewhere.

mod answer;
mod form;
mod load;

pub use answer::{Answer, Engine};
pub use form::Form;
pub use load::{Choice, LoadError, Loaded};

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use modelyard_models::mlmodel::MlModel;
use modelyard_models::native::{Native, Unanswered};
use modelyard_models::scoring::{Details, Protocol};
use modelyard_models::signature::Signature;

use form::{Decoded, Refused};

/// Bodies up to this size are answered where they are read: less work than handing them over.
const INLINE_MAX_BYTES: usize = 16 << 10;

/// How a model is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// The model's name in the protocols that have one.
    pub name: String,
    /// Its version there, if it has one.
    pub version: Option<String>,
    /// Whether answers say what is wrong with the data.
    pub details: Details,
}

/// A model that answers requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Served(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    model: MlModel,
    signature: Signature,
    protocol: Protocol,
    native: Result<Box<Native>, String>,
    options: Options,
}

/// What the way without Python comes to.
enum Step {
    /// The answer.
    Answer(Answer),
    /// Python has to answer; with the reason.
    Python(String),
}

impl Served {
    /// Loads the model in `folder`.
    ///
    /// # Errors
    /// [`LoadError`] if there is none, or it cannot be read.
    pub fn load(folder: &Path, options: Options) -> Result<Self, LoadError> {
        let Loaded { model, choice, .. } = Loaded::read(folder)?;
        let protocol = Protocol::of_model(&model);
        let signature = model.signature().cloned().unwrap_or_default();
        let native = match choice {
            Choice::Native(native) => Ok(native),
            Choice::Python(why) => Err(why),
        };
        Ok(Self(Arc::new(Inner { model, signature, protocol, native, options })))
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.0.options.name
    }

    /// The model's version, if it has one.
    pub fn version(&self) -> Option<&str> {
        self.0.options.version.as_deref()
    }

    /// What the model's file says.
    pub fn model(&self) -> &MlModel {
        &self.0.model
    }

    /// What the model takes and gives.
    pub fn signature(&self) -> &Signature {
        &self.0.signature
    }

    /// Which engine serves the model, requests aside that only Python can answer.
    pub fn engine(&self) -> Engine {
        if self.0.native.is_ok() { Engine::Native } else { Engine::Python }
    }

    /// Why the native engine does not serve the model; `None` if it does.
    pub fn why_python(&self) -> Option<&str> {
        self.0.native.as_ref().err().map(String::as_str)
    }

    /// Answers a request.
    pub async fn answer(&self, form: Form, body: Bytes) -> Answer {
        let step = if body.len() <= INLINE_MAX_BYTES {
            self.0.step(&form, &body)
        } else {
            let (inner, form, body) = (Arc::clone(&self.0), form.clone(), body.clone());
            match tokio::task::spawn_blocking(move || inner.step(&form, &body)).await {
                Ok(step) => step,
                Err(error) => return Answer::fault(&error),
            }
        };
        match step {
            Step::Answer(answer) => answer,
            Step::Python(why) => form.without_python(&why),
        }
    }
}

impl Inner {
    fn step(&self, form: &Form, body: &[u8]) -> Step {
        let decoded = match form.decode(&self.protocol, &self.signature, body) {
            Ok(decoded) => decoded,
            Err(Refused::Undecided(why)) => return Step::Python(why),
            Err(refused) => return Step::Answer(form.refused(&refused, self.options.details)),
        };
        let native = match &self.native {
            Ok(native) => native,
            Err(why) => return Step::Python(why.clone()),
        };
        match native.predict(&decoded.request) {
            Ok(output) => Step::Answer(self.render(form, &decoded, &output, Engine::Native)),
            Err(Unanswered::Rows(why)) => Step::Answer(form.raised(&why, Engine::Native)),
            Err(Unanswered::NeedsPython(why)) => Step::Python(why),
        }
    }

    fn render(
        &self,
        form: &Form,
        decoded: &Decoded,
        output: &modelyard_models::scoring::Output,
        engine: Engine,
    ) -> Answer {
        let (name, version) = (self.options.name.as_str(), self.options.version.as_deref());
        form.render(name, version, decoded, output, engine)
    }
}
