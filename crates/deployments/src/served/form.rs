//! The protocols in which one model is asked: what each makes of a body, of an output, of an error.

use std::borrow::Cow;

use modelyard_models::frame::Frame;
use modelyard_models::json::{self, Dict};
use modelyard_models::scoring::{Details, Input, Output, Protocol, Rejection, Request, encode};
use modelyard_models::signature::Signature;
use modelyard_models::{kserve, oip};

use super::answer::{Answer, Engine};

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

/// A request, and what its answer repeats of it.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) request: Request,
    id: Option<String>,
    outputs: Vec<String>,
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
        let plain = |request| Decoded { request, id: None, outputs: Vec::new() };
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
                    id: request.id,
                    outputs: request.outputs,
                })
            }
        }
    }

    pub(super) fn render(
        &self,
        name: &str,
        version: Option<&str>,
        decoded: &Decoded,
        output: &Output,
        engine: Engine,
    ) -> Answer {
        let mut body = Vec::new();
        if *self != Self::Oip {
            encode(output, decoded.request.unwrapped, &mut body);
            return Answer::json(200, body, engine);
        }
        let rendered = wanted(output, &decoded.outputs).and_then(|output| {
            let id = decoded.id.as_deref();
            oip::encode(&output, name, version, id, &mut body).map_err(|error| error.to_string())
        });
        match rendered {
            Ok(()) => Answer::json(200, body, engine),
            Err(why) => error(400, &why, Some(engine)),
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
    let mut body = Dict::new();
    body.insert("error", why);
    let body = json::dumps(&body.into()).into_bytes();
    Answer { status, content_type: "application/json".into(), body, engine }
}
