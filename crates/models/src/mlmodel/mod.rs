//! The `MLmodel` file: what a model is, in which flavors, with which signature.

mod environment;
mod example;
mod flavor;
mod yaml;
mod yaml_write;

pub use environment::{Environment, Requirement};
pub use example::{ExampleKind, InputExample};
pub use flavor::{Flavor, PyFunc};
pub use yaml::{MAX_BYTES, YamlError};

use crate::json::{Dict, Value};
use crate::signature::{Signature, SignatureError};

/// Why a text is no `MLmodel` file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MlModelError {
    /// It is no YAML, or beyond a limit.
    #[error("the MLmodel file cannot be read: {0}")]
    Yaml(#[from] YamlError),
    /// Its signature cannot be read.
    #[error("the signature of the MLmodel file cannot be read: {0}")]
    Signature(#[from] SignatureError),
    /// A field has a value it cannot have.
    #[error("the MLmodel file is malformed: {0}")]
    Field(String),
}

/// An `MLmodel` file. All that it says is kept, known or not, and written again.
#[derive(Debug, Clone, PartialEq)]
pub struct MlModel {
    /// The file as it was read.
    fields: Dict,
    signature: Option<Signature>,
    flavors: Vec<Flavor>,
}

impl MlModel {
    /// Reads a file.
    pub fn read(text: &str) -> Result<Self, MlModelError> {
        let Value::Dict(fields) = yaml::read(text)? else {
            return Err(MlModelError::Field("it must be a mapping".into()));
        };
        let mut flavors = Vec::new();
        match fields.get("flavors") {
            None | Some(Value::Null) => {}
            Some(Value::Dict(all)) => {
                for (name, keys) in all.iter() {
                    let Value::Dict(keys) = keys else {
                        return Err(MlModelError::Field(format!(
                            "flavor {name} must be a mapping"
                        )));
                    };
                    flavors.push(Flavor { name: name.to_owned(), keys: keys.clone() });
                }
            }
            Some(_) => return Err(MlModelError::Field("`flavors` must be a mapping".into())),
        }
        let signature = Self::read_signature(&fields)?;
        Ok(Self { fields, signature, flavors })
    }

    fn read_signature(fields: &Dict) -> Result<Option<Signature>, MlModelError> {
        let parts = match fields.get("signature") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Dict(parts)) => parts,
            Some(_) => return Err(MlModelError::Field("`signature` must be a mapping".into())),
        };
        let part = |name: &str| match parts.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Str(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(MlModelError::Field(format!("`signature.{name}` must be a text"))),
        };
        Ok(Some(Signature::read(part("inputs")?, part("outputs")?, part("params")?)?))
    }

    /// The file's text again: all its fields, keys sorted as MLflow sorts them.
    pub fn write(&self) -> String {
        yaml_write::write(&Value::Dict(self.fields.clone()))
    }

    /// A field by name, known to this crate or not.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Sets a field, or with `None` removes it. What it says is checked as when it is read.
    pub fn with_field(&self, name: &str, value: Option<Value>) -> Result<Self, MlModelError> {
        let mut fields = self.fields.clone();
        match value {
            Some(value) => fields.insert(name, value),
            None => {
                fields.remove(name);
            }
        }
        Self::read(&yaml_write::write(&Value::Dict(fields)))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    /// The signature; old models and some of today's have none.
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// The flavors, in their order.
    pub fn flavors(&self) -> &[Flavor] {
        &self.flavors
    }

    /// A flavor by name.
    pub fn flavor(&self, name: &str) -> Option<&Flavor> {
        self.flavors.iter().find(|flavor| flavor.name == name)
    }

    /// The `python_function` flavor, by which MLflow serves a model.
    pub fn pyfunc(&self) -> Option<PyFunc<'_>> {
        self.flavor("python_function").map(PyFunc)
    }

    /// The flavors of a library: all but `python_function`.
    pub fn library_flavors(&self) -> impl Iterator<Item = &Flavor> {
        self.flavors.iter().filter(|flavor| flavor.name != "python_function")
    }

    /// The version of MLflow that wrote the file; missing before 1.28.
    pub fn mlflow_version(&self) -> Option<&str> {
        self.text("mlflow_version")
    }

    /// The id of this one saved model.
    pub fn model_uuid(&self) -> Option<&str> {
        self.text("model_uuid")
    }

    /// The id of the logged model, since MLflow 3.
    pub fn model_id(&self) -> Option<&str> {
        self.text("model_id")
    }

    /// The run that logged the model.
    pub fn run_id(&self) -> Option<&str> {
        self.text("run_id")
    }

    /// Where in the run's artifacts the model lies.
    pub fn artifact_path(&self) -> Option<&str> {
        self.text("artifact_path")
    }

    /// When the model was made, as the file says it; until 1.0 the field was `time_created`.
    pub fn time_created(&self) -> Option<&str> {
        self.text("utc_time_created").or_else(|| self.text("time_created"))
    }

    /// The size of all its files.
    pub fn size_bytes(&self) -> Option<i64> {
        self.fields.get("model_size_bytes").and_then(Value::as_int)
    }

    /// What the user wrote about the model.
    pub fn metadata(&self) -> Option<&Dict> {
        self.fields.get("metadata").and_then(Value::as_dict)
    }

    /// Whether the signature comes from type hints: then a request has `inputs` only, and the
    /// model's own code checks what is in it.
    pub fn is_signature_from_type_hint(&self) -> bool {
        self.fields.get("is_signature_from_type_hint").and_then(Value::as_bool) == Some(true)
    }

    /// Whether the model takes its input in the form of its example.
    pub fn is_type_hint_from_example(&self) -> bool {
        self.fields.get("type_hint_from_example").and_then(Value::as_bool) == Some(true)
    }

    /// Names of variables of the process that the model wants to see.
    pub fn environment_variables(&self) -> Vec<&str> {
        let names = self.fields.get("env_vars").and_then(Value::as_list).unwrap_or_default();
        names.iter().filter_map(Value::as_str).collect()
    }

    /// The example of an input, if the model has one.
    pub fn input_example(&self) -> Option<InputExample<'_>> {
        self.fields.get("saved_input_example_info").and_then(Value::as_dict).map(InputExample)
    }
}
