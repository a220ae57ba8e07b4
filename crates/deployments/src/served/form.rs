//! The protocols in which one model is asked: what each makes of a body, of an output, of an error.

use std::borrow::Cow;
use std::time::Duration;

use modelyard_models::frame::Frame;
use modelyard_models::json;
use modelyard_models::scoring::{Details, Input, Output, Protocol, Rejection, Request, encode};
use modelyard_models::signature::Signature;
use modelyard_models::{kserve, oip};

use modelyard_protocol::{Error, ErrorCode};

use super::answer::{Answer, Engine};
use crate::workers::Failure;

/// When to come again after a 503: workers that have ended start again within seconds.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(5);

/// A protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// MLflow's own, with the request's `Content-Type`.
    Mlflow(Option<String>),
    /// The Open Inference Protocol, version 2.
    Oip,
    /// KServe's first.
    Kserve,
}

/// A request, and what its answer depends on.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) request: Request,
    pub(super) wish: Wish,
}

/// What a request says of its answer.
#[derive(Debug, Default)]
pub(super) struct Wish {
    id: Option<String>,
    outputs: Vec<String>,
    unwrapped: bool,
}

/// Why a body is not handed to the model.
#[derive(Debug)]
pub(super) enum Refused {
    /// Only MLflow's own code knows the answer; with the reason.
    Undecided(String),
    /// What MLflow answers.
    Mlflow(Rejection),
    /// What is wrong, in the other protocols.
    Other(String),
}

impl Form {
    /// MLflow's, with JSON.
    pub fn json() -> Self {
        Self::Mlflow(Some("application/json".to_owned()))
    }

    /// Its name in metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Mlflow(_) => "mlflow",
            Self::Oip => "oip",
            Self::Kserve => "kserve",
        }
    }

    pub(super) fn decode(
        &self,
        protocol: &Protocol,
        signature: &Signature,
        body: &[u8],
    ) -> Result<Decoded, Refused> {
        let plain = |request: Request| {
            let wish = Wish { unwrapped: request.unwrapped, ..Wish::default() };
            Decoded { request, wish }
        };
        match self {
            Self::Mlflow(content_type) => protocol
                .decode(content_type.as_deref(), body)
                .map(plain)
                .map_err(|rejection| match rejection {
                    Rejection::Undecided(why) => Refused::Undecided(why.to_owned()),
                    other => Refused::Mlflow(other),
                }),
            Self::Kserve => kserve::decode(protocol, body)
                .map(plain)
                .map_err(|error| Refused::Other(error.to_string())),
            Self::Oip => {
                let request = oip::decode(body, signature.inputs.as_ref())
                    .map_err(|error| Refused::Other(error.to_string()))?;
                let params = (!request.parameters.is_empty()).then_some(request.parameters);
                Ok(Decoded {
                    request: Request { input: one_array(request.input), params, unwrapped: false },
                    wish: Wish { id: request.id, outputs: request.outputs, unwrapped: false },
                })
            }
        }
    }

    pub(super) fn render(
        &self,
        name: &str,
        version: Option<&str>,
        wish: &Wish,
        output: &Output,
        engine: Engine,
    ) -> Answer {
        let mut body = Vec::new();
        if *self != Self::Oip {
            encode(output, wish.unwrapped, &mut body);
            return Answer::json(200, body, engine);
        }
        let rendered = wanted(output, &wish.outputs).and_then(|output| {
            let id = wish.id.as_deref();
            oip::encode(&output, name, version, id, &mut body).map_err(|error| error.to_string())
        });
        match rendered {
            Ok(()) => Answer::json(200, body, engine),
            Err(why) => error(400, &why, Some(engine)),
        }
    }

    /// The answer with a prediction that is JSON already.
    pub(super) fn render_json(
        &self,
        name: &str,
        version: Option<&str>,
        wish: &Wish,
        prediction: Vec<u8>,
    ) -> Answer {
        let engine = Engine::Python;
        if *self == Self::Oip {
            return match json::parse(&prediction) {
                Ok(value) => self.render(name, version, wish, &Output::Json(value), engine),
                Err(why) => error(500, &why.to_string(), Some(engine)),
            };
        }
        if wish.unwrapped {
            return Answer::json(200, prediction, engine);
        }
        let mut body = Vec::with_capacity(prediction.len() + 20);
        body.extend_from_slice(b"{\"predictions\": ");
        body.extend_from_slice(&prediction);
        body.push(b'}');
        Answer::json(200, body, engine)
    }

    /// The answer when Python has none.
    pub(super) fn failed(&self, failure: Failure) -> Answer {
        let status = failure.status();
        let engine = Some(Engine::Python);
        if let Failure::Died { last_lines, .. } = &failure {
            tracing::error!(lines = last_lines.join("\n"), "{failure}");
        }
        match (self, failure) {
            (_, Failure::Deadline) => Answer { engine, ..Answer::too_late() },
            (Self::Mlflow(_), Failure::Model { status, content_type, body, .. }) => {
                let content_type = String::from(content_type);
                Answer { engine, ..Answer::new(status, content_type, body.into()) }
            }
            (_, Failure::Model { message, .. }) => error(status, &message, engine),
            (Self::Mlflow(_), failure) => Answer { engine, ..of_failure(&failure) },
            (_, failure) => Answer {
                retry_after_seconds: of_failure(&failure).retry_after_seconds,
                ..error(status, &failure.to_string(), engine)
            },
        }
    }

    pub(super) fn refused(&self, refused: &Refused, details: Details) -> Answer {
        match refused {
            Refused::Mlflow(rejection) => Answer::rejected(rejection, details),
            Refused::Undecided(why) => self.without_python(why),
            Refused::Other(why) => error(400, why, None),
        }
    }

    /// The answer when the model's library refuses the rows or raises an exception.
    pub(super) fn raised(&self, why: &str, engine: Engine) -> Answer {
        match self {
            Self::Mlflow(_) => Answer::raised(why, engine),
            _ => error(400, why, Some(engine)),
        }
    }

    /// The answer where Python would have to answer and there is none. 400: most such requests are
    /// mistakes that MLflow would find.
    pub(super) fn without_python(&self, why: &str) -> Answer {
        match self {
            Self::Mlflow(_) => Answer::without_python(why),
            _ => error(400, why, None),
        }
    }
}

