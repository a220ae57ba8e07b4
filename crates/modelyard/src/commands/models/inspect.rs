//! `modelyard models inspect`: what a model is, and which engine serves it.

use std::io::{self, Write};

use modelyard_deployments::served::{Choice, Engine, Loaded, description};
use modelyard_models::json::{Value as JsonValue, dumps};
use modelyard_models::signature::{ParamSpec, Signature};
use serde::Serialize;
use serde_json::Value;

use super::folder::Folder;
use crate::commands::connection;
use crate::output::{Fields, Format, Terminal, json, to_stdout};

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The model: models:/NAME@ALIAS, models:/NAME/VERSION, models:/MODEL_ID, runs:/RUN_ID/path,
    /// mlflow-artifacts:/path, or a folder.
    #[arg(long, short, value_name = "URI")]
    model_uri: String,
    /// How to write it; fields on a terminal and JSON elsewhere if not given.
    #[arg(long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
}

/// What there is to say about a model.
#[derive(Debug, Serialize)]
struct Inspection {
    name: String,
    version: Option<String>,
    /// `native` or `python`.
    engine: &'static str,
    /// Why it is Python.
    reason: Option<String>,
    /// The flavors with the versions of their libraries.
    flavors: Vec<String>,
    /// The file that the native engine reads.
    file: Option<String>,
    mlflow_version: Option<String>,
    model_id: Option<String>,
    run_id: Option<String>,
    python: Option<String>,
    requirements: Vec<String>,
    /// As MLflow writes schemas.
    inputs: Option<Value>,
    outputs: Option<Value>,
    params: Option<Value>,
}

pub(super) fn run(connection: &connection::Args, args: &Args) -> anyhow::Result<()> {
    let folder = Folder::find(connection, &args.model_uri)?;
    let inspection = Inspection::of(&folder)?;
    to_stdout(|out| match Format::json_unless_terminal(args.output) {
        Format::Table => inspection.write(out),
        Format::Json => json(out, &inspection),
        Format::Csv => csv(out, &inspection),
    })
}

impl Inspection {
    fn of(folder: &Folder) -> anyhow::Result<Self> {
        let Loaded { model, recipe, choice } = Loaded::read(&folder.path)?;
        let environment = description(&folder.path, &model)?;
        let (engine, reason) = match choice {
            Choice::Native(_) => (Engine::Native, None),
            Choice::Python(why) => (Engine::Python, Some(why)),
        };
        let flavors = model.flavors().iter().map(|flavor| match flavor.library_version() {
            Some(version) if flavor.name != "python_function" => {
                format!("{} {version}", flavor.name)
            }
            _ => flavor.name.clone(),
        });
        let signature = model.signature();
        let part = |read: fn(&Signature) -> Option<JsonValue>| {
            signature.and_then(read).map(|value| plain(&value))
        };
        let text = |value: Option<&str>| value.map(str::to_owned);
        Ok(Self {
            name: folder.name.clone(),
            version: folder.version.clone(),
            engine: engine.name(),
            reason,
            flavors: flavors.collect(),
            file: recipe.map(|recipe| recipe.file),
            mlflow_version: text(model.mlflow_version()),
            model_id: text(model.model_id()),
            run_id: text(model.run_id()),
            python: environment.python,
            requirements: environment.requirements.into_iter().map(|it| it.text).collect(),
            inputs: part(|signature| Some(signature.inputs.as_ref()?.to_value())),
            outputs: part(|signature| Some(signature.outputs.as_ref()?.to_value())),
            params: part(|signature| {
                let params = signature.params.as_ref()?;
                Some(JsonValue::List(params.iter().map(ParamSpec::to_value).collect()))
            }),
        })
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let engine = match &self.reason {
            Some(why) => format!("{}: {why}", self.engine),
            None => format!("{} (without Python)", self.engine),
        };
        let optional = [
            ("Version", self.version.clone()),
            ("Engine", Some(engine)),
            ("File", self.file.clone()),
            ("Flavors", Some(self.flavors.join(", "))),
            ("MLflow", self.mlflow_version.clone()),
            ("Model id", self.model_id.clone()),
            ("Run", self.run_id.clone()),
            ("Inputs", self.inputs.as_ref().map(for_people)),
            ("Outputs", self.outputs.as_ref().map(for_people)),
            ("Params", self.params.as_ref().map(for_people)),
            ("Python", self.python.clone()),
            ("Requirements", Some(self.requirements.join(", "))),
        ];
        let given = optional.into_iter().filter_map(|(label, value)| Some((label, value?)));
        std::iter::once(("Name", self.name.clone())).chain(given).collect()
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut fields = Fields::default();
        for (label, value) in self.fields() {
            fields.push(label, &value);
        }
        fields.write(out, Terminal::stdout())
    }
}

fn csv(out: &mut dyn Write, inspection: &Inspection) -> io::Result<()> {
    crate::output::csv::line(out, ["field", "value"])?;
    inspection
        .fields()
        .iter()
        .try_for_each(|(label, value)| crate::output::csv::line(out, [*label, value.as_str()]))
}

/// A schema for `serde_json`; what JSON has not, such as a default that is no number, becomes null.
fn plain(value: &JsonValue) -> Value {
    serde_json::from_str(&dumps(value)).unwrap_or_default()
}

/// A schema as `name: type`, one after the other.
fn for_people(schema: &Value) -> String {
    let one = |(at, spec): (usize, &Value)| {
        let text = |key: &str| spec[key].as_str().map(str::to_owned);
        let name = text("name").unwrap_or_else(|| at.to_string());
        let kind = match &spec["tensor-spec"] {
            Value::Null => text("type").unwrap_or_default(),
            tensor => {
                format!("{}{}", tensor["dtype"].as_str().unwrap_or_default(), tensor["shape"])
            }
        };
        let optional = if spec["required"] == Value::Bool(false) { " (optional)" } else { "" };
        match spec.get("default") {
            Some(default) => format!("{name}: {kind} = {default}"),
            None => format!("{name}: {kind}{optional}"),
        }
    };
    let specs = schema.as_array().map(Vec::as_slice).unwrap_or_default();
    specs.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
}
