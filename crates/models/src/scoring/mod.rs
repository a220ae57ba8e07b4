//! MLflow's scoring protocol: requests to what a model takes, what it gives to answers.
//!
//! A body is decoded, cast as pandas or NumPy would cast it, enforced against the signature, and
//! handed over in typed columns. Where the exact answer of MLflow is not known, the request is
//! [`Rejection::Undecided`]: nothing is guessed.

pub(crate) mod adopt;
mod arrays;
mod base64;
mod cast;
mod content_type;
mod csv;
mod csv_number;
mod enforce;
mod fast;
mod fault;
mod frames;
mod gather;
mod limits;
mod nested;
mod numpy;
mod output;
mod pandas;
mod params;
mod tensors;
pub(crate) mod time;

pub use content_type::Media;
pub use fault::{Details, Rejection};
pub use output::{Output, encode};

use crate::frame::{Frame, Name, Tensor};
use crate::json::{self, Dict, JsonError, Value, repr};
use crate::mlmodel::MlModel;
use crate::signature::{Schema, Signature};
use fault::Fault;

/// What a model takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A frame.
    Frame(Frame),
    /// One array.
    Tensor(Tensor),
    /// Arrays by name, in the order of the signature if there is one.
    Tensors(Vec<(String, Tensor)>),
    /// JSON as it came: of models with type hints, and of the payloads of language models.
    Json(Value),
}

/// A decoded request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The model's input.
    pub input: Input,
    /// Its parameters; `None` if it has none and the request says nothing about any.
    pub params: Option<Dict>,
    /// Whether the answer is the prediction itself, without `predictions` around it.
    pub unwrapped: bool,
}

/// The four keys of which a request has one, sorted.
const FORMATS: [&str; 4] = ["dataframe_records", "dataframe_split", "inputs", "instances"];
/// Keys that make a request the payload of a language model.
const LANGUAGE_MODEL_KEYS: [&str; 3] = ["messages", "prompt", "input"];

/// The protocol for one model: its signature, prepared for decoding.
#[derive(Debug, Clone)]
pub struct Protocol {
    signature: Signature,
    hinted: bool,
    fast: Option<fast::Plan>,
}

impl Protocol {
    /// The protocol of a signature. `hinted` is [`MlModel::is_signature_from_type_hint`].
    pub fn new(signature: Option<Signature>, hinted: bool) -> Self {
        let signature = signature.unwrap_or_default();
        let fast = signature.inputs.as_ref().filter(|_| !hinted).and_then(fast::Plan::of);
        Self { signature, hinted, fast }
    }

    /// The protocol of a model by its `MLmodel` file.
    pub fn of_model(model: &MlModel) -> Self {
        Self::new(model.signature().cloned(), model.is_signature_from_type_hint())
    }

    /// Decodes a request by its `Content-Type`.
    pub fn decode(&self, content_type: Option<&str>, body: &[u8]) -> Result<Request, Rejection> {
        match Media::of_header(content_type)? {
            Media::Json => self.decode_json(body),
            Media::Csv => self.decode_csv(body),
            Media::Parquet => Err(Rejection::Undecided("Parquet")),
        }
    }

    fn decode_csv(&self, body: &[u8]) -> Result<Request, Rejection> {
        let loose = csv::frame(body, self.signature.inputs.as_ref())?;
        let frame = match &self.signature.inputs {
            Some(Schema::Columns(specs)) => {
                enforce::columns(loose, specs).map_err(Fault::of_enforcement)?
            }
            _ => loose.into_frame(),
        };
        let params = params::enforce(None, self.signature.params.as_deref())?;
        Ok(Request { input: Input::Frame(frame), params, unwrapped: false })
    }

    fn decode_json(&self, body: &[u8]) -> Result<Request, Rejection> {
        if let Some(frame) = self.fast.as_ref().and_then(|plan| plan.decode(body)) {
            let params = params::enforce(None, self.signature.params.as_deref())?;
            return Ok(Request { input: Input::Frame(frame), params, unwrapped: false });
        }
        self.decode_any(body)
    }

    /// The way of every request that the fast one does not take.
    fn decode_any(&self, body: &[u8]) -> Result<Request, Rejection> {
        let value = json::parse(body).map_err(|error| unreadable(&error))?;
        let mut dict = match value {
            Value::Dict(dict) => dict,
            Value::List(_) => return Err(wrong_form("Received a list.")),
            other => {
                let name = other.type_name();
                return Err(wrong_form(&format!(
                    "Received unexpected input type '<class '{name}'>."
                )));
            }
        };
        if LANGUAGE_MODEL_KEYS.iter().any(|key| dict.get(key).is_some()) {
            return self.language_model(dict);
        }
        let params = dict.remove("params");
        let input = if self.hinted { hinted(dict)? } else { self.data(dict)? };
        let params = params::enforce(params, self.signature.params.as_deref())?;
        Ok(Request { input, params, unwrapped: false })
    }

    fn language_model(&self, dict: Dict) -> Result<Request, Rejection> {
        let specs = self.signature.params.as_deref();
        let is_param = |name: &str| specs.is_some_and(|all| all.iter().any(|s| s.name == name));
        let (given, data): (Vec<_>, Vec<_>) =
            dict.into_members().into_iter().partition(|(name, _)| is_param(name));
        let input = match &self.signature.inputs {
            Some(Schema::Columns(_)) if !self.hinted => {
                let cells = data.into_iter().map(|(key, value)| (key, arrays::Cell::Value(value)));
                self.arg(arrays::Arg::Dict(cells.collect()))?
            }
            Some(Schema::Tensors(_)) if !self.hinted => {
                return Err(Rejection::Undecided("a language model's payload for tensors"));
            }
            _ => Input::Json(Dict::from_members(data).into()),
        };
        let params = params::enforce(Some(Dict::from_members(given).into()), specs)?;
        Ok(Request { input, params, unwrapped: true })
    }

