//! Tests, or parts of them, that cannot run here: counted, so that a green run hides nothing.
//!
//! The test runners show no output of a test that passes. So a line goes to the file that
//! `MODELYARD_TEST_LEFT_OUT` names, where `scripts/tally.py` counts it as skipped.

use std::fs::File;
use std::io::Write;

/// Names the file.
const FILE: &str = "MODELYARD_TEST_LEFT_OUT";

/// Why a test is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// A component that can be installed.
    Component,
    /// A right that this machine, such as a container, does not give; nothing the tests could do.
    Right,
}

/// Notes that the test that calls this, or a part of it, is left out, and says `why`.
///
/// # Panics
/// For a missing component if `CI` is `true`, lest a build server skip half of the tests unseen.
pub fn left_out(lack: Lack, why: &str) {
    let must = lack == Lack::Component && std::env::var("CI").as_deref() == Ok("true");
    assert!(!must, "{why}");
    eprintln!("{why}");
    if let Some(path) = std::env::var_os(FILE) {
        let line = format!("{}\t{lack:?}\t{why}\n", test_name());
        let mut file = File::options().append(true).create(true).open(path).expect("open the list");
        // One write, so that lines of tests that run at the same time do not mix.
        file.write_all(line.as_bytes()).expect("add to the list");
    }
}

/// The test that runs: what the runner asked for, or the name of its thread.
fn test_name() -> String {
    let words: Vec<String> = std::env::args().collect();
    let exact = words.iter().position(|word| word == "--exact");
    let asked = exact.and_then(|at| {
        let behind = words.get(at + 1).filter(|word| !word.starts_with('-'));
        behind.or_else(|| words.get(at.checked_sub(1)?)).cloned()
    });
    let thread = || std::thread::current().name().unwrap_or("?").to_owned();
    asked.unwrap_or_else(thread)
}
