//! The OpenAPI document of one served model, from its signature: what a client may send to it.

use crate::json::{Dict, Value, object};
use crate::signature::{
    ColumnSpec, ColumnType, DataType, NumpyType, ParamSpec, ParamType, Schema, Signature,
    TensorSpec,
};

/// What the document says besides the signature.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The model's name.
    pub title: &'a str,
    /// The model's version.
    pub version: &'a str,
    /// Where requests go, for example `/invocations`.
    pub path: &'a str,
    /// A whole request that the model answers, if there is one.
    pub example: Option<&'a Value>,
}

/// The document.
pub fn document(about: &About<'_>, signature: &Signature) -> Value {
    let mut post = Dict::new();
    post.insert("summary", "Predict");
    post.insert("operationId", "invocations");
    post.insert("requestBody", request(about, signature));
    post.insert("responses", responses(signature));
    let paths = object([(about.path, object([("post", post.into())]))]);
    object([
        ("openapi", "3.1.0".into()),
        ("info", object([("title", about.title.into()), ("version", about.version.into())])),
        ("paths", paths),
    ])
}

fn texts<'a>(texts: impl Iterator<Item = &'a str>) -> Value {
    Value::List(texts.map(Value::from).collect())
}

fn any_of(schemas: Vec<Value>) -> Value {
    object([("anyOf", Value::List(schemas))])
}

fn of_type(kind: &str) -> Value {
    object([("type", kind.into())])
}

fn array(items: Value) -> Value {
    object([("type", "array".into()), ("items", items)])
}

fn request(about: &About<'_>, signature: &Signature) -> Value {
    let params = signature.params.as_deref();
    let form = |name: &str, schema: Value| {
        let mut members = vec![(name.to_owned(), schema)];
        if let Some(params) = params {
            members.push(("params".into(), params_schema(params)));
        }
        object([
            ("type", "object".into()),
            ("required", texts([name].into_iter())),
            ("properties", Value::Dict(Dict::from_members(members))),
        ])
    };
    let forms = match &signature.inputs {
        Some(Schema::Tensors(specs)) => {
            let named = specs[0].name.is_some();
            let instances = if named { array(of_type("object")) } else { tensors(specs) };
            vec![form("inputs", tensors(specs)), form("instances", instances)]
        }
        Some(Schema::Columns(specs)) if specs[0].name.is_some() => vec![
            form("dataframe_split", split(specs)),
            form("dataframe_records", array(record(specs))),
            form("inputs", any_of(vec![by_column(specs), array(record(specs))])),
            form("instances", array(record(specs))),
        ],
        _ => vec![
            form("dataframe_split", of_type("object")),
            form("dataframe_records", array(of_type("object"))),
            form("inputs", Value::Dict(Dict::new())),
            form("instances", Value::Dict(Dict::new())),
        ],
    };
    let mut json = Dict::new();
    json.insert("schema", object([("oneOf", Value::List(forms))]));
    if let Some(example) = about.example {
        json.insert("example", example.clone());
    }
    let csv = object([("schema", of_type("string"))]);
    let mut content = Dict::new();
    content.insert("application/json", json);
    let scalar = |spec: &ColumnSpec| matches!(spec.kind, ColumnType::Scalar(_));
    let takes_csv = match &signature.inputs {
        None => true,
        Some(Schema::Columns(specs)) => specs.iter().all(scalar),
        Some(Schema::Tensors(_)) => false,
    };
    if takes_csv {
        content.insert("text/csv", csv);
    }
    object([("required", true.into()), ("content", content.into())])
}

fn responses(signature: &Signature) -> Value {
    let predictions = match &signature.outputs {
        Some(Schema::Tensors(specs)) => tensors(specs),
        Some(Schema::Columns(specs)) if specs[0].name.is_some() => array(record(specs)),
        Some(Schema::Columns(specs)) if specs.len() == 1 => array(column(&specs[0].kind)),
        _ => Value::Dict(Dict::new()),
    };
    let content = |schema: Value| object([("application/json", object([("schema", schema)]))]);
    let predicted = object([
        ("type", "object".into()),
        ("required", texts(["predictions"].into_iter())),
        ("properties", object([("predictions", predictions)])),
    ]);
    let error = object([
        ("type", "object".into()),
        ("required", texts(["error_code", "message"].into_iter())),
        (
            "properties",
            object([
                ("error_code", of_type("string")),
                ("message", of_type("string")),
                ("sqlstate", of_type("string")),
                ("error_class", of_type("string")),
            ]),
        ),
    ]);
    object([
        ("200", object([("description", "Predictions".into()), ("content", content(predicted))])),
        (
            "400",
            object([
                ("description", "The request does not fit the model".into()),
                ("content", content(error)),
            ]),
        ),
        ("415", object([("description", "A content type that is not known".into())])),
    ])
}

