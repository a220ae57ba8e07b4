//! The messages between server and worker; `worker.py` has the other half.

use modelyard_models::frame::{Column, Frame, Name, Tensor};
use modelyard_models::json::{self, Dict, Value};
use modelyard_models::scoring::{Input, Request};

use super::status::Versions;

/// Longest header of an answer, in bytes: a batch of some thousand requests has one of this length.
const HEADER_MAX: usize = 1 << 20;
/// Longest body of an answer, in bytes: more than any client reads, and less than the memory that
/// a server has.
const BODY_MAX: usize = 1 << 30;
/// Numbers begin at multiples of this many bytes, as NumPy wants them.
const ALIGNMENT: usize = 8;

/// A message for the worker: header and body.
#[derive(Debug)]
pub(crate) struct Question {
    header: Dict,
    body: Vec<u8>,
}

impl Question {
    /// What a worker has to do first.
    pub(crate) fn load(model: &str, memory_max: Option<u64>, batches: bool) -> Self {
        let mut header = Dict::new();
        header.insert("model", model);
        header.insert("batches", batches);
        if let Some(bytes) = memory_max {
            header.insert("memory", i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        Self { header, body: Vec::new() }
    }

    /// A request as it came.
    pub(crate) fn raw(content_type: Option<&str>, body: &[u8]) -> Self {
        let mut header = Dict::new();
        header.insert("kind", "raw");
        header.insert("type", content_type.map_or(Value::Null, Value::from));
        Self { header, body: body.to_vec() }
    }

    /// A decoded request.
    pub(crate) fn typed(request: &Request) -> Self {
        let mut body = Body::default();
        let mut header = body.input(&request.input);
        header.insert("kind", "typed");
        if let Some(params) = &request.params {
            header.insert("params", params.clone());
        }
        Self { header, body: body.0 }
    }

    /// Requests for frames that [`super::batch::fits`] has found to be alike, as one.
    pub(crate) fn batch(frames: &[&Frame], params: Option<&Dict>) -> Self {
        let mut body = Body::default();
        let mut header = body.frames(frames);
        header.insert("kind", "typed");
        if let Some(params) = params {
            header.insert("params", params.clone());
        }
        let counts: Vec<Value> = frames.iter().map(|frame| integer(frame.rows())).collect();
        header.insert("counts", counts);
        Self { header, body: body.0 }
    }

    /// The bytes of the message, in two parts.
    pub(crate) fn parts(&mut self) -> Option<(Vec<u8>, &[u8])> {
        self.header.insert("body", integer(self.body.len()));
        let header = json::dumps(&std::mem::take(&mut self.header).into());
        let mut head = u32::try_from(header.len()).ok()?.to_le_bytes().to_vec();
        head.extend_from_slice(header.as_bytes());
        Some((head, &self.body))
    }
}

fn integer(value: usize) -> Value {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Buffers one behind the other.
#[derive(Debug, Default)]
struct Body(Vec<u8>);

impl Body {
    fn input(&mut self, input: &Input) -> Dict {
        let mut header = Dict::new();
        match input {
            Input::Frame(frame) => return self.frames(&[frame]),
            Input::Tensor(tensor) => header.insert("tensor", self.tensor(tensor)),
            Input::Tensors(all) => {
                let mut members = Vec::with_capacity(all.len());
                for (name, tensor) in all {
                    members.push(vec![name.as_str().into(), self.tensor(tensor)].into());
                }
                header.insert("tensors", Value::List(members));
            }
            Input::Json(value) => {
                let at = self.0.len();
                json::write_value(value, &mut self.0);
                header.insert("json", vec![integer(at), integer(self.0.len() - at)]);
            }
        }
        header
    }

    /// Frames of the same columns, one below the other.
    fn frames(&mut self, frames: &[&Frame]) -> Dict {
        let mut header = Dict::new();
        let Some(first) = frames.first() else { return header };
        let names = first.names().iter().map(|name| match name {
            Name::Text(text) => Value::from(&**text),
            Name::Number(number) => Value::Int(*number),
            Name::Other(value) => value.clone(),
        });
        header.insert("frame", names.collect::<Vec<_>>());
        header.insert("rows", integer(frames.iter().map(|frame| frame.rows()).sum()));
        let blocks: Option<Vec<&[f64]>> = frames.iter().map(|frame| frame.block()).collect();
        if let Some(blocks) = blocks {
            for cell in blocks.into_iter().flatten() {
                self.0.extend_from_slice(&cell.to_le_bytes());
            }
            header.insert("block", integer(0));
            return header;
        }
        let columns = (0..first.width()).map(|at| {
            let parts: Vec<_> = frames.iter().filter_map(|frame| frame.column(at)).collect();
            self.column(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>()).into()
        });
        header.insert("columns", columns.collect::<Vec<Value>>());
        header
    }

    fn tensor(&mut self, tensor: &Tensor) -> Value {
        let mut spec = self.column(&[&tensor.elements]);
        spec.push(tensor.shape.iter().copied().map(integer).collect::<Vec<_>>().into());
        spec.into()
    }

    /// Appends columns of one kind; says which, where it begins, and its length.
    fn column(&mut self, parts: &[&Column]) -> Vec<Value> {
        self.0.resize(self.0.len().next_multiple_of(ALIGNMENT), 0);
        let at = self.0.len();
        let kind = parts.first().map_or("object", |first| kind(first));
        match kind {
            "bytes" => {
                let cells = || parts.iter().flat_map(|part| byte_cells(part));
                for cell in cells() {
                    self.0.extend_from_slice(&(cell.len() as u64).to_le_bytes());
                }
                for cell in cells() {
                    self.0.extend_from_slice(cell);
                }
            }
            "str" | "object" => {
                self.0.push(b'[');
                for part in parts {
                    self.json_cells(part, at);
                }
                self.0.push(b']');
            }
            _ => {
                for part in parts {
                    self.numbers(part);
                }
            }
        }
        vec![kind.into(), integer(at), integer(self.0.len() - at)]
    }

    fn json_cells(&mut self, column: &Column, start: usize) {
        for at in 0..column.len() {
            if self.0.len() > start + 1 {
                self.0.push(b',');
            }
            match column {
                Column::Str(texts) => match &texts[at] {
                    Some(text) => json::write_string(text, &mut self.0),
                    None => self.0.extend_from_slice(b"null"),
                },
                Column::Object(values) => json::write_value(&values[at], &mut self.0),
                _ => {}
            }
        }
    }

    fn numbers(&mut self, column: &Column) {
        macro_rules! append {
            ($values:expr) => {
                for value in $values {
                    self.0.extend_from_slice(&value.to_le_bytes());
                }
            };
        }
        match column {
            Column::F64(values) => append!(values),
            Column::F32(values) => append!(values),
            Column::I64(values) | Column::Time(values) => append!(values),
            Column::I32(values) => append!(values),
            Column::I16(values) => append!(values),
            Column::I8(values) => append!(values),
            Column::U64(values) => append!(values),
            Column::U32(values) => append!(values),
            Column::U16(values) => append!(values),
            Column::U8(values) => self.0.extend_from_slice(values),
            Column::Bool(values) => self.0.extend(values.iter().map(|value| u8::from(*value))),
            Column::Str(_) | Column::Bytes(_) | Column::Object(_) => {}
        }
    }
}

/// NumPy's short name of a column's type, or what it goes as.
pub(crate) fn kind(column: &Column) -> &'static str {
    match column {
        Column::F64(_) => "<f8",
        Column::F32(_) => "<f4",
        Column::I64(_) => "<i8",
        Column::I32(_) => "<i4",
        Column::I16(_) => "<i2",
        Column::I8(_) => "|i1",
        Column::U64(_) => "<u8",
        Column::U32(_) => "<u4",
        Column::U16(_) => "<u2",
        Column::U8(_) => "|u1",
        Column::Bool(_) => "|b1",
        Column::Time(_) => "<M8[ns]",
        Column::Str(_) => "str",
        Column::Bytes(_) => "bytes",
        Column::Object(_) => "object",
    }
}

fn byte_cells(column: &Column) -> &[Vec<u8>] {
    if let Column::Bytes(cells) = column { cells } else { &[] }
}

/// What a worker says.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    /// It lives.
    Beat,
    /// It has loaded the model.
    Ready(Greeting),
    /// It cannot load the model.
    Failed(String),
    /// The answer to each request of a question.
    Answer(Vec<Part>),
    /// The answer to a batch cannot be told apart.
    Unsplit,
}

/// What a worker says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(crate) versions: Versions,
    /// Whether MLflow enforces the signature once more on typed input.
    pub(crate) enforces: bool,
    /// Why requests are not put together.
    pub(crate) unbatched: Option<String>,
}

