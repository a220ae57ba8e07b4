//! Replacing a model while it answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use modelyard_deployments::served::{Engines, Form, Live, Options, Served};
use modelyard_models::scoring::Details;

const SWAPS: usize = 1000;
const CLIENTS: usize = 4;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cases/sklearn1.9").join(name)
}

fn model(folder: &Path, name: &str) -> Served {
    let folder = folder.join(name);
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(golden(&format!("{name}.skops")), folder.join("model.skops")).expect("a copy");
    let text = "flavors:\n  python_function: {loader_module: mlflow.sklearn, model_path: model.skops}\n  \
                sklearn: {serialization_format: skops}\n";
    fs::write(folder.join("MLmodel"), text).expect("a file");
    load(&folder)
}

fn load(folder: &Path) -> Served {
    let options = Options {
        name: "m".to_owned(),
        version: None,
        details: Details::Shown,
        engines: Engines::Native,
    };
    Served::load(folder, options, None).expect("a native model")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_models_take_each_others_place() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let names = ["forest_regressor", "extra_regressor"];
    let models = names.map(|name| model(folder.path(), name));
    let array = fs::read(golden("clean.npy")).expect("rows");
    let array = modelyard_estimators::npy::read(&array).expect("rows");
    let row = &array.f64s().expect("floats")[..array.shape()[1]];
    let body = Bytes::from(format!("{{\"instances\": [{row:?}]}}"));
    let mut wanted = Vec::new();
    for model in &models {
        wanted.push(model.answer(Form::json(), body.clone()).await.body);
    }
    assert_ne!(wanted[0], wanted[1]);

    let live = Live::new(models[0].clone());
    let stop = Arc::new(AtomicBool::new(false));
    let client = || {
        let (live, stop, body, wanted) =
            (live.clone(), Arc::clone(&stop), body.clone(), wanted.clone());
        async move {
            let mut seen = [0_usize; 2];
            while !stop.load(Ordering::Relaxed) {
                let answer = live.current().answer(Form::json(), body.clone()).await;
                assert_eq!(answer.status, 200);
                let which = wanted.iter().position(|body| *body == answer.body);
                seen[which.expect("an answer of one of both")] += 1;
                tokio::task::yield_now().await;
            }
            seen
        }
    };
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(client())).collect();
    drop(models);
    for swap in 0..SWAPS {
        let served = load(&folder.path().join(names[(swap + 1) % 2]));
        let old = live.replace(served);
        old.drained(Duration::from_secs(10)).await;
        old.stop(Duration::ZERO).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut seen = [0; 2];
    for client in clients {
        let counts = client.await.expect("no request failed");
        seen = [seen[0] + counts[0], seen[1] + counts[1]];
    }
    assert_eq!(live.replaced(), SWAPS as u64);
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}
