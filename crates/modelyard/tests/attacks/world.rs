//! A server with something to steal beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use modelyard_testkit::{Server, Setup};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wire::{Reply, Wire};

/// What no answer may contain.
pub(crate) const CANARY: &str = "canary-5d1f0c7be2a94e";
/// What every SQLite file begins with; the database lies beside the artifacts.
const DATABASE: &str = "SQLite format 3";
/// The name of every file an attack tries to make.
pub(crate) const LOOT: &str = "pwned-by-the-attack-test";

/// The two doors of every endpoint.
pub(crate) const DOORS: [&str; 2] = ["/api", "/ajax-api"];

/// A running server, a run with one artifact, and canaries in reach of a path that climbs.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) wire: Wire,
    /// The prefix of all paths.
    pub(crate) prefix: String,
    pub(crate) experiment: String,
    pub(crate) run: String,
    pub(crate) model: String,
    outside: TempDir,
    before: BTreeMap<PathBuf, Stamp>,
}

/// What may not change about a file.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    content: Vec<u8>,
    modified: SystemTime,
}

impl World {
    /// A server on default settings.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The same server at the root and below a prefix.
    pub(crate) fn everywhere() -> [Self; 2] {
        [Self::new(), Self::with(&["--static-prefix", "/pre/fix"])]
    }

    pub(crate) fn with(args: &[&str]) -> Self {
        let server = Setup::new(env!("CARGO_BIN_EXE_modelyard")).args(args).start();
        let outside = TempDir::with_prefix("modelyard-canary-").expect("a folder");
        fs::write(outside.path().join("secret.txt"), CANARY).expect("written");
        fs::write(server.data().join("secret.txt"), CANARY).expect("written");
        let address = server.url().strip_prefix("http://").expect("an http address");
        let (address, prefix) = address.split_once('/').unwrap_or((address, ""));
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        let mut world = Self {
            wire: Wire::new(address),
            prefix,
            experiment: String::new(),
            run: String::new(),
            model: String::new(),
            outside,
            before: BTreeMap::new(),
            server,
        };
        world.furnish();
        world
    }

    fn furnish(&mut self) {
        let experiment = self.call("experiments/create", &json!({"name": "attacked"}));
        self.experiment = text(&experiment["experiment_id"]);
        let run = json!({"experiment_id": self.experiment, "start_time": 1});
        self.run = text(&self.call("runs/create", &run)["run"]["info"]["run_id"]);
        let model = json!({"experiment_id": self.experiment, "name": "m"});
        self.model = text(&self.call("logged-models", &model)["model"]["info"]["model_id"]);
        let file = format!("/{}/{}/artifacts/kept.txt", self.experiment, self.run);
        let kept = self.proxy("/api", "PUT", &file, b"kept");
        assert_eq!(kept.status, 200, "{kept:?}");
        self.before = self.everything();
    }

    /// A call that must succeed.
    pub(crate) fn call(&mut self, path: &str, body: &Value) -> Value {
        let reply = self.post("/api", path, body);
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.json()
    }

    /// A POST to MLflow's API.
    pub(crate) fn post(&mut self, door: &str, path: &str, body: &Value) -> Reply {
        let target = format!("{}{door}/2.0/mlflow/{path}", self.prefix);
        self.wire.json("POST", &target, body)
    }

    /// A request to the artifact proxy; `path` begins with a slash.
    pub(crate) fn proxy(&mut self, door: &str, method: &str, path: &str, body: &[u8]) -> Reply {
        let target = format!("{}{door}/2.0/mlflow-artifacts/artifacts{path}", self.prefix);
        self.wire.send(method, target.as_bytes(), &[], body)
    }

    /// Any GET below the prefix.
    pub(crate) fn get(&mut self, path: &str) -> Reply {
        let target = format!("{}{path}", self.prefix);
        self.wire.send("GET", target.as_bytes(), &[], b"")
    }

    /// The folder of the artifact store.
    pub(crate) fn store(&self) -> PathBuf {
        self.server.data().join("artifacts")
    }

    /// A folder outside it, with `secret.txt` in it.
    pub(crate) fn outside(&self) -> &Path {
        self.outside.path()
    }

    /// Fails if an answer is not a 4xx or tells what it must not.
    #[track_caller]
    pub(crate) fn refused(&self, attack: &str, reply: &Reply) {
        assert!((400..500).contains(&reply.status), "{attack}: {reply:?}");
        self.keeps_secrets(attack, reply);
    }

    /// Fails if an answer tells what it must not, or is a fault of the server.
    #[track_caller]
    pub(crate) fn keeps_secrets(&self, attack: &str, reply: &Reply) {
        assert!(reply.status < 500, "{attack}: {reply:?}");
        for secret in [CANARY, DATABASE, "root:x:0:0"] {
            assert!(!reply.reveals(secret), "{attack} reveals {secret}: {reply:?}");
        }
    }

    /// Fails if anything but the database changed on disk, or the server suffered.
    #[track_caller]
    pub(crate) fn assert_unharmed(&mut self) {
        let now = self.everything();
        for (path, stamp) in &self.before {
            assert_eq!(now.get(path), Some(stamp), "{} was harmed", path.display());
        }
        let new: Vec<_> = now.keys().filter(|path| !self.before.contains_key(*path)).collect();
        assert!(new.is_empty(), "new files: {new:?}");
        self.assert_well();
    }

    /// Fails if something was made or changed outside the artifact store, or the server suffered.
    #[track_caller]
    pub(crate) fn assert_well(&mut self) {
        for folder in [self.server.data(), self.outside()] {
            let secret = fs::read_to_string(folder.join("secret.txt")).expect("the canary");
            assert_eq!(secret, CANARY);
        }
        for folder in ["/tmp", "/etc", "/", "/root", "/var/tmp"] {
            assert!(!Path::new(folder).join(LOOT).exists(), "{folder}/{LOOT}");
        }
        assert_eq!(self.get("/health").status, 200);
        let log = self.server.log();
        assert!(!log.contains("panicked"), "{log}");
    }

    /// Every file of the data folder and of the folder outside, but for the database and what the
    /// artifact store keeps for itself.
    fn everything(&self) -> BTreeMap<PathBuf, Stamp> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.server.data().to_owned(), self.outside().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                if path.is_dir() {
                    if name != ".modelyard" {
                        folders.push(path);
                    }
                } else if !name.starts_with("modelyard.db") {
                    let content = fs::read(&path).expect("a file");
                    let modified = fs::metadata(&path).and_then(|it| it.modified());
                    found.insert(path, Stamp { content, modified: modified.expect("a time") });
                }
            }
        }
        found
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
