//! One model that answers requests: by the native engine where that is exact, by Python elsewhere.

mod answer;
mod check;
mod form;
mod live;
mod load;
mod python;

pub use answer::{Answer, Engine};
pub use form::Form;
pub use live::Live;
pub use load::{Choice, LoadError, Loaded};
pub use python::{PythonOptions, description};

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use modelyard_models::mlmodel::MlModel;
use modelyard_models::native::{Native, Unanswered};
use modelyard_models::scoring::{Details, Output, Protocol};
use modelyard_models::signature::Signature;

use crate::workers::{Call, Failure, Reply, Status};
use form::{Decoded, Refused, Wish};
use python::Python;

/// Bodies up to this size are answered where they are read: less work than handing them over.
const INLINE_MAX_BYTES: usize = 16 << 10;

/// How often it is looked whether requests are left in a model.
const DRAIN_STEP: Duration = Duration::from_millis(20);

/// Which engines may serve a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engines {
    /// The native one where it is exact, Python for the rest.
    Auto,
    /// The native one only.
    Native,
    /// Python only.
    Python,
}

/// How a model is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// The model's name in the protocols that have one.
    pub name: String,
    /// Its version there, if it has one.
    pub version: Option<String>,
    /// Whether answers say what is wrong with the data.
    pub details: Details,
    /// Which engines may serve it.
    pub engines: Engines,
}

/// A model that answers requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Served(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    model: MlModel,
    signature: Signature,
    protocol: Protocol,
    /// The request that the model was saved with.
    example: Option<Bytes>,
    native: Result<Box<Native>, String>,
    /// Why the native engine was switched off after it had been loaded.
    divergence: OnceLock<String>,
    python: Option<Arc<Python>>,
    options: Options,
}

/// What the way without Python comes to.
enum Step {
    /// The answer.
    Answer(Answer),
    /// Python has to answer; with the reason, and the request if it could be decoded.
    Python(String, Option<Decoded>),
}

impl Served {
    /// Loads the model in `folder`. Nothing of Python is started yet; without `python` it never is.
    ///
    /// # Errors
    /// [`LoadError`] if there is none, or no engine that may serve it can.
    pub fn load(
        folder: &Path,
        options: Options,
        python: Option<PythonOptions>,
    ) -> Result<Self, LoadError> {
        let Loaded { model, choice, .. } = Loaded::read(folder)?;
        let native = match (choice, options.engines) {
            (_, Engines::Python) => Err("no other engine is wanted".to_owned()),
            (Choice::Native(native), _) => Ok(native),
            (Choice::Python(why), _) => Err(why),
        };
        let python = match (options.engines, python) {
            (Engines::Native, _) | (_, None) => None,
            (_, Some(python)) => Some(Arc::new(load::python(folder, &model, python)?)),
        };
        if let (Err(why), None) = (&native, &python) {
            return Err(LoadError::NotNative(why.clone()));
        }
        let example = load::example(folder, &model).map(Bytes::from);
        let protocol = Protocol::of_model(&model);
        let signature = model.signature().cloned().unwrap_or_default();
        let divergence = OnceLock::new();
        Ok(Self(Arc::new(Inner {
            model,
            signature,
            protocol,
            example,
            native,
            divergence,
            python,
            options,
        })))
    }