/// The answer to one request.
#[derive(Debug, PartialEq)]
pub(crate) enum Part {
    /// An array.
    Tensor(Tensor),
    /// The prediction's JSON.
    Json(Vec<u8>),
    /// An answer of MLflow's own code.
    Text { status: u16, content_type: String, body: Vec<u8>, is_error: bool },
}

/// The worker has sent what it never would: the reason.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// The length of a header, of its first four bytes.
pub(crate) fn header_len(bytes: [u8; 4]) -> Result<usize, Malformed> {
    let len = usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
    if len > HEADER_MAX { Err(Malformed("sent a header without end")) } else { Ok(len) }
}

/// A header, and the length of the body behind it.
pub(crate) fn header(bytes: &[u8]) -> Result<(Dict, usize), Malformed> {
    let Ok(Value::Dict(header)) = json::parse(bytes) else {
        return Err(Malformed("sent a header that is no object"));
    };
    match header.get("body").and_then(size) {
        Some(len) if len <= BODY_MAX => Ok((header, len)),
        Some(_) => Err(Malformed("sent an answer of more than a gibibyte")),
        None => Err(Malformed("sent a header without a length")),
    }
}

/// A message of its header and its whole body.
pub(crate) fn message(header: &Dict, body: &[u8]) -> Result<Message, Malformed> {
    match header.get("kind").and_then(Value::as_str) {
        Some("beat") => Ok(Message::Beat),
        Some("failed") => Ok(Message::Failed(String::from_utf8_lossy(body).into())),
        Some("ready") => greeting(header).map(Message::Ready),
        Some("answer") if header.get("unsplit").is_some() => Ok(Message::Unsplit),
        Some("answer") => parts(header, body).map(Message::Answer),
        _ => Err(Malformed("sent a message of an unknown kind")),
    }
}

