//! Images of models: what is in them, and that they run.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use flate2::read::GzDecoder;
use modelyard_testkit::{Client, Lack, Setup, left_out};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::support::{BINARY, Cli};

/// A program that is packed sooner than the tested one.
const SMALL: &str = "/bin/true";

const MLMODEL: &str = "flavors:
  python_function: {loader_module: mlflow.sklearn, model_path: model.pkl, predict_fn: predict}
  sklearn: {pickled_model: model.pkl, serialization_format: cloudpickle}
model_id: m-0123456789abcdef0123456789abcdef
run_id: 0123456789abcdef0123456789abcdef
";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cases/sklearn1.9").join(name)
}

/// A forest that the native engine serves, in the folder `forest`.
fn model(cli: &Cli) {
    let folder = cli.path().join("forest");
    fs::create_dir_all(folder.join("metadata")).expect("a folder");
    fs::write(folder.join("MLmodel"), MLMODEL).expect("written");
    fs::write(folder.join("metadata/MLmodel"), MLMODEL).expect("written");
    fs::copy(golden("forest_regressor.cloudpickle.pkl"), folder.join("model.pkl")).expect("copied");
}

/// The first numbers of an array of doubles.
fn doubles(file: &str, count: usize) -> Vec<f64> {
    let bytes = fs::read(golden(file)).expect("the array");
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let numbers = bytes[header..].chunks_exact(8).take(count);
    numbers.map(|number| f64::from_le_bytes(number.try_into().expect("eight"))).collect()
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("sha256:{hex}")
}

/// The blob that a descriptor names, which is what it says.
fn blob(layout: &Path, descriptor: &Value) -> Vec<u8> {
    let named = descriptor["digest"].as_str().expect("a digest");
    let bytes = fs::read(layout.join("blobs").join(named.replace(':', "/"))).expect("a blob");
    assert_eq!(digest(&bytes), named);
    assert_eq!(descriptor["size"], bytes.len());
    bytes
}

/// A layout, taken apart.
struct Opened {
    index: Value,
    config: Value,
    layers: Vec<Vec<u8>>,
}

impl Opened {
    fn read(layout: &Path) -> Self {
        assert_eq!(read_json(&layout.join("oci-layout")), json!({"imageLayoutVersion": "1.0.0"}));
        let index = read_json(&layout.join("index.json"));
        let parse = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).expect("JSON");
        let manifest = parse(blob(layout, &index["manifests"][0]));
        let config = parse(blob(layout, &manifest["config"]));
        let compressed = manifest["layers"].as_array().expect("layers");
        let mut layers = Vec::new();
        for (at, descriptor) in compressed.iter().enumerate() {
            let mut plain = Vec::new();
            let bytes = blob(layout, descriptor);
            GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).expect("gzip");
            assert_eq!(config["rootfs"]["diff_ids"][at], digest(&plain));
            layers.push(plain);
        }
        let blobs = fs::read_dir(layout.join("blobs/sha256")).expect("blobs").count();
        assert_eq!(blobs, compressed.len() + 2, "nothing else is in it");
        Self { index, config, layers }
    }

    /// The paths with their modes, after a look at what is the same for all.
    fn entries(&self, layer: usize) -> BTreeMap<String, u32> {
        let mut archive = tar::Archive::new(self.layers[layer].as_slice());
        let entries = archive.entries().expect("a tar").map(|entry| {
            let entry = entry.expect("an entry");
            let header = entry.header();
            let owner = (header.uid().expect("a uid"), header.gid().expect("a gid"));
            assert_eq!((owner, header.mtime().expect("a time")), ((0, 0), 0));
            let path = entry.path().expect("a path").to_string_lossy().into_owned();
            (path, header.mode().expect("a mode"))
        });
        let entries: Vec<_> = entries.collect();
        assert!(entries.is_sorted(), "{entries:?}");
        entries.into_iter().collect()
    }

    fn unpack(&self, folder: &Path) {
        for layer in &self.layers {
            tar::Archive::new(layer.as_slice()).unpack(folder).expect("unpacked");
        }
    }
}