    /// Starts Python, if it is the engine of this model; otherwise that waits for a request that
    /// only Python can answer.
    ///
    /// # Errors
    /// Why it does not start.
    pub async fn start(&self) -> Result<(), String> {
        match &self.0.python {
            Some(python) if self.engine() == Engine::Python => python.pool().await.map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Answers the request that the model was saved with, if there is one: the trial before it gets
    /// those of clients.
    ///
    /// # Errors
    /// What it answered instead of a prediction.
    pub async fn try_example(&self) -> Result<(), String> {
        let Some(example) = self.example() else { return Ok(()) };
        let answer = self.answer(Form::json(), Bytes::clone(example)).await;
        if answer.status == 200 {
            return Ok(());
        }
        let told: String = String::from_utf8_lossy(&answer.body).chars().take(1000).collect();
        Err(format!("the model answers {} to its own example: {told}", answer.status))
    }

    /// Waits until no other clone is left, which is: until no request is in the model any more.
    pub async fn drained(&self, limit: Duration) {
        let drained = async {
            while Arc::strong_count(&self.0) > 1 {
                tokio::time::sleep(DRAIN_STEP).await;
            }
        };
        // Whoever is still there then has exceeded its own deadline.
        let _ = tokio::time::timeout(limit, drained).await;
    }

    /// Ends the workers, once what they work on is done.
    pub async fn stop(&self, grace: Duration) {
        if let Some(python) = &self.0.python {
            python.stop(grace).await;
        }
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

    /// The body of a request that the model answers, if it was saved with one.
    pub fn example(&self) -> Option<&Bytes> {
        self.0.example.as_ref()
    }

    /// Which engine serves the model, requests aside that only Python can answer.
    pub fn engine(&self) -> Engine {
        if self.0.native().is_ok() { Engine::Native } else { Engine::Python }
    }

    /// Why the native engine does not serve the model; `None` if it does.
    pub fn why_python(&self) -> Option<&str> {
        self.0.native().err()
    }

    /// Whether the native engine was switched off because Python answered otherwise.
    pub fn has_diverged(&self) -> bool {
        self.0.divergence.get().is_some()
    }

    /// What the workers do, if there are any.
    pub fn workers(&self) -> Option<Status> {
        self.0.python.as_ref()?.status()
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
        match (step, &self.0.python) {
            (Step::Answer(answer), _) => answer,
            (Step::Python(why, _), None) => form.without_python(&why),
            (Step::Python(why, _), Some(python))
                if !python.is_on_demand() && self.engine() == Engine::Native =>
            {
                form.without_python(&why)
            }
            (Step::Python(_, decoded), Some(python)) => {
                self.0.by_python(python, &form, body, decoded).await
            }
        }
    }
}

impl Inner {
    fn native(&self) -> Result<&Native, &str> {
        match (self.divergence.get(), &self.native) {
            (Some(why), _) | (None, Err(why)) => Err(why),
            (None, Ok(native)) => Ok(native),
        }
    }

    fn step(&self, form: &Form, body: &[u8]) -> Step {
        let decoded = match form.decode(&self.protocol, &self.signature, body) {
            Ok(decoded) => decoded,
            Err(Refused::Undecided(why)) => return Step::Python(why, None),
            Err(refused) => return Step::Answer(form.refused(&refused, self.options.details)),
        };
        let native = match self.native() {
            Ok(native) => native,
            Err(why) => return Step::Python(why.to_owned(), Some(decoded)),
        };
        match native.predict(&decoded.request) {
            Ok(output) => Step::Answer(self.render(form, &decoded.wish, &output, Engine::Native)),
            Err(Unanswered::Rows(why)) => Step::Answer(form.raised(&why, Engine::Native)),
            Err(Unanswered::NeedsPython(why)) => Step::Python(why, Some(decoded)),
        }
    }

    /// A decoded request goes on as typed columns, where the model gets from these exactly what it
    /// would get from MLflow's own code; other requests go on as they came.
    async fn by_python(
        &self,
        python: &Arc<Python>,
        form: &Form,
        body: Bytes,
        decoded: Option<Decoded>,
    ) -> Answer {
        let pool = match python.pool().await {
            Ok(pool) => pool,
            Err(why) => return form.failed(Failure::Unavailable { why }),
        };
        let (call, wish) = match (form, decoded) {
            (Form::Mlflow(content_type), decoded) => match decoded {
                Some(decoded) if pool.takes(content_type.as_deref(), &decoded.request) => {
                    (Call::Typed { request: decoded.request }, decoded.wish)
                }
                _ => (Call::Raw { content_type: content_type.clone(), body }, Wish::default()),
            },
            (_, Some(decoded)) => (Call::Typed { request: decoded.request }, decoded.wish),
            (_, None) => return form.without_python("the request could not be read"),
        };
        let (name, version) = (self.options.name.as_str(), self.options.version.as_deref());
        match pool.predict(call).await {
            Ok(Reply::Output(output)) => self.render(form, &wish, &output, Engine::Python),
            Ok(Reply::Json(prediction)) => form.render_json(name, version, &wish, prediction),
            Ok(Reply::Answer { status, content_type, body }) => {
                let engine = Some(Engine::Python);
                Answer { engine, ..Answer::new(status, content_type, body) }
            }
            Err(failure) => form.failed(failure),
        }
    }

    fn render(&self, form: &Form, wish: &Wish, output: &Output, engine: Engine) -> Answer {
        let (name, version) = (self.options.name.as_str(), self.options.version.as_deref());
        form.render(name, version, wish, output, engine)
    }
}