fn greeting(header: &Dict) -> Result<Greeting, Malformed> {
    let text = |key: &str| {
        let value = header.get(key).and_then(Value::as_str);
        value.map(str::to_owned).ok_or(Malformed("sent a greeting that lacks something"))
    };
    let versions = Versions {
        python: text("python")?,
        mlflow: text("mlflow")?,
        pandas: text("pandas")?,
        numpy: text("numpy")?,
    };
    let enforces = header.get("enforces").and_then(Value::as_bool).unwrap_or(true);
    Ok(Greeting { versions, enforces, unbatched: text("unbatched").ok() })
}

fn parts(header: &Dict, mut body: &[u8]) -> Result<Vec<Part>, Malformed> {
    let headers = header.get("parts").and_then(Value::as_list);
    let mut parts = Vec::new();
    for header in headers.ok_or(Malformed("sent an answer without parts"))? {
        let len = header.get("bytes").and_then(size).filter(|len| *len <= body.len());
        let (own, rest) = body.split_at(len.ok_or(Malformed("sent an answer without an end"))?);
        body = rest;
        parts.push(part(header, own)?);
    }
    if body.is_empty() { Ok(parts) } else { Err(Malformed("sent more than its answer")) }
}

fn part(header: &Value, body: &[u8]) -> Result<Part, Malformed> {
    if header.get("json").is_some() {
        return Ok(Part::Json(body.to_vec()));
    }
    if let Some(kind) = header.get("tensor").and_then(Value::as_str) {
        return tensor(kind, header, body).map(Part::Tensor);
    }
    let status = header.get("status").and_then(size).and_then(|status| u16::try_from(status).ok());
    let content_type = header.get("type").and_then(Value::as_str);
    match (status.filter(|status| (200..600).contains(status)), content_type) {
        (Some(status), Some(content_type)) => Ok(Part::Text {
            status,
            content_type: content_type.to_owned(),
            body: body.to_vec(),
            is_error: header.get("error").and_then(Value::as_bool).unwrap_or(false),
        }),
        _ => Err(Malformed("sent an answer without a status")),
    }
}

fn tensor(kind: &str, header: &Value, body: &[u8]) -> Result<Tensor, Malformed> {
    const WRONG: Malformed = Malformed("sent an array that does not fit its shape");
    let sizes = header.get("shape").and_then(Value::as_list).ok_or(WRONG)?;
    let shape: Vec<usize> = sizes.iter().map(size).collect::<Option<_>>().ok_or(WRONG)?;
    // An empty array is written as many empty lists: those are counted, too.
    let written = shape.iter().try_fold(1_usize, |all, size| all.checked_mul((*size).max(1)));
    if written.is_none_or(|count| count > BODY_MAX) {
        return Err(WRONG);
    }
    let elements = elements(kind, body).ok_or(WRONG)?;
    if elements.len() != shape.iter().product::<usize>() {
        return Err(WRONG);
    }
    Ok(Tensor { shape, elements })
}

/// Numbers of bytes; `None` for an unknown kind or a number that is not whole.
fn elements(kind: &str, body: &[u8]) -> Option<Column> {
    macro_rules! read {
        ($variant:ident, $type:ty) => {{
            let (whole, rest) = body.as_chunks::<{ size_of::<$type>() }>();
            let values = whole.iter().map(|bytes| <$type>::from_le_bytes(*bytes));
            rest.is_empty().then(|| Column::$variant(values.collect()))
        }};
    }
    match kind {
        "f8" => read!(F64, f64),
        "f4" => read!(F32, f32),
        "i8" => read!(I64, i64),
        "i4" => read!(I32, i32),
        "i2" => read!(I16, i16),
        "i1" => read!(I8, i8),
        "u8" => read!(U64, u64),
        "u4" => read!(U32, u32),
        "u2" => read!(U16, u16),
        "u1" => read!(U8, u8),
        "b1" => Some(Column::Bool(body.iter().map(|byte| *byte != 0).collect())),
        _ => None,
    }
}

fn size(value: &Value) -> Option<usize> {
    value.as_int().and_then(|value| usize::try_from(value).ok())
}

#[cfg(test)]
mod tests;