#[test]
fn an_image_holds_the_program_the_model_and_how_to_start() {
    let cli = Cli::local();
    model(&cli);
    let build =
        ["models", "build-image", "-m", "forest", "-o", "out", "--binary", SMALL, "--port", "81"];
    let said = cli.run(&[&build[..], &["--tag", "risk/forest:3"]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("Copied from this machine (GNU C Library"), "{said:?}");
    assert!(said.stderr.contains("is in out as risk/forest:3"), "{said:?}");

    let opened = Opened::read(&cli.path().join("out"));
    let named = &opened.index["manifests"][0];
    assert_eq!(format!("{}\n", named["digest"].as_str().expect("a digest")), said.stdout);
    let annotations = &named["annotations"];
    assert_eq!(annotations["org.opencontainers.image.ref.name"], "3");
    assert_eq!(annotations["io.containerd.image.name"], "docker.io/risk/forest:3");
    let runtime = opened.entries(0);
    assert_eq!(runtime.get("usr/local/bin/modelyard"), Some(&0o755), "{runtime:?}");
    assert_eq!(runtime.get("etc/passwd"), Some(&0o644), "{runtime:?}");
    assert!(runtime.keys().any(|path| path.ends_with("/libc.so.6")), "{runtime:?}");
    let files: Vec<String> = opened.entries(1).into_keys().collect();
    let below = |path: &&str| format!("opt/ml/model/{path}");
    let wanted: Vec<String> =
        ["", "MLmodel", "metadata/", "metadata/MLmodel", "model.pkl"].iter().map(below).collect();
    assert_eq!(files[2..], wanted);

    let config = &opened.config["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["ExposedPorts"], json!({"81/tcp": {}}));
    let entrypoint = "/usr/local/bin/modelyard models serve -m /opt/ml/model -h 0.0.0.0 -p 81 \
                      --engine native";
    assert_eq!(config["Entrypoint"], json!(entrypoint.split(' ').collect::<Vec<_>>()));
    assert_eq!(config["Env"], json!(["MODELYARD_MODEL_NAME=forest", "PATH=/usr/local/bin"]));
    let labels = &config["Labels"];
    assert_eq!(labels["org.opencontainers.image.title"], "forest");
    assert_eq!(labels["modelyard.model.id"], "m-0123456789abcdef0123456789abcdef");
    assert_eq!(labels["modelyard.run.id"], "0123456789abcdef0123456789abcdef");
}

#[test]
fn the_same_files_are_the_same_image_and_replace_it_whole() {
    let cli = Cli::local();
    model(&cli);
    let build = |model: &str, output: &str| {
        cli.ok(&[
            "models",
            "build-image",
            "-m",
            model,
            "-o",
            output,
            "--binary",
            SMALL,
            "--name",
            "f",
        ])
    };
    let first = build("forest", "first");
    // Other times, rights and order of creation.
    fs::create_dir(cli.path().join("copy")).expect("a folder");
    fs::create_dir(cli.path().join("copy/metadata")).expect("a folder");
    for name in ["model.pkl", "metadata/MLmodel", "MLmodel"] {
        let copy = cli.path().join("copy").join(name);
        fs::copy(cli.path().join("forest").join(name), &copy).expect("copied");
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).expect("changed");
    }
    assert_eq!(build("copy", "second.tar"), first);
    let archive = fs::read(cli.path().join("second.tar")).expect("an archive");
    build("copy", "third.tar");
    assert_eq!(fs::read(cli.path().join("third.tar")).expect("an archive"), archive);

    fs::write(cli.path().join("copy/more.txt"), "more").expect("written");
    for output in ["first", "second.tar"] {
        let other = build("copy", output);
        assert_ne!(other, first);
    }
    Opened::read(&cli.path().join("first"));
    assert_ne!(fs::read(cli.path().join("second.tar")).expect("an archive"), archive);
    let mut left: Vec<_> = fs::read_dir(cli.path()).expect("a folder").collect();
    left.retain(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        !["forest", "copy", "first", "second.tar", "third.tar"].iter().any(|known| name == *known)
    });
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_cannot_become_an_image_is_refused_and_nothing_is_left() {
    let cli = Cli::local();
    model(&cli);
    let fails = |code, args: &[&str]| {
        let all = [&["models", "build-image", "--binary", SMALL], args].concat();
        cli.fails(code, &all)
    };
    let says = |text: String, what: &str| assert!(text.contains(what), "{text}");
    says(fails(2, &["-m", "forest", "-o", "forest"]), "in the model's folder");
    says(fails(2, &["-m", "forest", "-o", "forest/a/b.tar"]), "in the model's folder");
    says(fails(2, &["-m", "forest", "-o", "x", "--tag", "Forest"]), "lower-case");
    says(fails(2, &["-m", "forest", "-o", "x.tar.gz"]), "compressed already");
    says(fails(2, &["-m", "forest", "-o", "x", "--platform", "linux/s390x"]), "no platform");
    let foreign = if cfg!(target_arch = "x86_64") { "linux/arm64" } else { "linux/amd64" };
    says(fails(2, &["-m", "forest", "-o", "x", "--platform", foreign]), "--binary");
    let binary = ["models", "build-image", "-m", "forest", "-o", "x", "--binary", "forest/MLmodel"];
    says(cli.fails(1, &binary), "no program for Linux");

    for (name, content) in [("other", "a folder"), ("other.tar", "no image")] {
        match name {
            "other" => fs::create_dir(cli.path().join(name)).expect("a folder"),
            _ => fs::write(cli.path().join(name), content).expect("written"),
        }
    }
    fs::write(cli.path().join("other/notes.txt"), "mine").expect("written");
    for output in ["other", "other.tar", "/dev/null"] {
        says(fails(2, &["-m", "forest", "-o", output]), "only an image layout with one image");
    }
    assert_eq!(fs::read_to_string(cli.path().join("other.tar")).expect("there"), "no image");

    let python = MLMODEL.replace("mlflow.sklearn", "mlflow.pytorch");
    fs::create_dir(cli.path().join("torch")).expect("a folder");
    fs::write(cli.path().join("torch/MLmodel"), python).expect("written");
    let text = fails(1, &["-m", "torch", "-o", "x"]);
    says(text.clone(), "needs Python: models that mlflow.pytorch loads");
    says(text, "build-docker");

    std::os::unix::fs::symlink("/etc/passwd", cli.path().join("forest/users")).expect("a link");
    says(fails(1, &["-m", "forest", "-o", "x"]), "a link out of its folder");
    assert!(!cli.path().join("x").exists());
    let names = fs::read_dir(cli.path()).expect("a folder");
    let names = names.map(|entry| entry.expect("an entry").file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().ends_with(".part")));
}

