//! Parameters of a request: defaults filled in, types checked.

use super::fault::{Fault, Rejection};
use super::{nested, time};
use crate::json::{Dict, Value, repr};
use crate::signature::{DataType, ParamSpec, ParamType};

/// The parameters as the model gets them. Those that the signature does not have are left out;
/// a model without parameters gets none, whatever a request says.
pub(crate) fn enforce(
    params: Option<Value>,
    specs: Option<&[ParamSpec]>,
) -> Result<Option<Dict>, Rejection> {
    let Some(specs) = specs else {
        return Ok(match params {
            None | Some(Value::Null) => None,
            Some(_) => Some(Dict::new()),
        });
    };
    let given = match params {
        None | Some(Value::Null) => Dict::new(),
        Some(Value::Dict(given)) => given,
        Some(other) => {
            return Err(Rejection::parameter(format!(
                "Parameters must be a dictionary. Got type '{}'.",
                other.type_name()
            )));
        }
    };
    let mut params = Dict::new();
    for (name, value) in given.into_members() {
        if specs.iter().any(|spec| spec.name == name) {
            params.insert(name, value);
        }
    }
    let mut invalid = Vec::new();
    for spec in specs {
        let Some(value) = params.get(&spec.name) else {
            params.insert(spec.name.as_str(), spec.default.clone());
            continue;
        };
        match check(value, spec) {
            Ok(value) => params.insert(spec.name.as_str(), value),
            Err(Fault::Undecided(why)) => return Err(Rejection::Undecided(why)),
            Err(Fault::Raised { message, .. }) => {
                invalid.push(format!("({}, {})", repr::string(&spec.name), repr::string(&message)));
            }
        }
    }
    if invalid.is_empty() {
        return Ok(Some(params));
    }
    Err(Rejection::parameter(format!("Invalid parameters found: {{{}}}", invalid.join(", "))))
}

fn printed(spec: &ParamSpec) -> String {
    let kind = match &spec.kind {
        ParamType::Scalar(kind) => kind.name().to_owned(),
        ParamType::Object(properties) => nested::printed_object(properties),
    };
    let shape = if spec.is_list { " (shape: (-1,))" } else { "" };
    let default = repr::str(&spec.default);
    format!("{}: {kind} (default: {default}){shape}", repr::string(&spec.name))
}

fn check(value: &Value, spec: &ParamSpec) -> Result<Value, Fault> {
    if spec.is_list {
        let depth = depth(value);
        let items = match value {
            Value::List(items) if depth == 1 => items,
            other => {
                return Err(Fault::mlflow(format!(
                    "Value must be a 1D array with shape (-1,) for param {}, received {} with ndim {depth}",
                    printed(spec),
                    other.type_name()
                )));
            }
        };
        let ParamType::Scalar(kind) = spec.kind else {
            return Err(Fault::Undecided("a list of objects as a parameter"));
        };
        let checked = items.iter().map(|item| scalar(item, kind)).collect::<Result<Vec<_>, _>>();
        return checked.map(Value::List).map_err(|fault| explained(fault, spec));
    }
    let checked = match &spec.kind {
        ParamType::Scalar(kind) => scalar(value, *kind),
        ParamType::Object(properties) => {
            nested::object(value.clone(), properties, true).map(|_| value.clone())
        }
    };
    checked.map_err(|fault| explained(fault, spec))
}

fn explained(fault: Fault, spec: &ParamSpec) -> Fault {
    match fault {
        Fault::Raised { message, .. } => Fault::mlflow(format!(
            "Failed to validate type and shape for {}, error: {message}",
            printed(spec)
        )),
        other => other,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.first().map_or(0, depth),
        _ => 0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "Python rounds the same way")]
fn scalar(value: &Value, kind: DataType) -> Result<Value, Fault> {
    let to = kind.name();
    match (value, kind) {
        (Value::Null, _) => return Ok(Value::Null),
        (Value::Str(text), DataType::Datetime) => {
            // The model gets a time of Python; its text is what a worker makes one of.
            return match time::parse(text) {
                Some((ns, _)) if ns % 1000 == 0 => Ok(value.clone()),
                _ => Err(Fault::Undecided("a form of time")),
            };
        }
        (_, DataType::Datetime) => return Err(Fault::Undecided("a time that is no text")),
        (Value::List(_) | Value::Dict(_), _) => {
            let shown = repr::value(value);
            return Err(Fault::mlflow(format!(
                "Value must be a scalar for type `DataType.{to}`, got `{shown}`"
            )));
        }
        (Value::Bool(_), DataType::Boolean)
        | (Value::Int(_) | Value::Big(_), DataType::Integer | DataType::Long)
        | (Value::Float(_), DataType::Float | DataType::Double)
        | (Value::Str(_), DataType::String) => return Ok(value.clone()),
        (Value::Int(value), DataType::Float | DataType::Double) => {
            return Ok(Value::Float(*value as f64));
        }
        _ => {}
    }
    let shown = repr::str(value);
    Err(Fault::mlflow(format!(
        "Can not safely convert `<class '{}'>` to `DataType.{to}` for value `{shown}`",
        value.type_name()
    )))
}