/// The schema of one value of a type. `null` is a missing value where a type has one.
fn scalar(kind: DataType) -> Value {
    let nullable = |kind: &str| ("type", texts([kind, "null"].into_iter()));
    match kind {
        DataType::Boolean => of_type("boolean"),
        DataType::Integer => object([("type", "integer".into()), ("format", "int32".into())]),
        DataType::Long => object([("type", "integer".into()), ("format", "int64".into())]),
        DataType::Float => object([nullable("number"), ("format", "float".into())]),
        DataType::Double => object([nullable("number"), ("format", "double".into())]),
        DataType::String => object([nullable("string")]),
        DataType::Binary => {
            object([("type", "string".into()), ("contentEncoding", "base64".into())])
        }
        DataType::Datetime => object([nullable("string"), ("format", "date-time".into())]),
    }
}

fn column(kind: &ColumnType) -> Value {
    match kind {
        ColumnType::Scalar(kind) => scalar(*kind),
        ColumnType::Array(items) => array(column(items)),
        ColumnType::SparkVector => array(scalar(DataType::Double)),
        ColumnType::Map(values) => {
            object([("type", "object".into()), ("additionalProperties", column(values))])
        }
        ColumnType::Any => Value::Dict(Dict::new()),
        ColumnType::Object(properties) => {
            let members = properties.iter().map(|p| (p.name.clone(), column(&p.kind)));
            let required = properties.iter().filter(|p| p.required).map(|p| p.name.as_str());
            object([
                ("type", "object".into()),
                ("properties", Value::Dict(Dict::from_members(members.collect()))),
                ("required", texts(required)),
                ("additionalProperties", false.into()),
            ])
        }
    }
}

fn named(specs: &[ColumnSpec]) -> impl Iterator<Item = (&str, &ColumnSpec)> {
    specs.iter().filter_map(|spec| spec.name.as_deref().map(|name| (name, spec)))
}

/// One row, by name.
fn record(specs: &[ColumnSpec]) -> Value {
    members(specs, column)
}

/// The lists of all columns, by name.
fn by_column(specs: &[ColumnSpec]) -> Value {
    members(specs, |kind| array(column(kind)))
}

fn members(specs: &[ColumnSpec], schema: fn(&ColumnType) -> Value) -> Value {
    let members = named(specs).map(|(name, spec)| (name.to_owned(), schema(&spec.kind)));
    let required = named(specs).filter(|(_, spec)| spec.required).map(|(name, _)| name);
    object([
        ("type", "object".into()),
        ("properties", Value::Dict(Dict::from_members(members.collect()))),
        ("required", texts(required)),
    ])
}

fn split(specs: &[ColumnSpec]) -> Value {
    let names = texts(named(specs).map(|(name, _)| name));
    let names =
        object([("type", "array".into()), ("items", of_type("string")), ("default", names)]);
    object([
        ("type", "object".into()),
        (
            "properties",
            object([
                ("columns", names),
                ("index", of_type("array")),
                ("data", array(of_type("array"))),
            ]),
        ),
        ("required", texts(["columns", "data"].into_iter())),
    ])
}

fn element(kind: NumpyType) -> Value {
    match kind {
        NumpyType::Bool => of_type("boolean"),
        NumpyType::Str | NumpyType::Bytes => of_type("string"),
        NumpyType::F16 | NumpyType::F32 | NumpyType::F64 => of_type("number"),
        NumpyType::Object => Value::Dict(Dict::new()),
        _ => of_type("integer"),
    }
}

