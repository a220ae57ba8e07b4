//! A data folder on a disk that fills up.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use modelyard_testkit::{Answer, Lack, Server, Setup, left_out};
use serde_json::json;

/// Room for the database, the artifact journal and a little more.
const DISK_MIB: usize = 64;

/// A small disk in memory; unmounted when dropped.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// `None`, noted, where mounting is not allowed: root of a container often may not, either.
    #[expect(clippy::disallowed_methods, reason = "std mounts nothing")]
    fn mount() -> Option<Self> {
        let folder = tempfile::TempDir::with_prefix("modelyard-disk-").expect("a folder");
        let size = format!("size={DISK_MIB}m");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path());
        match command.output() {
            Ok(output) if output.status.success() => Some(Self { folder }),
            _refused => {
                left_out(Lack::Right, "this user may not mount a small disk: it is not filled");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the room that is left; returns the file to remove. The server gives back the room of
    /// refused uploads after it has answered, so it is taken until none has come back for a while.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = fs::File::create(&path).expect("made");
        let mut quiet = 0;
        while quiet < 20 {
            let before = file.metadata().expect("a size").len();
            for size in [1 << 20, 4096, 1] {
                let block = vec![0; size];
                while file.write_all(&block).is_ok() {}
            }
            let after = file.metadata().expect("a size").len();
            quiet = if after == before { quiet + 1 } else { 0 };
            std::thread::sleep(Duration::from_millis(20));
        }
        path
    }
}

impl Drop for Disk {
    #[expect(clippy::disallowed_methods, reason = "std unmounts nothing")]
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "the disk stays mounted");
    }
}

const PROXY: &str = "/api/2.0/mlflow-artifacts/artifacts";

fn put(server: &Server, name: &str, size: usize) -> Answer {
    let body: Vec<u8> = name.bytes().cycle().take(size).collect();
    server.send("PUT", &format!("{PROXY}/{name}"), &[], &body)
}

fn is_whole(server: &Server, name: &str, size: usize) -> bool {
    let answer = server.get(&format!("{PROXY}/{name}"));
    answer.status == 200 && answer.body.iter().copied().eq(name.bytes().cycle().take(size))
}

/// 507 or 503 with MLflow's error JSON and a message that names the disk.
#[track_caller]
fn assert_full(answer: &Answer) {
    assert!(matches!(answer.status, 503 | 507), "{} {}", answer.status, answer.text());
    let message = answer.json()["message"].as_str().expect("a message").to_lowercase();
    assert!(message.contains("disk") || message.contains("space"), "{message}");
}

fn log_batch(server: &Server, run: &str, first_step: usize) -> Answer {
    let metric = |step: usize| json!({"key": "m", "value": 1.5, "timestamp": 1, "step": step});
    let metrics: Vec<_> = (first_step..first_step + 1000).map(metric).collect();
    server.post("/api/2.0/mlflow/runs/log-batch", &json!({"run_id": run, "metrics": metrics}))
}

fn history_len(server: &Server, run: &str) -> usize {
    let query = format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=m");
    server.get(&query).json()["metrics"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let Some(disk) = Disk::mount() else { return };
    let data = disk.path().join("data");
    let data = data.to_str().expect("UTF-8");
    let setup = Setup::new(env!("CARGO_BIN_EXE_modelyard")).env("MODELYARD_DATA_DIR", data);
    let mut server = setup.start();
    let run = server.post("/api/2.0/mlflow/runs/create", &json!({"experiment_id": "0"})).json();
    let run = run["run"]["info"]["run_id"].as_str().expect("an id").to_owned();
    let mut kept = vec![("small", 4_000), ("large", 400_000)];
    for (name, size) in &kept {
        assert_eq!(put(&server, name, *size).status, 200);
    }
    assert_eq!(log_batch(&server, &run, 0).status, 200);

    // More than there is room for: refused, whether the size is known or not.
    assert_full(&put(&server, "too-large", (DISK_MIB + 1) << 20));
    assert_full(&send_chunked(&server, "too-large", DISK_MIB + 1));

    let filler = disk.fill();
    assert_full(&put(&server, "small", 5_000));
    assert_full(&put(&server, "other", 1));
    assert_full(&put(&server, "large", 500_000));
    let mut points = 1000;
    let refused = loop {
        let answer = log_batch(&server, &run, points);
        if answer.status != 200 {
            break answer;
        }
        points += 1000;
        assert!(points < 1_000_000, "the disk never fills");
    };
    assert_full(&refused);
    assert_readable(&server, &run, &kept, points);

    // With room again, the same server goes on.
    fs::remove_file(filler).expect("removed");
    assert_eq!(put(&server, "after", 4_000).status, 200);
    assert_eq!(put(&server, "after-large", 400_000).status, 200);
    kept.extend([("after", 4_000), ("after-large", 400_000)]);
    let answer = log_batch(&server, &run, points);
    assert_eq!(answer.status, 200, "{}", answer.text());
    points += 1000;

    server.kill();
    server.restart();
    assert_readable(&server, &run, &kept, points);
    assert!(!server.log().contains("panicked"), "{}", server.log());
    for name in ["too-large", "other"] {
        assert_eq!(server.get(&format!("{PROXY}/{name}")).status, 404, "{name} was refused");
    }
}

/// Everything that was acknowledged.
#[track_caller]
fn assert_readable(server: &Server, run: &str, kept: &[(&str, usize)], points: usize) {
    assert_eq!(server.get("/health").status, 200);
    for (name, size) in kept {
        assert!(is_whole(server, name, *size), "{name}");
    }
    assert_eq!(history_len(server, run), points);
}

/// Uploads so many MiB without saying how many.
fn send_chunked(server: &Server, name: &str, mib: usize) -> Answer {
    let mut stream = server.connect();
    let head = format!(
        "PUT {PROXY}/{name} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let chunk = [b"100000\r\n".as_slice(), &vec![b'x'; 1 << 20], b"\r\n"].concat();
    for _ in 0..mib {
        stream.write_all(&chunk).expect("the server takes it all, to answer at the end");
    }
    stream.write_all(b"0\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut answer).expect("an answer");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.as_bytes().to_vec());
    Answer { status, headers: Default::default(), body: body.unwrap_or_default() }
}
