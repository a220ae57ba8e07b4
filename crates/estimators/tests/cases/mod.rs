//! The cases that `tests/golden/train.py` writes.

#![allow(dead_code, reason = "each test uses a part")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use modelyard_estimators::npy::{self, Kind};
use modelyard_estimators::{Cells, Error, Model, Output, Table, Values, XgboostClass};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) files: Vec<String>,
    pub(crate) answers: Vec<Answer>,
    #[serde(default)]
    pub(crate) tolerance: f64,
    /// Methods whose answers come out of an exponential.
    #[serde(default)]
    pub(crate) exponential: Vec<String>,
    /// Why the file is refused, for files made to do harm.
    pub(crate) refused: Option<String>,
    /// The class of XGBoost's interface to scikit-learn.
    pub(crate) wrapper: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) method: String,
    pub(crate) input: String,
    pub(crate) file: Option<String>,
    pub(crate) error: Option<String>,
}

pub(crate) struct Folder {
    path: PathBuf,
    pub(crate) cases: Vec<Case>,
    tables: HashMap<String, Table>,
}

/// The folders below `path` that hold cases.
pub(crate) fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.join("cases.json").exists()).collect();
    found.sort();
    found
}

impl Folder {
    pub(crate) fn read(path: &Path) -> Self {
        let cases = fs::read(path.join("cases.json")).unwrap();
        let cases = serde_json::from_slice(&cases).unwrap();
        let mut tables = HashMap::new();
        for name in ["clean", "nan", "inf"] {
            let array = npy::read(&fs::read(path.join(format!("{name}.npy"))).unwrap()).unwrap();
            let (values, width) = (array.f64s().unwrap(), array.shape()[1]);
            let column = |at: usize| values.iter().skip(at).step_by(width).copied().collect();
            let columns = (0..width).map(|at| Cells::F64(column(at))).collect();
            tables.insert(name.to_owned(), Table::new(None, columns).unwrap());
        }
        tables.insert("frame".to_owned(), frame(&path.join("frame.json")));
        Self { path: path.to_owned(), cases, tables }
    }

    pub(crate) fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.path.join(file)).unwrap()
    }

    pub(crate) fn model(&self, case: &Case, file: &str) -> Result<Model, Error> {
        read(case, file, &self.bytes(file))
    }

    pub(crate) fn table(&self, name: &str) -> &Table {
        &self.tables[name]
    }

    pub(crate) fn output(&self, file: &str) -> Output {
        let array = npy::read(&self.bytes(file)).unwrap();
        let values = match (&array.dtype().kind, array.dtype().size) {
            (Kind::Float, 8) => Values::F64(array.f64s().unwrap()),
            (Kind::Float, 4) => {
                Values::F32(array.f64s().unwrap().into_iter().map(|value| value as f32).collect())
            }
            (Kind::Int | Kind::Uint, _) => Values::I64(array.i64s().unwrap()),
            (Kind::Bool, _) => {
                Values::Bool(array.i64s().unwrap().into_iter().map(|value| value == 1).collect())
            }
            _ => Values::Text(array.texts().unwrap().into_iter().map(Arc::from).collect()),
        };
        Output { shape: array.shape().to_vec(), values }
    }
}

/// Reads a model as the ending of its file says.
pub(crate) fn read(case: &Case, file: &str, bytes: &[u8]) -> Result<Model, Error> {
    match file.rsplit_once('.').unwrap().1 {
        "pkl" | "joblib" => Model::from_pickle(bytes),
        "ubj" | "json" => {
            let class = case.wrapper.as_deref().unwrap_or("Booster");
            Model::from_xgboost(bytes, XgboostClass::parse(class).unwrap())
        }
        "lgb" => Model::from_lightgbm(bytes),
        "skops" => Model::from_skops(bytes),
        other => panic!("no reader for .{other}"),
    }
}

fn frame(path: &Path) -> Table {
    let columns: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let names = columns.iter().map(|column| Arc::from(column["name"].as_str().unwrap())).collect();
    let cells = columns.iter().map(|column| cells(column["values"].as_array().unwrap())).collect();
    Table::new(Some(names), cells).unwrap()
}

fn cells(values: &[Value]) -> Cells {
    if values.iter().all(Value::is_i64) {
        return Cells::I64(values.iter().map(|value| value.as_i64().unwrap()).collect());
    }
    if values.iter().any(Value::is_string) {
        return Cells::Text(values.iter().map(|value| value.as_str().map(Arc::from)).collect());
    }
    Cells::F64(values.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect())
}