    fn data(&self, mut dict: Dict) -> Result<Input, Rejection> {
        let found: Vec<&str> = dict.keys().filter(|key| FORMATS.contains(key)).collect();
        let [format] = found.as_slice() else {
            let keys = repr::list(found.into_iter().map(repr::string));
            return Err(Rejection::Input(format!(
                "{}. Received dictionary with input fields: {keys}. {}",
                required_form(),
                content_type::change_hint()
            )));
        };
        let format = (*format).to_owned();
        let value = dict.remove(&format).unwrap_or(Value::Null);
        self.form(&format, value)
    }

    /// `instances` and `inputs` of KServe's first protocol.
    pub(crate) fn decode_v1(
        &self,
        format: &str,
        value: Value,
        params: Option<Value>,
    ) -> Result<Request, Rejection> {
        let rows =
            matches!(&value, Value::List(rows) if matches!(rows.first(), Some(Value::List(_))));
        let names: Option<Vec<Name>> = match &self.signature.inputs {
            Some(Schema::Columns(specs)) if rows && format == "instances" => {
                specs.iter().map(|spec| spec.name.as_deref().map(Name::from)).collect()
            }
            _ => None,
        };
        let input = match names {
            Some(names) => self.frame(frames::rows(value, names)?)?,
            None => self.form(format, value)?,
        };
        let params = params::enforce(params, self.signature.params.as_deref())?;
        Ok(Request { input, params, unwrapped: false })
    }

    fn form(&self, format: &str, value: Value) -> Result<Input, Rejection> {
        match format {
            "dataframe_split" => {
                let is_labelled = frames::are_rows_labelled(&value);
                match self.frame(frames::split(value)?)? {
                    Input::Frame(frame) if is_labelled => Ok(Input::Frame(frame.labelled())),
                    input => Ok(input),
                }
            }
            "dataframe_records" => self.frame(frames::records(value)?),
            "inputs" => self.arg(arrays::inputs(&value, self.signature.inputs.as_ref())?),
            _ => self.arg(arrays::instances(&value, self.signature.inputs.as_ref())?),
        }
    }

    fn frame(&self, mut loose: enforce::Loose) -> Result<Input, Rejection> {
        match &self.signature.inputs {
            None => Ok(Input::Frame(loose.into_frame())),
            Some(Schema::Columns(specs)) => {
                frames::cast(&mut loose, specs)?;
                enforce::columns(loose, specs).map(Input::Frame).map_err(Fault::of_enforcement)
            }
            Some(Schema::Tensors(specs)) => tensors::frame(loose, specs),
        }
    }

    fn arg(&self, arg: arrays::Arg) -> Result<Input, Rejection> {
        match &self.signature.inputs {
            Some(Schema::Columns(specs)) => gather::frame(arg, specs)
                .and_then(|loose| enforce::columns(loose, specs))
                .map(Input::Frame)
                .map_err(Fault::of_enforcement),
            Some(Schema::Tensors(specs)) => tensors::arg(arg, specs).map_err(Fault::of_enforcement),
            None => without_signature(arg),
        }
    }
}

fn required_form() -> String {
    let formats: Vec<String> = FORMATS.iter().map(|format| repr::string(format)).collect();
    format!(
        "The input must be a JSON dictionary with exactly one of the input fields {{{}}}",
        formats.join(", ")
    )
}

fn wrong_form(what: &str) -> Rejection {
    Rejection::input(format!("{}. {what}", required_form()))
}

fn unreadable(error: &JsonError) -> Rejection {
    Rejection::input(format!(
        "Ensure that input is a valid JSON formatted string. Error: '{}'\n",
        error.repr()
    ))
}

fn hinted(mut dict: Dict) -> Result<Input, Rejection> {
    if let Some(value) = dict.remove("inputs") {
        return Ok(Input::Json(value));
    }
    let keys = dict.keys().filter(|key| FORMATS.contains(key)).map(repr::string);
    Err(Rejection::Parameter(format!(
        "Request payload must be a dictionary with 'inputs' key when the model contains a valid type hint. Found keys in payload: dict_keys({}).",
        repr::list(keys)
    )))
}

fn without_signature(arg: arrays::Arg) -> Result<Input, Rejection> {
    use arrays::{Arg, Cell};
    let array = |cell: Cell| match cell {
        Cell::Array(tensor) if !tensor.is_object() => Ok(tensor),
        Cell::Array(_) | Cell::Scalar(_) | Cell::Value(_) => {
            Err(Rejection::Undecided("an input that is no array"))
        }
    };
    match arg {
        Arg::One(cell) => array(cell).map(Input::Tensor),
        Arg::Dict(members) => {
            let members = members.into_iter().map(|(name, cell)| Ok((name, array(cell)?)));
            members.collect::<Result<_, _>>().map(Input::Tensors)
        }
        // MLflow makes an array of each value: the model sees no JSON.
        Arg::Rows(rows) if rows.is_empty() => Ok(Input::Json(Value::List(Vec::new()))),
        Arg::Rows(_) => Err(Rejection::Undecided("a list of objects without a signature")),
    }
}
