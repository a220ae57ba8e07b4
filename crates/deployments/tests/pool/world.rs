//! Models and pools for the tests.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use modelyard_deployments::workers::{Call, Failure, Pool, Reply, State, Status, WorkerConfig};
use modelyard_models::frame::{Column, Frame, Name};
use modelyard_models::json::{self, Value};
use modelyard_models::scoring::{Input, Request, encode};
use modelyard_testkit::{Lack, left_out};

const FIXTURE: &str = include_str!("../python/fixture.py");

/// The interpreters of the environments that are there, newest MLflow first. Others are left out.
pub(crate) fn interpreters() -> Vec<PathBuf> {
    let found = ["MODELYARD_MLFLOW3", "MODELYARD_MLFLOW2"].into_iter().filter_map(|name| {
        let python = std::env::var_os(name).map(|folder| PathBuf::from(folder).join("bin/python"));
        let python = python.filter(|python| python.exists());
        if python.is_none() {
            left_out(Lack::Component, &format!("{name} names no environment with MLflow"));
        }
        python
    });
    found.collect()
}

/// The first of them.
pub(crate) fn interpreter() -> Option<PathBuf> {
    interpreters().into_iter().next()
}

/// A folder with a model of `fixture.py`.
pub(crate) struct Model(tempfile::TempDir);

impl Model {
    pub(crate) fn new(class: &str) -> Self {
        Self::with(class, "")
    }

    /// A model with more lines in its `MLmodel`.
    pub(crate) fn with(class: &str, lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::from("flavors:\n  python_function:\n");
        text.push_str("    loader_module: fixture\n    code: code\n    data: class.txt\n");
        writeln!(text, "mlflow_version: 2.0.0\n{lines}").unwrap();
        fs::write(folder.path().join("MLmodel"), text).unwrap();
        fs::write(folder.path().join("class.txt"), class).unwrap();
        fs::create_dir(folder.path().join("code")).unwrap();
        fs::write(folder.path().join("code/fixture.py"), FIXTURE).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// How a test serves it: impatiently.
    pub(crate) fn config(&self, python: &Path) -> WorkerConfig {
        WorkerConfig {
            deadline: Duration::from_secs(60),
            grace: Duration::from_millis(200),
            ..WorkerConfig::new(python, self.path())
        }
    }
}

/// A pool of one class of `fixture.py`.
pub(crate) async fn pool(class: &str, change: impl FnOnce(&mut WorkerConfig)) -> Option<Pool> {
    let model = Model::new(class);
    let mut config = model.config(&interpreter()?);
    change(&mut config);
    // The class is in memory by then: the folder is not needed any more, but for restarts.
    let pool = Pool::start(config).await.unwrap();
    std::mem::forget(model);
    Some(pool)
}

/// A call with one text.
pub(crate) fn tell(text: &str) -> Call {
    let columns = vec![Column::Str(vec![Some(text.to_owned())])];
    typed(Input::Frame(Frame::from_columns(Arc::from([Name::from("do")]), 1, columns)))
}

/// A call with rows of two doubles.
pub(crate) fn rows(cells: &[f64]) -> Call {
    let names = Arc::from([Name::from("a"), Name::from("b")]);
    typed(Input::Frame(Frame::from_block(names, cells.len() / 2, cells.to_vec())))
}

pub(crate) fn typed(input: Input) -> Call {
    Call::Typed { request: Request { input, params: None, unwrapped: false } }
}

pub(crate) fn raw(content_type: &str, body: &str) -> Call {
    let body = body.to_owned().into_bytes().into();
    Call::Raw { content_type: Some(content_type.to_owned()), body }
}

/// A reply as the text of its JSON.
pub(crate) fn text(reply: Result<Reply, Failure>) -> String {
    let bytes = match reply.unwrap() {
        Reply::Output(output) => {
            let mut out = Vec::new();
            encode(&output, true, &mut out);
            out
        }
        Reply::Json(json) => json,
        Reply::Answer { body, .. } => body,
    };
    String::from_utf8(bytes).unwrap()
}

/// A reply's JSON.
pub(crate) fn value(reply: Result<Reply, Failure>) -> Value {
    json::parse_text(&text(reply)).unwrap()
}

/// Waits until a pool is as it should be. There is no limit but that of the test.
pub(crate) async fn until(pool: &Pool, is: impl Fn(&Status) -> bool) -> Status {
    loop {
        let status = pool.status();
        if is(&status) {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether all workers wait for calls.
pub(crate) fn all_idle(status: &Status) -> bool {
    status.workers.iter().all(|worker| worker.state == State::Idle)
}
