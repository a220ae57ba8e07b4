//! From the JSON of the REST API to the values of the schema. MLflow answers from protobuf messages, in which what
//! is absent has a default: an empty text, 0, false, an empty list, a message of such.

use std::borrow::Cow;

use apollo_compiler::Schema;
use apollo_compiler::ast::Type;
use apollo_compiler::resolvers::{AsyncObjectValue, AsyncResolvedValue, FieldError, ResolveInfo};
use apollo_compiler::response::JsonValue;
use apollo_compiler::schema::ExtendedType;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};

use super::root::Asked;

/// In the schema, but MLflow's messages do not have it.
const ABSENT: &str = "apiError";
/// The metric of a run, whose NaN is null.
const RUN_METRIC: &str = "MlflowMetricExtension";
/// A run with what can be looked up for it.
const RUN: &str = "MlflowRunExtension";

static NULL: JsonValue = JsonValue::Null;

type Resolved<'a> = Result<AsyncResolvedValue<'a>, FieldError>;

/// An object of a schema's type, from JSON.
pub(super) struct Node<'a> {
    asked: &'a Asked,
    ty: &'a str,
    json: Cow<'a, JsonValue>,
}

impl<'a> Node<'a> {
    pub(super) fn new(asked: &'a Asked, ty: &'a str, json: Cow<'a, JsonValue>) -> Self {
        Self { asked, ty, json }
    }

    /// A text of the run's `info`.
    fn info(&self, name: &str) -> &str {
        let info = self.json.get("info").and_then(|info| info.get(name));
        info.and_then(JsonValue::as_str).unwrap_or_default()
    }

    async fn field(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let (name, ty) = (info.field_name(), &info.field_definition().ty);
        match (self.ty, name) {
            (RUN, "experiment") => {
                let experiment = self.asked.experiment(self.info("experiment_id")).await?;
                Ok(object(self.asked, info, experiment))
            }
            (RUN, "modelVersions") => {
                let found = self.asked.versions(self.info("run_id")).await?;
                let JsonValue::Array(found) = found else { return Ok(list(Vec::new())) };
                let versions = found.into_iter().map(|it| Ok(object(self.asked, info, it)));
                Ok(list(versions.collect()))
            }
            // Gives back what it was given, null too.
            ("Test" | "TestMutation", "output") => {
                Ok(AsyncResolvedValue::leaf(self.json.get("output").cloned().unwrap_or_default()))
            }
            (_, ABSENT) => Ok(AsyncResolvedValue::null()),
            _ => {
                let json = self.json.get(snake_case(name).as_str()).unwrap_or(&NULL);
                match json.as_str() {
                    Some("NaN") if self.ty == RUN_METRIC => Ok(AsyncResolvedValue::null()),
                    _ => self.complete(info.schema(), ty, json),
                }
            }
        }
    }

    fn complete(&'a self, schema: &'a Schema, ty: &'a Type, json: &'a JsonValue) -> Resolved<'a> {
        if ty.is_list() {
            let items = json.as_array().map(Vec::as_slice).unwrap_or_default().iter();
            return Ok(list(
                items.map(|item| self.complete(schema, ty.item_type(), item)).collect(),
            ));
        }
        let name = ty.inner_named_type();
        match schema.types.get(name) {
            Some(ExtendedType::Object(_)) => {
                let node = Node::new(self.asked, name, Cow::Borrowed(json));
                Ok(AsyncResolvedValue::object(node))
            }
            Some(ExtendedType::Enum(_)) => Ok(AsyncResolvedValue::leaf(json.clone())),
            _ => scalar(name, json).map(AsyncResolvedValue::Leaf),
        }
    }
}

impl AsyncObjectValue for Node<'_> {
    fn type_name(&self) -> &str {
        self.ty
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> BoxFuture<'a, Resolved<'a>> {
        Box::pin(self.field(info))
    }
}

/// An object of the type of the field that is resolved.
pub(super) fn object<'a>(
    asked: &'a Asked,
    info: &'a ResolveInfo<'a>,
    json: JsonValue,
) -> AsyncResolvedValue<'a> {
    let ty = info.field_definition().ty.inner_named_type();
    AsyncResolvedValue::object(Node::new(asked, ty, Cow::Owned(json)))
}

fn list<'a>(items: Vec<Resolved<'a>>) -> AsyncResolvedValue<'a> {
    AsyncResolvedValue::List(stream::iter(items).boxed())
}

fn scalar(ty: &str, json: &JsonValue) -> Result<JsonValue, FieldError> {
    Ok(match (ty, json) {
        ("String", JsonValue::Null) => "".into(),
        ("Boolean", JsonValue::Null) => false.into(),
        ("Float", JsonValue::Null) => 0.0.into(),
        ("LongString", JsonValue::Null) => "0".into(),
        ("LongString", JsonValue::Number(number)) => number.to_string().into(),
        // What JSON has no number for is a text in the REST API.
        ("Float", JsonValue::String(word)) => {
            let word = match word.as_str() {
                "NaN" => "nan",
                "Infinity" => "inf",
                _ => "-inf",
            };
            let message = format!("Float cannot represent non numeric value: {word}");
            return Err(FieldError { message });
        }
        (_, other) => other.clone(),
    })
}

/// `runId` as the API writes it: `run_id`.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
