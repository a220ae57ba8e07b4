//! `modelyard models`: models of real libraries in folders and registries, served without Python.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use modelyard_estimators::npy;
use modelyard_testkit::{Answer, Client, Server, Setup};
use serde_json::{Value, json};

use crate::support::{BINARY, Cli};

/// How long a server may take to follow its alias.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `tests/golden/train.py` has saved and predicted.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cases/sklearn1.9").join(name)
}

fn floats(name: &str) -> (Vec<usize>, Vec<f64>) {
    let array = npy::read(&fs::read(golden(name)).expect(name)).expect(name);
    (array.shape().to_vec(), array.f64s().expect(name))
}

/// The first rows of what the golden models are asked.
fn rows(count: usize) -> Vec<Vec<f64>> {
    let (shape, cells) = floats("clean.npy");
    cells.chunks(shape[1]).take(count).map(<[f64]>::to_vec).collect()
}

/// A model of a forest in `folder`, as MLflow saves it.
fn save_forest(folder: &Path, file: &str) {
    save(folder, "forest_regressor", file);
}

/// A golden model in `folder`, as MLflow saves it.
fn save(folder: &Path, model: &str, file: &str) {
    fs::create_dir_all(folder).expect("a folder");
    let golden = golden(&format!("{model}.cloudpickle.pkl"));
    fs::copy(golden, folder.join("model.pkl")).expect("a copy");
    let text = format!(
        "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: {file}\n    \
         predict_fn: predict\n    python_version: 3.11.7\n  sklearn:\n    \
         pickled_model: {file}\n    serialization_format: cloudpickle\n    \
         sklearn_version: 1.9.1\nmlflow_version: 3.17.2\n"
    );
    fs::write(folder.join("MLmodel"), text).expect("a file");
}

/// `modelyard models serve` on a free port; killed when dropped.
struct Serving {
    process: Child,
    url: String,
    client: Client,
    log: Arc<Mutex<String>>,
}

impl Serving {
    fn start(cli: &Cli, args: &[&str]) -> Self {
        Self::start_with(cli, args, true)
    }

    /// Closes the other end of stderr once the address is known.
    fn start_and_look_away(cli: &Cli, args: &[&str]) -> Self {
        Self::start_with(cli, args, false)
    }

    fn start_with(cli: &Cli, args: &[&str], reads: bool) -> Self {
        let args = [&["models", "serve", "-p", "0"], args].concat();
        let mut process =
            cli.command(&args).stderr(Stdio::piped()).spawn().expect("start the binary");
        let stderr = BufReader::new(process.stderr.take().expect("stderr is piped"));
        let (found, url) = channel();
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Some(url) = line.trim().strip_prefix("Listening on") {
                    let url = url.trim().strip_suffix("/invocations").expect("a place");
                    let _ = found.send(url.to_owned());
                    if !reads {
                        return;
                    }
                }
                kept.lock().expect("the log").push_str(&(line + "\n"));
            }
        });
        let url = url.recv().unwrap_or_else(|_| panic!("it did not start: {log:?}"));
        Self { process, url, client: Client::default(), log }
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let headers = [("content-type", "application/json")];
        self.client.send(method, &format!("{}{path}", self.url), &headers, body.as_bytes())
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &body.to_string())
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "")
    }
}

/// Says that it is time to end, also when a test fails.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn numbers(answer: &Value) -> Vec<f64> {
    answer.as_array().expect("a list").iter().map(|it| it.as_f64().expect("a number")).collect()
}

#[test]
fn a_forest_gives_the_numbers_of_its_library_in_each_protocol() {
    let cli = Cli::local();
    save_forest(&cli.path().join("forest"), "model.pkl");
    let serving = Serving::start(&cli, &["-m", "forest", "--engine", "native"]);
    let rows = rows(50);
    let wanted = floats("forest_regressor.predict.clean.npy").1[..50].to_vec();

    let answer = serving.post("/invocations", &json!({ "instances": rows }));
    assert_eq!(answer.header("x-modelyard-engine"), "native");
    assert_eq!(numbers(&answer.json()["predictions"]), wanted);

    let flat: Vec<f64> = rows.iter().flatten().copied().collect();
    let tensor = json!({
        "name": "x", "shape": [50, rows[0].len()], "datatype": "FP64", "data": flat,
    });
    let answer = serving.post("/v2/models/forest/infer", &json!({ "id": "7", "inputs": [tensor] }));
    let answer = answer.json();
    assert_eq!(answer["id"], "7");
    assert_eq!(numbers(&answer["outputs"][0]["data"]), wanted);

    let answer = serving.post("/v1/models/forest:predict", &json!({ "instances": rows }));
    assert_eq!(numbers(&answer.json()["predictions"]), wanted);

    let answer = serving.post("/endpoints/forest/invocations", &json!({ "instances": rows }));
    assert_eq!(numbers(&answer.json()["predictions"]), wanted);
}

