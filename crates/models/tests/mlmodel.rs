//! The files that MLflow writes beside its models, real ones and old ones, read and written.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use modelyard_models::json::{self, Value};
use modelyard_models::mlmodel::{Environment, ExampleKind, MlModel};
use modelyard_models::scoring::{Input, Protocol, Request};
use modelyard_models::signature::{ColumnType, DataType, NumpyType, Schema};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)
}

fn text(model: &str, file: &str) -> Option<String> {
    fs::read_to_string(folder(model).join(file)).ok()
}

fn model(name: &str) -> MlModel {
    MlModel::read(&text(name, "MLmodel").unwrap()).unwrap()
}

fn environment(name: &str) -> Environment {
    Environment::read(&model(name), &|file| text(name, file)).unwrap()
}

#[test]
fn every_file_is_written_as_it_was_read() {
    let mut seen = 0;
    for entry in fs::read_dir(folder("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let read = model(&name);
        let written = read.write();
        assert_eq!(MlModel::read(&written).unwrap().write(), written, "{name}");
        if !name.starts_with("old_2018") {
            assert_eq!(MlModel::read(&written).unwrap(), read, "{name}");
            // MLflow breaks long lines; the rest is the same to the letter.
            let unbroken = text(&name, "MLmodel").unwrap().replace("\n    \"", " \"");
            let unbroken = unbroken.replace("\n    true", " true").replace("\n    false", " false");
            for line in written.lines().filter(|line| line.len() < 80) {
                assert!(unbroken.contains(line), "{name}: {line}");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 8);
}

#[test]
fn todays_model_says_what_it_is() {
    let forest = model("forest");
    assert_eq!(forest.mlflow_version(), Some("3.17.2"));
    assert!(forest.model_uuid().is_some_and(|uuid| uuid.len() == 32));
    assert!(forest.size_bytes().is_some_and(|size| size > 0));
    assert!(forest.time_created().is_some_and(|time| time.starts_with("2026-")));
    assert_eq!(forest.run_id(), None);
    assert_eq!(
        json::dumps(&forest.metadata().unwrap().clone().into()),
        r#"{"tags": ["x", 1, 2.5, null], "team": "\u00f6l"}"#
    );
    let pyfunc = forest.pyfunc().unwrap();
    assert_eq!(pyfunc.loader_module(), Some("mlflow.sklearn"));
    assert_eq!((pyfunc.data(), pyfunc.predict_method()), (Some("model.pkl"), "predict"));
    assert_eq!(pyfunc.conda_file(), Some("conda.yaml"));
    let library: Vec<_> = forest.library_flavors().collect();
    assert_eq!(library.len(), 1);
    assert_eq!(library[0].library_version().as_deref(), Some("1.9.1"));
    assert_eq!(library[0].serialization_format(), Some("cloudpickle"));
    let Some(Schema::Columns(columns)) = &forest.signature().unwrap().inputs else {
        panic!("no columns")
    };
    assert_eq!(columns.len(), 3);
    assert_eq!(columns[0].kind, ColumnType::Scalar(DataType::Double));
    let example = forest.input_example().unwrap();
    assert_eq!(example.kind(), Some(ExampleKind::Frame));
    assert_eq!(example.request_path(), Some("serving_input_example.json"));
    assert!(!example.has_params());
    assert_eq!(model("classifier").pyfunc().unwrap().predict_method(), "predict_proba");
    assert_eq!(
        model("classifier").library_flavors().next().unwrap().serialization_format(),
        Some("skops")
    );
}

#[test]
fn parameters_configuration_and_hints_are_read() {
    let echo = model("echo");
    let params = echo.signature().unwrap().params.as_ref().unwrap();
    assert_eq!(
        params.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(),
        ["top", "weights", "name"]
    );
    assert!(params[1].is_list);
    assert!(echo.input_example().unwrap().has_params());
    assert!(!echo.pyfunc().unwrap().is_streamable());
    assert_eq!(
        json::dumps(&echo.pyfunc().unwrap().config().unwrap().clone().into()),
        r#"{"deep": {"n": 3, "on": "yes"}, "temperature": 0.5}"#
    );
    assert!(model("hinted").is_signature_from_type_hint());
    assert!(!echo.is_signature_from_type_hint());
    let Some(Schema::Tensors(tensors)) = model("tensors").signature().unwrap().inputs.clone()
    else {
        panic!("no tensors")
    };
    assert_eq!((tensors[0].kind, tensors[0].shape.as_slice()), (NumpyType::F32, &[-1, 3][..]));
    let nested = model("nested");
    let Some(Schema::Columns(columns)) = &nested.signature().unwrap().inputs else {
        panic!("no columns")
    };
    assert!(columns.iter().any(|c| matches!(c.kind, ColumnType::Array(_))));
}

#[test]
fn old_models_are_read_too() {
    let first = model("old_2018");
    assert_eq!(first.time_created(), Some("2018-05-25T17:28:53.35"));
    assert_eq!(first.mlflow_version(), None);
    assert!(first.signature().is_none() && first.input_example().is_none());
    assert_eq!(first.pyfunc().unwrap().predict_method(), "predict");
    let flavor = first.library_flavors().next().unwrap();
    assert_eq!(
        (flavor.library_version().as_deref(), flavor.serialization_format()),
        (Some("0.19.1"), None)
    );
    let second = model("old_1_30");
    assert_eq!(second.pyfunc().unwrap().conda_file(), Some("conda.yaml"));
    assert_eq!(second.pyfunc().unwrap().virtualenv_file(), None);
    assert_eq!(second.input_example().unwrap().request_path(), None);
    assert_eq!(environment("old_1_30").python.as_deref(), Some("3.8.2"));
    assert_eq!(
        environment("old_1_30").requirement("scikit-learn").unwrap().pinned(),
        Some("1.0.2")
    );
}

#[test]
fn environments_are_one_description() {
    let forest = environment("forest");
    assert_eq!(forest.files, ["python_env.yaml", "requirements.txt"]);
    assert!(forest.python.as_deref().is_some_and(|python| python.starts_with("3.11.")));
    assert_eq!(forest.requirement("mlflow").unwrap().pinned(), Some("3.17.2"));
    assert_eq!(environment("classifier").requirement("six").unwrap().text, "six>=1.16");
    assert!(environment("echo").requirement("pandas").is_some());
    let conda_only = Environment::read(&model("echo"), &|file| {
        (file == "conda.yaml").then(|| text("echo", file)).flatten()
    });
    let conda_only = conda_only.unwrap();
    assert_eq!(conda_only.python.as_deref(), Some("3.11.4"));
    assert_eq!(conda_only.conda_packages, ["libgomp=13"]);
    assert_eq!(conda_only.conda_channels, ["conda-forge", "defaults"]);
}

#[test]
fn fields_are_changed_and_checked() {
    let changed = model("forest").with_field("run_id", Some("r1".into())).unwrap();
    assert_eq!(changed.run_id(), Some("r1"));
    assert!(changed.write().contains("\nrun_id: r1\n"));
    assert_eq!(changed.with_field("run_id", None).unwrap(), model("forest"));
    assert!(changed.with_field("signature", Some("x".into())).is_err());
    for bad in ["- a\n", "flavors: 5\n", "flavors: {a: 5}\n", "signature: {inputs: 5}\n", "a: [\n"]
    {
        assert!(MlModel::read(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_request_beside_a_model_is_one_that_it_takes() {
    for name in ["classifier", "echo", "forest", "hinted", "nested", "tensors"] {
        let model = model(name);
        let file = model.input_example().and_then(|example| example.request_path()).unwrap();
        let body = text(name, file).unwrap();
        let protocol = Protocol::of_model(&model);
        let request = protocol.decode(Some("application/json"), body.as_bytes());
        let Ok(Request { input, unwrapped, .. }) = request else { panic!("{name}: {request:?}") };
        assert_eq!(unwrapped, name == "nested", "{name}");
        let rows = match (name, input) {
            ("hinted", Input::Json(Value::List(items))) => items.len(),
            ("tensors", Input::Tensors(tensors)) => tensors[1].1.shape[0],
            ("classifier", Input::Tensor(tensor)) => tensor.shape[0],
            (_, Input::Frame(frame)) => frame.rows(),
            (_, other) => panic!("{name}: {other:?}"),
        };
        assert!(rows >= 2 || name == "nested", "{name}");
    }
}
