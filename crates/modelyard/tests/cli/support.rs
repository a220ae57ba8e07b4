//! Running the binary, and texts that do not change from run to run.

use std::path::Path;
use std::process::{Command, Stdio};

use modelyard_testkit::Server;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_modelyard");

/// The binary in a folder of its own, with an environment that says nothing but what is set here.
pub(crate) struct Cli {
    pub(crate) folder: TempDir,
    env: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Cli {
    /// Without a tracking server.
    pub(crate) fn local() -> Self {
        let folder = TempDir::with_prefix("modelyard-cli-").expect("a folder");
        Self { folder, env: Vec::new() }
    }

    /// With the tracking server at `url`.
    pub(crate) fn to(url: &str) -> Self {
        Self::local().env("MLFLOW_TRACKING_URI", url)
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder the commands run in.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    #[expect(clippy::disallowed_methods, reason = "tests start the program they test")]
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        command.env("TZ", "UTC").env("LOGNAME", "tester").env("TMPDIR", self.path());
        command.current_dir(self.path()).stdin(Stdio::null()).args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        let output = self.command(args).output().expect("run the binary");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let code = output.status.code().expect("an exit code");
        Outcome { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs a command that must succeed; what it wrote to stdout.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let outcome = self.run(args);
        assert_eq!(outcome.code, 0, "{args:?}: {outcome:?}");
        outcome.stdout
    }

    /// As [`ok`](Self::ok), for JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(args)).expect("JSON on stdout")
    }

    /// Runs a command that must fail with `code`, silent on stdout; what it wrote to stderr.
    pub(crate) fn fails(&self, code: i32, args: &[&str]) -> String {
        let outcome = self.run(args);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (code, ""), "{args:?}: {outcome:?}");
        assert!(!outcome.stderr.contains("panicked"), "{outcome:?}");
        outcome.stderr
    }
}

/// A run with fixed times, so that tables of it are always the same; its id.
pub(crate) fn finished_run(
    server: &Server,
    experiment_id: &str,
    name: &str,
    took_ms: i64,
) -> String {
    // The longer a run, the later it starts: no two tie in the order of a list.
    let start_ms = 1_790_000_000_123 + took_ms;
    let create = serde_json::json!({
        "experiment_id": experiment_id, "run_name": name, "user_id": "ann", "start_time": start_ms,
    });
    let created = server.post("/api/2.0/mlflow/runs/create", &create).json();
    let id = created["run"]["info"]["run_id"].as_str().expect("a run id").to_owned();
    let update = serde_json::json!({
        "run_id": id, "status": "FINISHED", "end_time": start_ms + took_ms,
    });
    assert_eq!(server.post("/api/2.0/mlflow/runs/update", &update).status, 200);
    id
}

/// Logs to a run through the API.
pub(crate) fn log(server: &Server, run_id: &str, mut batch: Value) {
    batch["run_id"] = run_id.into();
    let answer = server.post("/api/2.0/mlflow/runs/log-batch", &batch);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Replaces ids and times by texts of the same width.
pub(crate) fn fixed(text: &str) -> String {
    let ids = masked(text, &"x".repeat(32), "<id>............................");
    let times = masked(&ids, "9999-99-99 99:99:99", "<date>.... <time>..");
    let millis = masked(&times, ".999+00:00", ".<ms>+00:00");
    masked(&millis, "179xxxxxxxxxx", "<epoch ms>...")
}

/// Replaces what looks like `mask`, in which `9` is any digit and `x` any hexadecimal digit, unless
/// it is a part of something longer.
fn masked(text: &str, mask: &str, replacement: &str) -> String {
    let (text, mask) = (text.as_bytes(), mask.as_bytes());
    let fits = |(byte, wanted): (&u8, &u8)| match wanted {
        b'9' if mask.contains(&b'-') || mask.contains(&b'+') => byte.is_ascii_digit(),
        b'x' => byte.is_ascii_hexdigit(),
        other => byte == other,
    };
    let mut result = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let is_start = at == 0 || !text[at - 1].is_ascii_alphanumeric() || mask[0] == b'.';
        let is_end = rest.get(mask.len()).is_none_or(|next| !next.is_ascii_alphanumeric());
        if is_start && is_end && rest.len() >= mask.len() && rest.iter().zip(mask).all(fits) {
            result.extend_from_slice(replacement.as_bytes());
            at += mask.len();
        } else {
            result.push(text[at]);
            at += 1;
        }
    }
    String::from_utf8(result).expect("UTF-8 in, UTF-8 out")
}