#[test]
fn a_version_of_a_registered_model_is_fetched_and_named_in_the_labels() {
    let server = Setup::new(BINARY).start();
    let cli = Cli::to(server.url());
    model(&cli);
    let created = server.post("/api/2.0/mlflow/runs/create", &json!({ "experiment_id": "0" }));
    let run = created.json()["run"]["info"]["run_id"].as_str().expect("an id").to_owned();
    cli.ok(&["artifacts", "log-artifacts", "-l", "forest", "-r", &run, "-a", "model"]);
    cli.ok(&["registry", "versions", "create", "churn", "--run-id", &run, "--path", "model"]);
    let build = |uri: &str, output: &str| {
        cli.ok(&["models", "build-image", "-m", uri, "-o", output, "--binary", SMALL])
    };
    build("models:/churn/1", "version");
    build("forest", "folder");
    let version = Opened::read(&cli.path().join("version"));
    let labels = &version.config["config"]["Labels"];
    assert_eq!(labels["org.opencontainers.image.title"], "churn");
    assert_eq!(labels["org.opencontainers.image.version"], "1");
    assert_eq!(labels["modelyard.model.version"], "1");
    // It arrives as it was logged.
    assert_eq!(version.layers, Opened::read(&cli.path().join("folder")).layers);
}

/// Stops the program that it holds.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "tests start what they test")]
fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    command
}

