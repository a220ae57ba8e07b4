//! How long a request takes to decode and its answer to encode, without a model and without HTTP:
//! `cargo run --release -p modelyard-models --example codec_speed`.

#![expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]
#![expect(clippy::print_stdout, reason = "the result")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use modelyard_models::frame::{Column, Tensor};
use modelyard_models::scoring::{Input, Output, Protocol, encode};
use modelyard_models::signature::Signature;

/// Long enough for the clock, short enough to take the best of many.
const ROUND: Duration = Duration::from_millis(20);
const ROUNDS: usize = 25;

fn protocol(columns: usize, kind: &str) -> Protocol {
    let column = |n| format!(r#"{{"type": "{kind}", "name": "feature_{n}", "required": true}}"#);
    let inputs = format!("[{}]", (0..columns).map(column).collect::<Vec<_>>().join(", "));
    Protocol::new(Some(Signature::read(Some(&inputs), None, None).unwrap()), false)
}

fn split(columns: usize, rows: usize) -> String {
    let names: Vec<String> = (0..columns).map(|n| format!("\"feature_{n}\"")).collect();
    let cell = |n: usize| format!("{}.{:03}", n % 7, n * 37 % 1000);
    let row = |at: usize| {
        let cells: Vec<String> = (0..columns).map(|n| cell(at * columns + n)).collect();
        format!("[{}]", cells.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        r#"{{"dataframe_split": {{"columns": [{}], "data": [{}]}}}}"#,
        names.join(", "),
        rows.join(", ")
    )
}

/// The best time of one call, in nanoseconds.
fn best_ns(mut call: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut calls = 0_u32;
        while start.elapsed() < ROUND {
            for _ in 0..16 {
                call();
            }
            calls += 16;
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(calls));
    }
    best
}

/// Decodes a request and answers with one number for each row.
fn measure(name: &str, protocol: &Protocol, body: &str) {
    let mut answer = Vec::new();
    let ns = best_ns(|| {
        let request =
            protocol.decode(Some("application/json"), black_box(body.as_bytes())).unwrap();
        let Input::Frame(frame) = &request.input else { panic!("no frame") };
        let cells = frame.to_f64().unwrap();
        let sums = cells.chunks(frame.width()).map(|row| row.iter().sum()).collect();
        let output =
            Output::Tensor(Tensor { shape: vec![frame.rows()], elements: Column::F64(sums) });
        answer.clear();
        encode(&output, request.unwrapped, &mut answer);
        black_box(&answer);
    });
    println!("{name:40} {ns:12.0} ns");
}

fn main() {
    measure("1 row, 10 doubles, split", &protocol(10, "double"), &split(10, 1));
    measure("1 row, 10 floats, split", &protocol(10, "float"), &split(10, 1));
    measure("1 row, 200 doubles, split", &protocol(200, "double"), &split(200, 1));
    measure("1,000 rows, 10 doubles, split", &protocol(10, "double"), &split(10, 1000));
    let long_way = split(10, 1).replace("]]}}", "]], \"index\": [0]}}");
    measure("1 row, 10 doubles, split, the long way", &protocol(10, "double"), &long_way);
}