/// A failure of the workers in MLflow's form.
fn of_failure(failure: &Failure) -> Answer {
    let answer = |code| Answer::error(&Error::new(code, failure.to_string()));
    match failure {
        Failure::Busy { retry_after } => {
            answer(ErrorCode::RequestLimitExceeded).after(*retry_after)
        }
        Failure::Unavailable { .. } => {
            answer(ErrorCode::TemporarilyUnavailable).after(RETRY_UNAVAILABLE)
        }
        Failure::Deadline | Failure::Died { .. } | Failure::Model { .. } => {
            answer(ErrorCode::InternalError)
        }
    }
}

/// One tensor for a model without a signature is its array.
fn one_array(input: Input) -> Input {
    match input {
        Input::Tensors(mut tensors) if tensors.len() == 1 => match tensors.pop() {
            Some((_, tensor)) => Input::Tensor(tensor),
            None => Input::Tensors(tensors),
        },
        other => other,
    }
}

/// The outputs that a client names, in its order; all if it names none.
fn wanted<'a>(output: &'a Output, names: &[String]) -> Result<Cow<'a, Output>, String> {
    if names.is_empty() {
        return Ok(Cow::Borrowed(output));
    }
    let missing = |name: &String| format!("The model has no output '{name}'");
    Ok(match output {
        Output::Tensors(tensors) => {
            let find = |name| tensors.iter().find(|(own, _)| own == name).cloned();
            let found = names.iter().map(|name| find(name).ok_or_else(|| missing(name)));
            Cow::Owned(Output::Tensors(found.collect::<Result<_, _>>()?))
        }
        Output::Frame(frame) => {
            let place = |name: &String| {
                let place = frame.names().iter().position(|own| own.key() == name.as_str());
                place.and_then(|at| {
                    Some((frame.names()[at].clone(), frame.column(at)?.into_owned()))
                })
            };
            let found = names.iter().map(|name| place(name).ok_or_else(|| missing(name)));
            let (names, columns): (Vec<_>, Vec<_>) =
                found.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
            Cow::Owned(Output::Frame(Frame::from_columns(names.into(), frame.rows(), columns)))
        }
        Output::Tensor(_) | Output::Json(_) => match names.iter().find(|name| *name != "output") {
            Some(name) => return Err(missing(name)),
            None => Cow::Borrowed(output),
        },
    })
}

/// An error as both protocols of KServe have it.
fn error(status: u16, why: &str, engine: Option<Engine>) -> Answer {
    let body = oip::OipError::new(why).body();
    Answer { engine, ..Answer::new(status, "application/json", body) }
}