/// What runs a command below another root: as the user of images if we may choose, else as ourselves.
fn changed_root(root: &str) -> Option<Vec<String>> {
    let ways: [&[&str]; 2] = [
        &["chroot", "--userspec=65532:65532"],
        &["unshare", "--user", "--map-root-user", "chroot"],
    ];
    let works = |way: &&&[&str]| {
        let mut probe = command(way[0], &[&way[1..], &["/", "true"]].concat());
        probe.output().is_ok_and(|output| output.status.success())
    };
    let way = ways.iter().find(works)?;
    Some(way.iter().chain([&root]).map(|&word| word.to_owned()).collect())
}

#[test]
fn an_image_answers_requests_with_nothing_but_its_own_files() {
    let cli = Cli::local();
    model(&cli);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port().to_string();
    drop(listener);
    cli.ok(&["models", "build-image", "-m", "forest", "-o", "out", "--port", &port]);
    let opened = Opened::read(&cli.path().join("out"));
    let root = TempDir::with_prefix("modelyard-image-").expect("a folder");
    let root = root.path().join("root");
    fs::create_dir(&root).expect("a folder");
    opened.unpack(&root);
    let Some(way) = changed_root(root.to_str().expect("UTF-8")) else {
        left_out(Lack::Right, "another root folder needs root or user namespaces");
        return;
    };

    let words = |list: &Value| -> Vec<String> {
        serde_json::from_value(list.clone()).expect("a list of texts")
    };
    let config = &opened.config["config"];
    let start = [way, words(&config["Entrypoint"])].concat();
    let mut start: Vec<&str> = start.iter().map(String::as_str).collect();
    let env = words(&config["Env"]);
    let program = start.remove(0);
    let mut start = command(program, &start);
    let path = std::env::var_os("PATH").expect("a PATH");
    start.env_clear().envs(env.iter().filter_map(|it| it.split_once('='))).env("PATH", path);
    let mut running = Running(start.spawn().expect("started"));

    let client = Client::default();
    let url = format!("http://127.0.0.1:{port}");
    while client.try_send("GET", &format!("{url}/ping"), &[], b"").is_err() {
        assert_eq!(running.0.try_wait().expect("its state"), None, "it has ended");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let body = json!({"inputs": [doubles("clean.npy", 5)]}).to_string();
    let kind = [("Content-Type", "application/json")];
    let answer = client.send("POST", &format!("{url}/invocations"), &kind, body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let predicted = &answer.json()["predictions"][0];
    assert_eq!(predicted.as_f64(), Some(doubles("forest_regressor.predict.clean.npy", 1)[0]));
    let answer = client.send("GET", &format!("{url}/v2/models/forest"), &[], b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn other_programs_read_the_images() {
    let cli = Cli::local();
    model(&cli);
    if command("skopeo", &["--version"]).output().is_err() {
        left_out(Lack::Component, "skopeo is not installed");
        return;
    }
    let build = |output: &str| {
        let args = ["-m", "forest", "-o", output, "--tag", "risk/forest:3", "--binary", SMALL];
        cli.ok(&[&["models", "build-image"], &args[..]].concat())
    };
    let digest = build("out");
    assert_eq!(build("out.tar"), digest);
    let skopeo = |args: &[&str]| {
        let output = command("skopeo", args).current_dir(cli.path()).output().expect("run");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    for image in ["oci:out", "oci:out:3", "oci-archive:out.tar", "oci-archive:out.tar:3"] {
        let seen: Value = serde_json::from_slice(&skopeo(&["inspect", image])).expect("JSON");
        assert_eq!(format!("{}\n", seen["Digest"].as_str().expect("a digest")), digest);
        assert_eq!(seen["Labels"]["modelyard.model.name"], "forest");
        assert_eq!(seen["Os"], "linux");
    }
    // It reads and checks all blobs; the second is how Docker of old reads the archive.
    let archives = ["oci-archive:out.tar", "docker-archive:out.tar:risk/forest:3"];
    for (at, image) in archives.iter().enumerate() {
        skopeo(&["--insecure-policy", "copy", "--quiet", image, &format!("dir:copy{at}")]);
    }
}