#[test]
fn what_a_server_of_a_model_says_of_itself() {
    let cli = Cli::local();
    save_forest(&cli.path().join("forest"), "model.pkl");
    let serving = Serving::start(&cli, &["-m", "forest", "--engine", "native"]);
    for path in ["/ping", "/health"] {
        assert_eq!(serving.get(path).text(), "\n");
    }
    assert_eq!(serving.get("/version").text(), "3.17.2");
    assert_eq!(serving.get("/v2/models/forest").json()["platform"], "sklearn");
    assert_eq!(serving.get("/v2/models/forest/ready").status, 200);
    assert_eq!(serving.get("/v1/models/forest").json()["ready"], true);
    assert_eq!(serving.get("/v2/models/other").status, 404);
    assert_eq!(serving.get("/v2/models/forest/versions/3").status, 404);
    let endpoint = serving.get("/api/2.0/endpoints/forest").json();
    assert_eq!(endpoint["endpoint_url"], "/endpoints/forest/invocations");
    assert_eq!(serving.get("/openapi.json").json()["openapi"], "3.1.0");
    assert_eq!(serving.get("/nowhere").json(), json!({ "detail": "Not Found" }));
    assert_eq!(serving.get("/invocations").status, 405);
    serving.post("/invocations", &json!({ "instances": rows(1) }));
    let metrics = serving.get("/metrics");
    let line = "modelyard_model_requests_total{model=\"forest\",protocol=\"mlflow\",engine=\"native\",status=\"2xx\"} 1";
    assert!(metrics.text().contains(line), "{}", metrics.text());
}

#[test]
fn what_cannot_be_answered_is_a_mistake_of_the_client() {
    let cli = Cli::local();
    save_forest(&cli.path().join("forest"), "model.pkl");
    let serving = Serving::start(&cli, &["-m", "forest", "--engine", "native", "--max-body", "1"]);
    let deep = format!("{{\"instances\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
    let long = format!("{{\"instances\": [[{}]]}}", "1,".repeat(600_000));
    for (body, status) in [
        ("{", 400),
        ("[]", 400),
        ("{}", 400),
        ("{\"instances\": [[1, 2]]}", 400),
        ("{\"instances\": [[null]]}", 400),
        ("{\"inputs\": {\"a\": {\"b\": 1}}}", 400),
        (deep.as_str(), 400),
        (long.as_str(), 413),
    ] {
        let answer = serving.send("POST", "/invocations", body);
        let shown: String = body.chars().take(40).collect();
        assert_eq!(answer.status, status, "{shown}: {}", answer.text());
        assert!(answer.json()["error_code"].is_string(), "{shown}");
    }
    let csv = serving.client.send(
        "POST",
        &format!("{}/invocations", serving.url),
        &[("content-type", "text/plain")],
        b"1",
    );
    assert_eq!(csv.status, 415);
    // It goes on.
    assert_eq!(serving.post("/invocations", &json!({ "instances": rows(1) })).status, 200);
}

#[test]
fn a_model_is_found_by_its_alias() {
    let server = Setup::new(BINARY).start();
    let cli = Cli::to(server.url());
    let run = run_with("forest_regressor", &server, &cli);
    let source = format!("runs:/{run}/model");
    cli.ok(&["registry", "versions", "create", "forest", "--run-id", &run, "--path", "model"]);
    cli.ok(&["registry", "aliases", "set", "forest", "1", "champion"]);
    for uri in ["models:/forest@champion", "models:/forest/1", "models:/forest/latest", &source] {
        let said = cli.json(&["models", "inspect", "-m", uri]);
        assert_eq!(said["engine"], "native", "{uri}: {said}");
    }
    let serving = Serving::start(&cli, &["-m", "models:/forest@champion", "--engine", "native"]);
    let answer = serving.post(
        "/v2/models/forest/versions/1/infer",
        &json!({ "inputs": [{
            "name": "x", "shape": [1, rows(1)[0].len()], "datatype": "FP64", "data": rows(1)[0],
        }]}),
    );
    assert_eq!(answer.json()["model_version"], "1");
    let wanted = floats("forest_regressor.predict.clean.npy").1[0];
    assert_eq!(numbers(&answer.json()["outputs"][0]["data"]), [wanted]);
    let missing = cli.fails(1, &["models", "inspect", "-m", "models:/forest@none"]);
    assert!(missing.contains("none"), "{missing}");
}

/// A run that has logged a golden model; its id.
fn run_with(model: &str, server: &Server, cli: &Cli) -> String {
    save(&cli.path().join("upload"), model, "model.pkl");
    let created = server.post("/api/2.0/mlflow/runs/create", &json!({ "experiment_id": "0" }));
    let run = created.json()["run"]["info"]["run_id"].as_str().expect("an id").to_owned();
    cli.ok(&["artifacts", "log-artifacts", "-l", "upload", "-r", &run, "-a", "model"]);
    run
}

#[test]
fn an_alias_that_moves_is_followed_without_a_gap() {
    let server = Setup::new(BINARY).start();
    let cli = Cli::to(server.url());
    let models = ["forest_regressor", "extra_regressor"];
    let mut wanted = Vec::new();
    for model in models {
        let run = run_with(model, &server, &cli);
        cli.ok(&["registry", "versions", "create", "trees", "--run-id", &run, "--path", "model"]);
        wanted.push(floats(&format!("{model}.predict.clean.npy")).1[0]);
    }
    cli.ok(&["registry", "aliases", "set", "trees", "1", "champion"]);
    let args = ["-m", "models:/trees@champion", "--engine", "native", "--follow", "1"];
    let serving = Serving::start(&cli, &args);
    let body = json!({ "instances": rows(1) });
    let ask = || {
        let answer = serving.post("/invocations", &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let given = numbers(&answer.json()["predictions"])[0];
        assert!(wanted.contains(&given), "{given} is of neither");
        given
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let load = || {
            while !stop.load(Ordering::Relaxed) {
                ask();
            }
        };
        let others: Vec<_> = (0..2).map(|_| scope.spawn(load)).collect();
        let ends = OnDrop(&stop);
        for version in [2, 1, 2] {
            let number = version.to_string();
            cli.ok(&["registry", "aliases", "set", "trees", &number, "champion"]);
            let late = Instant::now() + PATIENCE;
            while ask() != wanted[version - 1] {
                assert!(Instant::now() < late, "{}", serving.log.lock().expect("the log"));
            }
        }
        drop(ends);
        for other in others {
            other.join().expect("no request failed");
        }
    });
    let metrics = serving.get("/metrics");
    assert!(metrics.text().contains("modelyard_model_replaced_total 3"), "{}", metrics.text());
    // A version that does not load leaves the one that answers in its place.
    let run = run_with("forest_regressor", &server, &cli);
    fs::write(cli.path().join("broken"), b"no model").expect("a file");
    fs::rename(cli.path().join("broken"), cli.path().join("model.pkl")).expect("a file");
    cli.ok(&["artifacts", "log-artifact", "-l", "model.pkl", "-r", &run, "-a", "model"]);
    cli.ok(&["registry", "versions", "create", "trees", "--run-id", &run, "--path", "model"]);
    cli.ok(&["registry", "aliases", "set", "trees", "3", "champion"]);
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        assert_eq!(ask(), wanted[1]);
    }
}

