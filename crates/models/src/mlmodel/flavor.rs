//! Flavors: how a library, or MLflow for any library, loads a model.

use super::yaml;
use crate::json::{Dict, Value};

/// One flavor with its keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Flavor {
    /// Its name, for example `sklearn`.
    pub name: String,
    /// Its keys, known or not.
    pub keys: Dict,
}

impl Flavor {
    /// A key that is a text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.keys.get(key).and_then(Value::as_str)
    }

    /// The version of the library that saved the model: `sklearn_version`, `xgb_version` and so on.
    /// Two numbers without quotes are a float in YAML; they are given as they were written.
    pub fn library_version(&self) -> Option<String> {
        let own = format!("{}_version", self.name);
        let version = self.keys.iter().find(|(key, _)| *key == own).or_else(|| {
            self.keys.iter().find(|(key, _)| key.ends_with("_version") && *key != "python_version")
        });
        yaml::version(version?.1)
    }

    /// How the model was written. A scikit-learn model that does not say so is a pickle.
    pub fn serialization_format(&self) -> Option<&str> {
        self.text("serialization_format")
    }
}

/// The `python_function` flavor.
#[derive(Debug, Clone, Copy)]
pub struct PyFunc<'a>(pub(super) &'a Flavor);

impl<'a> PyFunc<'a> {
    /// The Python module that loads the model, for example `mlflow.sklearn`.
    pub fn loader_module(&self) -> Option<&'a str> {
        self.0.text("loader_module")
    }

    /// The file or folder of the model's data; scikit-learn's flavor calls it `model_path`.
    pub fn data(&self) -> Option<&'a str> {
        self.0.text("data").or_else(|| self.0.text("model_path"))
    }

    /// The method that predicts; `predict` unless the model says otherwise.
    pub fn predict_method(&self) -> &'a str {
        self.0.text("predict_fn").unwrap_or("predict")
    }

    /// The folder of Python code the model brings along.
    pub fn code(&self) -> Option<&'a str> {
        self.0.text("code")
    }

    /// The file of a model from code.
    pub fn model_code_path(&self) -> Option<&'a str> {
        self.0.text("model_code_path")
    }

    /// The version of Python that saved the model.
    pub fn python_version(&self) -> Option<&'a str> {
        self.0.text("python_version")
    }

    /// The conda environment's file. Before MLflow 2.0 the key was its name alone.
    pub fn conda_file(&self) -> Option<&'a str> {
        match self.0.keys.get("env")? {
            Value::Str(file) => Some(file),
            Value::Dict(files) => files.get("conda").and_then(Value::as_str),
            _ => None,
        }
    }

    /// The file that describes a virtual environment.
    pub fn virtualenv_file(&self) -> Option<&'a str> {
        self.0.keys.get("env")?.get("virtualenv").and_then(Value::as_str)
    }

    /// What the model was configured with.
    pub fn config(&self) -> Option<&'a Dict> {
        self.0.keys.get("config").and_then(Value::as_dict)
    }

    /// Whether the model can answer as a stream.
    pub fn is_streamable(&self) -> bool {
        self.0.keys.get("streamable").and_then(Value::as_bool) == Some(true)
    }

    /// The flavor itself, for keys that have no method.
    pub fn flavor(&self) -> &'a Flavor {
        self.0
    }
}