fn tensor(spec: &TensorSpec) -> Value {
    spec.shape.iter().rev().fold(element(spec.kind), |items, size| {
        if *size < 0 {
            return array(items);
        }
        object([
            ("type", "array".into()),
            ("items", items),
            ("minItems", (*size).into()),
            ("maxItems", (*size).into()),
        ])
    })
}

fn tensors(specs: &[TensorSpec]) -> Value {
    if let [spec] = specs
        && spec.name.is_none()
    {
        return tensor(spec);
    }
    let named = || specs.iter().filter_map(|spec| spec.name.as_deref().map(|name| (name, spec)));
    let members = named().map(|(name, spec)| (name.to_owned(), tensor(spec)));
    object([
        ("type", "object".into()),
        ("properties", Value::Dict(Dict::from_members(members.collect()))),
        ("required", texts(named().map(|(name, _)| name))),
    ])
}

fn params_schema(specs: &[ParamSpec]) -> Value {
    let members = specs.iter().map(|spec| {
        let kind = match &spec.kind {
            ParamType::Scalar(kind) if spec.is_list => array(scalar(*kind)),
            ParamType::Scalar(kind) => scalar(*kind),
            ParamType::Object(properties) => column(&ColumnType::Object(properties.clone())),
        };
        let Value::Dict(mut kind) = kind else { return (spec.name.clone(), kind) };
        kind.insert("default", spec.default.clone());
        (spec.name.clone(), kind.into())
    });
    object([
        ("type", "object".into()),
        ("properties", Value::Dict(Dict::from_members(members.collect()))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{dumps, parse_text};

    fn described(inputs: &str, params: Option<&str>) -> Value {
        let outputs = r#"[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]"#;
        let signature = Signature::read(Some(inputs), Some(outputs), params).unwrap();
        let example = parse_text(r#"{"inputs": [1]}"#).unwrap();
        let about =
            About { title: "iris", version: "3", path: "/invocations", example: Some(&example) };
        document(&about, &signature)
    }

    fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
        path.iter().fold(value, |value, key| {
            let inner = match key.parse::<usize>() {
                Ok(at) if value.as_list().is_some() => value.as_list().and_then(|all| all.get(at)),
                _ => value.get(key),
            };
            inner.unwrap_or_else(|| panic!("{key} of {path:?} is not there"))
        })
    }

    const JSON: [&str; 6] =
        ["paths", "/invocations", "post", "requestBody", "content", "application/json"];

    #[test]
    fn columns_are_described_in_each_form() {
        let inputs = r#"[{"type": "double", "name": "a"}, {"type": "string", "name": "b", "required": false}]"#;
        let params = r#"[{"name": "top", "default": 3, "shape": null, "type": "integer"}]"#;
        let document = described(inputs, Some(params));
        let json = at(&document, &JSON);
        assert_eq!(dumps(at(json, &["example"])), r#"{"inputs": [1]}"#);
        let records = at(json, &["schema", "oneOf", "1", "properties", "dataframe_records"]);
        assert_eq!(
            dumps(records),
            r#"{"type": "array", "items": {"type": "object", "properties": {"a": {"type": ["number", "null"], "format": "double"}, "b": {"type": ["string", "null"]}}, "required": ["a"]}}"#
        );
        let top = at(json, &["schema", "oneOf", "0", "properties", "params", "properties", "top"]);
        assert_eq!(dumps(top), r#"{"type": "integer", "format": "int32", "default": 3}"#);
        assert!(at(&document, &JSON[..5]).get("text/csv").is_some());
        let predictions = at(
            &document,
            &[
                "paths",
                "/invocations",
                "post",
                "responses",
                "200",
                "content",
                "application/json",
                "schema",
                "properties",
                "predictions",
            ],
        );
        assert_eq!(dumps(predictions), r#"{"type": "array", "items": {"type": "integer"}}"#);
    }

    #[test]
    fn tensors_have_their_sizes() {
        let inputs =
            r#"[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]"#;
        let document = described(inputs, None);
        let inputs =
            at(&document, &[&JSON[..], &["schema", "oneOf", "0", "properties", "inputs"]].concat());
        assert_eq!(
            dumps(inputs),
            r#"{"type": "array", "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}}"#
        );
        assert!(at(&document, &JSON[..5]).get("text/csv").is_none());
    }
}