#[test]
fn a_server_whose_log_nobody_reads_goes_on() {
    let server = Setup::new(BINARY).start();
    let cli = Cli::to(server.url());
    let run = run_with("forest_regressor", &server, &cli);
    for _ in 0..2 {
        cli.ok(&["registry", "versions", "create", "trees", "--run-id", &run, "--path", "model"]);
    }
    cli.ok(&["registry", "aliases", "set", "trees", "1", "champion"]);
    let args = ["-m", "models:/trees@champion", "--engine", "native", "--follow", "1"];
    let serving = Serving::start_and_look_away(&cli, &args);
    // The first move is logged, or would be.
    for (moves, version) in [(1, "2"), (2, "1")] {
        cli.ok(&["registry", "aliases", "set", "trees", version, "champion"]);
        let replaced = format!("modelyard_model_replaced_total {moves}\n");
        let late = Instant::now() + PATIENCE;
        while !serving.get("/metrics").text().contains(&replaced) {
            assert!(Instant::now() < late, "version {version} does not come");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn folders_that_are_no_models_are_refused_in_a_line() {
    let cli = Cli::local();
    let folder = cli.path().join("m");
    fs::create_dir_all(&folder).expect("a folder");
    let fails = |code| cli.fails(code, &["models", "serve", "-m", "m", "--engine", "native"]);
    assert!(fails(1).contains("it has no file MLmodel"));
    fs::write(folder.join("MLmodel"), "flavors: [").expect("a file");
    assert!(fails(1).contains("MLmodel"));
    save_forest(&folder, "model.pkl");
    fs::write(folder.join("model.pkl"), b"\x80\x04cos\nsystem\n(S'true'\ntR.").expect("a file");
    assert!(fails(1).contains("native engine"));
    fs::write(folder.join("model.pkl"), b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f")
        .expect("a file");
    assert!(fails(1).contains("damaged"));
    for elsewhere in ["../m/model.pkl", "/etc/passwd"] {
        save_forest(&folder, elsewhere);
        assert!(fails(1).contains("none below the model"));
    }
    assert!(cli.fails(2, &["models", "serve", "-m", "m", "-p", "x"]).contains("port"));
}
